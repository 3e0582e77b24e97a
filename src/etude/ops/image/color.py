"""Colours: RGB, grey and HSV.

Source: Smith, Color gamut transform pairs, SIGGRAPH 1978, 12-19.
"""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.config import floatx
from etude.dtypes import is_float_dtype, result_type
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.ops.core import cast
from etude.ops.elementwise import absolute, clip, maximum, minimum, mod, where
from etude.ops.image.shapes import channel_axis, check_rank
from etude.ops.joining import stack, unstack
from etude.ops.linear_systems import spacing
from etude.ops.shape import expand_dims

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

LUMA = (0.2989, 0.5870, 0.1140)
"""How bright the eye sees red, green and blue (ITU-R BT.601)."""


@composite
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """The brightness of each pixel: 0.2989 R + 0.5870 G + 0.1140 B.

    Args:
        images: (..., H, W, 3), or (..., 3, H, W) with channels_first; grey images stay as they are.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        One channel in the place of three, in the dtype of the images.

    Raises:
        ShapeError: no images, or another number of channels.

    >>> rgb_to_grayscale([[[100.0, 0.0, 0.0]]]).numpy().tolist()
    [[[29.89...]]]
    """
    x, axis = as_tensor(images), channel_axis(data_format)
    check_rank(x.shape)
    if x.shape[axis] not in (1, 3):
        raise ShapeError(
            "Invalid channel size: expected 3 (RGB) or 1 (Grayscale). Received input with shape: "
            f"images.shape={x.shape}."
        )
    if x.shape[axis] == 1:
        return x
    planes = unstack(cast(x, result_type(x.dtype, floatx())), axis=axis)
    gray = sum(
        (w * plane for w, plane in zip(LUMA[1:], planes[1:], strict=True)), LUMA[0] * planes[0]
    )
    return cast(expand_dims(gray, axis), x.dtype)


def _three_planes(images: Any, axis: int) -> tuple[Tensor, Tensor, Tensor]:
    """The three channels of float images, each without the channel axis."""
    x = as_tensor(images)
    check_rank(x.shape)
    if not is_float_dtype(x.dtype):
        raise NoFloatImage(
            f"Invalid images dtype: expected float dtype. Received: images.dtype={x.dtype}. "
            "Scale the images to 0 ... 1: images / 255."
        )
    if x.shape[axis] != 3:
        raise ShapeError(
            f"Input images must have 3 channels, but received images with {x.shape[axis]} "
            f"channels. Received: images.shape={x.shape}."
        )
    a, b, c = unstack(x, axis=axis)
    return a, b, c


class NoFloatImage(DtypeError, ArgumentError):
    """Colours of another space were asked of integers."""


@composite
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Hue, saturation and value of each pixel.

        V = max(R, G, B),  S = (V - min) / V,  H = the place on the circle red, green, blue

    Args:
        images: floats 0 ... 1, (..., H, W, 3), or (..., 3, H, W) with channels_first.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        H, S, V in the place of R, G, B, each 0 ... 1. A grey pixel has hue 0. Where the greatest
        two channels are equal, the hue is that of red before green before blue.

    Raises:
        NoFloatImage: the images hold integers.
        ShapeError: there are not three channels.

    >>> rgb_to_hsv([[[0.0, 0.5, 0.0]]]).numpy().round(3).tolist()
    [[[0.333..., 1.0, 0.5]]]
    """
    axis = channel_axis(data_format)
    planes = _three_planes(images, axis)
    tiny = spacing(planes[0])
    r, g, b = (where(absolute(plane) < tiny, 0.0, plane) for plane in planes)
    value = maximum(maximum(r, g), b)
    spread = value - minimum(minimum(r, g), b)
    saturation = where(value > 0, spread / where(value > 0, value, 1.0), 0.0)
    sixth = 1 / (6 * where(spread > 0, spread, 1.0))
    hue = where(value == g, (b - r) * sixth + 2 / 6, (r - g) * sixth + 4 / 6)
    hue = where(value == r, (g - b) * sixth, hue)
    hue = where(spread > 0, hue, 0.0)
    return stack([where(hue < 0, hue + 1, hue), saturation, value], axis=axis)


@composite
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """Red, green and blue of pixels given by hue, saturation and value.

    Args:
        images: floats, (..., H, W, 3), or (..., 3, H, W) with channels_first.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        R, G, B in the place of H, S, V.

    Raises:
        NoFloatImage: the images hold integers.
        ShapeError: there are not three channels.

    >>> hsv_to_rgb([[[0.0, 1.0, 0.5]]]).numpy().tolist()
    [[[0.5, 0.0, 0.0]]]
    """
    axis = channel_axis(data_format)
    hue, saturation, value = _three_planes(images, axis)
    place = mod(hue, 1.0) * 6
    pure = (
        clip(absolute(place - 3) - 1, 0.0, 1.0),
        clip(2 - absolute(place - 2), 0.0, 1.0),
        clip(2 - absolute(place - 4), 0.0, 1.0),
    )
    return stack([value * (1 - saturation + saturation * p) for p in pure], axis=axis)
