"""Breast cancer (Wisconsin, diagnostic): measurements of cell nuclei."""

from __future__ import annotations

import numpy as np

from etude.datasets import scikit_learn
from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Licence

_MEASURES = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)
FEATURES = (
    *(f"mean {measure}" for measure in _MEASURES),
    *(f"{measure} error" for measure in _MEASURES),
    *(f"worst {measure}" for measure in _MEASURES),
)
CLASSES = ("malignant", "benign")

_FILES = (
    Blob(
        "breast_cancer.csv",
        119_913,
        "fed3eb72d0575ef6192293f5093c6e801b1476b577d0386bf4455504522172ed",
    ),
)

DATA = DataSet(
    name="breast_cancer",
    what="569 tumours, 30 measurements of cell nuclei, 2 diagnoses",
    files=_FILES,
    sources=scikit_learn.sources(_FILES, Licence("CC-BY-4.0")),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the tumours, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 30), the columns
        `FEATURES`; `y` int64, shape (samples,), an index into `CLASSES`: 0 malignant, 1 benign.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        W. N. Street, W. H. Wolberg, O. L. Mangasarian, "Nuclear feature extraction for breast tumor
        diagnosis", 1993.
    """
    table = read_table(DATA.read()["breast_cancer.csv"], skip=1)  # (569, 31)
    return shuffle_and_split(table[:, :-1], table[:, -1].astype(np.int64), test_split, seed)
