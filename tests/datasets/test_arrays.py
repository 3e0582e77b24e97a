from __future__ import annotations

import inspect
import io
import os
import pickle
import struct

import numpy as np
import pytest

from etude import datasets
from etude.datasets.arrays import (
    read_idx,
    read_table,
    shuffle_and_split,
    unpickle_arrays,
    write_idx,
)
from etude.errors import ArgumentError, FetchError


@pytest.mark.parametrize("shape", [(0,), (5,), (2, 3), (2, 3, 4), ()])
def test_idx_round_trip(shape):
    array = np.random.randint(0, 256, shape).astype(np.uint8)
    back = read_idx(write_idx(array))
    np.testing.assert_array_equal(back, array)
    assert back.dtype == np.uint8 and back.shape == shape and back.flags.writeable


@pytest.mark.parametrize("name", ["mnist", "imdb", "reuters", "boston_housing"])
def test_loaders_take_the_path_of_keras_first(name):
    parameters = inspect.signature(getattr(datasets, name).load_data).parameters
    first = next(iter(parameters.values()))
    assert (first.name, first.default) == ("path", f"{name}.npz")


def test_idx_is_the_format_of_mnist():
    data = write_idx(np.zeros((60000, 28, 28), np.uint8))
    assert struct.unpack_from(">IIII", data) == (2051, 60000, 28, 28)
    assert len(data) == 47_040_016


def test_write_idx_takes_bytes_only():
    with pytest.raises(ArgumentError, match="expects a uint8 array, got float64"):
        write_idx(np.zeros(3))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0\x08",
        b"\0\1\x08\1\0\0\0\1\7",
        b"\0\0\x0d\1\0\0\0\1\7",  # floats
        b"\0\0\x08\3\0\0\0\1",  # shape cut off
        b"\0\0\x08\1\0\0\0\2\7",  # too few values
        b"\0\0\x08\1\0\0\0\1\7\7",  # too many
        b"\0\0\x08\4" + b"\xff" * 16 + b"\7",  # a shape whose product overflows 64 bits
    ],
)
def test_damaged_idx(data):
    with pytest.raises(FetchError, match="IDX"):
        read_idx(data)


def test_read_table():
    np.testing.assert_array_equal(read_table(b"1 2\n3 4\n", None), [[1, 2], [3, 4]])
    assert read_table(b"5\n6\n").shape == (2, 1)


# ---- the split -------------------------------------------------------------------------------


def test_split_is_that_of_keras():
    x, y = np.arange(50).reshape(25, 2), np.arange(25)
    (x_train, y_train), (x_test, y_test) = shuffle_and_split(x, y, 0.3, 7)
    order = np.arange(25)
    np.random.RandomState(7).shuffle(order)
    np.testing.assert_array_equal(y_train, order[:17])
    np.testing.assert_array_equal(y_test, order[17:])
    np.testing.assert_array_equal(x_train[:, 0], 2 * y_train)
    np.testing.assert_array_equal(x_test[:, 0], 2 * y_test)


def test_split_leaves_the_global_generator_alone():
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    shuffle_and_split(np.arange(5), np.arange(5))
    assert np.random.rand() == expected


def test_split_of_nothing():
    (x_train, _), (x_test, y_test) = shuffle_and_split(np.arange(5), np.arange(5), 0)
    assert len(x_train) == 5 and len(x_test) == len(y_test) == 0


@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5])
def test_split_out_of_range(test_split):
    with pytest.raises(ValueError, match="`test_split` must be at least 0 and less than 1"):
        shuffle_and_split(np.arange(5), np.arange(5), test_split)


# ---- pickles ---------------------------------------------------------------------------------


class Evil:
    def __init__(self, function: object, *arguments: object) -> None:
        self.recipe = function, arguments

    def __reduce__(self):
        return self.recipe


@pytest.mark.parametrize("protocol", [3, 4])  # Python 2's, protocol 2, is MNIST's: test_images.py
def test_pickled_arrays(protocol):
    arrays = (np.arange(6, dtype=np.float32).reshape(2, 3), [np.arange(3)])
    loaded = unpickle_arrays(io.BytesIO(pickle.dumps(arrays, protocol)))
    np.testing.assert_array_equal(loaded[0], arrays[0])
    np.testing.assert_array_equal(loaded[1][0], arrays[1][0])


@pytest.mark.parametrize(
    "payload",
    [
        Evil(os.system, "touch HACKED"),
        Evil(eval, "open('HACKED', 'w')"),
        Evil(getattr, os.path.join, "__globals__"),
        Evil(np.fromfile, "/etc/passwd", np.uint8),
        [np.zeros(3), Evil(os.system, "touch HACKED")],
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_hostile_pickles(payload, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FetchError, match=r"refused: the pickle asks for|damaged pickle"):
        unpickle_arrays(io.BytesIO(pickle.dumps(payload, protocol)))
    assert list(tmp_path.iterdir()) == []


def test_os_system_by_name():
    with pytest.raises(FetchError, match=r"refused: the pickle asks for (posix|nt|os).system"):
        unpickle_arrays(io.BytesIO(b"cos\nsystem\n(S'true'\ntR."))


def test_object_arrays_are_refused():
    with pytest.raises(FetchError, match="array of Python objects"):
        unpickle_arrays(io.BytesIO(pickle.dumps(np.array([{}], object), 3)))


def test_damaged_pickle():
    with pytest.raises(FetchError, match="damaged pickle"):
        unpickle_arrays(io.BytesIO(pickle.dumps(np.zeros(3), 3)[:-20]))
