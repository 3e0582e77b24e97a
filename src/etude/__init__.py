"""etude: deep learning from scratch that is good enough for the stage.

The public namespace has the names of Keras 3: ``import etude as keras`` works. Beyond it there are
`function` (imperative code compiled into one program), `GradientTape`, `Tensor`, and `autodiff`
with its gradient checker.
"""

# ruff: noqa: E402  (imports stand after the switch below)
from __future__ import annotations

import gc
import importlib
from typing import TYPE_CHECKING

_collects = gc.isenabled()
gc.disable()  # nothing is garbage while modules load, and the search takes an eighth of the time

from etude import (
    activations,
    autodiff,
    backend,
    callbacks,
    config,
    constraints,
    dtype_policies,
    errors,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    tree,
)
from etude.autodiff import GradientTape, KerasTensor, Tensor, function
from etude.dtype_policies import DTypePolicy, FloatDTypePolicy
from etude.engine import device
from etude.initializers import Initializer
from etude.layers import Input, InputSpec, Layer
from etude.layers.base.operation import Operation
from etude.losses import Loss
from etude.metrics import Metric
from etude.models import Functional, Model, Sequential
from etude.models.function import Function
from etude.naming import name_scope
from etude.optimizers import Optimizer
from etude.regularizers import Regularizer
from etude.stateless import StatelessScope, SymbolicScope
from etude.variable import Variable

if _collects:
    if not gc.get_freeze_count():  # what was loaded is old at once, unsearched: 50 ms
        gc.freeze()
        gc.unfreeze()
    gc.enable()

if TYPE_CHECKING:
    from typing import Any  # not in the public namespace, which has an operation Any

    from etude import (
        applications,
        datasets,
        debugging,
        distillation,
        distribution,
        legacy,
        mixed_precision,
        preprocessing,
        utils,
        visualization,
        wrappers,
    )

__version__ = "0.1.0"

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Function",
    "Functional",
    "GradientTape",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "StatelessScope",
    "SymbolicScope",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "autodiff",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "debugging",
    "device",
    "distillation",
    "distribution",
    "dtype_policies",
    "errors",
    "function",
    "initializers",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "version",
    "visualization",
    "wrappers",
]

_WHEN_FIRST_USED = (
    "applications",
    "datasets",
    "debugging",
    "distillation",
    "distribution",
    "export",
    "legacy",
    "mixed_precision",
    "preprocessing",
    "utils",
    "visualization",
    "wrappers",
)


def version() -> str:
    """The version of etude.

    >>> version() == __version__
    True
    """
    return __version__


def __getattr__(name: str) -> Any:
    """Parts that only some programs need are imported when they are first used."""
    if name in _WHEN_FIRST_USED:
        return importlib.import_module(f"etude.{name}")
    if name.startswith("__"):  # Python asks for these by itself
        raise AttributeError(f"module 'etude' has no attribute {name!r}")
    raise errors.MissingNameError(lambda: errors.missing_member("etude", name))
