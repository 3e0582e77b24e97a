"""CIFAR-100: small photos of 100 kinds of things."""

from __future__ import annotations

from etude.config import image_data_format
from etude.datasets.arrays import Split
from etude.datasets.cache import Blob
from etude.datasets.keras_files import TORONTO, read_images, record
from etude.datasets.sources import Licence
from etude.errors import ArgumentError

DATA = record(
    "cifar100",
    "60,000 photos, 32x32 RGB, 100 classes in 20 groups",
    Blob(
        "cifar-100-python.tar.gz",
        169_001_437,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    Licence("none stated", "the University of Toronto offers it without terms"),
    TORONTO,
)


def load_data(label_mode: str = "fine") -> Split:
    """Loads CIFAR-100, 50,000 photos to train on and 10,000 to test on.

    Args:
        label_mode: ``"fine"``, 100 classes, or ``"coarse"``, 20 groups of them.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: photos uint8 in 0 to 255, (samples, 32, 32, 3), or
        (samples, 3, 32, 32) where images are ``channels_first``; labels uint8, (samples, 1).

    Raises:
        ArgumentError: ``label_mode`` is another one.
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
    """
    if label_mode not in ("fine", "coarse"):
        raise ArgumentError(
            f'`label_mode` must be one of `"fine"`, `"coarse"`. Received: label_mode={label_mode}.'
        )
    content = DATA.read()["cifar-100-python.tar.gz"]
    key = f"{label_mode}_labels"
    x_train, y_train = read_images(content, ("cifar-100-python/train",), key)
    x_test, y_test = read_images(content, ("cifar-100-python/test",), key)
    if image_data_format() == "channels_first":
        x_train, x_test = (x.transpose(0, 3, 1, 2) for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)
