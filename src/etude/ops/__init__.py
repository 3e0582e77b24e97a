"""The mathematics: every operation, forward and gradient side by side.

One file per subject; `etude.ops` gathers their public names, which are those of `keras.ops`.
"""

# TEMPORARY while the families are being written: takes the modules that exist already.
import importlib as _importlib
import importlib.util as _util

for _name in (
    "core", "elementwise", "comparison", "trigonometry", "exponential", "shape", "creation", "reduction",
    "indexing", "sorting", "scatter", "statistics", "linear_algebra", "einsum", "activation", "control",
    "convolution", "pooling", "normalization", "recurrence", "loss", "random", "image",
):  # fmt: skip
    if _util.find_spec(f"etude.ops.{_name}"):
        _module = _importlib.import_module(f"etude.ops.{_name}")
        for _public in getattr(_module, "__all__", ()):
            globals()[_public] = getattr(_module, _public)
