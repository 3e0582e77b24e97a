"""Boston housing: prices of houses, and what is known about their quarters."""

from __future__ import annotations

from etude.datasets.arrays import Split, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.keras_files import read_npz, record
from etude.datasets.sources import Licence

DATA = record(
    "boston_housing",
    "506 quarters of Boston in 1978, 13 features, median house price",
    Blob(
        "boston_housing.npz",
        57_026,
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    Licence("none stated", "CMU StatLib offers it without terms"),
)


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the quarters, shuffled.

    One of the features was made to test how prices depend on the share of Black residents; the
    data set is kept for old course material. Use `california_housing` for new work.

    Args:
        path: accepted; the cache of etude decides where files are.
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: features (samples, 13), and prices in thousands
        of dollars, (samples,); float64.

    Raises:
        FetchError: the data cannot be had; the message says what to do.
    """
    arrays = read_npz(DATA.read()["boston_housing.npz"])
    return shuffle_and_split(arrays["x"], arrays["y"], test_split, seed)
