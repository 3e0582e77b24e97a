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
    "active",
    "in_frame",
    "kernel",
    "kernel_for",
    "shapes_only",
    "xp",
]

_loaded: dict[str, ModuleType] = {}
KERNELS: dict[str, dict[str, Any]] = {"numpy": {}, "xla": {}}


def xp() -> Any:
    """The active engine, as a namespace of array functions.

    >>> from etude import config
    >>> xp().name == config.backend()
    True
    """
    name = config._local.engine or config._engine or config.backend()  # pyright: ignore[reportPrivateUsage]
    return _loaded.get(name) or _load(name)


active = xp


def _load(name: str) -> ModuleType:
    _loaded[name] = importlib.import_module(f"etude.engine.{name}")
    return _loaded[name]


def kernel(engine: str, primitive: str) -> Any:
    """Registers an engine's own forward for a primitive, by the primitive's name.

    The kernel takes the same arguments as the forward in `etude.ops` and returns the same result;
    the gradient rule stays the one beside the forward.
    """

    def register(function: Any) -> Any:
        KERNELS[engine][primitive] = function
        return function

    return register


def kernel_for(primitive: str, default: Any) -> Any:
    """The active engine's kernel for a primitive, or else the given forward."""
    return KERNELS[xp().name].get(primitive, default)
