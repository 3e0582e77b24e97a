"""ResNet V2: residual blocks that normalize first, so that the sum is left alone.

A block computes y = x + F(relu(normalize(x))): nothing stands between a sum and the next, and the
last output is the first one plus all that the blocks have added.
"""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import Assembly, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.applications.resnet import WIDTHS, batch_normalization, residual_network
from etude.models import Functional

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

HASHES = {
    "resnet50v2": ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    "resnet101v2": ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "resnet152v2": ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
}


@constructor()
def ResNet50V2(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet50v2",
) -> Functional:
    """ResNet V2 with 50 layers of weights; 25.6 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", ECCV, 2016.

    Example:
        >>> features = ResNet50V2(include_top=False, weights=None, input_shape=(32, 32, 3))
        >>> features.output.shape
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
    return resnet_v2(assembly, "resnet50v2", (3, 4, 6, 3))


@constructor()
def ResNet101V2(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet101v2",
) -> Functional:
    """ResNet V2 with 101 layers of weights; 44.7 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", ECCV, 2016.
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
    return resnet_v2(assembly, "resnet101v2", (3, 4, 23, 3))


@constructor()
def ResNet152V2(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet152v2",
) -> Functional:
    """ResNet V2 with 152 layers of weights; 60.4 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Identity mappings in deep residual networks", ECCV, 2016.
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
    return resnet_v2(assembly, "resnet152v2", (3, 8, 36, 3))


def resnet_v2(assembly: Assembly, member: str, depths: tuple[int, ...]) -> Functional:
    """Four stacks of blocks; all but the last halve the resolution in their last block.

    Args:
        assembly: the user's choices.
        member: the name under which Keras keeps the weights.
        depths: how many blocks each stack has.
    """

    def stacks(x: Any) -> Any:
        for i, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=2):
            x = block(x, width, 1, shortcut=True, name=f"conv{i}_block1")
            for j in range(2, depth):
                x = block(x, width, 1, shortcut=False, name=f"conv{i}_block{j}")
            stride = 1 if i == 5 else 2
            x = block(x, width, stride, shortcut=False, name=f"conv{i}_block{depth}")
        return x

    return residual_network(assembly, stacks, member, HASHES[member], preactivated=True)


def block(x: Any, width: int, stride: int, shortcut: bool, name: str) -> Any:
    """A bottleneck of normalized inputs: 1×1 to fewer channels, 3×3, 1×1 to four times as many.

    Args:
        x: (N, H, W, C).
        width: channels of the 3×3 convolution.
        stride: of the 3×3 convolution.
        shortcut: whether the input needs a convolution to have the shape of the sum.
        name: the prefix of the layers' names.

    Returns:
        (N, H / stride, W / stride, 4 width).
    """
    normal = batch_normalization(f"{name}_preact_bn")(x)
    normal = layers.Activation("relu", name=f"{name}_preact_relu")(normal)
    if shortcut:
        same = layers.Conv2D(4 * width, 1, strides=stride, name=f"{name}_0_conv")(normal)
    else:
        same = layers.MaxPooling2D(1, strides=stride)(x) if stride > 1 else x
    x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_1_conv")(normal)
    x = batch_normalization(f"{name}_1_bn")(x)
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(width, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = batch_normalization(f"{name}_2_bn")(x)
    x = layers.Activation("relu", name=f"{name}_2_relu")(x)
    x = layers.Conv2D(4 * width, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([same, x])


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as ResNet V2 expects them: from -1 to 1.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).tolist()
    [[[-1.0, -1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
