"""Pickles and deep copies of models, layers, losses, metrics and optimizers."""

import copy
import pickle

import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers, losses, metrics, ops, optimizers, saving
from etude.errors import SerializationError
from etude.saving import model_file

X = np.random.default_rng(0).random((8, 4)).astype("float32")
Y = np.random.default_rng(1).random((8, 2)).astype("float32")


class Doubled(layers.Layer):
    """Of a user, not registered: a pickle refers to it, as to any class."""

    def call(self, x):
        return 2 * x


@saving.register_keras_serializable("pickles")
def half_square(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1) / 2


def distance(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def trained():
    model = Sequential([Input((4,)), layers.Dense(3, "tanh"), Doubled(), layers.Dense(2)])
    model.compile(optimizers.Adam(0.01), loss=half_square, metrics=[distance])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize("duplicate", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_a_model_goes_on_where_it_was(engine, duplicate):
    model = trained()
    twin = duplicate(model)
    np.testing.assert_array_equal(twin(X).numpy(), model(X).numpy())
    assert twin.optimizer.iterations is not model.optimizer.iterations
    for _ in range(2):  # with the optimizer's state, and apart from one another
        found = [m.fit(X, Y, shuffle=False, verbose=0).history["loss"] for m in (model, twin)]
        np.testing.assert_allclose(*found, rtol=1e-6)
    assert type(twin.layers[1]) is Doubled


def test_pickles_hold_an_archive_and_names(engine):
    content = pickle.dumps(trained())
    assert b"config.json" in content and b"model.weights.h5" in content
    assert b"Doubled" in content and b"test_pickling" in content


def test_parts_of_models():
    etude.config.set_engine("numpy")
    layer = layers.BatchNormalization()
    layer(X, training=True)
    twin = pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal(twin.moving_mean.numpy(), layer.moving_mean.numpy())
    loss = pickle.loads(pickle.dumps(losses.Huber(delta=0.25, name="h")))
    assert loss.get_config() == losses.Huber(delta=0.25, name="h").get_config()
    metric = metrics.MeanSquaredError()
    metric.update_state([1.0], [3.0])
    twin = pickle.loads(pickle.dumps(metric))
    assert float(twin.result()) == float(metric.result()) == 4
    optimizer = pickle.loads(pickle.dumps(optimizers.SGD(0.5, momentum=0.9)))
    assert optimizer.get_config()["momentum"] == 0.9


def test_lambdas_are_copied_but_not_pickled():
    x = Input((4,))
    model = Model(x, layers.Lambda(lambda t: t + 1)(x))
    np.testing.assert_array_equal(copy.deepcopy(model)(X).numpy(), X + 1)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model)


def test_an_archive_in_a_pickle_runs_nothing():
    assert model_file.to_archive(layers.Dense(2))[1] == {}
    config = {"module": "subprocess", "class_name": "Popen", "config": {"args": "true"}}
    harmful = model_file._zipped(model_file._members(layers.Dense(2), config))
    assert b"Popen" in harmful
    with pytest.raises(SerializationError, match="Could not locate class 'Popen'"):
        model_file.from_archive(harmful, {})


def test_two_classes_of_one_name_are_told_apart():
    def make():
        class Same(layers.Layer):
            def call(self, x):
                return x

        return Same

    with pytest.raises(SerializationError, match="Two classes"):
        copy.deepcopy(Sequential([make()(), make()()]))
    assert copy.deepcopy(Sequential([make()()])).layers[0](X).shape == (8, 4)
