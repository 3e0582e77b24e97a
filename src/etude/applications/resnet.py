"""ResNet: layers that learn what to add to their input.

A block computes y = relu(x + F(x)). Where nothing needs to change, F has only to be zero, and the
gradient of x passes through the sum unhindered: so networks can be a hundred layers deep.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import Assembly, WeightFiles, channel_axis, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.models import Functional

__all__ = [
    "ResNet50",
    "ResNet101",
    "ResNet152",
    "batch_normalization",
    "decode_predictions",
    "preprocess_input",
    "residual_network",
]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
HASHES = {
    "resnet50": ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}
WIDTHS = (64, 128, 256, 512)


@constructor()
def ResNet50(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet50",
) -> Functional:
    """ResNet with 50 layers of weights; 25.6 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016.

    Example:
        >>> features = ResNet50(include_top=False, weights=None, input_shape=(32, 32, 3))
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
    return resnet(assembly, "resnet50", (3, 4, 6, 3))


@constructor()
def ResNet101(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet101",
) -> Functional:
    """ResNet with 101 layers of weights; 44.7 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016.
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
    return resnet(assembly, "resnet101", (3, 4, 23, 3))


@constructor()
def ResNet152(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet152",
) -> Functional:
    """ResNet with 152 layers of weights; 60.4 million parameters.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016.
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
    return resnet(assembly, "resnet152", (3, 8, 36, 3))


def resnet(assembly: Assembly, member: str, depths: tuple[int, ...]) -> Functional:
    """Four stacks of blocks; from the second on each halves the resolution in its first block.

    Args:
        assembly: the user's choices.
        member: the name under which Keras keeps the weights.
        depths: how many blocks each stack has.
    """

    def stacks(x: Any) -> Any:
        for i, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=2):
            stride = 1 if i == 2 else 2  # the pooling in front of the first has halved it already
            x = block(x, width, stride, shortcut=True, name=f"conv{i}_block1")
            for j in range(2, depth + 1):
                x = block(x, width, 1, shortcut=False, name=f"conv{i}_block{j}")
        return x

    return residual_network(assembly, stacks, member, HASHES[member], preactivated=False)


def block(x: Any, width: int, stride: int, shortcut: bool, name: str) -> Any:
    """A bottleneck: 1×1 to fewer channels, 3×3 there, 1×1 to four times as many, plus the input.

    Args:
        x: (N, H, W, C).
        width: channels of the 3×3 convolution.
        stride: of the first convolution.
        shortcut: whether the input needs a convolution to have the shape of the sum.
        name: the prefix of the layers' names.

    Returns:
        (N, H / stride, W / stride, 4 width).
    """
    if shortcut:
        same = layers.Conv2D(4 * width, 1, strides=stride, name=f"{name}_0_conv")(x)
        same = batch_normalization(f"{name}_0_bn")(same)
    else:
        same = x
    x = layers.Conv2D(width, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = batch_normalization(f"{name}_1_bn")(x)
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = layers.Conv2D(width, 3, padding="same", name=f"{name}_2_conv")(x)
    x = batch_normalization(f"{name}_2_bn")(x)
    x = layers.Activation("relu", name=f"{name}_2_relu")(x)
    x = layers.Conv2D(4 * width, 1, name=f"{name}_3_conv")(x)
    x = batch_normalization(f"{name}_3_bn")(x)
    x = layers.Add(name=f"{name}_add")([same, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


# ---- shared with ResNet V2 -------------------------------------------------------------------


def residual_network(
    assembly: Assembly,
    stacks: Callable[[Any], Any],
    member: str,
    hashes: tuple[str, str],
    preactivated: bool,
) -> Functional:
    """The stem, stacks of residual blocks, and the head.

    Args:
        assembly: the user's choices.
        stacks: (N, H / 4, W / 4, 64) to (N, H / 32, W / 32, 2048).
        member: the name under which Keras keeps the weights.
        hashes: of the files of weights, with the classifier and without.
        preactivated: whether blocks begin with normalization and activation, so that both come
            once more at the very end, and not in the stem.
    """
    x = layers.ZeroPadding2D(3, name="conv1_pad")(assembly.image(default_size=224))
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)  # (N, H/2, W/2, 64)
    if not preactivated:
        x = batch_normalization("conv1_bn")(x)
        x = layers.Activation("relu", name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)  # (N, H/4, W/4, 64)
    x = stacks(x)
    if preactivated:
        x = batch_normalization("post_bn")(x)
        x = layers.Activation("relu", name="post_relu")(x)
    stem = f"{member}_weights_tf_dim_ordering_tf_kernels"
    files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_notop.h5", hashes)
    return assembly.finish(assembly.head(x), files)


def batch_normalization(name: str) -> layers.BatchNormalization:
    """Batch normalization over the channels, with the ε of the network that was ported."""
    return layers.BatchNormalization(axis=channel_axis(last=3), epsilon=1.001e-5, name=name)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as ResNet expects them: BGR, minus the mean of each channel.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).round().tolist()
    [[[151.0, -117.0, -124.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
