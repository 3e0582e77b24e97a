"""Operations of users: on values, on symbolic tensors, and in models."""

import numpy as np
import pytest

import etude
from etude import Input, Model, Operation, layers, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError
from etude.models.cloning import clone_model

X = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]], "float32")


class Mixed(Operation):
    """3 z + x + 2 y."""

    def call(self, x, y, z=None):
        return 3 * z + x + 2 * y


class Pair(Operation):
    """Several outputs, whose shapes are told."""

    def call(self, x):
        return x, x + 1

    def compute_output_spec(self, x):
        return KerasTensor(x.shape, x.dtype), KerasTensor(x.shape, x.dtype)


class Affine(Operation):
    """α x + β; its config is noted at construction."""

    def __init__(self, alpha, *, beta=1.0, name=None):
        super().__init__(name=name)
        self.alpha, self.beta = alpha, beta

    def call(self, x):
        return self.alpha * x + self.beta


def test_runs_on_values(engine):
    one = ops.ones((2, 3))
    np.testing.assert_array_equal(
        Mixed()(one, y=np.ones((2, 3)), z=one).numpy(), np.full((2, 3), 6)
    )
    first, second = Pair()(one)
    assert first is one and float(second[0, 0]) == 2


def test_notes_symbolic_calls(engine):
    x, y, z = (KerasTensor((2, 3), name=name) for name in "xyz")
    operation = Mixed(name="mixed")
    first = operation(x, y, z=z)
    assert isinstance(first, KerasTensor) and first.shape == (2, 3)
    operation(x, y, z=first)
    assert operation.input == [x, y, z] and operation.output is first
    assert len(operation._inbound_nodes) == 2
    assert Pair()(x)[1].shape == (2, 3)


def test_layers_are_operations():
    assert isinstance(layers.Dense(1), Operation)
    assert etude.Operation is Operation


def test_is_part_of_a_model(engine):
    x = Input((3,))
    shared = Affine(2.0, name="affine")
    left, right = Pair(name="pair")(shared(x))
    model = Model(x, shared(left) + right)
    expected = 2 * (2 * X + 1) + 1 + (2 * X + 1) + 1
    np.testing.assert_allclose(model(X).numpy(), expected)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected)
    assert [o.name for o in model.operations][1:] == ["affine", "pair", "add"]
    known = {"Affine": Affine, "Pair": Pair}
    again = Model.from_config(model.get_config(), custom_objects=known)
    np.testing.assert_allclose(again(X).numpy(), expected)
    assert again.get_config() == model.get_config()
    np.testing.assert_allclose(clone_model(model)(X).numpy(), expected)
    lines = []
    model.summary(print_fn=lines.append)
    assert "affine (Affine)" in "".join(lines)


def test_gradients_pass_through():
    x = etude.Variable(3.0)
    with etude.GradientTape() as tape:
        y = Affine(2.0)(x * x)
    assert float(tape.gradient(y, x)) == 12


def test_config_is_noted():
    config = Affine(0.5, name="half").get_config()
    assert config == {"name": "half", "alpha": 0.5, "beta": 1.0}
    assert Affine.from_config(config).get_config() == config
    with pytest.raises(NotImplementedError, match="get_config"):
        Affine(object()).get_config()


def test_mistakes_are_explained():
    with pytest.raises(ArgumentError, match="cannot contain character `/`"):
        Affine(1.0, name="a/b")
    with pytest.raises(AttributeError, match="never been called"):
        _ = Affine(1.0).output
    with pytest.raises(NotImplementedError, match="Write a"):
        Operation()(1.0)
    with pytest.raises(Exception, match="shape") as caught:
        Mixed()(KerasTensor((2, 3)), KerasTensor((4, 5)), z=1.0)
    assert "compute_output_spec" in "".join(caught.value.__notes__)
