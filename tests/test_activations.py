"""Activations: values and gradients of Keras, names, configs, bad input."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np
import pytest

import etude
from etude import activations, ops
from etude.errors import ArgumentError, SerializationError, UnknownNameError

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *((n, {}) for n in activations.FUNCTIONS_BY_NAME if n not in ("threshold", "sparsemax")),
    ("relu", {"negative_slope": 0.2}),
    ("relu", {"max_value": 6}),
    ("relu", {"max_value": 1.5, "threshold": 0.5}),
    ("relu", {"max_value": 1.5, "threshold": 0.5, "negative_slope": 0.1}),
    ("relu", {"threshold": -0.5, "negative_slope": 0.1}),
    ("gelu", {"approximate": True}),
    ("leaky_relu", {"negative_slope": 0.5}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("hard_shrink", {"threshold": 0.2}),
    ("soft_shrink", {"threshold": 0.2}),
    ("squareplus", {"b": 1.0}),
    ("threshold", {"threshold": 0.3, "default_value": -7.0}),
]
IDS = [f"{i}-{name}" for i, (name, _) in enumerate(OPTIONS)]
X = np.random.default_rng(0).normal(size=(5, 6)).astype("float32") * 3


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=IDS)
def test_values_and_gradients_equal_keras(engine: str, name: str, options: dict[str, Any]):
    names = {"swish": "silu", "hard_swish": "hard_silu"}
    reference = getattr(keras.activations, names.get(name, name))
    expected, pull = jax.vjp(lambda x: reference(x, **options), X)
    g = np.random.default_rng(1).normal(size=expected.shape).astype("float32")
    x = ops.convert_to_tensor(X)
    with etude.GradientTape() as tape:
        tape.watch(x)
        actual = getattr(activations, name)(x, **options)
    np.testing.assert_allclose(actual.numpy(), np.asarray(expected), rtol=3e-6, atol=3e-6)
    gradient = tape.gradient(actual, x, output_gradients=ops.convert_to_tensor(g))
    np.testing.assert_allclose(gradient.numpy(), np.asarray(pull(g)[0]), rtol=2e-5, atol=2e-5)


def test_sparsemax_is_the_nearest_point_of_the_simplex(engine: str):
    """Keras 3.15.1 gives rows that do not sum to 1, so the projection itself is the reference."""
    p = activations.sparsemax(X).numpy()
    np.testing.assert_allclose(p.sum(-1), 1.0, rtol=1e-6)
    assert (p >= 0).all()
    for x, row in zip(X, p, strict=True):  # x - τ where that is positive, for one τ
        tau = (x - row)[row > 0]
        np.testing.assert_allclose(tau, tau[0], atol=1e-6)
        assert (x[row == 0] <= tau[0] + 1e-6).all()


@pytest.mark.parametrize("name", list(activations.FUNCTIONS_BY_NAME))
def test_names_and_configs_are_those_of_keras(name: str):
    activation = activations.get(name)
    reference = keras.activations.get(name)
    assert activations.serialize(activation) == keras.activations.serialize(reference)
    assert activations.get(activations.serialize(activation)) is activation
    config = etude.saving.serialize_keras_object(activation)
    assert config == keras.saving.serialize_keras_object(reference)
    assert activations.get(config) is activation


def test_all_of_keras_are_here():
    public = {n for n in dir(keras.activations) if not n.startswith("_")}
    assert public <= set(activations.__all__)


def test_get():
    def own(x: Any) -> Any:
        return x

    assert activations.get(None) is activations.linear
    assert activations.get(own) is own
    layer_like = activations.get({"class_name": "function", "config": "relu", "module": "builtins"})
    assert layer_like is activations.relu
    with pytest.raises(UnknownNameError, match=r"Unknown activation: 'rellu'. Did you mean 'relu'"):
        activations.get("rellu")
    with pytest.raises(
        ArgumentError, match="Could not interpret activation function identifier: 3"
    ):
        activations.get(3)


def test_own_activations_are_saved_by_their_registered_name():
    @etude.saving.register_keras_serializable("activations_test")
    def double(x: Any) -> Any:
        return 2 * x

    assert activations.get(activations.serialize(double)) is double
    with (
        pytest.warns(UserWarning, match="A lambda was serialized"),
        pytest.raises(SerializationError, match="cannot be serialized"),
    ):
        activations.serialize(lambda x: x)
