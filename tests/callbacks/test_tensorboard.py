"""Event files byte by byte, read by a parser that shares nothing with the writer."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

import etude
from etude import callbacks, layers, optimizers
from etude.callbacks.event_file import EventFile, crc32c, histogram, png
from etude.errors import ArgumentError
from tests.callbacks import events
from tests.training.models import X, Y, classifier


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"", 0),
    ],
)
def test_checksums_are_those_of_rfc_3720(data: bytes, expected: int):
    assert crc32c(data) == events.crc(data) == expected


def test_what_is_written_is_read(tmp_path):
    file = EventFile(tmp_path / "run")
    file.scalar("a/loss", 0.1, 0)
    file.scalar("a/loss", np.float64(-3), 2**40)
    file.histogram("h", np.arange(8.0), 3)
    file.image("i", np.full((1, 2, 3, 1), 0.5), 4)
    file.text("t", "Größe", 5)
    file.close()
    loss, later, h, i, t = events.read(tmp_path / "run")
    assert (loss.tag, loss.step, loss.plugin, float(loss.value)) == (
        "a/loss", 0, "scalars", np.float32(0.1),
    )  # fmt: skip
    assert (later.step, float(later.value)) == (2**40, -3)
    assert h.value.shape == (30, 3)
    assert h.value.dtype == "float64"
    assert h.value[:, 2].sum() == 8
    assert (i.value[0], i.value[1]) == (b"3", b"2")
    assert np.asarray(Image.open(io.BytesIO(i.value[2]))).tolist() == [[127] * 3] * 2
    assert t.value == ["Größe".encode()]


def test_histograms_count_everything_once():
    values = np.random.default_rng(0).normal(size=500)
    found = histogram(values)
    counts, edges = np.histogram(values, 30)
    np.testing.assert_array_equal(found, np.stack([edges[:-1], edges[1:], counts], 1))
    assert histogram([2.0, 2.0, np.nan]).tolist() == [[1.5, 2.5, 2.0]]
    assert histogram([]).shape == (0, 3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_are_png_files(channels: int):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels)).astype("uint8")
    read = np.asarray(Image.open(io.BytesIO(png(image)))).reshape(image.shape)
    np.testing.assert_array_equal(read, image)


def test_epochs_are_written(engine: str, tmp_path):
    model = classifier()
    board = callbacks.TensorBoard(
        tmp_path, histogram_freq=2, write_images=True, write_steps_per_second=True
    )
    history = model.fit(X, Y, validation_split=0.25, epochs=3, callbacks=[board], verbose=0).history
    train, validation = events.scalars(tmp_path / "train"), events.scalars(tmp_path / "validation")
    for name in ("loss", "accuracy"):
        for run, prefix in ((train, ""), (validation, "val_")):
            steps, values = zip(*run[f"epoch_{name}"], strict=True)
            assert steps == (0, 1, 2)
            np.testing.assert_allclose(values, history[prefix + name], rtol=1e-6)
    iterations = int(model.optimizer.iterations)
    assert [step for step, _ in validation["evaluation_loss_vs_iterations"]] == [
        iterations // 3, 2 * iterations // 3, iterations,
    ]  # fmt: skip
    assert train["epoch_learning_rate"][0][1] == pytest.approx(float(model.optimizer.learning_rate))
    assert all(speed > 0 for _, speed in train["epoch_steps_per_second"])
    assert not any(tag.startswith("batch_") for tag in train)
    found = events.read(tmp_path / "train")
    weights = {weight.path for layer in model.layers for weight in layer.weights}
    for kind, plugin in (("histogram", "histograms"), ("image", "images")):
        shown = [s for s in found if s.plugin == plugin]
        assert {s.tag for s in shown} == {f"{path}/{kind}" for path in weights}
        assert {s.step for s in shown} == {0, 2}
    graphs = [s for s in found if s.plugin == "graph_keras_model"]
    assert [json.loads(s.value[0])["class_name"] for s in graphs] == ["Sequential"]


def test_batches_are_written_as_often_as_asked_for(engine: str, tmp_path):
    for frequency, steps in (("batch", [1, 2, 3, 4]), (2, [2, 4])):
        folder = tmp_path / str(frequency)
        model = classifier()
        board = callbacks.TensorBoard(folder, update_freq=frequency, write_graph=False)
        model.fit(X[:64], Y[:64], batch_size=16, callbacks=[board], verbose=0)
        found = events.scalars(folder / "train")
        assert [step for step, _ in found["batch_loss"]] == steps
        assert not (folder / "validation").exists()


def test_learning_rates_of_several_optimizers(tmp_path):
    slow, fast = optimizers.SGD(0.25, name="slow"), optimizers.SGD(0.5, name="fast")
    model = etude.Sequential([layers.Dense(1)])
    model.compile(optimizers.MultiOptimizer(optimizers.OptimizerMap(slow, {"x": fast})), "mse")
    model.fit(
        np.ones((4, 2)), np.ones((4, 1)), callbacks=[callbacks.TensorBoard(tmp_path)], verbose=0
    )
    found = events.scalars(tmp_path / "train")
    assert found["epoch_learning_rate_slow"] == [(0, 0.25)]
    assert found["epoch_learning_rate_fast"] == [(0, 0.5)]


def test_embeddings_are_written_for_the_projector(tmp_path):
    model = etude.Sequential(
        [layers.Embedding(3, 2, name="words"), layers.Flatten(), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(
        tmp_path, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"}
    )
    model.fit(np.zeros((4, 2), "int32"), np.ones((4, 1)), callbacks=[board], verbose=0)
    config = (tmp_path / "projector_config.pbtxt").read_text()
    assert 'tensor_path: "words-0.tsv"' in config
    assert 'metadata_path: "labels.tsv"' in config
    table = np.loadtxt(tmp_path / "words-0.tsv")
    np.testing.assert_allclose(table, model.layers[0].embeddings.numpy(), rtol=1e-5)
    wrong = callbacks.TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"word": "x"})
    with pytest.raises(ArgumentError, match=r"Unrecognized `Embedding` layer names.*'word'"):
        wrong.set_model(model)


@pytest.mark.parametrize("wrong", [-1, (3, 2), "a", (1, 2, 3), 0.5])
def test_profiles_are_asked_for_in_batches(wrong):
    with pytest.raises(ArgumentError, match="non-negative integer or 2-tuple"):
        callbacks.TensorBoard("logs", profile_batch=wrong)
    with pytest.warns(UserWarning, match="etude writes no profiles"):
        callbacks.TensorBoard("logs", profile_batch="2,4")
