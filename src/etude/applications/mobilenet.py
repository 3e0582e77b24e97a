"""MobileNet: convolutions split into one per channel, and one over the channels.

A convolution of size 3 from C to D channels costs 9 C D multiplications per position; a depthwise
one (9 C) and a pointwise one (C D) after it cost about an eighth of that.
"""

from __future__ import annotations

import warnings
from typing import Any

from etude import config, layers
from etude.applications import imagenet_utils
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    channel_axis,
    constructor,
    square_size,
)
from etude.applications.imagenet_utils import decode_predictions
from etude.errors import ArgumentError
from etude.models import Functional

__all__ = ["MobileNet", "decode_predictions", "preprocess_input", "rows_of_weights"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/"
SIZES = (128, 160, 192, 224)  # of the images on which weights were trained
ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}  # in the names of the files
BLOCKS = (  # width and stride, table 1 of the paper
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)


@constructor(
    alpha="scales the number of channels of every layer.",
    depth_multiplier="how many outputs a depthwise convolution has for each of its channels.",
    dropout="the rate in front of the classifier.",
    name="the name of the model; by default it says ``alpha`` and the number of rows.",
)
def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 0.001,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNet: 28 layers, 4.3 million parameters; ``alpha`` makes it thinner.

    Reference:
        A. Howard et al., "MobileNets: efficient convolutional neural networks for mobile vision
        applications", arXiv:1704.04861, 2017.

    Example:
        >>> features = MobileNet((32, 32, 3), alpha=0.25, include_top=False, weights=None)
        >>> features.output.shape, features.name
        ((None, 1, 1, 256), 'mobilenet_0.25_32')
    """
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name or "mobilenet",
    )
    shape = assembly.shape(square_size(input_shape, SIZES, 224))
    if assembly.imagenet and depth_multiplier != 1:
        raise ArgumentError(
            "If imagenet weights are being loaded, depth multiplier must be 1. Received: "
            f"depth_multiplier={depth_multiplier}"
        )
    rows = rows_of_weights(assembly, shape, SIZES, alpha, tuple(ALPHAS))
    assembly.name = name or f"mobilenet_{alpha:0.2f}_{rows}"
    x = layers.Conv2D(int(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(
        assembly.image_of(shape)
    )  # (N, H/2, W/2, 32 alpha)
    x = _activated(x, "conv1")
    for i, (width, stride) in enumerate(BLOCKS, start=1):
        x = block(x, int(width * alpha), stride, depth_multiplier, i)
    if include_top:
        x = layers.GlobalAveragePooling2D(keepdims=True)(x)  # (N, 1, 1, 1024 alpha)
        x = layers.Dropout(dropout, name="dropout")(x)
        x = layers.Conv2D(classes, 1, padding="same", name="conv_preds")(x)
        x = layers.Reshape((classes,), name="reshape_2")(x)  # (N, classes)
        assembly.check_activation()
        x = layers.Activation(classifier_activation, name="predictions")(x)
    else:
        x = assembly.pool(x, names=False)
    stem = f"mobilenet_{ALPHAS.get(alpha)}_{rows}_tf"
    return assembly.finish(x, WeightFiles(BASE, f"{stem}.h5", f"{stem}_no_top.h5"))


def block(x: Any, width: int, stride: int, depth_multiplier: int, i: int) -> Any:
    """A depthwise and a pointwise convolution: (N, H, W, C) to (N, H/stride, W/stride, width)."""
    if stride == 2:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        depth_multiplier=depth_multiplier,
        use_bias=False,
        name=f"conv_dw_{i}",
    )(x)
    x = _activated(x, f"conv_dw_{i}")
    x = layers.Conv2D(width, 1, padding="same", use_bias=False, name=f"conv_pw_{i}")(x)
    return _activated(x, f"conv_pw_{i}")


def _activated(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(axis=channel_axis(), name=f"{name}_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def rows_of_weights(
    assembly: Assembly,
    shape: tuple[int | None, ...],
    sizes: tuple[int, ...],
    alpha: float,
    alphas: tuple[float, ...],
) -> int | None:
    """The rows of the images for which weights are loaded, which files and models are named after.

    Args:
        assembly: the user's choices.
        shape: the shape of one image.
        sizes: of the images for which there are weights.
        alpha: what the user gave.
        alphas: for which there are weights.

    Raises:
        ArgumentError: there are no weights of ImageNet for this ``alpha``.
    """
    rows, columns = shape[1:3] if config.image_data_format() == "channels_first" else shape[:2]
    if not assembly.imagenet:
        return rows
    if alpha not in alphas:
        raise ArgumentError(
            "If imagenet weights are being loaded, alpha can be one of "
            f"{', '.join(f'`{a:.2f}`' for a in sorted(alphas))} only. Received: alpha={alpha}"
        )
    if rows == columns and rows in sizes:
        return rows
    warnings.warn(
        f"`input_shape` is undefined or non-square, or `rows` is not in {list(sizes)}. Weights for "
        "input shape (224, 224) will be loaded as the default.",
        stacklevel=3,
    )
    return 224


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as MobileNet expects them: from -1 to 1.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).tolist()
    [[[-1.0, -1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
