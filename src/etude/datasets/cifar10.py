"""CIFAR-10: small photos of animals and vehicles."""

from __future__ import annotations

from etude.config import image_data_format
from etude.datasets.arrays import Split
from etude.datasets.cache import Blob
from etude.datasets.keras_files import TORONTO, read_images, record
from etude.datasets.sources import Licence

DATA = record(
    "cifar10",
    "60,000 photos, 32x32 RGB, 10 classes",
    Blob(
        "cifar-10-python.tar.gz",
        170_498_071,
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    Licence("none stated", "the University of Toronto offers it without terms"),
    TORONTO,
)

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def load_data() -> Split:
    """Loads CIFAR-10, 50,000 photos to train on and 10,000 to test on.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: photos uint8 in 0 to 255, (samples, 32, 32, 3), or
        (samples, 3, 32, 32) where images are ``channels_first``; labels uint8, (samples, 1),
        indices into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    content = DATA.read()["cifar-10-python.tar.gz"]
    train = tuple(f"cifar-10-batches-py/data_batch_{i}" for i in range(1, 6))
    x_train, y_train = read_images(content, train, "labels")
    x_test, y_test = read_images(content, ("cifar-10-batches-py/test_batch",), "labels")
    if image_data_format() == "channels_first":
        x_train, x_test = (x.transpose(0, 3, 1, 2) for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)
