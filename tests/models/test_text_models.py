"""Models that begin with text: what needs the host runs as the data comes in, the rest compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import etude
from etude import Input, Model, Sequential, layers
from etude.errors import DataError, SerializationError

TEXT = np.array(["good film", "bad film", "very good", "so bad"] * 4)
Y = np.array([1.0, 0.0, 1.0, 0.0] * 4, dtype="float32")


@pytest.fixture
def vectorize() -> Any:
    layer = layers.TextVectorization(output_sequence_length=3)
    layer.adapt(TEXT)
    return layer


def classifier(vectorize: Any, *first: Any) -> Any:
    model = Sequential(
        [*first, vectorize, layers.Embedding(10, 4), layers.Flatten(), layers.Dense(1)]
    )
    model.compile(etude.optimizers.Adam(0.1), "mse", metrics=["mae"])
    return model


def test_text_can_be_trained_on(engine: str, vectorize: Any) -> None:
    model = classifier(vectorize)
    history = model.fit(TEXT, Y, epochs=8, batch_size=4, validation_data=(TEXT, Y), verbose=0)
    assert history.history["val_loss"][-1] < 0.1 * history.history["loss"][0]
    found = model.predict(TEXT, verbose=0)
    np.testing.assert_allclose(found, model(TEXT).numpy(), rtol=1e-5, atol=1e-5)
    again = Sequential(model.layers[1:])  # without text
    np.testing.assert_allclose(found, again(vectorize(TEXT)).numpy(), rtol=1e-5, atol=1e-5)
    assert model.evaluate(TEXT, Y, verbose=0)[0] < 0.1
    assert model.train_on_batch(TEXT[:4], Y[:4])[0] < 0.1
    assert model.predict_on_batch(TEXT[:4]).shape == (4, 1)


def test_text_may_come_in_batches(engine: str, vectorize: Any) -> None:
    class Batches:
        def __iter__(self) -> Any:
            return ((TEXT[i : i + 4, None], Y[i : i + 4]) for i in range(0, 16, 4))

        def __len__(self) -> int:
            return 4

    class Own(etude.utils.PyDataset):
        def __getitem__(self, index: int) -> Any:
            return TEXT[4 * index : 4 * index + 4, None], Y[4 * index : 4 * index + 4]

        def __len__(self) -> int:
            return 4

    for data in (Batches(), Own()):
        model = classifier(vectorize, Input((1,), dtype="string"))
        first = model.evaluate(TEXT, Y, verbose=0)[0]
        model.fit(data, epochs=3, verbose=0)
        assert model.evaluate(data, verbose=0)[0] < first


def test_models_inside_are_cut_as_well_and_their_weights_trained(engine: str) -> None:
    word, number = Input((1,), dtype="string", name="word"), Input((1,), name="number")
    lookup = layers.StringLookup(vocabulary=["a", "b"])
    vectors = layers.Flatten()(layers.Embedding(3, 2)(lookup(word)))
    inner = Model({"word": word, "number": number}, layers.Concatenate()([vectors, number]))
    inputs = {
        "word": Input((1,), dtype="string", name="word"),
        "number": Input((1,), name="number"),
    }
    model = Model(inputs, layers.Dense(1)(inner(inputs)))
    model.compile("sgd", "mse")
    data = {"word": np.array([["a"], ["b"], ["z"], ["a"]]), "number": np.ones((4, 1))}
    before = inner.get_weights()[0]
    model.fit(data, np.ones((4, 1)), verbose=0)
    assert np.abs(inner.get_weights()[0] - before).max(axis=1).min() > 0
    outputs = (
        np.concatenate([inner.get_weights()[0][[1, 2, 0, 1]], np.ones((4, 1))], axis=1)
        @ model.get_weights()[-2]
        + model.get_weights()[-1]
    )
    np.testing.assert_allclose(model.predict(data, verbose=0), outputs, rtol=1e-5)


def test_vocabularies_are_saved_with_the_model(tmp_path: Any, vectorize: Any) -> None:
    etude.config.set_engine("numpy")
    weighted = layers.TextVectorization(output_mode="tf_idf")
    weighted.adapt(TEXT)
    for layer in (vectorize, weighted):
        model = Sequential([Input((), dtype="string"), layer])
        model.save(tmp_path / "model.keras")
        loaded = etude.models.load_model(tmp_path / "model.keras")
        assert loaded.layers[0].get_vocabulary() == layer.get_vocabulary()
        np.testing.assert_array_equal(loaded(TEXT).numpy(), model(TEXT).numpy())


def test_a_vocabulary_file_is_kept_in_the_model_file(tmp_path: Any) -> None:
    etude.config.set_engine("numpy")
    path = tmp_path / "terms.txt"
    path.write_text("a\nb\n", encoding="utf-8")
    model = Sequential([Input((1,), dtype="string"), layers.StringLookup(vocabulary=str(path))])
    assert model.layers[0].get_config()["vocabulary"] is None
    model.save(tmp_path / "model.keras")
    path.unlink()
    loaded = etude.models.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_vocabulary() == ["[UNK]", "a", "b"]


def test_files_that_would_leave_their_folder_are_refused(tmp_path: Any) -> None:
    import zipfile

    etude.config.set_engine("numpy")
    layer = layers.StringLookup(name="look")
    layer.adapt(["a"])
    Sequential([Input((1,), dtype="string"), layer]).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras", "a") as archive:
        archive.writestr("assets/layers/string_lookup/../../../evil.txt", "x")
    with pytest.raises(SerializationError, match="would not stay in its folder"):
        etude.models.load_model(tmp_path / "model.keras")
    assert not list(tmp_path.parent.rglob("evil.txt"))


def test_text_for_a_model_of_numbers_is_explained() -> None:
    model = Sequential([Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="holds text"):
        model.fit(TEXT[:, None], Y, verbose=0)
