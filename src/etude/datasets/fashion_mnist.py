"""Fashion-MNIST: articles of clothing."""

from __future__ import annotations

import gzip

from etude.datasets.arrays import Split, read_idx
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Debian, Licence, by_file_name

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_MIT = Licence("MIT")


def _gunzip(files: dict[str, bytes]) -> dict[str, bytes]:
    return {
        name.removesuffix(".gz"): gzip.decompress(data)
        for name, data in by_file_name(files).items()
    }


DATA = DataSet(
    name="fashion_mnist",
    what="70,000 articles of clothing, 28x28 gray, 10 classes",
    files=(
        Blob(
            "train-images-idx3-ubyte",
            47_040_016,
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        Blob(
            "train-labels-idx1-ubyte",
            60_008,
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        Blob(
            "t10k-images-idx3-ubyte",
            7_840_016,
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        Blob(
            "t10k-labels-idx1-ubyte",
            10_008,
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    sources=(
        Address(
            base="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            files=(
                Blob(
                    "train-images-idx3-ubyte.gz",
                    26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                ),
                Blob(
                    "train-labels-idx1-ubyte.gz",
                    29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                ),
                Blob(
                    "t10k-images-idx3-ubyte.gz",
                    4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                ),
                Blob(
                    "t10k-labels-idx1-ubyte.gz",
                    5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                ),
            ),
            decode=_gunzip,
            licence=_MIT,
        ),
        # The same streams; Debian drops the time stamp and the name from each gzip header.
        Debian(
            package="dataset-fashion-mnist",
            deb=Blob(
                "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
                30_900_652,
                "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
            ),
            files=(
                Blob(
                    "usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz",
                    26_421_856,
                    "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
                ),
                Blob(
                    "usr/share/datasets/fashion-mnist/train-labels-idx1-ubyte.gz",
                    29_491,
                    "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
                ),
                Blob(
                    "usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
                    4_422_079,
                    "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
                ),
                Blob(
                    "usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz",
                    5_125,
                    "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
                ),
            ),
            decode=_gunzip,
            licence=_MIT,
        ),
    ),
)


def load_data() -> Split:
    """Loads Fashion-MNIST, 60,000 images to train on and 10,000 to test on.

    Label ``i`` means ``CLASSES[i]``.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: images uint8 in 0 to 255, shapes (60000, 28, 28)
        and (10000, 28, 28); labels uint8 in 0 to 9, shapes (60000,) and (10000,).

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
        machine learning algorithms", arXiv:1708.07747, 2017.
    """
    x_train, y_train, x_test, y_test = map(read_idx, DATA.read().values())
    return (x_train, y_train), (x_test, y_test)
