"""What cannot be exported is refused in words; no file is left."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from etude import Input, Model, Sequential, config, layers, ops
from etude.errors import ArgumentError, ExportError, MissingPackageError, NotBuiltError
from tests.export.checks import images, onnx_error

pytest.importorskip("onnx", reason="export to ONNX needs the package onnx")

SIGNATURE = [layers.InputSpec(shape=(None, 3))]


class Computes(Model):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, x):
        return self.function(x)


@pytest.fixture(autouse=True)
def on_numpy():
    config.set_engine("numpy")


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x if float(ops.mean(x)) > 0 else -x,
        lambda x: ops.cond(ops.mean(x) > 0, lambda: x, lambda: -x),
        lambda x: ops.while_loop(lambda v: ops.mean(v) < 3, lambda v: (v * 2 + 1,), (x,))[0],
        lambda x: x + np.asarray(x).sum(),
    ],
    ids=["if", "cond", "while_loop", "numpy"],
)
def test_what_depends_on_values(function, tmp_path):
    with pytest.raises(ExportError, match="depends on the values"):
        Computes(function).export(tmp_path / "a.onnx", "onnx", input_signature=SIGNATURE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: ops.erfinv(x), "operation `erfinv`"),
        (lambda x: x + ops.convert_to_tensor(np.eye(*x.shape)), "is not the same for all inputs"),
        (lambda x: x + layers.Dropout(0.5)(x, training=True), "operation `dropout`"),
    ],
    ids=["operation", "constant", "random"],
)
def test_what_has_no_form(function, words, tmp_path):
    with pytest.raises(ExportError, match=words):
        Computes(function).export(tmp_path / "a.onnx", "onnx", input_signature=SIGNATURE)
    assert not list(tmp_path.iterdir())


def test_lookups(tmp_path):
    text = Sequential([
        Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a"]), layers.Embedding(4, 2)
    ])  # fmt: skip
    with pytest.raises(ExportError, match="is text"):
        text.export(tmp_path / "a.onnx", "onnx")
    numbers = Sequential([
        Input((1,), dtype="int64"), layers.IntegerLookup(vocabulary=[3]), layers.Embedding(4, 2)
    ])  # fmt: skip
    with pytest.raises(ExportError, match="works on the host"):
        numbers.export(tmp_path / "a.onnx", "onnx")


def test_formats_and_arguments(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(2)])
    for wrong, words in (
        ({}, "tf_saved_model"),
        ({"format": "onx"}, "Did you mean 'onnx'"),
        ({"format": "onnx", "opset": 18}, "does not know the argument 'opset'"),
        ({"format": "onnx", "opset_version": 7}, "18 to 21"),
    ):
        with pytest.raises(ValueError, match=words):
            model.export(tmp_path / "a", **wrong)
    with pytest.raises(ArgumentError, match="There is no folder"):
        model.export(tmp_path / "none" / "a", format="onnx")
    with pytest.raises(NotBuiltError, match="input_signature"):
        Computes(ops.abs).export(tmp_path / "a", format="onnx")
    assert not list(tmp_path.iterdir())


def test_bfloat16(tmp_path):
    pytest.importorskip("ml_dtypes", reason="bfloat16 on the engine numpy needs it")
    model = Sequential([Input((2,)), layers.Dense(2, dtype="bfloat16")])
    with pytest.raises(ExportError, match="bfloat16"):
        model.export(tmp_path / "a.onnx", format="onnx")


def test_a_missing_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "etude.export.onnx_file", raising=False)
    model = Sequential([Input((2,)), layers.Dense(2)])
    with pytest.raises(MissingPackageError, match="pip install"):
        model.export(tmp_path / "a.onnx", format="onnx")


def test_an_older_file_stays_where_the_export_fails(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_text("old")
    with pytest.raises(ExportError):
        Computes(ops.erfinv).export(path, "onnx", input_signature=SIGNATURE)
    assert path.read_text() == "old"


def test_subclassed_models_are_built_and_keep_their_state(tmp_path):
    class Counts(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3)
            self.lstm = layers.LSTM(4, return_state=True)
            self.calls = self.add_weight((), "zeros", trainable=False, name="calls")

        def call(self, x):
            self.calls.assign_add(1.0)
            y, h, c = self.lstm(x)
            return {"a": self.dense(y), "state": (h, c)}

    model = Counts()
    signature = layers.InputSpec(shape=(None, None, 3))
    assert onnx_error(model, [images(7, 3)], tmp_path, signature) < 1e-5
    assert float(model.calls) == 2  # those of the comparison: exporting counts for nothing


def test_import_of_etude_needs_no_onnx():
    code = "import sys, etude; assert not {'onnx', 'etude.export'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
