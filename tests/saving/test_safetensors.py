"""Weights as safetensors: names that stay, by name, what does not fit; read as others read them."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import etude
from etude import Input, Model, Sequential, layers, saving
from etude.errors import ArgumentError, SerializationError, ShapeError


def network(units=3, names=("one", "two")):
    first, second = names
    parts = [layers.Dense(4, name=first), layers.BatchNormalization(), layers.Dropout(0.5)]
    return Sequential([Input((2,)), *parts, layers.Dense(units, name=second)])


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_there_and_back_under_names_that_stay(engine, tmp_path):
    model = network()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 2)), np.ones((4, 3)), verbose=0)
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    stored = load_file(path)
    assert set(stored) == {
        *(f"layers.dense{n}.{kind}" for n in ("", "_1") for kind in ("kernel", "bias")),
        *(f"layers.batch_normalization.{w}" for w in ("gamma", "beta")),
        *(f"layers.batch_normalization.moving_{w}" for w in ("mean", "variance")),
    }
    np.testing.assert_array_equal(stored["layers.dense_1.kernel"], model.layers[-1].kernel)
    other = network(names=("x", "y"))  # other names, the same architecture
    other.load_weights(path)
    assert same(model, other)
    with pytest.raises(ArgumentError, match="overwrite=False"):
        model.save_weights(path, overwrite=False)


def test_what_others_wrote_is_read(tmp_path):
    model, other = network(), network()
    model.save_weights(tmp_path / "a.safetensors")
    save_file(load_file(tmp_path / "a.safetensors"), tmp_path / "b.safetensors")
    other.load_weights(tmp_path / "b.safetensors")
    assert same(model, other)
    with pytest.raises(SerializationError, match="names of layers"):
        other.load_weights(tmp_path / "b.safetensors", by_name=True)


def test_by_name(tmp_path):
    model = network()
    model.save_weights(tmp_path / "w.safetensors")
    other = Sequential([Input((4,)), layers.Dense(3, name="two"), layers.Dense(7, name="new")])
    before = other.layers[1].get_weights()[0]
    other.load_weights(tmp_path / "w.safetensors", by_name=True)
    np.testing.assert_array_equal(other.layers[0].kernel, model.layers[-1].kernel)
    np.testing.assert_array_equal(other.layers[1].kernel, before)
    wrong = Sequential([Input((4,)), layers.Dense(9, name="two")])
    with pytest.raises(ShapeError, match="must match"):
        wrong.load_weights(tmp_path / "w.safetensors", by_name=True)


def test_what_does_not_fit(tmp_path):
    model, wider = network(), network(units=5)
    model.save_weights(tmp_path / "w.safetensors")
    before = wider.get_weights()
    with pytest.raises(ShapeError, match=r"\(4, 5\) in the model, \(4, 3\) in the file"):
        wider.load_weights(tmp_path / "w.safetensors")
    for a, b in zip(before, wider.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)  # nothing was assigned
    with pytest.warns(UserWarning, match="left as it is"):
        wider.load_weights(tmp_path / "w.safetensors", skip_mismatch=True)
    np.testing.assert_array_equal(wider.layers[0].kernel, model.layers[0].kernel)
    longer = Sequential([Input((2,)), *network().layers, layers.Dense(1)])
    with pytest.raises(SerializationError, match=r"has no 'layers\.dense_2\.kernel'"):
        longer.load_weights(tmp_path / "w.safetensors")


def test_parts_can_be_left_out(tmp_path):
    model, other = network(), network()
    path = tmp_path / "w.safetensors"
    saving.save_weights(model, path, objects_to_skip=[model.layers[0]])
    assert "layers.dense.kernel" not in load_file(path)
    before = other.layers[0].get_weights()[0]
    saving.load_weights(other, path, objects_to_skip=[other.layers[0]])
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], before)
    np.testing.assert_array_equal(other.layers[-1].kernel, model.layers[-1].kernel)


def test_subclassed_models_and_weights_of_one_name(tmp_path):
    class Pair(layers.Layer):
        def build(self, shape):
            self.a = self.add_weight((2,), name="w")
            self.b = self.add_weight((2,), name="w")

        def call(self, x):
            return x * self.a + self.b

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.blocks = [Pair(), layers.Dense(2)]

        def call(self, x):
            return self.blocks[1](self.blocks[0](x))

    model, other = Own(), Own()
    x = np.ones((1, 2), "float32")
    model(x), other(x)
    model.set_weights([np.random.RandomState(0).rand(*w.shape) for w in model.weights])
    model.save_weights(tmp_path / "w.safetensors")
    assert {"blocks.pair.w", "blocks.pair.w_1"} < set(load_file(tmp_path / "w.safetensors"))
    other.load_weights(tmp_path / "w.safetensors")
    assert same(model, other)


def test_half_precision(tmp_path):
    pytest.importorskip("ml_dtypes", reason="NumPy has no bfloat16 by itself")
    model = Sequential([Input((2,)), layers.Dense(3, dtype="bfloat16")])
    model.save_weights(tmp_path / "w.safetensors")
    assert str(load_file(tmp_path / "w.safetensors")["layers.dense.kernel"].dtype) == "bfloat16"
    other = Sequential([Input((2,)), layers.Dense(3)])
    other.load_weights(tmp_path / "w.safetensors")
    expected = etude.ops.convert_to_numpy(model.layers[0].kernel).astype("float32")
    np.testing.assert_array_equal(other.layers[0].kernel, expected)
