"""Models given by graphs: order of layers, several inputs and outputs, shared layers, configs."""

import numpy as np
import pytest

from etude import Input, Model, layers, ops
from etude.errors import ArgumentError, SerializationError, ShapeError
from etude.models import Functional, clone_model, functional_config

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def diamond():
    """Two branches of different depth that meet again."""
    x = Input((4,), name="x")
    a = layers.Dense(3, name="a")(x)
    b = layers.Dense(3, name="b")(layers.Dense(5, name="b0")(x))
    return Model(x, layers.Add(name="sum")([a, b]), name="diamond")


def test_layers_come_in_the_order_of_keras(engine):
    model = diamond()
    assert isinstance(model, Functional)
    assert [layer.name for layer in model.layers] == ["x", "b0", "a", "b", "sum"]
    assert [w.path for w in model.weights] == [
        "b0/kernel", "b0/bias", "a/kernel", "a/bias", "b/kernel", "b/bias",
    ]  # fmt: skip
    assert model.input_shape == (None, 4) and model.output_shape == (None, 3)
    assert model.count_params() == 25 + 15 + 18


def test_computes_what_its_layers_compute(engine):
    model = diamond()
    x = floats(2, 4)
    by_hand = model.get_layer("a")(x) + model.get_layer("b")(model.get_layer("b0")(x))
    np.testing.assert_allclose(model(x).numpy(), by_hand.numpy(), rtol=1e-6)


def test_a_shared_layer_has_its_weights_once(engine):
    a, b = Input((3,)), Input((3,))
    shared = layers.Dense(2)
    model = Model([a, b], shared(a) - shared(b))
    assert len(model.weights) == 2 and len(model.inputs) == 2
    x, y = floats(4, 3), floats(4, 3)
    expected = (x - y) @ shared.kernel.numpy()
    np.testing.assert_allclose(model([x, y]).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_inputs_and_outputs_may_be_dictionaries(engine):
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model({"a": a, "b": b}, {"sum": a + b, "difference": a - b})
    x, y = floats(3, 2), floats(3, 2)
    with pytest.warns(UserWarning, match="structure of `inputs` doesn't match"):
        found = model({"b": y, "a": x, "unused": y})
    np.testing.assert_allclose(found["sum"].numpy(), x + y)
    np.testing.assert_allclose(found["difference"].numpy(), x - y)
    with pytest.raises(ArgumentError, match='Missing data for input "b"'):
        model({"a": x})


def test_list_inputs_accept_a_dictionary_of_names(engine):
    a, b = Input((2,), name="a"), Input((2,), name="b")
    model = Model([a, b], a - b)
    x, y = floats(3, 2), floats(3, 2)
    np.testing.assert_allclose(model({"b": y, "a": x}).numpy(), x - y)


def test_models_are_layers_of_models(engine):
    inner = diamond()
    x = Input((4,))
    model = Model(x, layers.Dense(1)(inner(x)))
    assert [type(layer).__name__ for layer in model.layers] == ["InputLayer", "Functional", "Dense"]
    assert len(model.weights) == 8
    assert model(floats(2, 4)).shape == (2, 1)
    inner.trainable = False
    assert len(model.trainable_weights) == 2


def test_each_layer_of_a_copy_is_frozen_or_not_as_it_was(engine):
    inner = diamond()
    inner.trainable = False
    x = Input((4,))
    model = Model(x, layers.Dense(1)(layers.Dense(4, trainable=False)(inner(x))))
    for copy in (Model.from_config(model.get_config()), clone_model(model)):
        assert [layer.trainable for layer in copy.layers] == [True, False, False, True]
        assert [w.shape for w in copy.trainable_weights] == [(4, 1), (1,)]


def test_a_frozen_model_leaves_its_layers_their_own_say(engine):
    x = Input((4,))
    model = Model(x, layers.Dense(1)(x), trainable=False)
    assert model.trainable_weights == []
    assert model.layers[1].trainable


def test_a_model_from_the_middle_of_another_shares_its_weights(engine):
    x = Input((4,))
    hidden = layers.Dense(3, name="hidden")(x)
    y = layers.Dense(2, name="last")(hidden)
    whole, front, back = Model(x, y), Model(x, hidden), Model(hidden, y)
    data = floats(5, 4)
    np.testing.assert_allclose(back(front(data)).numpy(), whole(data).numpy(), rtol=1e-6)
    assert back.layers[-1] is whole.layers[-1]


def test_ops_on_symbols_are_part_of_the_graph(engine):
    x = Input((3, 2))
    y = ops.mean(ops.relu(x * 2.0 - 1.0), axis=1)
    model = Model(x, layers.Dense(1)(y))
    data = floats(2, 3, 2)
    expected = np.maximum(data * 2 - 1, 0).mean(1) @ model.layers[-1].kernel.numpy()
    np.testing.assert_allclose(model(data).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_training_reaches_layers_and_masks_flow(engine):
    ids = Input((4,), dtype="int32")
    h = layers.Embedding(5, 3, mask_zero=True)(ids)
    model = Model(ids, layers.LSTM(2)(layers.Dropout(0.5)(h)))
    data = np.array([[1, 2, 0, 0]])
    short = np.array([[1, 2]])
    long_result = model(data, training=False).numpy()
    lstm, embedding = model.layers[-1], model.layers[1]
    np.testing.assert_allclose(long_result, lstm(embedding(short)).numpy(), rtol=1e-5, atol=1e-6)
    assert not np.allclose(model(data, training=True).numpy(), long_result)


def test_last_axes_of_one_are_put_right(engine):
    x = Input((3, 1))
    model = Model(x, layers.Flatten()(x))
    assert model(np.ones((2, 3), "float32")).shape == (2, 3)
    y = Input((3,))
    assert Model(y, y * 2.0)(np.ones((2, 3, 1), "float32")).shape == (2, 3)


def test_integers_become_the_dtype_of_the_input(engine):
    x = Input((3,))
    model = Model(x, layers.Dense(1)(x))
    assert model(np.ones((2, 3), "uint8")).dtype == "float32"


@pytest.mark.parametrize("make", [diamond])
def test_config_and_back(engine, make):
    model = make()
    again = Model.from_config(model.get_config())
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    again.set_weights(model.get_weights())
    x = floats(2, 4)
    np.testing.assert_array_equal(again(x).numpy(), model(x).numpy())


def test_config_with_shared_layers_ops_and_models_inside(engine):
    a, b = Input((4,), name="a"), Input((4,), name="b")
    shared = layers.Dense(3, name="shared")
    inner = diamond()
    y = ops.concatenate([shared(a), shared(b) * 2.0, inner(a)], axis=-1)
    model = Model([a, b], [y, shared(b)], name="whole")
    again = Functional.from_config(model.get_config())
    again.set_weights(model.get_weights())
    data = [floats(2, 4), floats(2, 4)]
    for ours, theirs in zip(model(data), again(data), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_config_is_that_of_keras(engine):
    import keras

    from tests.parity.reference import keras_alone

    def build(layers, make_input, make_model):
        x = make_input((4,), name="x")
        shared = layers.Dense(4, name="d")
        return make_model(x, layers.Add(name="s")([shared(x), shared(shared(x))]), name="m")

    ours = build(layers, Input, Model).get_config()
    with keras_alone():
        theirs = build(keras.layers, keras.Input, keras.Model).get_config()
    assert ours["input_layers"] == theirs["input_layers"]
    assert ours["output_layers"] == theirs["output_layers"]
    for mine, other in zip(ours["layers"], theirs["layers"], strict=True):
        assert mine["name"] == other["name"] and mine["class_name"] == other["class_name"]
        assert mine["module"] == other["module"]
        assert _histories(mine["inbound_nodes"]) == _histories(other["inbound_nodes"])


def _histories(nodes):
    return [(h[0], h[1], h[2]) for h in functional_config._histories(nodes)]


def test_broken_configs_are_refused(engine):
    config = diamond().get_config()
    config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["sum", 0, 0]
    with pytest.raises(SerializationError, match="loops or disconnected"):
        Functional.from_config(config)


def test_mistakes_are_explained(engine):
    x, other = Input((3,)), Input((3,), name="other")
    with pytest.raises(ArgumentError, match="KerasTensors"):
        Model(x, np.zeros(3))
    with pytest.raises(ArgumentError, match=r"Graph disconnected.*other"):
        Model(x, layers.Add()([x, other]))
    with pytest.raises(ArgumentError, match='"same" is used 2 times'):
        Model(x, layers.Dense(1, name="same")(layers.Dense(2, name="same")(x)))
    model = Model(x, layers.Dense(1)(x), name="model")
    with pytest.raises(ShapeError, match=r"\(None, 3\).*\(2, 4\)"):
        model(np.zeros((2, 4)))
    with pytest.raises(ArgumentError, match=r"expects 1 named input"):
        model([np.zeros((2, 3)), np.zeros((2, 3))])


def test_optional_inputs_may_be_none(engine):
    class AddIfThere(layers.Layer):
        def call(self, a, b=None):
            return a if b is None else a + b

    a, b = Input((2,), name="a"), Input((2,), name="b", optional=True)
    model = Model({"a": a, "b": b}, AddIfThere()(a, b))
    assert model({"a": np.ones((1, 2), "float32"), "b": None}).numpy().tolist() == [[1.0, 1.0]]
    with pytest.raises(ArgumentError, match="not optional"):
        model({"a": None, "b": np.ones((1, 2), "float32")})


def test_deep_graphs_do_not_hit_the_recursion_limit(engine):
    x = y = Input((1,))
    for _ in range(1500):
        y = y + 1.0
    assert Model(x, y)(np.zeros((1, 1), "float32")).numpy().item() == 1500.0


def test_symbols_of_other_shapes_than_the_inputs(engine):
    a, b = Input((3,), name="a"), Input((None, 4))
    model = Model({"a": a, "b": {"c": b}}, {"a": layers.Dense(2)(a), "b": layers.Dense(5)(b)})
    found = model({"a": Input((3,), batch_size=2), "b": {"c": Input((7, 4), batch_size=2)}})
    assert found["a"].shape == (2, 2) and found["b"].shape == (2, 7, 5)
    assert model.compute_output_shape({"a": (8, 3), "b": {"c": (8, 6, 4)}}) == {
        "a": (8, 2),
        "b": (8, 6, 5),
    }
