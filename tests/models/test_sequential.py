"""Layers one after the other."""

import numpy as np
import pytest

from etude import Input, Model, Sequential, layers
from etude.errors import ArgumentError

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def test_with_an_input_has_weights_at_once(engine):
    model = Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)], name="s")
    assert [w.path for w in model.weights] == [
        f"s/{layer.name}/{n}" for layer in model.layers for n in ("kernel", "bias")
    ]
    assert model.output_shape == (None, 2) and model.input_shape == (None, 4)
    assert model(X).shape == (5, 2)


def test_without_an_input_is_built_by_data(engine):
    model = Sequential([layers.Dense(3), layers.Dense(2)])
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="no defined output shape"):
        _ = model.output_shape
    assert model(X).shape == (5, 2) and len(model.weights) == 4
    assert model(X[:2]).shape == (2, 2), "other batch sizes are fine"


def test_build_takes_a_shape(engine):
    model = Sequential([layers.Dense(3)])
    model.build((None, 4))
    assert model.output_shape == (None, 3)
    with pytest.raises(ArgumentError, match="already been configured"):
        model.build((None, 5))


def test_add_and_pop(engine):
    model = Sequential([Input((4,))])
    model.add(layers.Dense(3))
    model.add(layers.Dense(2))
    first = model.layers[0].get_weights()
    assert model.output_shape == (None, 2)
    assert isinstance(model.pop(), layers.Dense)
    assert model.output_shape == (None, 3) and len(model.weights) == 2
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], first[0])


def test_the_first_layer_may_say_the_input_shape(engine):
    with pytest.warns(UserWarning, match="input_shape"):
        model = Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(1)])
    assert model.input_shape == (None, 4)
    with pytest.warns(UserWarning, match="input_dim"):
        assert Sequential([layers.Dense(3, input_dim=4)]).layers[0].name.startswith("dense")


def test_models_inside(engine):
    inner = Sequential([Input((4,)), layers.Dense(3)])
    model = Sequential([inner, layers.Dense(1)])
    assert model.built and model.output_shape == (None, 1)
    functional = Model(model.input, model.output)
    np.testing.assert_allclose(functional(X).numpy(), model(X).numpy(), rtol=1e-6)


def test_config_and_back(engine):
    model = Sequential([Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)], name="m")
    again = Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X).numpy(), model(X).numpy())
    assert again.name == "m"


def test_mistakes_are_explained(engine):
    model = Sequential([Input((4,)), layers.Dense(3, name="a")])
    with pytest.raises(ArgumentError, match="parentheses"):
        model.add(layers.Dense)
    with pytest.raises(ArgumentError, match="unique names"):
        model.add(layers.Dense(3, name="a"))
    with pytest.raises(ArgumentError, match="different Input"):
        model.add(Input((5,)))
    with pytest.raises(ArgumentError, match="no layers"):
        Sequential().build((None, 3))
    with pytest.raises(ArgumentError, match=r"axis -1|expected shape"):
        model(np.zeros((2, 7)))


def test_inputs_of_other_sizes(engine):
    """As in Keras, whose `Sequential` leaves it to its layers what they can work with."""
    model = Sequential([Input((8, 8, 1)), layers.Conv2D(2, 3), layers.GlobalMaxPooling2D()])
    assert model(np.zeros((1, 10, 9, 1), "float32")).shape == (1, 2)
    model.add(layers.Dense(3))
    assert model.predict(np.zeros((1, 10, 9, 1), "float32"), verbose=0).shape == (1, 3)
