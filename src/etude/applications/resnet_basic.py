"""The smaller ResNets, of blocks with two convolutions of size 3: for ImageNet and for CIFAR-10."""

from __future__ import annotations

from typing import Any

from etude import layers, ops
from etude.applications.assembly import Assembly, constructor, require_channels_last
from etude.models import Functional

__all__ = ["ResNet18", "ResNet20", "ResNet32"]


@constructor()
def ResNet18(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "resnet18",
) -> Functional:
    """ResNet with 18 layers of weights for images of 224×224; 11.7 million trainable parameters.

    Where a block changes the shape, a convolution of size 1 brings its input to the same. Keras
    has no ImageNet weights for it.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016.

    Example:
        >>> features = ResNet18(include_top=False, input_shape=(32, 32, 3))
        >>> features.output.shape
        (None, 1, 1, 512)
    """
    require_channels_last("ResNet18")
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
        on_imagenet=False,
    )
    x = layers.ZeroPadding2D(3, name="conv1_pad")(assembly.image(default_size=224))
    x = convolution(x, 64, 7, 2, "conv1", padding="valid")
    x = layers.Activation("relu", name="conv1_relu")(x)  # (N, H/2, W/2, 64)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(x)  # (N, H/4, W/4, 64)
    for i, width in enumerate((64, 128, 256, 512), start=2):
        stride = 1 if i == 2 else 2
        x = block(x, width, stride, project, f"conv{i}_block1")
        x = block(x, width, 1, project, f"conv{i}_block2")
    return assembly.finish(assembly.head(x))


@constructor()
def ResNet20(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str = "resnet20",
) -> Functional:
    """ResNet with 20 layers of weights for images of 32×32; 0.27 million trainable parameters.

    On CIFAR-10 the paper reaches an error of 8.75%, with images shifted by up to 4 pixels and
    mirrored by chance, over 64,000 steps of 128 images. There are no ImageNet weights for it.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016, section 4.2.

    Example:
        >>> ResNet20().output.shape
        (None, 10)
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
        on_imagenet=False,
    )
    return small_resnet(assembly, 3)


@constructor()
def ResNet32(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 10,
    classifier_activation: Any = "softmax",
    name: str = "resnet32",
) -> Functional:
    """ResNet with 32 layers of weights for images of 32×32; 0.46 million trainable parameters.

    On CIFAR-10 the paper reaches an error of 7.51%. There are no ImageNet weights for it.

    Reference:
        K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR,
        2016, section 4.2.

    Example:
        >>> ResNet32().output.shape
        (None, 10)
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
        on_imagenet=False,
    )
    return small_resnet(assembly, 5)


def small_resnet(assembly: Assembly, depth: int) -> Functional:
    """Three stacks of blocks, of 16, 32 and 64 maps; 6 depth + 2 layers of weights.

    Args:
        assembly: the user's choices.
        depth: how many blocks each stack has.
    """
    require_channels_last("ResNet for small images")
    x = convolution(assembly.image(default_size=32), 16, 3, 1, "conv1")
    x = layers.Activation("relu", name="conv1_relu")(x)  # (N, H, W, 16)
    for i, width in enumerate((16, 32, 64), start=2):
        for j in range(1, depth + 1):
            stride = 2 if i > 2 and j == 1 else 1
            x = block(x, width, stride, pad_channels, f"conv{i}_block{j}")
    return assembly.finish(assembly.head(x))


def block(x: Any, width: int, stride: int, match: Any, name: str) -> Any:
    """Two convolutions of size 3, plus the input: y = relu(x + F(x)).

    Args:
        x: (N, H, W, C).
        width: channels of both convolutions.
        stride: of the first.
        match: brings the input to the shape of the sum where that is another.
        name: the prefix of the layers' names.

    Returns:
        (N, H / stride, W / stride, width).
    """
    same = x if stride == 1 and x.shape[-1] == width else match(x, width, stride, name)
    x = convolution(x, width, 3, stride, f"{name}_1")
    x = layers.Activation("relu", name=f"{name}_1_relu")(x)
    x = convolution(x, width, 3, 1, f"{name}_2")
    x = layers.Add(name=f"{name}_add")([same, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def project(x: Any, width: int, stride: int, name: str) -> Any:
    """The paper's option B: a convolution of size 1."""
    return convolution(x, width, 1, stride, f"{name}_0")


def pad_channels(x: Any, width: int, stride: int, name: str) -> Any:
    """The paper's option A, which has no weights: every second pixel, and channels of zeros."""
    x = layers.AveragePooling2D(1, strides=stride, name=f"{name}_0_pick")(x)
    more = width - x.shape[-1]
    return ops.pad(x, ((0, 0), (0, 0), (0, 0), (more // 2, more - more // 2)))


def convolution(
    x: Any, width: int, size: int, stride: int, name: str, padding: str = "same"
) -> Any:
    """A convolution without bias, which the normalization behind it has.

    A convolution with stride 2 pads both sides by one pixel, as the authors' does.
    """
    if stride > 1 and size == 3:
        x, padding = layers.ZeroPadding2D(1, name=f"{name}_pad")(x), "valid"
    convolve = layers.Conv2D(
        width,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(convolve(x))
