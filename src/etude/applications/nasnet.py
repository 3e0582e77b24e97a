"""NASNet: two cells that a search found on small images, repeated to make a network for large ones.

A cell takes the outputs x and p of the two cells before it, makes five sums of two paths each, and
joins them. The normal cell keeps rows and columns, the reduction cell halves them and the widths
double. Both are figure 4 of the paper, found by trying on CIFAR-10 what a recurrent network
proposed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from etude import layers
from etude.applications.assembly import (
    Assembly,
    WeightFiles,
    constructor,
    require_channels_last,
)
from etude.applications.imagenet_utils import correct_pad, decode_predictions
from etude.applications.inception_v3 import preprocess_input
from etude.errors import ArgumentError
from etude.models import Functional
from etude.naming import name_scope

__all__ = ["NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/"
HASHES = {
    "mobile": ("020fb642bf7360b370c678b08e0adf61", "1ed92395b5b598bdda52abe5c0dbfd63"),
    "large": ("11577c9a518f0070763c2b964a382f17", "d81d89dc07e6e56530c4e77faddd61b5"),
}

Fit = Callable[[Any, int, str], Any]  # output of a cell, width, name -> what another cell takes


class Design(NamedTuple):
    """NASNet-A (N @ P) in the paper: N normal cells at each resolution, P channels at the end."""

    member: str
    size: int  # of the images
    stem: int  # channels of the first convolution
    repeats: int  # N
    channels: int  # P
    skips_reduction: bool  # whether the cell after a reduction looks past it


MOBILE = Design("mobile", 224, 32, 4, 1056, skips_reduction=False)
LARGE = Design("large", 331, 96, 6, 4032, skips_reduction=True)


@constructor()
def NASNetMobile(
    input_shape: Any = None,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "nasnet_mobile",
) -> Functional:
    """NASNet-A (4 @ 1056), for phones; 5.3 million parameters.

    Reference:
        B. Zoph, V. Vasudevan, J. Shlens, Q. Le, "Learning transferable architectures for scalable
        image recognition", CVPR, 2018.

    Example:
        >>> from etude import config
        >>> config.set_image_data_format("channels_first")
        >>> try:
        ...     NASNetMobile(weights=None)
        ... except ValueError as error:
        ...     print(str(error).partition(".")[0])
        NASNet does not support the `channels_first` image data format
        >>> config.set_image_data_format("channels_last")
    """
    require_channels_last("NASNet")
    if not include_top and input_shape is None:
        input_shape = (MOBILE.size, MOBILE.size, 3)
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
    return _network(assembly, MOBILE)


@constructor()
def NASNetLarge(
    input_shape: Any = None,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "nasnet_large",
) -> Functional:
    """NASNet-A (6 @ 4032), for images of 331 x 331; 89 million parameters.

    Reference:
        B. Zoph, V. Vasudevan, J. Shlens, Q. Le, "Learning transferable architectures for scalable
        image recognition", CVPR, 2018.
    """
    require_channels_last("NASNet")
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
    return _network(assembly, LARGE)


def _network(assembly: Assembly, design: Design) -> Functional:
    if assembly.imagenet and assembly.input_shape and None in assembly.input_shape:
        raise ArgumentError(
            "When specifying the input shape of a NASNet and loading `ImageNet` weights, the "
            "input_shape argument must be static (no None entries). Received: "
            f"input_shape={assembly.input_shape}."
        )
    x = _features(assembly.image(design.size), design)
    x = assembly.head(x, pool_names=False)
    address, kept = f"NASNet-{design.member}", f"nasnet_{design.member}"
    files = WeightFiles(
        BASE,
        f"{address}.h5",
        f"{address}-no-top.h5",
        HASHES[design.member],
        kept_as=(f"{kept}.h5", f"{kept}_no_top.h5"),
    )
    return assembly.finish(x, files)


def _features(image: Any, design: Design) -> Any:
    """From images (N, H, W, 3) to feature maps (N, H/32, W/32, P)."""
    x = layers.Conv2D(
        design.stem,
        3,
        strides=2,
        padding="valid",
        use_bias=False,
        kernel_initializer="he_normal",
        name="stem_conv1",
    )(image)  # (N, H/2, W/2, stem)
    x = before = _normalized(x, "stem_bn1")
    width = design.channels // 24  # of the first of three resolutions: six parts, doubled twice
    x, before = _reduction_cell(x, before, width // 4, "stem_1", _as_it_is), x
    x, before = _reduction_cell(x, before, width // 2, "stem_2", _halved), x
    n = design.repeats
    for stage in range(3):  # (N, H/8, W/8, 6 width), then half of the positions, twice the width
        if stage > 0:
            width, name, given = 2 * width, f"reduce_{stage * n}", x
            x = _reduction_cell(x, before, width, name, _projected)
            before = before if design.skips_reduction else given
        for index in range(n):
            name = str(stage * n + index + (stage > 0))
            fit = _halved if index == 0 else _projected  # whether a reduction lies between
            x, before = _normal_cell(x, before, width, name, fit), x
    return layers.Activation("relu")(x)


# ---- cells: figure 4 of the paper ---------------------------------------------------------------


def _normal_cell(x: Any, p: Any, width: int, name: str, fit: Fit) -> Any:
    """(N, H, W, C) to (N, H, W, 6 width); `fit` gives p the shape of x."""

    def separable(x: Any, kernel: int, path: str) -> Any:
        with name_scope(f"block_{path[-1]}"):
            return _separable(x, width, kernel, f"normal_{path}_{name}")

    def average(x: Any, path: str) -> Any:
        return layers.AveragePooling2D(3, strides=1, padding="same", name=f"normal_{path}_{name}")(
            x
        )

    def total(a: Any, b: Any, number: int) -> Any:
        return layers.Add(name=f"normal_add_{number}_{name}")([a, b])

    with name_scope(f"normal_A_block_{name}"):
        p = fit(p, width, name)
        h = _narrowed(x, width, "normal", name)
        sums = [
            total(separable(h, 5, "left1"), separable(p, 3, "right1"), 1),
            total(separable(p, 5, "left2"), separable(p, 3, "right2"), 2),
            total(average(h, "left3"), p, 3),
            total(average(p, "left4"), average(p, "right4"), 4),
            total(separable(h, 3, "left5"), h, 5),
        ]
        return layers.Concatenate(name=f"normal_concat_{name}")([p, *sums])


def _reduction_cell(x: Any, p: Any, width: int, name: str, fit: Fit) -> Any:
    """(N, H, W, C) to (N, H/2, W/2, 4 width); `fit` gives p the shape of x."""

    def separable(x: Any, kernel: int, path: str, block: int, strides: int = 2) -> Any:
        with name_scope(f"block_{block}"):
            return _separable(x, width, kernel, f"reduction_{path}_{name}", strides)

    def total(a: Any, b: Any, number: str | None) -> Any:
        return layers.Add(name=number and f"reduction_{number}_{name}")([a, b])

    with name_scope(f"reduction_A_block_{name}"):
        p = fit(p, width, name)
        h = _narrowed(x, width, "reduction", name)
        padded = layers.ZeroPadding2D(correct_pad(h, 3), name=f"reduction_pad_1_{name}")(h)

        def highest(path: str) -> Any:
            return layers.MaxPooling2D(3, strides=2, name=f"reduction_{path}_{name}")(padded)

        first = total(separable(h, 5, "left1", 1), separable(p, 7, "right1", 1), "add_1")
        second = total(highest("left2"), separable(p, 7, "right2", 2), "add_2")
        average = layers.AveragePooling2D(3, strides=2, name=f"reduction_left3_{name}")
        third = total(average(padded), separable(p, 5, "right3", 3), "add3")
        average = layers.AveragePooling2D(
            3, strides=1, padding="same", name=f"reduction_left4_{name}"
        )
        fourth = total(second, average(first), None)
        fifth = total(separable(first, 3, "left4", 5, strides=1), highest("right5"), "add4")
        return layers.Concatenate(name=f"reduction_concat_{name}")([second, third, fourth, fifth])


# ---- paths ------------------------------------------------------------------------------------


def _separable(x: Any, width: int, kernel: int, name: str, strides: int = 1) -> Any:
    """ReLU, separable convolution, normalization, and these three again; the first has strides."""
    with name_scope(f"separable_conv_block_{name}"):
        x = layers.Activation("relu")(x)
        if strides == 2:
            x = layers.ZeroPadding2D(correct_pad(x, kernel), name=f"separable_conv_1_pad_{name}")(x)
        x = layers.SeparableConv2D(
            width,
            kernel,
            strides=strides,
            padding="valid" if strides == 2 else "same",
            use_bias=False,
            name=f"separable_conv_1_{name}",
        )(x)
        x = layers.Activation("relu")(_normalized(x, f"separable_conv_1_bn_{name}"))
        x = layers.SeparableConv2D(
            width, kernel, padding="same", use_bias=False, name=f"separable_conv_2_{name}"
        )(x)
        return _normalized(x, f"separable_conv_2_bn_{name}")


def _narrowed(x: Any, width: int, cell: str, name: str) -> Any:
    """The input of a cell, with the cell's width."""
    x = layers.Activation("relu")(x)
    return _normalized(_pointwise(x, width, f"{cell}_conv_1_{name}"), f"{cell}_bn_1_{name}")


def _as_it_is(p: Any, width: int, name: str) -> Any:
    """Before the first cell there is one output only, taken twice."""
    return p


def _projected(p: Any, width: int, name: str) -> Any:
    """The output of the cell before last, with the cell's width."""
    if p.shape[-1] == width:
        return p
    with name_scope("adjust_block"), name_scope(f"adjust_projection_block_{name}"):
        p = _pointwise(layers.Activation("relu")(p), width, f"adjust_conv_projection_{name}")
        return _normalized(p, f"adjust_bn_{name}")


def _halved(p: Any, width: int, name: str) -> Any:
    """The output of the cell before last, where that has twice the rows and columns.

    Half of the channels come from the pixels with even numbers, half from those with odd ones.
    """

    def every_second(p: Any, number: int) -> Any:
        p = layers.AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_{number}_{name}")(p)
        return _pointwise(p, width // 2, f"adjust_conv_{number}_{name}")

    with name_scope("adjust_block"), name_scope(f"adjust_reduction_block_{name}"):
        p = layers.Activation("relu", name=f"adjust_relu_1_{name}")(p)
        odd = layers.ZeroPadding2D(((0, 1), (0, 1)))
        odd = layers.Cropping2D(((1, 0), (1, 0)))(odd(p))
        p = layers.Concatenate()([every_second(p, 1), every_second(odd, 2)])  # (N, H/2, W/2, width)
        return _normalized(p, f"adjust_bn_{name}")


def _pointwise(x: Any, width: int, name: str) -> Any:
    return layers.Conv2D(
        width, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)


def _normalized(x: Any, name: str) -> Any:
    return layers.BatchNormalization(axis=-1, momentum=0.9997, epsilon=1e-3, name=name)(x)
