"""Regularizers: values and configs of Keras, names, bad input."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from etude import ops, regularizers
from etude.errors import ArgumentError, ShapeError, UnknownNameError

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {}),
    ("L1L2", {"l1": 0.1, "l2": 0.2}),
    ("OrthogonalRegularizer", {"factor": 0.5}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]
X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_equals_keras(engine: str, name: str, options: dict[str, Any]):
    expected = getattr(keras.regularizers, name)(**options)(keras.ops.convert_to_tensor(X))
    actual = getattr(regularizers, name)(**options)(ops.convert_to_tensor(X))
    assert actual.dtype == "float32"
    assert actual.shape == ()
    assert float(actual) == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_config_round_trip(name: str, options: dict[str, Any]):
    config = regularizers.serialize(getattr(regularizers, name)(**options))
    theirs = keras.regularizers.serialize(getattr(keras.regularizers, name)(**options))
    assert config.keys() == theirs.keys()
    assert config["config"] == pytest.approx(theirs["config"])
    assert regularizers.serialize(regularizers.deserialize(config)) == config


@pytest.mark.parametrize("name", [n for n in regularizers.NAMES if n != "l1_l2"])
def test_names_are_those_of_keras(name: str):
    assert type(regularizers.get(name)).__name__ == type(keras.regularizers.get(name)).__name__


def test_get():
    own = lambda x: ops.sum(x)  # noqa: E731
    assert regularizers.get(None) is None
    assert regularizers.get(own) is own
    assert regularizers.l1_l2 is regularizers.L1L2
    with pytest.raises(UnknownNameError, match=r"Unknown regularizer: 'l3'. Did you mean"):
        regularizers.get("l3")
    with pytest.raises(ArgumentError, match="Could not interpret regularizer identifier: 3"):
        regularizers.get(3)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "0.1"])
def test_bad_factors(value: Any):
    with pytest.raises(ArgumentError, match="expected a non-negative float"):
        regularizers.L2(value)


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="argument `mode`"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ShapeError, match="must have rank 2"):
        regularizers.OrthogonalRegularizer()(ops.ones((2, 2, 2)))
    with pytest.raises(NotImplementedError, match="does not implement get_config"):
        regularizers.Regularizer().get_config()
