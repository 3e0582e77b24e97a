"""Where arrays live and how programs run.

An engine is a module with the names of the NumPy namespace and a few more (loops, scatter,
convolution, compilation) under the same signatures:

* `etude.engine.numpy` runs every operation at once;
* `etude.engine.xla` runs the same calls through ``jax.numpy``, and compiles whole programs.

`xp` is the active one. Code above this floor never imports numpy or jax for its mathematics.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from etude import config
from etude.engine.cell import Cell, Frame, in_frame, shapes_only

__all__ = [
    "Cell",
    "Frame",
    "in_frame",
    "shapes_only",
    "xp",
]

_loaded: dict[str, ModuleType] = {}


def xp() -> Any:
    """The active engine, as a namespace of array functions.

    >>> from etude import config
    >>> xp().name == config.backend()
    True
    """
    name = config._local.engine or config._engine or config.backend()  # pyright: ignore[reportPrivateUsage]
    return _loaded.get(name) or _load(name)


def _load(name: str) -> ModuleType:
    _loaded[name] = importlib.import_module(f"etude.engine.{name}")
    return _loaded[name]
