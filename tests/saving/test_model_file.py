"""Whole models in files: to Keras and back; nothing half-written, nothing strange is read."""

import json
import zipfile

import keras
import numpy as np
import pytest

import etude
from etude import Input, Model, layers, models
from etude.errors import ArgumentError, SerializationError
from tests.parity.reference import keras_alone
from tests.training.models import X, Y, classifier


def branches(k):
    a, b = k.Input((6,), name="a"), k.Input((2,), name="b")
    shared = k.layers.Dense(3, activation="relu", name="shared")
    h = k.layers.Concatenate(name="joined")([shared(a), k.layers.Dense(2, name="d")(b)])
    inner = k.Sequential([k.Input((5,)), k.layers.Dense(4, name="in")], name="inner")
    return k.Model([a, b], [inner(h), shared(a)], name="branches")


DATA = [X, X[:, :2]]


def test_a_trained_model_goes_on_where_it_was(engine, tmp_path):
    model = classifier(dropout=0.2, batch_norm=True, optimizer="adam")
    model.fit(X, Y, epochs=2, verbose=0)
    path = tmp_path / "model.keras"
    model.save(path)
    assert list(tmp_path.iterdir()) == [path]
    again = models.load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.optimizer.iterations.numpy() == model.optimizer.iterations.numpy()
    options = {"shuffle": False, "verbose": 0}
    assert again.fit(X, Y, **options).history == model.fit(X, Y, **options).history
    assert not models.load_model(path, compile=False).compiled


def test_graphs_with_shared_layers_and_models_inside(engine, tmp_path):
    model = branches(etude)
    model.save(tmp_path / "m.keras")
    again = models.load_model(tmp_path / "m.keras")
    for a, b in zip(model.predict(DATA, verbose=0), again.predict(DATA, verbose=0), strict=True):
        np.testing.assert_array_equal(a, b)


def test_keras_reads_what_etude_writes_and_back(engine, tmp_path):
    ours = branches(etude)
    expected = ours.predict(DATA, verbose=0)
    ours.save(tmp_path / "ours.keras")
    with keras_alone():
        theirs = keras.models.load_model(tmp_path / "ours.keras")
        for a, b in zip(theirs.predict(DATA, verbose=0), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        theirs.save(tmp_path / "theirs.keras")
    again = models.load_model(tmp_path / "theirs.keras")
    for a, b in zip(again.predict(DATA, verbose=0), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_classes_of_ones_own_are_registered(engine, tmp_path):
    class Double(layers.Layer):
        def call(self, x):
            return x * 2.0

    x = Input((2,))
    Model(x, Double()(x)).save(tmp_path / "m.keras")
    with pytest.raises(SerializationError, match="Double"):
        models.load_model(tmp_path / "m.keras")
    model = models.load_model(tmp_path / "m.keras", custom_objects={"Double": Double})
    assert model(np.ones((1, 2), "float32")).numpy().tolist() == [[2.0, 2.0]]


def test_files_that_hold_no_model(engine, tmp_path):
    path = tmp_path / "m.keras"
    with pytest.raises(ArgumentError, match="no file"):
        models.load_model(path)
    path.write_bytes(b"PK nothing")
    with pytest.raises(SerializationError, match="no archive"):
        models.load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[]")
    with pytest.raises(SerializationError, match=r"model\.weights\.h5"):
        models.load_model(path)
    with pytest.raises(ArgumentError, match=r"\.keras"):
        classifier().save(tmp_path / "m.png")
    with pytest.raises(ArgumentError, match="overwrite=False"):
        classifier().save(path, overwrite=False)


def test_bombs_are_not_unpacked(engine, tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", json.dumps({"x": " " * 50_000_000}))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(SerializationError, match="would become"):
        models.load_model(path)


def test_checkpoints_of_whole_models(engine, tmp_path):
    keep = etude.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="loss", save_best_only=True
    )
    model = classifier()
    model.fit(X, Y, epochs=2, callbacks=[keep], verbose=0)
    found = models.load_model(tmp_path / "best.keras").predict(X, verbose=0)
    np.testing.assert_array_equal(found, model.predict(X, verbose=0))
