"""State trees, calls without side effects, reserved attributes, configs of ops and of Keras 2."""

import json

import numpy as np
import pytest

from etude import Input, Model, Sequential, layers, models, ops
from etude.errors import ArgumentError, NotBuiltError, SerializationError, ShapeError
from etude.models import Functional


def small_model():
    x = Input((3,), name="x")
    model = Model(x, layers.Dense(1, name="dense")(x), name="small")
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_a_state_tree_comes_back():
    model = small_model()
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    tree = model.get_state_tree("numpy_array")
    assert set(tree) == {
        "trainable_variables", "non_trainable_variables", "optimizer_variables",
        "metrics_variables",
    }  # fmt: skip
    assert tree["trainable_variables"]["dense"]["kernel"].shape == (3, 1)
    assert int(tree["optimizer_variables"]["sgd"]["iteration"]) == 1
    other = small_model()
    other.set_state_tree({"trainable_variables": tree["trainable_variables"]})
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    with pytest.raises(ArgumentError, match="Unknown variable name: weights"):
        other.set_state_tree({"weights": {}})
    with pytest.raises(ArgumentError, match="numpy_array"):
        other.get_state_tree("list")


def test_stateless_call_changes_nothing():
    layer = layers.BatchNormalization()
    x = np.random.RandomState(0).rand(4, 2).astype("float32")
    with pytest.raises(NotBuiltError, match="must be built"):
        layer.stateless_call([], [], x)
    layer.build((None, 2))
    before = layer.get_weights()
    outputs, moving = layer.stateless_call(
        layer.trainable_variables, layer.non_trainable_variables, x, training=True
    )
    for kept, now in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, now)
    np.testing.assert_allclose(np.asarray(moving[0]), 0.01 * x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer(x, training=True), outputs)
    np.testing.assert_allclose(layer.get_weights()[2], np.asarray(moving[0]))
    with pytest.raises(ArgumentError, match="length 1, but expected 2"):
        layer.stateless_call([x], layer.non_trainable_variables, x)


def test_stateless_call_returns_losses_of_the_call_only():
    layer = layers.Dense(1, kernel_regularizer="l1", activity_regularizer="l2")
    layer(np.ones((2, 3), "float32"))
    kept = [float(loss) for loss in layer.losses]
    zeros = [np.zeros(v.shape, "float32") for v in layer.trainable_variables]
    _, _, losses = layer.stateless_call(zeros, [], np.ones((2, 3), "float32"), return_losses=True)
    assert [float(loss) for loss in losses] == [0.0, 0.0]
    assert [float(loss) for loss in layer.losses] == kept


def test_layers_are_reserved():
    with pytest.raises(AttributeError, match=r"`Model.layers` attribute is reserved"):
        small_model().layers = []
    with pytest.raises(AttributeError, match=r"Use `add\(\)` and `pop\(\)`"):
        Sequential().layers = []


def test_a_wrong_rank_names_the_place_of_the_input():
    x = [{"a": Input((3,), name="first")}]
    model = Model(x, layers.Dense(1)(x[0]["a"]))
    with pytest.raises(ShapeError, match=r"name 'first' and path '0.a'"):
        model(np.float32(1))


def test_sequential_with_layers_that_need_data_or_several_inputs():
    class NoShapes(layers.Layer):
        def call(self, x):
            return x + 1.0

        def compute_output_spec(self, *args, **kwargs):
            raise NotImplementedError

    class Two(layers.Layer):
        def call(self, x, other):
            return x

    model = Sequential([NoShapes(), layers.Dense(1, kernel_initializer="ones")])
    assert float(model(np.ones((1, 2), "float32"))[0, 0]) == 4.0
    with pytest.raises(ArgumentError, match="single required positional argument"):
        Sequential([Two()]).build((None, 2))


def test_ops_keep_their_names_and_options_in_configs():
    a, b = Input((4,), name="a"), Input((4,), name="b")
    outputs = [
        ops.concatenate([a * 2, b], axis=-1)[:, 1:3],
        ops.mean(ops.reshape(a, (-1, 2, 2)), axis=1, keepdims=True),
        b[..., None],
    ]
    model = Model([a, b], outputs)
    text = model.to_json()
    again = models.model_from_json(text)
    assert again.to_json() == text
    x = [np.random.RandomState(i).rand(2, 4).astype("float32") for i in (0, 1)]
    for one, other in zip(model(x), again(x), strict=True):
        np.testing.assert_array_equal(one, other)


def test_ops_as_keras_writes_them_are_read():
    keras = pytest.importorskip("keras")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    joined = keras.ops.concatenate([a * 2, keras.ops.relu(b)], axis=-1)
    outputs = [joined[:, 1:], keras.ops.mean(a @ keras.ops.transpose(b), axis=1)]
    outputs.append(keras.ops.cast(keras.ops.reshape(a, (-1, 2, 2)), "float16"))
    theirs = keras.Model([a, b], outputs)
    ours = models.model_from_json(theirs.to_json())
    x = [np.random.RandomState(i).rand(3, 4).astype("float32") for i in (0, 1)]
    for one, other in zip(theirs(x), ours(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
        assert str(one.dtype) == str(other.dtype)


def entry(kind, name, inbound, **config):
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, **config},
        "inbound_nodes": inbound,
    }


def test_a_graph_as_keras_2_wrote_it():
    config = {
        "name": "old",
        "layers": [
            entry("InputLayer", "x", [], batch_input_shape=[None, 4], dtype="float32"),
            entry("Dense", "one", [[["x", 0, 0, {}]]], units=2),
            entry("Concatenate", "both", [[["x", 0, 0, {}], ["one", 0, 0, {}]]]),
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["both", 0, 0]],
    }
    model = Functional.from_config(config)
    assert model(np.ones((1, 4))).shape == (1, 6)
    config["layers"][1]["inbound_nodes"] = [[["lost", 0, 0, {}]]]
    with pytest.raises(SerializationError, match="Missing node: lost"):
        Functional.from_config(json.loads(json.dumps(config)))


def test_several_losses_of_one_of_several_outputs():
    x = Input((2,))
    first = layers.Dense(1, name="a", kernel_initializer="ones")(x)
    model = Model(x, [first, layers.Dense(1, name="b", kernel_initializer="zeros")(x)])
    data = np.ones((4, 2)), [np.zeros((4, 1)), np.full((4, 1), 3.0)]
    model.compile(loss=["mse", ["mae", "mse"]], loss_weights=[1, [1.0, 0.1]])
    logs = model.evaluate(*data, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(4 + 3 + 0.9)
    model.compile(loss={"a": "mse", "c": "mse"})
    with pytest.raises(ArgumentError, match="Expected keys"):
        model.evaluate(*data, verbose=0)


def test_stateless_loss():
    model = small_model()
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    model.evaluate(x, y, verbose=0)
    before = [np.asarray(v) for v in (*model.variables, *model.metrics_variables)]
    zeros = [np.zeros(v.shape, "float32") for v in model.trainable_variables]
    metrics = [v.value for v in model.metrics_variables]
    loss, (trainable, others, _) = model.stateless_compute_loss(
        zeros, [], metrics, x, y, y_pred=np.zeros((4, 1), "float32")
    )
    assert float(loss) == 1.0 and trainable is zeros and others == []
    for kept, now in zip(before, [*model.variables, *model.metrics_variables], strict=True):
        np.testing.assert_array_equal(kept, now)
    with pytest.raises(ArgumentError, match="expected 2 variables"):
        model.stateless_compute_loss([], [], metrics, x, y, y)
