"""What a file holds is told without loading it, and so is what would be refused."""

import json

import h5py
import numpy as np
import pytest

import etude
from etude import Input, Sequential, layers
from etude.errors import ArgumentError
from etude.saving.inspection import inspect_file
from tests.saving.hostile import (
    layer_config,
    load,
    members,
    network,
    pack,
    watched,
    with_layer,
    with_weights,
)


@pytest.fixture(autouse=True)
def on_numpy():
    etude.config.set_engine("numpy")


def trained():
    model = network()
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    return model


def shapes(report):
    return {p.name: (p.kind, [a.shape for a in p.arrays]) for p in report.parts}


def test_models(tmp_path):
    model = trained()
    model.save(tmp_path / "m.keras")
    report = inspect_file(tmp_path / "m.keras")
    found = shapes(report)
    assert found["dense"] == ("Dense", [(4, 8), (8,)])
    assert found["dense_1"] == ("Dense", [(8, 2), (2,)])
    assert len(found["optimizer"][1]) == len(model.optimizer.variables)
    assert report.form.startswith("a model of Keras 3") and len(report.sha256) == 64
    assert report.facts["keras_version"] == "3.15.1" and report.facts["class"] == "Sequential"
    assert report.facts["compiled with optimizer"] == "Adam"
    assert not report.refusals and not report.own
    assert set(report.members) == {"metadata.json", "config.json", "model.weights.h5"}
    model.save(tmp_path / "m.h5")
    old = shapes(inspect_file(tmp_path / "m.h5"))
    assert old["dense"][0] == "Dense" and sorted(old["dense"][1]) == [(4, 8), (8,)]
    model.save(tmp_path / "folder", zipped=False)
    assert shapes(inspect_file(tmp_path / "folder")) == found


def test_weights(tmp_path):
    model = trained()
    model.save_weights(tmp_path / "w.weights.h5")
    assert shapes(inspect_file(tmp_path / "w.weights.h5"))["layers/dense"] == (
        "dense",
        [(4, 8), (8,)],
    )
    model.save_weights(tmp_path / "w.safetensors")
    report = inspect_file(tmp_path / "w.safetensors")
    assert sum(part.count for part in report.parts) == model.count_params()
    model.save_weights(tmp_path / "s.weights.json", max_shard_size=1)
    assert not inspect_file(tmp_path / "s.weights.json").refusals
    np.savez(tmp_path / "a.npz", a=np.zeros((2, 3)))
    assert shapes(inspect_file(tmp_path / "a.npz")) == {"a": ("", [(2, 3)])}


def test_classes_of_ones_own_are_named(tmp_path):
    class Mine(layers.Layer):
        def call(self, x):
            return x

    Sequential([Input((2,)), Mine()]).save(tmp_path / "m.keras")
    (own,) = inspect_file(tmp_path / "m.keras").own
    assert own.endswith(".Mine")


def attack(kind, path):
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}
    if kind == "code":
        return with_layer(path, layer_config("Lambda", function=code))
    if kind == "vocabulary":
        return with_layer(path, layer_config("StringLookup", vocabulary="/etc/passwd"))
    if kind == "name":
        return with_layer(path, layer_config("Dropout", rate=0.5, name="../x"))
    if kind == "link":
        link = h5py.ExternalLink("other.h5", "/")
        return with_weights(path, lambda file: file.__setitem__("layers/evil", link))
    if kind == "bomb":
        bomb = {"shape": (1 << 30, 1 << 30), "dtype": "f4", "chunks": (64, 64)}
        return with_weights(path, lambda file: file.create_dataset("layers/d/vars/0", **bomb))
    network().save(path)
    if kind == "member":
        return pack(path, {**members(path), "../evil": b""})
    path.write_bytes(path.read_bytes()[:-100] if kind == "cut" else b"\x80\x04K\x01.")
    return path


@pytest.mark.parametrize(
    "kind", ["code", "vocabulary", "name", "link", "bomb", "member", "cut", "pickle"]
)
def test_what_would_be_refused(tmp_path, kind):
    path = attack(kind, tmp_path / "m.keras")
    with watched(tmp_path):
        report = inspect_file(path)
    assert report.refusals
    json.dumps(report.as_dict())


def test_a_model_that_needs_other_classes(tmp_path):
    path = with_layer(tmp_path / "m.keras", {"module": "os", "class_name": "system", "config": {}})
    assert inspect_file(path).own == ["os.system"]
    with pytest.raises(ValueError, match="Could not locate"):
        load(path)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ArgumentError, match="no file"):
        inspect_file(tmp_path / "none")
    (tmp_path / "x").write_text("hello")
    assert inspect_file(tmp_path / "x").refusals
