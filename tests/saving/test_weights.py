"""Weights in files: written at once or not at all, read without following anything."""

import h5py
import keras
import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers
from etude.errors import ArgumentError, SerializationError, ShapeError
from etude.saving import load_model
from etude.saving.files import write_atomically
from tests.parity.reference import keras_alone
from tests.training.models import X, Y, classifier


@pytest.fixture
def saved(engine, tmp_path):
    model = classifier(batch_norm=True, optimizer="adam")
    model.fit(X, Y, verbose=0)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    return model, path


def test_written_and_read_again(saved):
    model, path = saved
    other = classifier(batch_norm=True, optimizer="adam")
    other.fit(X[:8], Y[:8], verbose=0)
    other.load_weights(path)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(other.optimizer.iterations) == int(model.optimizer.iterations) == 2
    history = [m.fit(X, Y, shuffle=False, verbose=0).history["loss"] for m in (model, other)]
    assert history[0] == pytest.approx(history[1], rel=1e-6)
    assert list(path.parent.iterdir()) == [path], "nothing half-written is left"


def test_subclassed_models_and_lists_of_layers(engine, tmp_path):
    class Stack(Model):
        def __init__(self):
            super().__init__()
            self.blocks = [layers.Dense(2), {"inner": layers.Dense(2)}]
            self.head = layers.Dense(1)

        def call(self, x):
            return self.head(self.blocks[1]["inner"](self.blocks[0](x)))

    first, second = Stack(), Stack()
    first(X), second(X)
    first.save_weights(tmp_path / "a.weights.h5")
    second.load_weights(tmp_path / "a.weights.h5")
    np.testing.assert_array_equal(first(X).numpy(), second(X).numpy())
    with h5py.File(tmp_path / "a.weights.h5") as file:
        assert "blocks/dense/vars/0" in file and "blocks/container/dense/vars/1" in file


def test_other_shapes_are_refused_before_anything_is_read(saved):
    _, path = saved
    other = Model(x := layers.Input((6,)), layers.Dense(5)(x))
    with pytest.raises((ShapeError, SerializationError)):
        other.load_weights(path)
    small = classifier(batch_norm=True, optimizer="adam")
    small.optimizer.build(small.trainable_weights)
    with h5py.File(path, "a") as file:
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = np.zeros((6, 9), "float32")
    with pytest.raises(ShapeError, match=r"\(6, 8\).*\(6, 9\)"):
        small.load_weights(path)
    with pytest.warns(UserWarning, match="left as it is"):
        small.load_weights(path, skip_mismatch=True)


def test_links_are_refused(saved, tmp_path):
    model, path = saved
    np.save(tmp_path / "secret.npy", np.zeros(3))
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["v"] = np.zeros((6, 8), "float32")
    for link in (h5py.ExternalLink("other.h5", "/v"), h5py.SoftLink("/layers/dense_1/vars/0")):
        with h5py.File(path, "a") as file:
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = link
        with pytest.raises(SerializationError, match="link"):
            model.load_weights(path)


def test_files_that_are_none(engine, tmp_path):
    model = classifier()
    path = tmp_path / "a.weights.h5"
    with pytest.raises(ArgumentError, match="no file"):
        model.load_weights(path)
    path.write_bytes(b"not hdf5")
    with pytest.raises(SerializationError, match="HDF5"):
        model.load_weights(path)
    with pytest.raises(ArgumentError, match=r"\.weights\.h5"):
        model.save_weights(tmp_path / "a.h5")
    with pytest.raises(ArgumentError, match="overwrite=False"):
        model.save_weights(path, overwrite=False)


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(part):
        part.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fail)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_file_of_a_larger_model_is_said(engine, tmp_path):
    path = tmp_path / "larger.weights.h5"
    Sequential([Input((4,)), layers.Dense(3), layers.Dense(2)]).save_weights(path)
    smaller = Sequential([Input((4,)), layers.Dense(3)])
    with pytest.warns(UserWarning, match="no place for: layers/dense_1"):
        smaller.load_weights(path)
    smaller.load_weights(path, skip_mismatch=True)


def test_a_folder_that_does_not_exist_is_said(engine, tmp_path):
    model = classifier()
    for save, name in ((model.save_weights, "m.weights.h5"), (model.save, "m.keras")):
        with pytest.raises(ArgumentError, match=r"no folder .*missing.*os.makedirs"):
            save(tmp_path / "missing" / name)


def test_a_layer_that_reads_by_itself_is_always_asked(tmp_path, engine):
    class Reads(layers.Layer):
        def call(self, x):
            return x

        def load_own_variables(self, store):
            self.seen = dict(store)

    model = Sequential([Input((2,)), Reads(name="reads"), layers.Dense(1)])
    model.save_weights(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5")
    assert model.get_layer("reads").seen == {}


def test_models_of_users_are_laid_out_as_in_keras(tmp_path):
    """Attributes with names before ``layers`` have their own paths; the others stand in it."""

    def make(k):
        class Own(k.Model):
            def __init__(self):
                super().__init__()
                self.abc, self.zeta = k.layers.Dense(2), k.layers.Dense(1)
                self.inner = k.Sequential([k.layers.Dense(2)])
                self._hidden = k.layers.Dense(1)

            def call(self, x):
                return self.zeta(self.inner(self.abc(x))) + self._hidden(x)

        model = Own()
        model(np.ones((2, 4), "float32"))
        return model

    etude.config.set_engine("numpy")
    found = {}
    ours = make(etude)
    ours.save_weights(tmp_path / "etude.weights.h5")
    with keras_alone():
        theirs = make(keras)
        theirs.save_weights(tmp_path / "keras.weights.h5")
        theirs.load_weights(tmp_path / "etude.weights.h5")
    for name in ("etude", "keras"):
        with h5py.File(tmp_path / f"{name}.weights.h5") as file:
            paths = found[name] = set()
            file.visititems(
                lambda path, item, paths=paths: (
                    paths.add(path) if isinstance(item, h5py.Dataset) else None
                )
            )
    assert found["etude"] == found["keras"]
    with keras_alone():
        weights = theirs.get_weights()
    for a, b in zip(ours.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    ours.load_weights(tmp_path / "keras.weights.h5")


def test_attention_is_stored_where_keras_has_it_and_read_from_where_etude_had_it(tmp_path):
    etude.config.set_engine("numpy")

    def network():
        x = Input((3, 4))
        return Model(x, layers.MultiHeadAttention(2, 2)(x, x))

    model, other, third = network(), network(), network()
    model.save_weights(tmp_path / "new.weights.h5")
    with h5py.File(tmp_path / "new.weights.h5") as file:
        assert "layers/multi_head_attention/query_dense/vars/0" in file
    with (
        h5py.File(tmp_path / "old.weights.h5", "w") as old,
        h5py.File(tmp_path / "new.weights.h5") as new,
    ):
        new.copy("layers", old)
        group = old["layers/multi_head_attention"]
        for part in ("query", "key", "value", "output"):
            group.move(f"{part}_dense", f"_{part}_dense")
    other.load_weights(tmp_path / "new.weights.h5")
    third.load_weights(tmp_path / "old.weights.h5")
    for a, b, c in zip(*(m.get_weights() for m in (model, other, third)), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


def head_on_base(trainable):
    base, head = layers.Dense(5, "tanh", name="base"), layers.Dense(1, name="head")
    base.trainable = trainable
    model = Sequential([Input((3,)), base, head])
    model.compile("adam", "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
    return model


@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras"])
def test_an_optimizer_that_does_not_fit_costs_no_weights(engine, tmp_path, name):
    frozen, free = head_on_base(trainable=False), head_on_base(trainable=True)
    frozen.save(tmp_path / name) if name == "a.keras" else frozen.save_weights(tmp_path / name)
    state = [v.numpy() for v in free.optimizer.variables]
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer 'adam"):
        free.load_weights(tmp_path / name)
    for own, other in zip(free.weights, frozen.weights, strict=True):
        np.testing.assert_array_equal(own.numpy(), other.numpy())
    for own, before in zip(free.optimizer.variables, state, strict=True):
        np.testing.assert_array_equal(own.numpy(), before)


def test_a_model_whose_layers_were_frozen_after_training_can_be_read(engine, tmp_path):
    model = head_on_base(trainable=True)
    model.layers[0].trainable = False
    model.save(tmp_path / "a.keras")
    with pytest.warns(UserWarning, match="Skipping variable loading for optimizer"):
        same = load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(same.layers[0].kernel.numpy(), model.layers[0].kernel.numpy())
    same.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)
