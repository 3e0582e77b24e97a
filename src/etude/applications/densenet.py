"""DenseNet: every layer of a block sees the outputs of all layers before it.

A block computes x_i = H([x_0, ..., x_{i-1}]): features are appended, never summed or replaced, so
each layer may be narrow (32 channels), and what was found once need not be found again.
"""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    channel_axis,
    constructor,
    require_channels_last,
)
from etude.applications.imagenet_utils import decode_predictions
from etude.models import Functional

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/densenet/"
HASHES = {
    "densenet121": ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    "densenet169": ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    "densenet201": ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}
GROWTH = 32  # channels that each layer of a block appends


@constructor()
def DenseNet121(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "densenet121",
) -> Functional:
    """DenseNet with 121 layers of weights; 8.1 million parameters.

    Reference:
        G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional
        networks", CVPR, 2017.

    Example:
        >>> features = DenseNet121(include_top=False, weights=None, input_shape=(32, 32, 3))
        >>> features.output.shape
        (None, 1, 1, 1024)
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
    return densenet(assembly, "densenet121", (6, 12, 24, 16))


@constructor()
def DenseNet169(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "densenet169",
) -> Functional:
    """DenseNet with 169 layers of weights; 14.3 million parameters.

    Reference:
        G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional
        networks", CVPR, 2017.
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
    return densenet(assembly, "densenet169", (6, 12, 32, 32))


@constructor()
def DenseNet201(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "densenet201",
) -> Functional:
    """DenseNet with 201 layers of weights; 20.2 million parameters.

    Reference:
        G. Huang, Z. Liu, L. van der Maaten, K. Weinberger, "Densely connected convolutional
        networks", CVPR, 2017.
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
    return densenet(assembly, "densenet201", (6, 12, 48, 32))


def densenet(assembly: Assembly, member: str, depths: tuple[int, ...]) -> Functional:
    """Four dense blocks, with transitions to half the channels and resolution between them.

    Args:
        assembly: the user's choices.
        member: the name under which Keras keeps the weights.
        depths: how many layers each block has.
    """
    require_channels_last("DenseNet")
    x = layers.ZeroPadding2D(3)(assembly.image(default_size=224))
    x = layers.Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)  # (N, H/2, W/2, 64)
    x = _normalized(x, "conv1_bn", "conv1_relu")
    x = layers.ZeroPadding2D(1)(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)  # (N, H/4, W/4, 64)
    for i, depth in enumerate(depths, start=2):
        if i > 2:
            x = transition(x, name=f"pool{i - 1}")
        for j in range(1, depth + 1):
            x = layer(x, name=f"conv{i}_block{j}")
    x = _normalized(x, "bn", "relu")
    stem = f"{member}_weights_tf_dim_ordering_tf_kernels"
    files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_notop.h5", HASHES[member])
    return assembly.finish(assembly.head(x), files)


def layer(x: Any, name: str) -> Any:
    """One layer of a block: (N, H, W, C) to (N, H, W, C + 32)."""
    found = _normalized(x, f"{name}_0_bn", f"{name}_0_relu")
    found = layers.Conv2D(4 * GROWTH, 1, use_bias=False, name=f"{name}_1_conv")(found)
    found = _normalized(found, f"{name}_1_bn", f"{name}_1_relu")
    convolution = layers.Conv2D(GROWTH, 3, padding="same", use_bias=False, name=f"{name}_2_conv")
    return layers.Concatenate(axis=channel_axis(3), name=f"{name}_concat")([x, convolution(found)])


def transition(x: Any, name: str) -> Any:
    """Between two blocks: (N, H, W, C) to (N, H/2, W/2, C/2)."""
    x = _normalized(x, f"{name}_bn", f"{name}_relu")
    x = layers.Conv2D(x.shape[channel_axis(3)] // 2, 1, use_bias=False, name=f"{name}_conv")(x)
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _normalized(x: Any, normalization: str, activation: str) -> Any:
    x = layers.BatchNormalization(axis=channel_axis(3), epsilon=1.001e-5, name=normalization)(x)
    return layers.Activation("relu", name=activation)(x)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as DenseNet expects them: each channel with mean 0 and deviation 1.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).round(1).astype(float).round(1).tolist()
    [[[-2.1, -2.0, 2.6]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch")
