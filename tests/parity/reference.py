"""Keras 3 on JAX beside etude: the same model built twice, with the same weights."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import jax
import keras
import numpy as np

import etude

RTOL = ATOL = 1e-5


@contextlib.contextmanager
def keras_alone() -> Iterator[None]:
    """Keras expects jax with 32-bit types, etude switches the wider ones on."""
    with jax.enable_x64(False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, message="__array__")
        yield


class Pair:
    """A model of etude and one of Keras, made by the same function, with equal weights.

    Args:
        build: takes the module ``etude`` or ``keras`` and returns a model.
    """

    def __init__(self, build: Callable[[Any], Any]) -> None:
        self.ours = build(etude)
        with keras_alone():
            self.theirs = build(keras)
        shapes = [w.shape for w in self.ours.weights]
        with keras_alone():
            assert shapes == [tuple(w.shape) for w in self.theirs.weights]
        rng = np.random.default_rng(0)
        weights = [plausible(w.path, w.shape, rng) for w in self.ours.weights]
        self.ours.set_weights(weights)
        with keras_alone():
            self.theirs.set_weights(weights)

    def compile(self, arguments: Callable[[Any], dict[str, Any]]) -> None:
        """Compiles both; the arguments are made for each module."""
        self.ours.compile(**arguments(etude))
        with keras_alone():
            self.theirs.compile(**arguments(keras))

    def both(self, run: Callable[[Any], Any]) -> tuple[Any, Any]:
        """What a function of the model returns for each."""
        ours = run(self.ours)
        with keras_alone():
            return ours, run(self.theirs)

    def assert_equal_weights(self, rtol: float = RTOL, atol: float = ATOL) -> None:
        """Fails unless all weights are equal."""
        ours, theirs = self.both(lambda model: [w.numpy() for w in model.weights])
        names = [w.path for w in self.ours.weights]
        for name, a, b in zip(names, ours, theirs, strict=True):
            np.testing.assert_allclose(a, np.asarray(b), rtol, atol, err_msg=name)


def plausible(path: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Numbers of the size that a weight of this name has."""
    if path.endswith("variance"):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    fan_in = int(np.prod(shape[:-1])) or 1
    return (rng.normal(size=shape) / np.sqrt(max(fan_in, 4))).astype("float32")
