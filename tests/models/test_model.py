"""Subclassed models, and what all models have."""

import json

import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers, models
from etude.errors import ArgumentError, NotBuiltError

X = np.ones((2, 4), "float32")


class TwoLayers(Model):
    def __init__(self, units=3):
        super().__init__()
        self.units = units
        self.a = layers.Dense(units)
        self.b = layers.Dense(1)

    def call(self, x):
        return self.b(self.a(x))


def test_a_subclass_is_built_by_its_first_call(engine):
    model = TwoLayers()
    assert model(X).shape == (2, 1)
    assert [layer.name for layer in model.layers] == [model.a.name, model.b.name]
    assert model.weights[0].path == f"{model.name}/{model.a.name}/kernel"


def test_a_subclass_can_be_built_by_a_shape(engine):
    model = TwoLayers()
    model.build((None, 4))
    assert model.count_params() == 15 + 4
    with pytest.raises(NotBuiltError, match="call"):
        Model().build((None, 4))


def test_a_subclass_may_be_made_from_symbols(engine):
    class Custom(Model):
        def greet(self):
            return "hello"

    x = Input((4,))
    model = Custom(x, layers.Dense(2)(x), name="custom")
    assert type(model) is Custom and model.greet() == "hello"
    assert model(X).shape == (2, 2) and model.output_shape == (None, 2)
    assert (
        len(model.weights) == 2 and [type(layer).__name__ for layer in model.layers][-1] == "Dense"
    )
    again = Custom.from_config(model.get_config())
    assert type(again) is Custom and again.output_shape == (None, 2)

    class Inside(Model):
        def __init__(self, units):
            inputs = Input((4,))
            super().__init__(inputs=inputs, outputs=layers.Dense(units)(inputs))
            self.units = units

    assert Inside(5)(X).shape == (2, 5)


def test_layers_are_found_by_name_and_number(engine):
    model = Sequential([Input((4,)), layers.Dense(2, name="d")])
    assert model.get_layer("d") is model.get_layer(index=0)
    for arguments, words in [
        ({"name": "x"}, "No such layer: x"),
        ({"index": 7}, "only has 1 layers"),
        ({}, "Provide either"),
        ({"name": "d", "index": 0}, "Provide only"),
    ]:
        with pytest.raises(ArgumentError, match=words):
            model.get_layer(**arguments)


def test_json_and_back(engine):
    model = Sequential([Input((4,)), layers.Dense(2)])
    text = model.to_json()
    assert json.loads(text)["class_name"] == "Sequential"
    again = models.model_from_json(text)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_clone_has_new_weights(engine):
    x = Input((4,))
    h = layers.Dense(3, name="h")(x)
    model = Model(x, layers.Add()([h, layers.Dense(3)(h) * 2.0]))
    clone = models.clone_model(model)
    assert clone.get_layer("h") is not model.get_layer("h")
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone(X).numpy(), model(X).numpy(), rtol=1e-6)


def test_clone_function_replaces_layers(engine):
    model = Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)])

    def double(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "units": 2 * config["units"]})

    assert models.clone_model(model, clone_function=double).output_shape == (None, 4)
    with pytest.raises(ArgumentError, match="Model"):
        models.clone_model(layers.Dense(1))


def test_model_needs_a_call(engine):
    with pytest.raises(NotImplementedError, match="call"):
        Model()(X)


def test_names_in_the_namespace():
    assert etude.Model is models.Model and etude.Sequential is models.Sequential
