"""Functions between symbolic tensors."""

import numpy as np
import pytest

from etude import Function, Input, Model, Sequential, layers, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.operation import Operation

ONES = np.ones((2, 3), "float32")


def sum_and_square():
    a, b = KerasTensor((2, 3)), KerasTensor((2, 3))
    x = a + b
    return Function([a, b], [x * 3, x**2], name="both")


def test_runs_on_values_and_symbols(engine):
    function = sum_and_square()
    first, second = function([ONES, ONES])
    np.testing.assert_array_equal(first.numpy(), 6 * ONES)
    np.testing.assert_array_equal(second.numpy(), 4 * ONES)
    symbols = [KerasTensor((2, 3)), KerasTensor((2, 3))]
    outputs = function(symbols)
    assert [t.shape for t in outputs] == [(2, 3), (2, 3)]
    again = Function(symbols, outputs)  # a function of a function
    np.testing.assert_array_equal(again([ONES, ONES])[0].numpy(), 6 * ONES)
    assert again.operations == [function] and isinstance(function, Operation)


def test_structures_and_unknown_sizes(engine):
    x = KerasTensor((None, 3))
    function = Function({"x": x}, {"y": ops.sum(x, axis=0), "z": x @ ops.ones((3, 2))})
    assert function.compute_output_shape({"x": (5, 3)}) == {"y": (3,), "z": (5, 2)}
    found = function({"x": ONES})
    assert found["y"].numpy().tolist() == [2, 2, 2] and found["z"].shape == (2, 2)


def test_runs_layers_without_owning_them(engine):
    model = Sequential([Input((3,)), layers.Dense(4, activation="relu"), layers.Dense(2)])
    hidden = model.layers[0].output
    function = Function(hidden, model.output)  # from the middle
    np.testing.assert_allclose(
        function(model.layers[0](ONES)).numpy(), model(ONES).numpy(), rtol=1e-6
    )
    assert not hasattr(function, "weights")


def test_functional_models_are_functions():
    x = Input((3,))
    model = Model(x, layers.Dense(2)(x))
    assert isinstance(model, Function) and model.compute_output_shape((7, 3)) == (7, 2)


def test_mistakes_are_explained():
    function = sum_and_square()
    with pytest.raises(ArgumentError, match="invalid input structure"):
        function(ONES)
    with pytest.raises(ShapeError, match="incompatible inputs"):
        function([np.ones((2, 3, 3)), ONES])
    with pytest.raises(ShapeError, match=r"expected shape \(2, 3\)"):
        function([np.ones((4, 3)), ONES])
    a, b = KerasTensor((2,)), KerasTensor((2,))
    with pytest.raises(ArgumentError, match="`inputs` argument cannot be empty"):
        Function([], a)
    with pytest.raises(ArgumentError, match="comes from no call"):
        Function(a, a + b)
