"""Digits: small handwritten digits, for when MNIST is too large."""

from __future__ import annotations

import gzip

import numpy as np

from etude.datasets import scikit_learn
from etude.datasets.arrays import Split, read_table, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Licence

_FILES = (
    Blob(
        "digits.csv.gz",
        57_523,
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22",
    ),
)

DATA = DataSet(
    name="digits",
    what="1,797 handwritten digits, 8x8 gray, 10 classes",
    files=_FILES,
    sources=scikit_learn.sources(_FILES, Licence("CC-BY-4.0")),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the digits, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` uint8 in 0 to 16, shape (samples, 8, 8);
        `y` uint8 in 0 to 9, shape (samples,).

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        E. Alpaydin, C. Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning
        Repository, 1998; its test part.
    """
    table = read_table(gzip.decompress(DATA.read()["digits.csv.gz"]))  # (1797, 65)
    table = table.astype(np.uint8)
    return shuffle_and_split(table[:, :-1].reshape(-1, 8, 8), table[:, -1], test_split, seed)
