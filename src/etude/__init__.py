"""etude: deep learning from scratch that is good enough for the stage."""

# TEMPORARY while the floors are being written: takes what exists already.
import importlib as _importlib

from etude import config, errors, ops, tree
from etude.autodiff import GradientTape, KerasTensor, Tensor, function
from etude.variable import Variable

__version__ = "0.1.0"

for _name in (
    "random", "initializers", "regularizers", "constraints", "activations", "layers", "losses", "metrics",
    "optimizers", "models", "callbacks", "utils", "datasets", "saving", "backend", "dtype_policies", "training",
):  # fmt: skip
    try:
        globals()[_name] = _importlib.import_module(f"etude.{_name}")
    except ImportError as _error:
        print("etude: not yet:", _name, _error)

for _space, _names in {
    "layers": ("Layer", "Input", "InputLayer", "InputSpec"),
    "models": ("Model", "Sequential", "Functional"),
    "losses": ("Loss",), "metrics": ("Metric",), "optimizers": ("Optimizer",),
    "initializers": ("Initializer",), "regularizers": ("Regularizer",),
}.items():  # fmt: skip
    for _n in _names:
        if hasattr(globals().get(_space), _n):
            globals()[_n] = getattr(globals()[_space], _n)
