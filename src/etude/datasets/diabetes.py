"""Diabetes: the progression of a disease after one year."""

from __future__ import annotations

import gzip

from etude.datasets import scikit_learn
from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Licence

FEATURES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

_FILES = (
    Blob(
        "diabetes_data_raw.csv.gz",
        7_073,
        "7fc0ded571454b1982210d3bb43f0aca44eae01a0b8654a3b24022bdb6b38009",
    ),
    Blob(
        "diabetes_target.csv.gz",
        1_050,
        "8e53f65eb811df43c206f3534bb3af0e5fed213bc37ed6ba36310157d6023803",
    ),
)

DATA = DataSet(
    name="diabetes",
    what="442 patients, 10 baseline measurements, disease progression",
    files=_FILES,
    sources=scikit_learn.sources(
        _FILES,
        Licence(
            "BSD-3-Clause",
            "that is scikit-learn's licence; the paper that published the data states no terms.",
        ),
    ),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the patients, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 10), the columns
        `FEATURES` in their own units (scikit-learn's ``load_diabetes(scaled=False)``); `y` float64,
        shape (samples,), a measure of progression from 25 to 346.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least angle regression", Annals of
        Statistics, 2004.
    """
    files = DATA.read()
    x = read_table(gzip.decompress(files["diabetes_data_raw.csv.gz"]), None)  # (442, 10)
    y = read_table(gzip.decompress(files["diabetes_target.csv.gz"]), None)  # (442, 1)
    return shuffle_and_split(x, y[:, 0], test_split, seed)
