"""EfficientNet: one small network, and a rule that grows its width, depth and images together.

B0 was found by a search over blocks of MobileNet's kind, with squeeze and excitation. B1 to B7
multiply its widths by w, its depths by d, and look at larger images; balanced so, each step buys
more accuracy than any one of the three would alone.

A block widens its channels, convolves each of them on its own, weighs the channels by what they
show over the whole image, projects them to few again, and adds its input. In training a part of
the blocks is left out at random, the later the more often.

>>> model = EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
>>> model.output.shape
(None, 1280)
"""

from __future__ import annotations

import math
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
from etude.applications.imagenet_utils import correct_pad, decode_predictions
from etude.initializers import VarianceScaling
from etude.models import Functional

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]

BASE = "https://storage.googleapis.com/keras-applications/"
HASHES = {
    "b0": ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "b4": ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
SQUEEZE = 0.25  # channels between squeeze and excitation, as a share of the block's input
DROPPED = 0.2  # share of the last block that is left out in training
DEVIATIONS = (0.229, 0.224, 0.225)  # of the channels of ImageNet, pixels from 0 to 1


class Stage(NamedTuple):
    """Blocks of one width, one row of table 1; the first of them has the stride."""

    expansion: int
    kernel: int
    stride: int
    width: int
    blocks: int


STAGES = (
    Stage(1, 3, 1, 16, 1),
    Stage(6, 3, 2, 24, 2),
    Stage(6, 5, 2, 40, 2),
    Stage(6, 3, 2, 80, 3),
    Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4),
    Stage(6, 3, 1, 320, 1),
)


class Scale(NamedTuple):
    """What a member multiplies widths and depths by, its images, and the dropout at its end."""

    width: float
    depth: float
    size: int
    dropout: float
    millions: float  # of parameters


def _member(member: str, scale: Scale) -> Callable[..., Functional]:
    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = f"efficientnet{member}",
    ) -> Functional:
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
        x = _features(assembly.image(scale.size), scale, rescaled=assembly.imagenet)
        x = assembly.head(x, dropout=scale.dropout, kernel_initializer=dense_initializer())
        stem = f"efficientnet{member}"
        files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_notop.h5", HASHES[member])
        return assembly.finish(x, files)

    build.__name__ = build.__qualname__ = f"EfficientNet{member.upper()}"
    build.__doc__ = f"""EfficientNet {member.upper()}; {scale.millions} million parameters.

    Widths x {scale.width}, depths x {scale.depth}, images of {scale.size} x {scale.size}. Pixels
    go in as they are, from 0 to 255: the first layers of the model scale them.

    Reference:
        M. Tan, Q. Le, "EfficientNet: rethinking model scaling for convolutional neural networks",
        ICML, 2019.
    """
    return constructor()(build)


EfficientNetB0 = _member("b0", Scale(1.0, 1.0, 224, 0.2, millions=5.3))
EfficientNetB1 = _member("b1", Scale(1.0, 1.1, 240, 0.2, millions=7.9))
EfficientNetB2 = _member("b2", Scale(1.1, 1.2, 260, 0.3, millions=9.2))
EfficientNetB3 = _member("b3", Scale(1.2, 1.4, 300, 0.3, millions=12.3))
EfficientNetB4 = _member("b4", Scale(1.4, 1.8, 380, 0.4, millions=19.5))
EfficientNetB5 = _member("b5", Scale(1.6, 2.2, 456, 0.4, millions=30.6))
EfficientNetB6 = _member("b6", Scale(1.8, 2.6, 528, 0.5, millions=43.3))
EfficientNetB7 = _member("b7", Scale(2.0, 3.1, 600, 0.5, millions=66.7))


def _features(image: Any, scale: Scale, rescaled: bool) -> Any:
    """From images (N, H, W, 3) to feature maps (N, H/32, W/32, 1280 w)."""

    def width_of(width: int) -> int:
        return make_divisible(width * scale.width)

    x = layers.Rescaling(1.0 / 255.0)(image)
    x = layers.Normalization(axis=channel_axis(last=3))(x)
    if rescaled:  # the published weights were trained on (x - mean) / variance
        x = layers.Rescaling([1.0 / math.sqrt(deviation) for deviation in DEVIATIONS])(x)
    x = layers.ZeroPadding2D(correct_pad(x, 3), name="stem_conv_pad")(x)
    x = convolution(x, width_of(32), 3, "stem", strides=2, padding="valid")  # (N, H/2, W/2, 32 w)

    depths = [math.ceil(scale.depth * stage.blocks) for stage in STAGES]
    built = 0
    for number, (stage, depth) in enumerate(zip(STAGES, depths, strict=True), start=1):
        for index in range(depth):
            stride = stage.stride if index == 0 else 1
            x = _block(
                x,
                stage._replace(stride=stride, width=width_of(stage.width)),
                dropped=DROPPED * built / sum(depths),
                name=block_name(number, index),
            )
            built += 1
    return convolution(x, width_of(1280), 1, "top")


def _block(x: Any, stage: Stage, dropped: float, name: str) -> Any:
    """(N, H, W, C) to (N, H / stride, W / stride, width)."""
    given, channels = x, x.shape[channel_axis()]
    wide = channels * stage.expansion
    if stage.expansion > 1:
        x = convolution(x, wide, 1, f"{name}expand")  # (N, H, W, wide)
    if stage.stride == 2:
        x = layers.ZeroPadding2D(correct_pad(x, stage.kernel), name=f"{name}dwconv_pad")(x)
    x = layers.DepthwiseConv2D(
        stage.kernel,
        strides=stage.stride,
        padding="valid" if stage.stride == 2 else "same",
        use_bias=False,
        depthwise_initializer=kernel_initializer(),
        name=f"{name}dwconv",
    )(x)
    x = normalized(x, f"{name}bn")
    x = layers.Activation("swish", name=f"{name}activation")(x)
    x = squeeze_and_excite(x, max(1, int(channels * SQUEEZE)), name)
    x = convolution(x, stage.width, 1, f"{name}project", activate=False)
    return added(x, given, dropped, name) if stage.stride == 1 else x


# ---- parts, also those of version 2 ------------------------------------------------------------


def convolution(
    x: Any,
    filters: int,
    kernel: int,
    name: str,
    activate: bool = True,
    momentum: float = 0.99,
    **options: Any,
) -> Any:
    """Convolution without a bias, batch normalization, and swish if `activate`."""
    x = layers.Conv2D(
        filters,
        kernel,
        use_bias=False,
        kernel_initializer=kernel_initializer(),
        name=f"{name}_conv",
        **{"padding": "same", **options},
    )(x)
    x = normalized(x, f"{name}_bn", momentum)
    return layers.Activation("swish", name=f"{name}_activation")(x) if activate else x


def normalized(x: Any, name: str, momentum: float = 0.99) -> Any:
    """Batch normalization over the channels."""
    return layers.BatchNormalization(axis=channel_axis(last=3), momentum=momentum, name=name)(x)


def squeeze_and_excite(x: Any, narrow: int, name: str) -> Any:
    """Each channel times a weight in (0, 1), which two layers find from the means of all channels.

    Args:
        x: (N, H, W, C).
        narrow: channels between the two layers.
        name: what the names of the layers begin with.
    """
    channels = x.shape[channel_axis()]
    place = (channels, 1, 1) if channel_axis() == 1 else (1, 1, channels)
    s = layers.GlobalAveragePooling2D(name=f"{name}se_squeeze")(x)  # (N, C)
    s = layers.Reshape(place, name=f"{name}se_reshape")(s)  # (N, 1, 1, C)
    for filters, activation, part in (
        (narrow, "swish", "reduce"),
        (channels, "sigmoid", "expand"),
    ):
        s = layers.Conv2D(
            filters,
            1,
            padding="same",
            activation=activation,
            kernel_initializer=kernel_initializer(),
            name=f"{name}se_{part}",
        )(s)
    return layers.Multiply(name=f"{name}se_excite")([x, s])


def added(x: Any, given: Any, dropped: float, name: str) -> Any:
    """``given + x``, where the shapes agree; in training x is 0 for a share `dropped` of images."""
    if x.shape[channel_axis()] != given.shape[channel_axis()]:
        return x
    if dropped > 0:
        x = layers.Dropout(dropped, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return layers.Add(name=f"{name}add")([x, given])


def block_name(stage: int, index: int) -> str:
    """What the names of a block's layers begin with.

    >>> block_name(2, 0), block_name(2, 1)
    ('block2a_', 'block2b_')
    """
    return f"block{stage}{chr(ord('a') + index)}_"


def kernel_initializer() -> VarianceScaling:
    """Normal, with variance 2 / (kernel size x filters); one for each layer, or all would agree."""
    return VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def dense_initializer() -> VarianceScaling:
    """Uniform in ±1/sqrt(classes)."""
    return VarianceScaling(1.0 / 3.0, mode="fan_out", distribution="uniform")


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """The pixels as they are: the first layers of the model scale them.

    Args:
        x: pixels from 0 to 255.
        data_format: not used.

    >>> preprocess_input([0.0, 255.0])
    [0.0, 255.0]
    """
    return x
