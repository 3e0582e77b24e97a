"""Xception: Inception taken to its end, where every channel is convolved on its own.

Inception assumes that correlations between channels and correlations between positions can be
looked at separately; Xception separates them wholly (`SeparableConv2D`), with residual connections.
"""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import Assembly, WeightFiles, channel_axis, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.models import Functional

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/xception/"
STEM = "xception_weights_tf_dim_ordering_tf_kernels"
HASHES = ("0a58e3b7378bc2990ea3b43d5981f1f6", "b0042744bf5b25fce3cb969f33bebb97")
MIDDLE = 728  # channels of the middle flow


@constructor()
def Xception(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "xception",
) -> Functional:
    """Xception: 36 convolutions in 14 blocks, 22.9 million parameters; images from 71×71 on.

    Reference:
        F. Chollet, "Xception: deep learning with depthwise separable convolutions", CVPR, 2017.

    Example:
        >>> features = Xception(include_top=False, weights=None, input_shape=(71, 71, 3))
        >>> features.output.shape
        (None, 3, 3, 2048)
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
    x = assembly.image(default_size=299, min_size=71)
    for i, (width, stride) in enumerate(((32, 2), (64, 1)), start=1):
        prefix = f"block1_conv{i}"
        x = layers.Conv2D(width, 3, strides=stride, use_bias=False, name=prefix)(x)
        x = _normalized(x, f"{prefix}_bn")
        x = layers.Activation("relu", name=f"{prefix}_act")(x)
    for i, width in ((2, 128), (3, 256), (4, MIDDLE)):  # the entry flow, to (N, H/16, W/16, 728)
        x = reducing_block(x, (width, width), f"block{i}", activate_first=i > 2)
    for i in range(5, 13):  # the middle flow
        x = residual_block(x, f"block{i}")
    x = reducing_block(x, (MIDDLE, 1024), "block13")  # the exit flow, to (N, H/32, W/32, 1024)
    for i, width in ((1, 1536), (2, 2048)):
        x = _separable(x, width, f"block14_sepconv{i}")
        x = layers.Activation("relu", name=f"block14_sepconv{i}_act")(x)
    x = assembly.head(x, pool_names=include_top)
    return assembly.finish(x, WeightFiles(BASE, f"{STEM}.h5", f"{STEM}_notop.h5", HASHES))


def reducing_block(x: Any, widths: tuple[int, int], name: str, activate_first: bool = True) -> Any:
    """Two separable convolutions and a pooling: (N, H, W, C) to (N, H/2, W/2, widths[1])."""
    same = layers.Conv2D(widths[1], 1, strides=2, padding="same", use_bias=False)(x)
    same = _normalized(same, None)
    for i, width in enumerate(widths, start=1):
        if i > 1 or activate_first:
            x = layers.Activation("relu", name=f"{name}_sepconv{i}_act")(x)
        x = _separable(x, width, f"{name}_sepconv{i}")
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"{name}_pool")(x)
    return layers.add([x, same])


def residual_block(x: Any, name: str) -> Any:
    """Three separable convolutions around which the input is added: (N, H, W, 728) to the same."""
    given = x
    for i in (1, 2, 3):
        x = layers.Activation("relu", name=f"{name}_sepconv{i}_act")(x)
        x = _separable(x, MIDDLE, f"{name}_sepconv{i}")
    return layers.add([x, given])


def _separable(x: Any, width: int, name: str) -> Any:
    x = layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=name)(x)
    return _normalized(x, f"{name}_bn")


def _normalized(x: Any, name: str | None) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), name=name)(x)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as Xception expects them: from -1 to 1.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).tolist()
    [[[-1.0, -1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
