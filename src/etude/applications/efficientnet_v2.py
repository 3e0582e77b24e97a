"""EfficientNetV2: blocks that machines run fast, in the stages where that counts.

A depthwise convolution needs few operations, but keeps a GPU waiting; so the early stages, with
large maps of few channels, widen by a full 3x3 convolution instead ("fused"), and squeeze and
excite in the late stages only. S, M and L were found by a search that measured training time; B0 to
B3 scale one small network by the rule of the first EfficientNet.

>>> model = EfficientNetV2B0(include_top=False, weights=None, input_shape=(32, 32, 3))
>>> model.output.shape
(None, 1, 1, 1280)
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
)
from etude.applications.efficientnet import (
    added,
    block_name,
    convolution,
    dense_initializer,
    kernel_initializer,
    normalized,
    preprocess_input,
    squeeze_and_excite,
)
from etude.applications.imagenet_utils import decode_predictions
from etude.initializers import Constant
from etude.models import Functional

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/"
HASHES = {
    "b0": ("21ecbf6da12460d5c40bb2f29ceb2188", "893217f2bb855e2983157299931e43ff"),
    "b1": ("069f0534ff22adf035c89e2d9547a9dc", "0e80663031ca32d657f9caa404b6ec37"),
    "b2": ("424e49f28180edbde1e94797771950a7", "1dfe2e7a5d45b6632553a8961ea609eb"),
    "b3": ("1f1fc43bd98a6e4fd8fdfd551e02c7a0", "f6abf7b5849ac99a89b50dd3fd532856"),
    "s": ("e1d88a8495beba45748fedd0cecbe016", "af0682fb74e8c54910f2d4393339c070"),
    "m": ("a3bf6aa3276309f4fc6a34aa114c95cd", "1b8dc055df72dde80d614482840fe342"),
    "l": ("27e6d408b53c7ebc868fefa357689935", "b0b66b5c863aef5b46e8608fe1711615"),
}
SQUEEZE = 0.25  # channels between squeeze and excitation, as a share of the block's input
DROPPED = 0.2  # share of the last block that is left out in training
MOMENTUM = 0.9
DROPOUT = 0.2
MEAN = (0.485, 0.456, 0.406)  # of the channels of ImageNet, pixels from 0 to 1
VARIANCE = (0.229**2, 0.224**2, 0.225**2)


class Stage(NamedTuple):
    """Blocks of one width; the first of them has the stride. All kernels are 3 x 3."""

    fused: bool
    expansion: int
    stride: int
    width: int
    blocks: int


S = (  # table 4 of the paper
    Stage(True, 1, 1, 24, 2),
    Stage(True, 4, 2, 48, 4),
    Stage(True, 4, 2, 64, 4),
    Stage(False, 4, 2, 128, 6),
    Stage(False, 6, 1, 160, 9),
    Stage(False, 6, 2, 256, 15),
)
M = (
    Stage(True, 1, 1, 24, 3),
    Stage(True, 4, 2, 48, 5),
    Stage(True, 4, 2, 80, 5),
    Stage(False, 4, 2, 160, 7),
    Stage(False, 6, 1, 176, 14),
    Stage(False, 6, 2, 304, 18),
    Stage(False, 6, 1, 512, 5),
)
L = (
    Stage(True, 1, 1, 32, 4),
    Stage(True, 4, 2, 64, 7),
    Stage(True, 4, 2, 96, 7),
    Stage(False, 4, 2, 192, 10),
    Stage(False, 6, 1, 224, 19),
    Stage(False, 6, 2, 384, 25),
    Stage(False, 6, 1, 640, 7),
)
B = (
    Stage(True, 1, 1, 16, 1),
    Stage(True, 4, 2, 32, 2),
    Stage(True, 4, 2, 48, 2),
    Stage(False, 4, 2, 96, 3),
    Stage(False, 6, 1, 112, 5),
    Stage(False, 6, 2, 192, 8),
)


class Design(NamedTuple):
    """One member: its stages, what multiplies widths and depths, its images."""

    stages: tuple[Stage, ...]
    stem: int  # channels of the first convolution
    width: float
    depth: float
    size: int
    millions: float  # of parameters


def _member(member: str, design: Design) -> Callable[..., Functional]:
    title, stem = f"EfficientNetV2{member.upper()}", f"efficientnetv2-{member}"

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = stem,
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
        x = assembly.image(design.size)
        if include_preprocessing:
            x = _scaled_pixels(x, by_channel=design.stages is B)
        x = assembly.head(
            _features(x, design),
            dropout=DROPOUT,
            kernel_initializer=dense_initializer(),
            bias_initializer=Constant(0.0),
        )
        files = WeightFiles(BASE, f"{stem}.h5", f"{stem}_notop.h5", HASHES[member])
        return assembly.finish(x, files)

    build.__name__ = build.__qualname__ = title
    build.__doc__ = f"""{title}, for images of {design.size} x {design.size}.

    It has {design.millions} million parameters. Pixels go in as they are, from 0 to 255: the first
    layers of the model scale them, if `include_preprocessing` does not say otherwise.

    Reference:
        M. Tan, Q. Le, "EfficientNetV2: smaller models and faster training", ICML, 2021.
    """
    return constructor(
        include_preprocessing="whether the model scales its pixels; if not, give it -1 to 1."
    )(build)


EfficientNetV2B0 = _member("b0", Design(B, 32, 1.0, 1.0, 224, millions=7.2))
EfficientNetV2B1 = _member("b1", Design(B, 32, 1.0, 1.1, 240, millions=8.2))
EfficientNetV2B2 = _member("b2", Design(B, 32, 1.1, 1.2, 260, millions=10.2))
EfficientNetV2B3 = _member("b3", Design(B, 32, 1.2, 1.4, 300, millions=14.5))
EfficientNetV2S = _member("s", Design(S, 24, 1.0, 1.0, 384, millions=21.6))
EfficientNetV2M = _member("m", Design(M, 24, 1.0, 1.0, 480, millions=54.4))
EfficientNetV2L = _member("l", Design(L, 32, 1.0, 1.0, 480, millions=119.0))


def _scaled_pixels(image: Any, by_channel: bool) -> Any:
    """Pixels from 0 to 255 as the members were trained on them."""
    axis = channel_axis(last=3)
    if by_channel and image.shape[axis] == 3:
        x = layers.Rescaling(scale=1.0 / 255)(image)
        return layers.Normalization(mean=list(MEAN), variance=list(VARIANCE), axis=axis)(x)
    return layers.Rescaling(scale=1.0 / 128.0, offset=-1)(image)


def _features(x: Any, design: Design) -> Any:
    """From images (N, H, W, 3) to feature maps (N, H/32, W/32, 1280 w)."""

    def width_of(width: int) -> int:  # unlike the first version, however far it rounds down
        return max(8, int(width * design.width + 4) // 8 * 8)

    x = convolution(x, width_of(design.stem), 3, "stem", strides=2, momentum=MOMENTUM)
    total = sum(stage.blocks for stage in design.stages)  # before the depths are multiplied
    built = 0
    for number, stage in enumerate(design.stages, start=1):
        for index in range(math.ceil(design.depth * stage.blocks)):
            stride = stage.stride if index == 0 else 1
            x = _block(
                x,
                stage._replace(stride=stride, width=width_of(stage.width)),
                dropped=DROPPED * built / total,
                name=block_name(number, index),
            )
            built += 1
    return convolution(x, width_of(1280), 1, "top", momentum=MOMENTUM)


def _block(x: Any, stage: Stage, dropped: float, name: str) -> Any:
    """(N, H, W, C) to (N, H / stride, W / stride, width)."""
    block = _fused if stage.fused else _separable
    y = block(x, stage, name)
    return added(y, x, dropped, name) if stage.stride == 1 else y


def _fused(x: Any, stage: Stage, name: str) -> Any:
    """One full convolution widens and looks around; another one narrows."""
    if stage.expansion == 1:  # then the two are one
        return convolution(
            x, stage.width, 3, f"{name}project", strides=stage.stride, momentum=MOMENTUM
        )
    wide = x.shape[channel_axis()] * stage.expansion
    x = convolution(x, wide, 3, f"{name}expand", strides=stage.stride, momentum=MOMENTUM)
    return convolution(x, stage.width, 1, f"{name}project", activate=False, momentum=MOMENTUM)


def _separable(x: Any, stage: Stage, name: str) -> Any:
    """1x1 widens, a convolution of each channel looks around, 1x1 narrows."""
    channels = x.shape[channel_axis()]
    x = convolution(x, channels * stage.expansion, 1, f"{name}expand", momentum=MOMENTUM)
    x = layers.DepthwiseConv2D(
        3,
        strides=stage.stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=kernel_initializer(),
        name=f"{name}dwconv2",
    )(x)
    x = normalized(x, f"{name}bn", MOMENTUM)
    x = layers.Activation("swish", name=f"{name}activation")(x)
    x = squeeze_and_excite(x, max(1, int(channels * SQUEEZE)), name)
    return convolution(x, stage.width, 1, f"{name}project", activate=False, momentum=MOMENTUM)
