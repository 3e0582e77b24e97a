"""A network of Keras beside the same one of etude, without the time that random weights take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import keras
import numpy as np

import etude
from etude import initializers as our_initializers
from tests.parity.reference import keras_alone, plausible

# A little optimization less: compiling is most of the time of these tests.
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
RANDOM = ("GlorotUniform", "HeNormal", "TruncatedNormal", "VarianceScaling")


def _of(value: float) -> Any:
    def values(self: Any, shape: Any, dtype: Any = None, **options: Any) -> np.ndarray:
        return np.full(shape, value, "float32") if value else np.zeros(shape, "float32")

    return values


@contextlib.contextmanager
def quick_weights(initializers: Any) -> Iterator[None]:
    """Inside, initializers of etude or Keras give zeros: they would cost most of the time."""
    with contextlib.ExitStack() as stack:
        for name in (*RANDOM, "Zeros", "Ones"):
            value = 1.0 if name == "Ones" else 0.0
            owner = getattr(initializers, name)
            stack.enter_context(mock.patch.object(owner, "__call__", _of(value)))
        yield


def ours(name: str, **options: Any) -> Any:
    """A network of etude, with zeros for weights."""
    etude.config.set_engine("numpy")
    with quick_weights(our_initializers):
        return getattr(etude.applications, name)(weights=None, **options)


def theirs(name: str, **options: Any) -> Any:
    """The network of Keras, with zeros for weights."""
    with keras_alone(), quick_weights(keras.initializers):
        keras.utils.clear_session()
        return getattr(keras.applications, name)(weights=None, **options)


def names(model: Any) -> list[str]:
    """The names of the layers, in the order of the model; inputs count on, so without theirs."""
    return [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"]


def shapes(model: Any) -> list[tuple[str, tuple[int, ...]]]:
    """The path and the shape of each weight, in their order."""
    return [(weight.path, tuple(weight.shape)) for weight in model.weights]


def random_weights(model: Any) -> list[np.ndarray]:
    """Numbers for the weights of a model, of which no layer dies or explodes."""
    rng = np.random.default_rng(0)
    return [plausible(weight.path, weight.shape, rng) for weight in model.weights]


def call_keras(model: Any, x: np.ndarray) -> np.ndarray:
    """What a model of Keras predicts, compiled in haste."""
    with keras_alone():
        trainable = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]

        def call(trainable: Any, others: Any, x: Any) -> Any:
            return model.stateless_call(trainable, others, x)[0]

        return np.asarray(jax.jit(call, compiler_options=QUICK)(trainable, others, x))
