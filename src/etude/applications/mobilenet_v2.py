"""MobileNet V2: residual blocks that are wide inside and narrow where they are added.

A block widens its few channels sixfold, convolves each of them on its own, and projects them back
without an activation: relu would lose what few channels cannot afford to lose.
"""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils, mobilenet_v2_weights
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    channel_axis,
    constructor,
    make_divisible,
    square_size,
)
from etude.applications.imagenet_utils import decode_predictions
from etude.applications.mobilenet import rows_of_weights
from etude.models import Functional

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
SIZES = (96, 128, 160, 192, 224)  # of the images on which weights were trained
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
STACKS = (  # expansion, width, blocks, stride of the first: table 2 of the paper
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


@constructor(
    alpha="scales the number of channels of every layer.",
    name="the name of the model; by default it says ``alpha`` and the number of rows.",
)
def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Functional:
    """MobileNet V2: 53 layers, 3.5 million parameters; ``alpha`` makes it thinner or wider.

    Reference:
        M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L. Chen, "MobileNetV2: inverted residuals and
        linear bottlenecks", CVPR, 2018.

    Example:
        >>> features = MobileNetV2((32, 32, 3), alpha=0.35, include_top=False, weights=None)
        >>> features.output.shape, features.name
        ((None, 1, 1, 1280), 'mobilenetv2_0.35_32')
    """
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name or "mobilenetv2",
    )
    shape = assembly.shape(square_size(assembly.asked_size(), SIZES, 224))
    rows = rows_of_weights(assembly, shape, SIZES, alpha, ALPHAS)
    assembly.name = name or f"mobilenetv2_{alpha:0.2f}_{rows}"
    x = layers.Conv2D(
        make_divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1"
    )(assembly.image_of(shape))  # (N, H/2, W/2, 32 alpha)
    x = _normalized(x, "bn_Conv1")
    x = layers.ReLU(6.0, name="Conv1_relu")(x)
    i = 0
    for expansion, width, blocks, first_stride in STACKS:
        for j in range(blocks):
            stride = first_stride if j == 0 else 1
            x = block(x, expansion, make_divisible(int(width * alpha)), stride, i)
            i += 1
    last = make_divisible(1280 * alpha) if alpha > 1.0 else 1280
    x = layers.Conv2D(last, 1, use_bias=False, name="Conv_1")(x)  # (N, H/32, W/32, 1280)
    x = _normalized(x, "Conv_1_bn")
    x = layers.ReLU(6.0, name="out_relu")(x)
    stem = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_{rows}"
    stand_in = mobilenet_v2_weights.read_into if alpha == 1.0 else None
    files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_no_top.h5", stand_in=stand_in)
    return assembly.finish(assembly.head(x, pool_names=False), files)


def block(x: Any, expansion: int, width: int, stride: int, i: int) -> Any:
    """An inverted residual block: (N, H, W, C) to (N, H / stride, W / stride, width).

    Args:
        x: images with C channels.
        expansion: how many times wider it is inside.
        width: channels of the output.
        stride: of the depthwise convolution.
        i: the number of the block; the first one does not expand.
    """
    given, channels = x, x.shape[channel_axis()]
    name = f"block_{i}_" if i else "expanded_conv_"
    if i:
        x = layers.Conv2D(
            expansion * channels, 1, padding="same", use_bias=False, name=f"{name}expand"
        )(x)
        x = _normalized(x, f"{name}expand_BN")
        x = layers.ReLU(6.0, name=f"{name}expand_relu")(x)
    if stride == 2:
        x = layers.ZeroPadding2D(imagenet_utils.correct_pad(x, 3), name=f"{name}pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = _normalized(x, f"{name}depthwise_BN")
    x = layers.ReLU(6.0, name=f"{name}depthwise_relu")(x)
    x = layers.Conv2D(width, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_BN")
    if channels == width and stride == 1:
        return layers.Add(name=f"{name}add")([given, x])
    return x


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(
        x
    )


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as MobileNet V2 expects them: from -1 to 1.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).tolist()
    [[[-1.0, -1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")
