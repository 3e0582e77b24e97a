"""Auto MPG: how far cars of 1970 to 1982 went on a gallon."""

from __future__ import annotations

import csv
import io

import numpy as np

from etude.datasets.arrays import Split, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Installed, Licence, Package

NUMERIC = {
    "cylinders": "cyl",
    "displacement (cubic inches)": "displ",
    "horsepower": "hp",
    "weight (pounds)": "weight",
    "seconds to 60 miles per hour": "accel",
    "model year": "yr",
}
"""The names of the measurements, and of their columns in the file."""

ORIGINS = ("USA", "Europe", "Japan")
"""Where a car was built: the file's category, whose codes count from 1."""

FEATURES = (*NUMERIC, *(f"from {place}" for place in ORIGINS))

_FILES = (
    Blob(
        "auto-mpg.csv",
        17_444,
        "7de0ecb3489c54523818af3daa65115dd87cc3737ad007b93ec31a74536787a7",
    ),
)
_WITHIN = (Blob("_data/auto-mpg.csv", _FILES[0].size, _FILES[0].sha256),)
_TERMS = Licence(
    "BSD-3-Clause", "that is the package's licence; StatLib published the data without terms."
)

# The UCI repository has no stable address of one file: it packs the set anew now and then, and
# names a missing horsepower "?", in six cars more.
DATA = DataSet(
    name="auto_mpg",
    what="392 cars of 1970 to 1982, 6 measurements, origin, miles per gallon",
    files=_FILES,
    sources=(
        Installed(
            module="bokeh_sampledata",
            hint="pip install bokeh-sampledata",
            files=_WITHIN,
            licence=_TERMS,
        ),
        Package(
            project="bokeh-sampledata",
            version="2026.1",
            wheel=Blob(
                "bokeh_sampledata-2026.1-py3-none-any.whl",
                12_835_603,
                "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
            ),
            files=(Blob("bokeh_sampledata/_data/auto-mpg.csv", _FILES[0].size, _FILES[0].sha256),),
            licence=_TERMS,
        ),
    ),
)


def load_data(test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the cars, shuffled.

    The horsepower of six of the 398 cars that StatLib published is not known: the Ford Pinto of
    1971, the Ford Maverick of 1974, the Ford Mustang Cobra and the Renault LeCar of 1980, the
    Renault 18i of 1981 and the AMC Concord DL of 1982. This file leaves them out.

    Args:
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: `x` float64, shape (samples, 9), the columns
        `FEATURES`: six measurements, and three that are 1 for the car's origin and 0 for the
        others; `y` float64, shape (samples,), in miles per US gallon.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        J. R. Quinlan, "Combining instance-based and model-based learning", ICML, 1993; the data are
        StatLib's, for the exposition of the American Statistical Association in 1983.
    """
    text = DATA.read()["auto-mpg.csv"].decode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    measured = np.array([[float(row[column]) for column in NUMERIC.values()] for row in rows])
    origin = np.array([int(row["origin"]) for row in rows])
    x = np.hstack([measured, np.eye(len(ORIGINS))[origin - 1]])  # (392, 9)
    y = np.array([float(row["mpg"]) for row in rows])
    return shuffle_and_split(x, y, test_split, seed)
