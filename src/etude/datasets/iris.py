"""Iris: measurements of flowers."""

from __future__ import annotations

import numpy as np

from etude.datasets import scikit_learn
from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Licence

FEATURES = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
CLASSES = ("setosa", "versicolor", "virginica")

_FILES = (
    Blob("iris.csv", 2_734, "f13ffa8fdd56fd8e6c8d16d4081a3fbd3114bcd0aae4256c43205169cd9d1449"),
)

DATA = DataSet(
    name="iris",
    what="150 flowers, 4 measurements, 3 species",
    files=_FILES,
    sources=scikit_learn.sources(_FILES, Licence("CC-BY-4.0")),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads Fisher's iris flowers, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 4), the columns
        `FEATURES` in cm; `y` int64, shape (samples,), an index into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics,
        1936. These are the values of Fisher's paper.
    """
    table = read_table(DATA.read()["iris.csv"], skip=1)  # (150, 5)
    return shuffle_and_split(table[:, :-1], table[:, -1].astype(np.int64), test_split, seed)
