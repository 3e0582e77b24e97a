"""Looking into files of weights, and changing them."""

import h5py
import keras
import numpy as np
import pytest

import etude
from etude import Input, Model, layers
from etude.errors import ArgumentError, DtypeError, SerializationError
from etude.saving import KerasFileEditor
from tests.parity.reference import keras_alone


@pytest.fixture(autouse=True)
def numpy_engine():
    etude.config.set_engine("numpy")


def model(*names, k=etude):
    x = inputs = k.Input((2,))
    for name in names:
        x = k.layers.Dense(3, name=name)(x)
    return k.Model(inputs, x)


def test_a_file_is_fitted_to_a_larger_model(tmp_path, capsys):
    old, new = model("a", "c"), model("a", "b", "c")
    old.save(tmp_path / "old.keras")
    editor = KerasFileEditor(str(tmp_path / "old.keras"))
    assert editor.metadata["keras_version"] == "3.15.1" and editor.config["config"]["layers"]
    assert editor.compare(old) == {"status": "success", "error_count": 0, "match_count": 4}
    assert editor.compare(new)["error_count"] == 1
    editor.add_object("layers/dense_7", {"0": np.ones((3, 3))})
    assert editor.compare(new)["error_count"] == 2
    editor.rename_object("dense_7", "dense_2")
    editor.add_weights("dense_2", {"1": np.zeros(7)})
    assert editor.compare(new)["error_count"] == 1  # a shape
    editor.delete_weight("layers/dense_2", "1")
    editor.add_weights("dense_2", {"1": np.zeros(3)})
    assert editor.compare(new)["status"] == "success"
    capsys.readouterr()
    editor.summary()
    shown = capsys.readouterr().out
    assert "dense ('a')" in shown and "0: shape=(2, 3), dtype=float32" in shown
    editor.save(tmp_path / "new.weights.h5")
    new.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(new.layers[3].kernel.numpy(), np.ones((3, 3)))
    with keras_alone():
        theirs = model("a", "b", "c", k=keras)
        theirs.load_weights(tmp_path / "new.weights.h5")
        seen = keras.saving.KerasFileEditor(str(tmp_path / "new.weights.h5")).compare(theirs)
    assert seen["status"] == "success"
    editor.delete_object("dense_2")
    assert editor.compare(old)["status"] == "success"


def test_objects_inside_of_objects_and_optimizers(tmp_path):
    inner = model("x", "y")
    inputs = Input((2,))
    outer = Model(inputs, layers.Dense(1)(inner(inputs)))
    outer.compile("adam", "mse")
    outer.fit(np.ones((2, 2)), np.ones((2, 1)), verbose=0)
    outer.save_weights(tmp_path / "outer.weights.h5")
    editor = KerasFileEditor(tmp_path / "outer.weights.h5")
    assert editor.compare(outer)["match_count"] == 6 + 2 + 12
    with pytest.raises(ArgumentError, match="more than once"):
        editor.delete_object("dense")
    editor.resave_weights(tmp_path / "again.weights.h5")
    assert KerasFileEditor(tmp_path / "again.weights.h5").compare(outer)["error_count"] == 0


def test_mistakes_and_attacks(tmp_path):
    model("a").save_weights(tmp_path / "a.weights.h5")
    editor = KerasFileEditor(tmp_path / "a.weights.h5")
    for act, error in (
        (lambda: KerasFileEditor(tmp_path / "a.txt"), ArgumentError),
        (lambda: KerasFileEditor(tmp_path / "none.keras"), ArgumentError),
        (lambda: editor.rename_object("nothing", "x"), ArgumentError),
        (lambda: editor.rename_object("dense", "a/b"), ArgumentError),
        (lambda: editor.delete_object("layers/nothing"), ArgumentError),
        (lambda: editor.delete_weight("dense", "9"), ArgumentError),
        (lambda: editor.add_object("nowhere/x", {}), ArgumentError),
        (lambda: editor.add_weights("dense", [1.0]), DtypeError),
        (lambda: editor.save(tmp_path / "x.h5"), ArgumentError),
    ):
        with pytest.raises(error):
            act()
    for link in (h5py.SoftLink("/elsewhere"), h5py.ExternalLink("other.h5", "/layers")):
        with h5py.File(tmp_path / "bad.weights.h5", "w") as file:
            file["layers"] = link
        with pytest.raises(SerializationError, match=type(link).__name__):
            KerasFileEditor(tmp_path / "bad.weights.h5")
