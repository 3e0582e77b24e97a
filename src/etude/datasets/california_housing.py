"""California housing: prices of houses by block group, 1990."""

from __future__ import annotations

from etude.datasets.arrays import Split, shuffle_and_split
from etude.datasets.cache import Blob
from etude.datasets.keras_files import read_npz, record
from etude.datasets.sources import Licence
from etude.errors import ArgumentError

DATA = record(
    "california_housing",
    "20,640 block groups of California in 1990, 8 features, median house price",
    Blob(
        "california_housing.npz",
        743_530,
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
    Licence("none stated", "derived from the United States census by Pace and Barry, 1997"),
)


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Split:
    """Loads the block groups, shuffled.

    Args:
        version: ``"large"``, all 20,640; or ``"small"``, 600 of them near San Francisco.
        path: accepted; the cache of etude decides where files are.
        test_split: the fraction to reserve for testing.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: features (samples, 8): longitude, latitude, age,
        rooms, bedrooms, population, households, income; and prices in dollars, (samples,).

    Raises:
        ArgumentError: the version is another one.
        FetchError: the data cannot be had; the message says what to do.
    """
    if version not in ("small", "large"):
        raise ArgumentError(
            f"Argument `version` must be one of 'small', 'large'. Received: version={version}"
        )
    arrays = read_npz(DATA.read()["california_housing.npz"])
    x, y = arrays["x"], arrays["y"]
    if version == "small":
        x, y = x[:600], y[:600]
    return shuffle_and_split(x, y, test_split, seed)
