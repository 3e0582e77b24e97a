"""Constraints: values and configs of Keras, names, bad input."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from etude import Variable, constraints
from etude.errors import ArgumentError, UnknownNameError

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": [0, 1]}),
    ("NonNeg", {}),
    ("UnitNorm", {"axis": 1}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "rate": 0.3, "axis": 1}),
]
W = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_equals_keras(engine: str, name: str, options: dict[str, Any]):
    expected = getattr(keras.constraints, name)(**options)(W)
    constraint = getattr(constraints, name)(**options)
    np.testing.assert_allclose(constraint(W).numpy(), np.asarray(expected), rtol=1e-6)
    np.testing.assert_allclose(constraint(Variable(W)).numpy(), np.asarray(expected), rtol=1e-6)


@pytest.mark.parametrize(("name", "options"), ROWS)
def test_config_round_trip(name: str, options: dict[str, Any]):
    config = constraints.serialize(getattr(constraints, name)(**options))
    assert config == keras.constraints.serialize(getattr(keras.constraints, name)(**options))
    assert constraints.serialize(constraints.deserialize(config)) == config


@pytest.mark.parametrize("name", list(constraints.NAMES))
def test_names_are_those_of_keras(name: str):
    assert type(constraints.get(name)).__name__ == type(keras.constraints.get(name)).__name__


def test_get():
    constraint = constraints.NonNeg()
    assert constraints.get(None) is None
    assert constraints.get(constraint) is constraint
    assert constraints.max_norm is constraints.MaxNorm
    with pytest.raises(UnknownNameError, match=r"Unknown constraint: 'nonneg'. Did you mean"):
        constraints.get("nonneg")
    with pytest.raises(ArgumentError, match="Could not interpret constraint identifier: 3"):
        constraints.get(3)
