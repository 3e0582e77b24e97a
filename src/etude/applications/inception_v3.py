"""Inception v3: modules of parallel convolutions, with large kernels split into small ones.

A module looks at its input with kernels of several sizes at once and joins what they see. A 5x5
kernel costs 25/9 as much as a 3x3 one, so the 5x5 of the first Inception becomes two 3x3, and an
n x n becomes 1 x n after n x 1; 1x1 kernels narrow the input before each. Batch normalization has
no scale: that of the next kernel does the same, since relu(c x) = c relu(x) for c > 0.

Source:
    Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer
    Vision", CVPR 2016, https://arxiv.org/abs/1512.00567.
"""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import Assembly, WeightFiles, channel_axis, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.models import Functional

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

_STEM = "inception_v3_weights_tf_dim_ordering_tf_kernels"
FILES = WeightFiles(
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/",
    f"{_STEM}.h5",
    f"{_STEM}_notop.h5",
    ("9a0d58056eeedaa3f26cb7ebd46da564", "bcbd6486424b2319ff4ef7d526e38f63"),
)

Kernel = tuple[int, int, int]  # filters, rows, columns


@constructor()
def InceptionV3(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "inception_v3",
) -> Functional:
    """Inception v3: eleven modules of parallel convolutions; 24 million parameters.

    Images are 299 x 299, and no smaller than 75 x 75 without the classifier.

    Reference:
        C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna, "Rethinking the Inception
        architecture for computer vision", CVPR, 2016.

    Example:
        >>> model = InceptionV3(include_top=False, weights=None, input_shape=(75, 75, 3))
        >>> model.output.shape
        (None, 1, 1, 2048)
    """
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )
    x = _features(assembly.image(default_size=299, min_size=75))
    return assembly.finish(assembly.head(x, pool_names=include_top), FILES)


def _features(image: Any) -> Any:
    """All modules in order, with the shapes that an image of 299 x 299 gives."""
    x = stem(image)
    for index, pool_filters in enumerate((32, 64, 64)):
        x = small_kernels(x, 64, pool_filters, f"mixed{index}")  # (N, 35, 35, 288) at the end
    x = fewer_positions(
        x, ((384, 3, 3),), ((64, 1, 1), (96, 3, 3), (96, 3, 3)), name="mixed3"
    )  # (N, 17, 17, 768)
    for index, width in enumerate((128, 160, 160, 192)):
        x = _split_kernels(x, width, f"mixed{4 + index}")  # (N, 17, 17, 768)
    x = fewer_positions(
        x,
        ((192, 1, 1), (320, 3, 3)),
        ((192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)),
        name="mixed8",
    )  # (N, 8, 8, 1280)
    for index in range(2):
        x = _wide_kernels(x, index)  # (N, 8, 8, 2048)
    return x


# ---- modules; two of them serve Inception-ResNet as well -----------------------------------------


def small_kernels(x: Any, filters: int, pool_filters: int, name: str) -> Any:
    """The module for 35 x 35 positions: 5 x 5 is seen through one kernel, and through two 3 x 3."""
    return joined(
        [
            branch(x, (filters, 1, 1)),
            branch(x, (48, 1, 1), (64, 5, 5)),
            branch(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
            pooled(x, pool_filters),
        ],
        name,
    )


def _split_kernels(x: Any, width: int, name: str) -> Any:
    """The module for 17 x 17 positions: 7 x 7 is 1 x 7 after 7 x 1 (figure 6)."""
    row, column = (1, 7), (7, 1)
    return joined(
        [
            branch(x, (192, 1, 1)),
            branch(x, (width, 1, 1), (width, *row), (192, *column)),
            branch(
                x, (width, 1, 1), (width, *column), (width, *row), (width, *column), (192, *row)
            ),
            pooled(x, 192),
        ],
        name,
    )


def _wide_kernels(x: Any, index: int) -> Any:
    """The module for 8 x 8 positions: 1 x 3 and 3 x 1 side by side (figure 7)."""

    def spread(x: Any, name: str | None = None) -> Any:
        return joined([branch(x, (384, 1, 3)), branch(x, (384, 3, 1))], name)

    return joined(
        [
            branch(x, (320, 1, 1)),
            spread(branch(x, (384, 1, 1)), f"mixed9_{index}"),
            spread(branch(x, (448, 1, 1), (384, 3, 3))),
            pooled(x, 192),
        ],
        f"mixed{9 + index}",
    )


def fewer_positions(x: Any, *branches: tuple[Kernel, ...], name: str) -> Any:
    """Half the rows and columns, and more channels, with no narrow place between (figure 10)."""
    return joined([*(branch(x, *kernels, halve=True) for kernels in branches), halved(x)], name)


# ---- their parts, also those of Inception-ResNet -----------------------------------------------


def convolution(
    x: Any,
    filters: int,
    rows: int,
    columns: int,
    strides: int = 1,
    padding: str = "same",
    name: str | None = None,
) -> Any:
    """Convolution without a bias, batch normalization without a scale, ReLU."""
    kernel = layers.Conv2D(
        filters, (rows, columns), strides=strides, padding=padding, use_bias=False, name=name
    )
    norm = layers.BatchNormalization(
        axis=channel_axis(last=3), scale=False, name=name and f"{name}_bn"
    )
    return layers.Activation("relu", name=name and f"{name}_ac")(norm(kernel(x)))


def branch(x: Any, *kernels: Kernel, halve: bool = False) -> Any:
    """Convolutions one after another; the last one halves rows and columns if `halve`."""
    for kernel in kernels[:-1] if halve else kernels:
        x = convolution(x, *kernel)
    return convolution(x, *kernels[-1], strides=2, padding="valid") if halve else x


def pooled(x: Any, filters: int) -> Any:
    """The mean of each 3 x 3 neighbourhood, then a 1 x 1 convolution."""
    x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
    return convolution(x, filters, 1, 1)


def halved(x: Any) -> Any:
    """The largest of each 3 x 3 neighbourhood, at every second row and column."""
    return layers.MaxPooling2D(3, strides=2)(x)


def joined(branches: list[Any], name: str | None = None) -> Any:
    """The channels of all branches, one after another."""
    return layers.Concatenate(axis=channel_axis(last=3), name=name)(branches)


def stem(image: Any) -> Any:
    """From (N, 299, 299, 3) to (N, 35, 35, 192), before the first module (table 1)."""
    x = convolution(image, 32, 3, 3, strides=2, padding="valid")
    x = convolution(x, 32, 3, 3, padding="valid")
    x = halved(convolution(x, 64, 3, 3))  # (N, 73, 73, 64)
    x = convolution(x, 80, 1, 1, padding="valid")
    return halved(convolution(x, 192, 3, 3, padding="valid"))


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as Inception expects them: ``x / 127.5 - 1``.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0.0, 127.5, 255.0]]]).tolist()
    [[[-1.0, 0.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
