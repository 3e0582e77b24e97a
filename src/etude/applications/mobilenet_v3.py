"""MobileNetV3: the blocks of MobileNet V2, placed by a search that measured phones.

To the inverted residual block of version 2 come squeeze and excitation where they pay, kernels of
size 5, and hard swish, x relu6(x + 3) / 6, which needs no exponential. The classifier's widest
layers stand behind the pooling, where there is one position left.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from etude import layers
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    channel_axis,
    constructor,
    make_divisible,
)
from etude.applications.efficientnet import preprocess_input
from etude.applications.imagenet_utils import correct_pad, decode_predictions
from etude.errors import ArgumentError, ShapeError
from etude.models import Functional

__all__ = ["decode_predictions", "preprocess_input"]  # the constructors: etude.applications

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/"
HASHES = {
    "large_224_0.75_float": (
        "765b44a33ad4005b3ac83185abf1d0eb",
        "40af19a13ebea4e2ee0c676887f69a2e",
    ),
    "large_224_1.0_float": (
        "59e551e166be033d707958cf9e29a6a7",
        "07fb09a5933dd0c8eaafa16978110389",
    ),
    "large_minimalistic_224_1.0_float": (
        "675e7b876c45c57e9e63e6d90a36599c",
        "ec5221f64a2f6d1ef965a614bdae7973",
    ),
    "small_224_0.75_float": (
        "cb65d4e5be93758266aa0a7f2c6708b7",
        "ebdb5cc8e0b497cd13a7c275d475c819",
    ),
    "small_224_1.0_float": (
        "8768d4c2e7dee89b9d02b2d03d65d862",
        "d3e8ec802a04aa4fc771ee12a9a9b836",
    ),
    "small_minimalistic_224_1.0_float": (
        "99cd97fb2fcdad2bf028eb838de69e37",
        "cde8136e733e811080d9fcd8a252f7e4",
    ),
}
SQUEEZE = 0.25  # channels between squeeze and excitation, as a share of the widened ones
SIZE = 224  # of the images on which weights were trained


class Row(NamedTuple):
    """One block, one row of table 1 or 2 of the paper."""

    expansion: float  # of the input's channels
    width: int
    kernel: int
    stride: int
    squeezes: bool
    swish: bool  # hard swish, else ReLU


LARGE = (
    Row(1, 16, 3, 1, False, False),
    Row(4, 24, 3, 2, False, False),
    Row(3, 24, 3, 1, False, False),
    Row(3, 40, 5, 2, True, False),
    Row(3, 40, 5, 1, True, False),
    Row(3, 40, 5, 1, True, False),
    Row(6, 80, 3, 2, False, True),
    Row(2.5, 80, 3, 1, False, True),
    Row(2.3, 80, 3, 1, False, True),
    Row(2.3, 80, 3, 1, False, True),
    Row(6, 112, 3, 1, True, True),
    Row(6, 112, 3, 1, True, True),
    Row(6, 160, 5, 2, True, True),
    Row(6, 160, 5, 1, True, True),
    Row(6, 160, 5, 1, True, True),
)
SMALL = (
    Row(1, 16, 3, 2, True, False),
    Row(72 / 16, 24, 3, 2, False, False),
    Row(88 / 24, 24, 3, 1, False, False),
    Row(4, 40, 5, 2, True, True),
    Row(6, 40, 5, 1, True, True),
    Row(6, 40, 5, 1, True, True),
    Row(3, 48, 5, 1, True, True),
    Row(3, 48, 5, 1, True, True),
    Row(6, 96, 5, 2, True, True),
    Row(6, 96, 5, 1, True, True),
    Row(6, 96, 5, 1, True, True),
)


class Options(NamedTuple):
    """What the constructors offer beside the choices of all models."""

    alpha: float
    minimalistic: bool
    dropout: float
    scales_pixels: bool


_described = constructor(
    alpha="scales the number of channels; weights of ImageNet are for 0.75 and 1.",
    minimalistic="whether to leave out squeeze and excitation, hard swish and kernels of size 5.",
    dropout_rate="share of the features that is dropped in front of the classifier in training.",
    include_preprocessing="whether the model scales its pixels; if not, give it -1 to 1.",
)


@_described
def MobileNetV3Small(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Small",
) -> Functional:
    """MobileNetV3, the small one: 2.6 million parameters.

    Pixels go in as they are, from 0 to 255: the first layer of the model scales them.

    Reference:
        A. Howard, M. Sandler, G. Chu, L. Chen et al., "Searching for MobileNetV3", ICCV, 2019.

    Example:
        >>> model = MobileNetV3Small((32, 32, 3), include_top=False, weights=None, pooling="avg")
        >>> model.output.shape
        (None, 576)
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
    options = Options(alpha, minimalistic, dropout_rate, include_preprocessing)
    return _network(assembly, options, "small", SMALL, features=1024)


@_described
def MobileNetV3Large(
    input_shape: Any = None,
    alpha: float = 1.0,
    minimalistic: bool = False,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    classes: int = 1000,
    pooling: str | None = None,
    dropout_rate: float = 0.2,
    classifier_activation: Any = "softmax",
    include_preprocessing: bool = True,
    name: str = "MobileNetV3Large",
) -> Functional:
    """MobileNetV3, the large one: 5.5 million parameters.

    Pixels go in as they are, from 0 to 255: the first layer of the model scales them.

    Reference:
        A. Howard, M. Sandler, G. Chu, L. Chen et al., "Searching for MobileNetV3", ICCV, 2019.
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
    options = Options(alpha, minimalistic, dropout_rate, include_preprocessing)
    return _network(assembly, options, "large", LARGE, features=1280)


def _network(
    assembly: Assembly, options: Options, member: str, rows: tuple[Row, ...], features: int
) -> Functional:
    """Stem, blocks, and what stands behind them.

    Args:
        assembly: the user's choices.
        options: those that only this family offers.
        member: the name under which Keras keeps the weights.
        rows: the blocks.
        features: the width of the last layer before the classifier.
    """
    minimal = options.minimalistic
    swish = _relu if minimal else _hard_swish
    x = assembly.image_of(_checked_shape(assembly, options))
    if options.scales_pixels:
        x = layers.Rescaling(scale=1.0 / 127.5, offset=-1.0)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="conv")(x)
    x = swish(_normalized(x, "conv_bn"))  # (N, H/2, W/2, 16)
    for i, row in enumerate(rows):
        plain = row._replace(kernel=3, squeezes=False, swish=False) if minimal else row
        x = _block(x, plain._replace(width=make_divisible(row.width * options.alpha)), i)
    wide = make_divisible(x.shape[channel_axis()] * 6)
    x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name="conv_1")(x)
    x = swish(_normalized(x, "conv_1_bn"))  # (N, H/32, W/32, wide)
    if assembly.include_top:
        features = make_divisible(features * options.alpha) if options.alpha > 1.0 else features
        x = _classified(x, assembly, features, options.dropout, swish)
    else:
        x = assembly.pool(x)
    weights = f"{member}{'_minimalistic' if minimal else ''}_224_{float(options.alpha)}_float"
    stem = f"weights_mobilenet_v3_{weights}"
    files = WeightFiles(
        BASE, f"{stem}.h5", f"{stem}_no_top_v2.h5", HASHES.get(weights, (None, None))
    )
    return assembly.finish(x, files)


def _classified(
    x: Any, assembly: Assembly, features: int, dropout: float, swish: Callable[[Any], Any]
) -> Any:
    """From feature maps (N, H, W, C) to (N, classes), the dense layers being 1x1 convolutions."""
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)  # (N, 1, 1, C)
    x = swish(layers.Conv2D(features, 1, padding="same", name="conv_2")(x))
    if dropout > 0:
        x = layers.Dropout(dropout)(x)
    x = layers.Conv2D(assembly.classes, 1, padding="same", name="logits")(x)
    x = layers.Flatten()(x)  # (N, classes)
    assembly.check_activation()
    return layers.Activation(assembly.classifier_activation, name="predictions")(x)


def _block(x: Any, row: Row, i: int) -> Any:
    """An inverted residual block: (N, H, W, C) to (N, H / stride, W / stride, width)."""
    given, channels = x, x.shape[channel_axis()]
    activate = _hard_swish if row.swish else _relu
    wide = make_divisible(channels * row.expansion)
    name = f"expanded_conv_{i}_" if i else "expanded_conv_"
    if i:
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{name}expand")(x)
        x = activate(_normalized(x, f"{name}expand_bn"))  # (N, H, W, wide)
    if row.stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, row.kernel), name=f"{name}depthwise_pad")(x)
    x = layers.DepthwiseConv2D(
        row.kernel,
        strides=row.stride,
        padding="same" if row.stride == 1 else "valid",
        use_bias=False,
        name=f"{name}depthwise",
    )(x)
    x = activate(_normalized(x, f"{name}depthwise_bn"))
    if row.squeezes:
        x = _squeeze_and_excite(x, wide, f"{name}squeeze_excite_")
    x = layers.Conv2D(row.width, 1, padding="same", use_bias=False, name=f"{name}project")(x)
    x = _normalized(x, f"{name}project_bn")
    if row.stride == 1 and channels == row.width:
        return layers.Add(name=f"{name}add")([given, x])
    return x


def _squeeze_and_excite(x: Any, channels: int, name: str) -> Any:
    """Each channel times a weight, a hard sigmoid of what the means of all channels say."""
    s = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}avg_pool")(x)  # (N, 1, 1, C)
    s = layers.Conv2D(make_divisible(channels * SQUEEZE), 1, padding="same", name=f"{name}conv")(s)
    s = layers.ReLU(name=f"{name}relu")(s)
    s = layers.Conv2D(channels, 1, padding="same", name=f"{name}conv_1")(s)
    s = layers.ReLU(6.0)(s + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{name}mul")([x, s])


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(
        x
    )


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _hard_swish(x: Any) -> Any:
    return layers.Activation("hard_swish")(x)


def _checked_shape(assembly: Assembly, options: Options) -> tuple[int | None, ...]:
    """The shape of one image; of any size, as all layers are convolutions."""
    first = channel_axis() == 1
    shape = assembly.asked_size() or ((3, None, None) if first else (None, None, 3))
    sizes = shape[1:] if first else shape[:2]
    if any(size is not None and size < 32 for size in sizes):
        raise ShapeError(
            f"Input size must be at least 32x32; Received `input_shape={shape}`. Smaller images "
            "can be enlarged: keras.layers.Resizing."
        )
    if not assembly.imagenet:
        return shape
    if options.alpha not in ((1.0,) if options.minimalistic else (0.75, 1.0)):
        raise ArgumentError(
            "If imagenet weights are being loaded, alpha can be one of `0.75`, `1.0` for non "
            f"minimalistic or `1.0` for minimalistic only. Received: alpha={options.alpha}, "
            f"minimalistic={options.minimalistic}. Other widths need `weights=None`."
        )
    if set(sizes) != {SIZE}:
        warnings.warn(
            "`input_shape` is undefined or non-square, or `rows` is not 224. Weights for input "
            "shape (224, 224) will be loaded as the default.",
            stacklevel=4,
        )
    return shape
