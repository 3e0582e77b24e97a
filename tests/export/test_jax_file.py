"""Programs of `jax.export`, called back here and in a process that has only jax."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from etude import Input, Model, Sequential, config, export, layers
from etude.errors import FileError
from tests.export.checks import images, jax_error, onnx_error, tokens

pytest.importorskip("jax", reason="a program of jax needs jax")
pytest.importorskip("flatbuffers", reason="jax keeps its programs in flatbuffers")


def network() -> Sequential:
    return Sequential([
        Input((8, 8, 3)),
        layers.Conv2D(4, 3, padding="same", strides=2),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Conv2DTranspose(3, 3, strides=2),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def sequences() -> Model:
    ids = Input((None,), dtype="int32")
    x = layers.Embedding(9, 8, mask_zero=True)(ids)
    x = layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    return Model(ids, [layers.GRU(3)(x), x])


def test_networks(engine, tmp_path):
    model = network()
    assert jax_error(model, [images(8, 8, 3)], tmp_path) < 1e-5
    assert onnx_error(model, [images(8, 8, 3)], tmp_path) < 1e-5


def test_sequences_of_open_length(tmp_path):
    config.set_engine("numpy")  # to compare with: compiling takes longer than all the rest
    model = sequences()
    assert jax_error(model, [tokens(7)], tmp_path) < 1e-5
    assert jax_error(model, [tokens(11)], tmp_path) < 1e-5


def test_a_process_with_jax_alone(tmp_path):
    config.set_engine("xla")
    model, x = network(), images(8, 8, 3)
    model.export(tmp_path / "model.jax", format="jax", verbose=False)
    np.save(tmp_path / "x.npy", x)
    code = """if True:
        import sys, jax, jax.export, numpy as np
        sys.modules["etude"] = None
        program = jax.export.deserialize(bytearray(open("model.jax", "rb").read()))
        (y,) = program.call(np.load("x.npy"))
        np.save("y.npy", y)
    """
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), np.asarray(model(x)), atol=1e-6)


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "a.jax").write_bytes(b"no program")
    with pytest.raises(FileError, match="no program of jax"):
        export.load_jax(tmp_path / "a.jax")
    with pytest.raises(FileError, match="cannot be read"):
        export.load_jax(tmp_path / "none.jax")
