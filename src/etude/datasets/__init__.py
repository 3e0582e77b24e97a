"""Data sets, each a module with `load_data()` and the record `DATA` that says where it comes from.

>>> from etude import datasets
>>> datasets.iris.CLASSES
('setosa', 'versicolor', 'virginica')

To add one: write a module with both, import it here, and name it in `__all__`.
"""

from __future__ import annotations

from etude.datasets import (
    auto_mpg,
    banknotes,
    boston_housing,
    breast_cancer,
    california_housing,
    churn,
    cifar10,
    cifar100,
    diabetes,
    digits,
    fashion_mnist,
    imdb,
    iris,
    mnist,
    reuters,
    scenes,
    stamps,
    swiss_banknotes,
    wine,
)
from etude.datasets.record import DataSet
from etude.errors import explain_missing, unknown_name

__all__ = [
    "auto_mpg",
    "banknotes",
    "boston_housing",
    "breast_cancer",
    "california_housing",
    "churn",
    "cifar10",
    "cifar100",
    "diabetes",
    "digits",
    "fashion_mnist",
    "imdb",
    "iris",
    "mnist",
    "reuters",
    "scenes",
    "stamps",
    "swiss_banknotes",
    "wine",
]


def records() -> dict[str, DataSet]:
    """The record of every data set, by name.

    >>> "mnist" in records()
    True
    """
    return {name: globals()[name].DATA for name in __all__}


def get(name: str) -> DataSet:
    """The record of one data set.

    Args:
        name: its name, as in ``etude.datasets.NAME``.

    Raises:
        UnknownNameError: there is no data set of that name.

    >>> get("iris").what
    '150 flowers, 4 measurements, 3 species'
    """
    known = records()
    if name not in known:
        raise unknown_name("data set", name, known)
    return known[name]


explain_missing(__name__)
