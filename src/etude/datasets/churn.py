"""Telco churn: customers of a telephone company, and who of them left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from etude.datasets import r_objects
from etude.datasets.arrays import shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Debian, Licence

Columns = Mapping[str, NDArray[Any]]

TARGET = "churn"
CLASSES = ("stays", "leaves")
CATEGORIES = (
    "multiple_lines",
    "internet_service",
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
    "contract",
    "payment_method",
)
NUMBERS = (
    "female",
    "senior_citizen",
    "partner",
    "dependents",
    "tenure",
    "phone_service",
    "paperless_billing",
    "monthly_charges",
    "total_charges",
)

_FOLDER = "usr/lib/R/site-library/modeldata/data/"
_DEB = Blob(
    "r-cran-modeldata_1.1.0-1_all.deb",
    4_253_384,
    "66c2e08bb4bf695d972b1e72ea44d5af9ada3c42841793d3871017f7b896bf95",
)
_LICENCE = Licence(
    "MIT",
    "that is the licence of the R package modeldata; IBM, who made the data, states no terms.",
)


def _from_r(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"churn.csv": r_objects.data_frame_as_csv(files, _FOLDER, "wa_churn")}


DATA = DataSet(
    name="churn",
    what="7,043 customers of a telephone company, 19 columns, who left",
    files=(
        Blob(
            "churn.csv",
            820_655,
            "4445eb66ce99319d9864e4243ce75747a4596bd09a2468bc38235d4719eba2d2",
        ),
    ),
    sources=(
        Debian(
            package="r-cran-modeldata",
            deb=_DEB,
            files=(
                Blob(
                    f"{_FOLDER}Rdata.rdb",
                    4_140_200,
                    "2ecef5e8da0f782ae4e3f65d928fe769702accffd8981cc358a3097f6736f58f",
                ),
                Blob(
                    f"{_FOLDER}Rdata.rdx",
                    780,
                    "c23e1be60f2730fb526ce158a307e154c91a953169fcb8e73350c4e032e14538",
                ),
            ),
            decode=_from_r,
            licence=_LICENCE,
        ),
    ),
)


def load_data(
    test_split: float = 0.2, seed: int = 113
) -> tuple[tuple[Columns, NDArray[np.int64]], tuple[Columns, NDArray[np.int64]]]:
    """Loads the customers, shuffled, as columns by name.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` holds the columns `NUMBERS`, float64 with NaN
        where a number is missing (11 of `total_charges`), and `CATEGORIES`, texts; `y` int64, an
        index into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        IBM, "Telco customer churn", sample data set of Watson Analytics, 2015; as in the R package
        modeldata by M. Kuhn.
    """
    columns = r_objects.read_columns(DATA.read()["churn.csv"], [TARGET, *CATEGORIES])
    y = (columns.pop(TARGET) == "Yes").astype(np.int64)
    (train, y_train), (test, y_test) = shuffle_and_split(np.arange(len(y)), y, test_split, seed)
    return (
        ({name: column[train] for name, column in columns.items()}, y_train),
        ({name: column[test] for name, column in columns.items()}, y_test),
    )
