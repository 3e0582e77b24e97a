"""What is not here: an error that names it, and says what to do instead."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from typing import Any

from etude import ops
from etude.errors import MissingNameError

__all__ = ["Namespace", "lacks"]

_GRAPHS = (
    "Graphs and sessions of TensorFlow 1 are gone from TensorFlow 2 as well: call functions on "
    "values, and decorate slow ones with `tf.function`."
)
_RAGGED = (
    "etude's tensors are dense: pad rows to one length with `keras.utils.pad_sequences`, and mask "
    "what was padded."
)
_COLUMNS = (
    "Use the preprocessing layers of Keras: `Normalization`, `StringLookup`, `CategoryEncoding`, "
    "`Discretization`, or `keras.utils.FeatureSpace`."
)
_FILES = (
    "Save the model with `model.save('name.keras')`, and load it with `keras.models.load_model`."
)

ADVICE = {
    "tf.Session": _GRAPHS,
    "tf.InteractiveSession": _GRAPHS,
    "tf.placeholder": _GRAPHS,
    "tf.global_variables_initializer": _GRAPHS,
    "tf.get_variable": "Use `tf.Variable`.",
    "tf.gradients": "Use `tf.GradientTape`.",
    "tf.ConfigProto": _GRAPHS,
    "tf.Graph": _GRAPHS,
    "tf.layers": "Use `tf.keras.layers`.",
    "tf.compat.v1": _GRAPHS,
    "tf.contrib": "It left TensorFlow with version 2.",
    "tf.set_random_seed": "Use `tf.random.set_seed`.",
    "tf.log": "Use `tf.math.log`.",
    "tf.ragged": _RAGGED,
    "tf.RaggedTensor": _RAGGED,
    "tf.sparse": "etude's tensors are dense: use dense arrays.",
    "tf.SparseTensor": "etude's tensors are dense: use dense arrays.",
    "tf.IndexedSlices": "etude's gradients are dense Tensors.",
    "tf.feature_column": _COLUMNS,
    "tf.estimator": "Use `model.compile` and `model.fit`.",
    "tf.saved_model": _FILES,
    "tf.lite": _FILES,
    "tf.keras.backend.placeholder": _GRAPHS,
    "tf.keras.backend.function": "Make a model of the tensors: `keras.Model(inputs, outputs)`.",
    "tf.keras.backend.gradients": "Use `tf.GradientTape`.",
    "tf.keras.backend.learning_phase": "Call the layer with `training=True` or `False`.",
    "tf.keras.backend.set_learning_phase": "Call the layer with `training=True` or `False`.",
    "tf.keras.backend.get_session": _GRAPHS,
    "tf.tpu": "Use the engine 'xla', which runs on the accelerator that jax finds.",
    "tf.raw_ops": "Use the function of that name in `tf` or `keras.ops`.",
    "tf.TensorArray": "Collect values in a list, and `tf.stack` it; or use `keras.ops.scan`.",
    "tf.autograph": "Compiled functions are traced, not rewritten: see `keras.ops.cond`.",
}


def lacks(namespace: str, module: str) -> Callable[[str], Any]:
    """A module's ``__getattr__`` for names that it has not.

    Args:
        namespace: what users call the module, e.g. ``"tf.math"``.
        module: its ``__name__``.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise MissingNameError(_message(f"{namespace}.{name}", name, vars(sys.modules[module])))

    return __getattr__


class Namespace:
    """A part of TensorFlow that is small enough to need no file of its own.

    Args:
        path: what users call it, e.g. ``"tf.config"``.
        **members: what is in it.
    """

    def __init__(self, path: str, **members: Any):
        self.__dict__.update(members)
        self.__dict__["_path"] = path

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_path" not in self.__dict__:
            raise AttributeError(name)
        raise MissingNameError(_message(f"{self._path}.{name}", name, self.__dict__))


def _message(path: str, name: str, known: dict[str, Any]) -> str:
    text = f"`{path}` is not in etude's stand-in for TensorFlow."
    if path in ADVICE:
        return f"{text} {ADVICE[path]}"
    if hasattr(ops, name):
        return f"{text} Use `keras.ops.{name}`, which does the same."
    near = difflib.get_close_matches(name, [k for k in known if not k.startswith("_")], n=3)
    if near:
        space = path.rpartition(".")[0]
        return f"{text} Did you mean {' or '.join(f'`{space}.{k}`' for k in near)}?"
    return (
        f"{text} Look for it in `keras.ops`, whose functions take the same tensors, or write it "
        "with those that are here."
    )
