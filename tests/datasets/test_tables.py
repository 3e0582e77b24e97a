"""The tables of scikit-learn, against scikit-learn's own loaders."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from etude import datasets
from etude.errors import FetchError

TABLES = ["breast_cancer", "diabetes", "digits", "iris", "wine"]


def loaded(name: str):
    """All samples in their original order."""
    (x_train, y_train), (x_test, y_test) = getattr(datasets, name).load_data(0.2, seed=5)
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    order = np.arange(len(x))
    np.random.RandomState(5).shuffle(order)
    back = np.argsort(order)
    return x[back], y[back]


@pytest.mark.parametrize("name", TABLES)
def test_same_values_as_scikit_learn(name):
    reference = pytest.importorskip("sklearn.datasets", reason="scikit-learn is the reference")
    options = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(reference, f"load_{name}")(**options)
    x, y = loaded(name)
    expected = bunch.images if name == "digits" else bunch.data
    np.testing.assert_array_equal(x, expected)
    np.testing.assert_array_equal(y, bunch.target)


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "iris", "wine"])
def test_names_of_columns_and_classes(name):
    reference = pytest.importorskip("sklearn.datasets", reason="scikit-learn is the reference")
    bunch = getattr(reference, f"load_{name}")()
    module = getattr(datasets, name)
    assert list(module.FEATURES) == list(bunch.feature_names)
    if name != "diabetes":
        assert list(module.CLASSES) == list(bunch.target_names)


@pytest.mark.parametrize(
    ("name", "shape", "x_dtype", "y_dtype", "counts"),
    [
        ("iris", (150, 4), "float64", "int64", [50, 50, 50]),
        ("wine", (178, 13), "float64", "int64", [59, 71, 48]),
        ("breast_cancer", (569, 30), "float64", "int64", [212, 357]),
        (
            "digits",
            (1797, 8, 8),
            "uint8",
            "uint8",
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
        ),
    ],
)
def test_published_shapes_and_counts(name, shape, x_dtype, y_dtype, counts):
    x, y = loaded(name)
    assert x.shape == shape and x.dtype == x_dtype and y.dtype == y_dtype
    assert np.bincount(y).tolist() == counts


def test_diabetes():
    x, y = loaded("diabetes")
    assert x.shape == (442, 10) and x.dtype == y.dtype == np.float64
    assert (y.min(), y.max(), round(y.mean(), 2)) == (25, 346, 152.13)


def test_split_and_seed():
    (x_train, y_train), (x_test, y_test) = datasets.wine.load_data()
    assert (len(x_train), len(y_train), len(x_test), len(y_test)) == (142, 142, 36, 36)
    again = datasets.wine.load_data()
    np.testing.assert_array_equal(again[0][0], x_train)
    other = datasets.wine.load_data(seed=1)
    assert not np.array_equal(other[0][0], x_train)
    with pytest.raises(ValueError, match="`test_split` must be"):
        datasets.wine.load_data(test_split=1.0)


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(
        FetchError, match=r"installed sklearn: not installed \(pip install 'etude\[labs\]'\)"
    ):
        datasets.iris.load_data()
