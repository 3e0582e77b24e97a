"""The tables of scikit-learn, against scikit-learn's own loaders."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from etude import datasets
from etude.datasets.record import DataSet
from etude.datasets.sources import Installed, Package
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


CARS = b"""mpg,cyl,displ,hp,weight,accel,yr,origin,name
18,8,307,130,3504,12,70,1,chevrolet chevelle malibu
27,4,97,88,2130,14.5,71,3,datsun pl510
26,4,97,46,1835,20.5,70,2,volkswagen 1131 deluxe sedan
"""


def test_cars_have_a_column_for_each_origin(monkeypatch):
    monkeypatch.setattr(DataSet, "read", lambda self: {self.files[0].name: CARS})
    (x, y), (x_test, _) = datasets.auto_mpg.load_data(test_split=0)
    assert len(x_test) == 0 and x.shape == (3, len(datasets.auto_mpg.FEATURES))
    rows = dict(zip(y.tolist(), x.tolist(), strict=True))
    assert rows[18] == [8, 307, 130, 3504, 12, 70, 1, 0, 0]
    assert rows[27] == [4, 97, 88, 2130, 14.5, 71, 0, 0, 1]
    assert rows[26][6:] == [0, 1, 0] and datasets.auto_mpg.ORIGINS[1] == "Europe"


@pytest.mark.parametrize("kind", [Installed, Package])
def test_cars_from_the_package_index(kind, monkeypatch):
    """The whole file: from a package that is installed, or downloaded."""
    record = replace(
        datasets.auto_mpg.DATA,
        sources=tuple(s for s in datasets.auto_mpg.DATA.sources if isinstance(s, kind)),
    )
    monkeypatch.setattr(datasets.auto_mpg, "DATA", record)
    try:
        (x_train, y_train), (x_test, y_test) = datasets.auto_mpg.load_data()
    except FetchError as error:
        reasons = ("the network could not be reached", "pip is not installed", "not installed (pip")
        if any(reason in str(error) for reason in reasons):
            pytest.skip(f"this source cannot be reached from here: {error}")
        raise
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert x.shape == (392, 9) and x.dtype == y.dtype == np.float64
    # Where the 392 cars were built, as StatLib counts them, and their mean mileage.
    assert x[:, 6:].sum(axis=0).tolist() == [245, 68, 79]
    assert (y.min(), y.max(), round(y.mean(), 2)) == (9, 46.6, 23.45)


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
