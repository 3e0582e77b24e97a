"""Wine: chemical analyses of wines of three cultivars."""

from __future__ import annotations

import numpy as np

from etude.datasets import scikit_learn
from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Licence

FEATURES = (
    "alcohol",
    "malic_acid",
    "ash",
    "alcalinity_of_ash",
    "magnesium",
    "total_phenols",
    "flavanoids",
    "nonflavanoid_phenols",
    "proanthocyanins",
    "color_intensity",
    "hue",
    "od280/od315_of_diluted_wines",
    "proline",
)
CLASSES = ("class_0", "class_1", "class_2")

_FILES = (
    Blob(
        "wine_data.csv", 11_157, "10e8a802908b34f86e5da8ce962f3c806694bc98450a18f61851af59f324bede"
    ),
)

DATA = DataSet(
    name="wine",
    what="178 wines, 13 chemical measurements, 3 cultivars",
    files=_FILES,
    sources=scikit_learn.sources(_FILES, Licence("CC-BY-4.0")),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the wines, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 13), the columns
        `FEATURES`; `y` int64, shape (samples,), an index into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        S. Aeberhard, M. Forina, "Wine", UCI Machine Learning Repository, 1992.
    """
    table = read_table(DATA.read()["wine_data.csv"], skip=1)  # (178, 14)
    return shuffle_and_split(table[:, :-1], table[:, -1].astype(np.int64), test_split, seed)
