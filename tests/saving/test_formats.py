"""Files beside `.keras`: shards, folders, the `.h5` of Keras 2, parts of weights, other names."""

import json

import h5py
import numpy as np
import pytest

from etude import Input, Model, Sequential, layers, models, saving
from etude.errors import ArgumentError, SerializationError, ShapeError


def network(units=3, extra=False):
    parts = [layers.Dense(4, name="one"), layers.BatchNormalization(name="norm")]
    parts += [layers.Dense(units, name="two")] + ([layers.Dense(2, name="new")] if extra else [])
    return Sequential([Input((2,)), *parts], name="net")


X = np.random.RandomState(0).rand(5, 2).astype("float32")


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.get_weights(), b.get_weights(), strict=True))


def test_shards_and_their_map(tmp_path):
    model = network()
    path = tmp_path / "w.weights.json"
    model.save_weights(path, max_shard_size=60 / 1024**3)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["w.weights.json", *(f"w_{i:05d}.weights.h5" for i in range(len(names) - 1))]
    weight_map = json.loads(path.read_text())["weight_map"]
    assert weight_map["/layers/dense/vars"] == ["w_00000.weights.h5"] and len(names) > 2
    other = network()
    other.load_weights(path)
    assert same(model, other)
    path.write_text(json.dumps({"weight_map": {"/layers/dense/vars": "../x.weights.h5"}}))
    with pytest.raises(SerializationError, match="no file beside it"):
        other.load_weights(path)


of_keras = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@of_keras
def test_shards_are_those_of_keras(tmp_path):
    keras = pytest.importorskip("keras")
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4), keras.layers.Dense(3)])
    theirs.save_weights(tmp_path / "w.weights.json", max_shard_size=60 / 1024**3)
    ours = Sequential([Input((2,)), layers.Dense(4), layers.Dense(3)])
    ours.load_weights(tmp_path / "w.weights.json")
    assert same(theirs, ours)
    ours.save_weights(tmp_path / "v.weights.json", max_shard_size=60 / 1024**3)
    theirs.set_weights([0 * w for w in theirs.get_weights()])
    theirs.load_weights(tmp_path / "v.weights.json")
    assert same(theirs, ours)


def test_a_folder_in_the_place_of_an_archive(tmp_path):
    model = network()
    with pytest.raises(ArgumentError, match="should not end in"):
        model.save(tmp_path / "m.keras", zipped=False)
    model.save(tmp_path / "m", zipped=False)
    assert {p.name for p in (tmp_path / "m").iterdir()} == {
        "config.json", "metadata.json", "model.weights.h5",
    }  # fmt: skip
    assert same(model, models.load_model(tmp_path / "m"))


def test_h5_of_keras_2_goes_and_comes(tmp_path):
    model = network()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, X[:, :1] * np.ones((1, 3)), verbose=0)
    model.save(tmp_path / "m.h5")
    again = models.load_model(tmp_path / "m.h5")
    assert same(model, again)
    for one, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    logs = again.evaluate(X, X[:, :1] * np.ones((1, 3)), verbose=0, return_dict=True)
    assert set(logs) == {"loss", "mae"}
    plain = models.load_model(tmp_path / "m.h5", compile=False)
    assert not plain.compiled


@of_keras
def test_h5_files_of_keras_are_read_and_ours_by_it(tmp_path):
    keras = pytest.importorskip("keras")
    x = keras.Input((2,), name="x")
    y = keras.layers.Dense(3, activation="relu", name="d")(x)
    theirs = keras.Model(x, keras.layers.Concatenate(name="c")([x, y]))
    theirs.save(tmp_path / "t.h5")
    ours = models.load_model(tmp_path / "t.h5")
    np.testing.assert_allclose(theirs(X), ours(X), rtol=1e-6)
    ours.save(tmp_path / "o.h5")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "o.h5")(X), ours(X), rtol=1e-6)


def test_h5_weights_by_name_and_by_order(tmp_path):
    model = network()
    model.save(tmp_path / "m.h5")
    other = Sequential([Input((2,)), layers.Dense(4, name="one"), layers.Dense(9, name="x")])
    other.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(other.layers[0].kernel, model.layers[0].kernel)
    with pytest.raises(SerializationError, match="Layer count mismatch"):
        other.load_weights(tmp_path / "m.h5")
    with pytest.raises(ShapeError, match="must match"):
        network(units=5).load_weights(tmp_path / "m.h5")
    with pytest.raises(ArgumentError, match="by_name"):
        other.load_weights(tmp_path / "m.weights.h5", by_name=True)


def test_links_in_h5_files_are_refused(tmp_path):
    model = network()
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "a") as file:
        del file["model_weights"]["one"]
        file["model_weights"]["one"] = h5py.ExternalLink("/etc/other.h5", "/x")
    with pytest.raises(SerializationError, match="link"):
        models.load_model(tmp_path / "m.h5")


def test_weights_of_a_whole_model_and_of_another_one(tmp_path):
    model = network()
    model.save(tmp_path / "m.keras")
    wider, longer = network(units=5), network(extra=True)
    with pytest.raises(ShapeError, match="must match"):
        wider.load_weights(tmp_path / "m.keras")
    with pytest.raises(SerializationError, match="received 0 variables"):
        longer.load_weights(tmp_path / "m.keras")
    for other in (wider, longer):
        with pytest.warns(UserWarning, match="left as it is"):
            other.load_weights(tmp_path / "m.keras", skip_mismatch=True)
        np.testing.assert_array_equal(other.layers[0].kernel, model.layers[0].kernel)


def test_objects_can_be_left_out(tmp_path):
    model, other = network(), network()
    path = tmp_path / "w.weights.h5"
    saving.save_weights(model, path, objects_to_skip=[model.layers[0]])
    before = other.layers[0].get_weights()[0]
    saving.load_weights(other, path, objects_to_skip=[other.layers[0]])
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], before)
    np.testing.assert_array_equal(other.layers[2].kernel, model.layers[2].kernel)


def test_a_layer_under_another_name():
    class Plain(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    class Renamed(Model):
        def __init__(self):
            super().__init__()
            self.a_dense = layers.Dense(3)

        @property
        def dense(self):
            return self.a_dense

        def call(self, x):
            return self.dense(x)

    import tempfile

    one, other = Plain(), Renamed()
    one(X), other(X)
    with tempfile.TemporaryDirectory() as folder:
        one.save_weights(f"{folder}/w.weights.h5")
        other.load_weights(f"{folder}/w.weights.h5")
    np.testing.assert_array_equal(one.dense.kernel, other.a_dense.kernel)


def test_containers_that_hold_themselves(tmp_path):
    class Loop(Model):
        def __init__(self):
            super().__init__()
            self.blocks = []
            self.blocks.append(self.blocks)
            self.out = layers.Dense(2)

        def call(self, x):
            return self.out(x)

    model, other = Loop(), Loop()
    model(X), other(X)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert same(model, other)


def test_wrong_names_and_arguments(tmp_path):
    model = network()
    for call, message in (
        (lambda: model.save("m.png"), "Invalid filepath extension"),
        (lambda: model.save("m.keras", save_format="h5"), "save_format"),
        (lambda: model.save("m.keras", colour=1), "not supported"),
        (lambda: models.load_model("m.pkl"), "File format not supported"),
        (lambda: models.load_model("m.keras"), "File not found"),
        (lambda: model.load_weights("w.pkl"), "File format not supported"),
        (lambda: model.save_weights("w.h5"), "must end in"),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()
    with pytest.raises(TypeError, match="a list or a tuple"):
        saving.deserialize_keras_object({"class_name": "__typespec__", "config": "text"})
