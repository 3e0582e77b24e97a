"""The readers of Keras's own data sets, on small files of the same form."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from etude import datasets
from etude.datasets import boston_housing, california_housing, cifar10, cifar100, imdb, reuters
from etude.datasets.keras_files import read_npz
from etude.datasets.record import DataSet
from etude.errors import ArgumentError, FetchError


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def ragged(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = [list(row) for row in rows]
    return array


def given(monkeypatch, content):
    monkeypatch.setattr(DataSet, "read", lambda self: {self.files[0].name: content})


def test_lists_of_numbers_are_read_and_nothing_else():
    found = read_npz(npz(x=ragged([1], [2, 3]), y=np.arange(2)))
    assert found["x"].tolist() == [[1], [2, 3]] and found["y"].tolist() == [0, 1]

    class Evil:
        def __reduce__(self):
            return (print, ("run",))

    array = np.empty(1, dtype=object)
    array[0] = Evil()
    with pytest.raises(FetchError, match="refused"):
        read_npz(npz(x=array))
    with pytest.raises(FetchError, match="damaged"):
        read_npz(b"nothing")


def test_imdb_as_keras_cuts_it(monkeypatch):
    x = ragged([1, 2], [3, 9, 4], [5])
    given(monkeypatch, npz(x_train=x, y_train=np.array([0, 1, 0]), x_test=x, y_test=x.size * [1]))
    (x_train, y_train), (x_test, _) = imdb.load_data(num_words=8)
    rows = {tuple(row): label for row, label in zip(x_train, y_train, strict=True)}
    assert rows == {(1, 4, 5): 0, (1, 6, 2, 7): 1, (1, 2): 0}  # 9 + 3 and 5 + 3 are unknown
    assert len(x_test) == 3
    (short, _), _ = imdb.load_data(maxlen=4, start_char=None, oov_char=None, index_from=0)
    assert sorted(map(tuple, short)) == [(1, 2), (3, 4), (5,)]
    with pytest.raises(ArgumentError, match="Increase maxlen"):
        imdb.load_data(maxlen=1)


def test_reuters_is_shuffled_by_its_seed(monkeypatch):
    given(monkeypatch, npz(x=ragged(*([i] for i in range(1, 11))), y=np.arange(10)))
    (x_train, y_train), (x_test, _) = reuters.load_data(num_words=100)
    assert len(x_train) == 8 and len(x_test) == 2
    assert all(x[1] == y + 4 for x, y in zip(x_train, y_train, strict=True))
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    assert y_train.tolist() == order[:8].tolist()
    assert len(reuters.get_label_names()) == 46


def test_tables(monkeypatch):
    given(monkeypatch, npz(x=np.arange(1300.0).reshape(1300, 1), y=np.arange(1300.0)))
    (x_train, y_train), (x_test, _) = boston_housing.load_data()
    assert len(x_train) == 1040 and len(x_test) == 260 and x_train[5, 0] == y_train[5]
    (x_train, _), (x_test, _) = california_housing.load_data("small")
    assert len(x_train) + len(x_test) == 600
    with pytest.raises(ArgumentError, match="version"):
        california_housing.load_data("tiny")


def archive(batches):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, batch in batches.items():
            data = pickle.dumps(batch, protocol=3)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return file.getvalue()


def test_photos(monkeypatch):
    pixels = np.zeros((2, 3072), "uint8")
    pixels[:, 1024:2048] = 9  # the green plane
    folder = "cifar-10-batches-py/"
    batch = {"data": pixels, "labels": [3, 7]}
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    given(monkeypatch, archive({folder + name: batch for name in names}))
    (x, y), (x_test, _) = cifar10.load_data()
    assert x.shape == (10, 32, 32, 3) and x_test.shape == (2, 32, 32, 3)
    assert x[0, 5, 5].tolist() == [0, 9, 0] and y[:2].tolist() == [[3], [7]]
    batch = {"data": pixels, "fine_labels": [30, 70], "coarse_labels": [1, 2]}
    given(monkeypatch, archive({f"cifar-100-python/{n}": batch for n in ("train", "test")}))
    assert cifar100.load_data()[0][1].tolist() == [[30], [70]]
    assert cifar100.load_data("coarse")[1][1].tolist() == [[1], [2]]
    with pytest.raises(ArgumentError, match="label_mode"):
        cifar100.load_data("medium")


def test_every_one_has_a_record():
    for name in ("boston_housing", "california_housing", "cifar10", "cifar100", "imdb", "reuters"):
        record = datasets.get(name)
        assert record.sources[0].label.startswith("https://")
        assert len(record.files[0].sha256) == 64
