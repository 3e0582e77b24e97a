"""Scopes in which Variables have other values."""

from __future__ import annotations

import numpy as np
import pytest

import etude
from etude import StatelessScope, SymbolicScope, Variable, layers, ops
from etude.errors import ArgumentError, ShapeError


def test_values_of_a_scope_stay_in_it(engine: str):
    v, w = Variable([1.0, 2.0]), Variable([5.0])
    with StatelessScope([(v, np.array([3.0, 4.0]))]) as scope:
        np.testing.assert_array_equal(v.numpy(), [3.0, 4.0])
        v.assign_sub([1.0, 1.0])
        scope.add_update((w, [6.0]))
        np.testing.assert_array_equal((v * w).numpy(), [12.0, 18.0])
        with StatelessScope([(v, [0.0, 0.0])]):
            assert float(ops.sum(v)) == 0.0
    np.testing.assert_array_equal(v.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(w.numpy(), [5.0])
    assert scope.get_current_value(v).numpy().tolist() == [2.0, 3.0]
    assert scope.get_current_value(Variable(0.0)) is None


def test_models_run_with_other_weights(engine: str):
    model = etude.Sequential([layers.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    x = np.array([[1.0, 2.0]], "float32")
    with StatelessScope([(v, ops.full(v.shape, 10.0)) for v in model.weights]), SymbolicScope():
        assert float(model(x)[0, 0]) == 40.0
    assert float(model(x)[0, 0]) == 3.0


def test_bad_mappings():
    with pytest.raises(ArgumentError, match="Invalid reference variable in StatelessScope"):
        StatelessScope([(1.0, 2.0)])  # type: ignore[list-item]
    with pytest.raises(ShapeError, match="Invalid variable value in StatelessScope"):
        StatelessScope([(Variable([1.0, 2.0]), [1.0])])
