"""Banknote authentication: numbers from photographs of genuine and forged notes."""

from __future__ import annotations

import numpy as np

from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Licence

FEATURES = ("variance", "skewness", "curtosis", "entropy")
TARGET = "forged"
CLASSES = ("genuine", "forged")

_NAME = "data_banknote_authentication.txt"


def _with_plain_lines(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"banknotes.csv": files[_NAME].replace(b"\r\n", b"\n")}


DATA = DataSet(
    name="banknotes",
    what="1,372 banknotes, 4 numbers from a wavelet transform, forged or not",
    files=(
        Blob(
            "banknotes.csv",
            45_029,
            "564ac22b61d87388b1662adee2867e5d382aae78afb0bf5d6745c1a843174b8e",
        ),
    ),
    sources=(
        Address(
            base="https://archive.ics.uci.edu/ml/machine-learning-databases/00267/",
            files=(
                Blob(
                    _NAME,
                    46_400,
                    "d0539aaed2139ba7a587b3e34fb345ce503ff7d5d33dbf9912d8e195ce425cb9",
                ),
            ),
            decode=_with_plain_lines,
            licence=Licence("CC-BY-4.0"),
        ),
    ),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the banknotes, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 4), the columns
        `FEATURES`; `y` int64, shape (samples,), an index into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        V. Lohweg, "Banknote authentication", UCI Machine Learning Repository, 2012.
    """
    table = read_table(DATA.read()["banknotes.csv"])  # (1372, 5)
    return shuffle_and_split(table[:, :-1], table[:, -1].astype(np.int64), test_split, seed)
