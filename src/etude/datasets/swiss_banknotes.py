"""Swiss banknotes: genuine and forged notes of 1,000 francs, measured with a ruler."""

from __future__ import annotations

import numpy as np

from etude.datasets import r_objects
from etude.datasets.arrays import Split, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Debian, Licence

FEATURES = ("length", "left", "right", "bottom", "top", "diagonal")
TARGET = "forged"
CLASSES = ("genuine", "forged")

_FOLDER = "usr/lib/R/site-library/mclust/data/"
_DEB = Blob(
    "r-cran-mclust_6.0.0-1_amd64.deb",
    3_944_804,
    "25766679cdf4e59402ec80193f0a93cbc215c809bd92acf5acc7550746968df7",
)
_LICENCE = Licence(
    "GPL-2.0-or-later",
    "that is the licence of the R package mclust; the book that printed the data states no terms.",
)


def _from_r(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"swiss_banknotes.csv": r_objects.data_frame_as_csv(files, _FOLDER, "banknote")}


DATA = DataSet(
    name="swiss_banknotes",
    what="200 banknotes of 1,000 francs, 6 lengths in millimetres, forged or not",
    files=(
        Blob(
            "swiss_banknotes.csv",
            8_412,
            "c742972fdb8f305fa66c40af8801314a9ca225074f269d552f79985cab7ccc92",
        ),
    ),
    sources=(
        Debian(
            package="r-cran-mclust",
            deb=_DEB,
            files=(
                Blob(
                    f"{_FOLDER}Rdata.rdb",
                    282_786,
                    "1a6edc4f86694a15ccf536b6fea9a18bc00d5a4cda22eae1a690d3c7aa0c9450",
                ),
                Blob(
                    f"{_FOLDER}Rdata.rdx",
                    394,
                    "f3e653f6e080350a908e7f9c78825b2ec8412e81da9cc76001f13e743284914a",
                ),
            ),
            decode=_from_r,
            licence=_LICENCE,
        ),
    ),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the banknotes, shuffled.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 6), the columns
        `FEATURES` in millimetres; `y` int64, shape (samples,), an index into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        B. Flury, H. Riedwyl, "Multivariate statistics: a practical approach", Chapman and Hall,
        1988.
    """
    columns = r_objects.read_columns(DATA.read()["swiss_banknotes.csv"], ["Status"])
    y = (columns.pop("Status") == "counterfeit").astype(np.int64)
    x = np.stack(list(columns.values()), axis=1)  # (200, 6)
    return shuffle_and_split(x, y, test_split, seed)
