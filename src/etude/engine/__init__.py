"""Where arrays live and how programs run.

An engine is a module with the names of the NumPy namespace and a few more (loops, scatter,
convolution, compilation) under the same signatures:

* `etude.engine.numpy` runs every operation at once;
* `etude.engine.xla` runs the same calls through ``jax.numpy``, and compiles whole programs.

`xp` is the active one. Code above this floor never imports numpy or jax for its mathematics.
"""

from __future__ import annotations

import importlib
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from etude import config
from etude.engine.cell import Cell, Frame, in_frame, shapes_only
from etude.errors import ArgumentError

__all__ = ["Cell", "Frame", "device", "in_frame", "shapes_only", "xp"]

_loaded: dict[str, ModuleType] = {}


def xp() -> Any:
    """The active engine, as a namespace of array functions.

    >>> from etude import config
    >>> xp().name == config.backend()
    True
    """
    name = config._local.engine or config._engine or config.backend()  # pyright: ignore[reportPrivateUsage]
    return _loaded.get(name) or _load(name)


def device(device_name: str) -> AbstractContextManager[Any]:
    """A scope in which arrays are made, and programs run, on a device of this machine.

    Args:
        device_name: its kind and number, such as ``"gpu:0"``; without a number the first.

    Raises:
        ArgumentError: it is no name of this form.
        EngineError: there is no such device.

    >>> with device("cpu:0"):
    ...     xp().zeros(2).shape
    (2,)
    """
    kind, _, number = str(device_name).lower().partition(":")
    if kind not in ("cpu", "gpu", "cuda", "tpu") or not (number or "0").isdigit():
        raise ArgumentError(
            f"A device is named by its kind and its number, such as 'cpu:0' or 'gpu:1'; got "
            f"{device_name!r}."
        )
    return xp().on_device("gpu" if kind == "cuda" else kind, int(number or 0))


def _load(name: str) -> ModuleType:
    _loaded[name] = importlib.import_module(f"etude.engine.{name}")
    return _loaded[name]
