"""Images in another size: each axis is multiplied by a matrix of interpolation weights.

An output pixel j along an axis lies at (j + ½ - t) / s - ½ of the input, with scale s and
translation t. Its value is Σ_i w_ij x_i, the kernel of the interpolation around that place, with
weights that sum to 1. With antialiasing a kernel is stretched by 1 / s where s < 1, so that no
input pixel is passed over.

Sources: Keys, Cubic convolution interpolation for digital image processing, IEEE Trans. ASSP 29
(1981); Duchon, Lanczos filtering in one and two dimensions, J. Appl. Meteorology 18 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError
from etude.ops.comparison import logical_and
from etude.ops.core import cast
from etude.ops.creation import arange
from etude.ops.elementwise import absolute, floor, maximum, where
from etude.ops.image.shapes import as_dtype, check_rank, pixel_dtype, spatial_axes
from etude.ops.indexing import take
from etude.ops.linear_systems import spacing
from etude.ops.products import matmul
from etude.ops.reduction import sum as sum_of
from etude.ops.repetition import pad
from etude.ops.shape import moveaxis
from etude.ops.trigonometry import sin

__all__ = ["resize", "scale_and_translate"]

RESIZE_INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


# --- kernels ------------------------------------------------------------------------------------


def _triangle(x: Tensor) -> Tensor:
    """1 - |x|, and 0 beyond 1."""
    return maximum(1 - x, 0.0)


def _keys_cubic(x: Tensor) -> Tensor:
    """The cubic of Keys with a = -½, which has a continuous first derivative, for x ≥ 0."""
    near = ((1.5 * x - 2.5) * x) * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return where(x >= 2, 0.0, where(x >= 1, far, near))


def _lanczos(radius: int) -> Callable[[Tensor], Tensor]:
    """sinc x · sinc(x / r), and 0 beyond r, for x ≥ 0."""

    def kernel(x: Tensor) -> Tensor:
        away = where(x > 1e-3, x, 1.0)
        bump = radius * sin(math.pi * away) * sin(math.pi * away / radius)
        inside = where(x > 1e-3, bump / (math.pi * away) ** 2, 1.0)
        return where(x > radius, 0.0, inside)

    return kernel


KERNELS: dict[str, Callable[[Tensor], Tensor]] = {
    **dict.fromkeys(("linear", "bilinear", "trilinear"), _triangle),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _keys_cubic),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
}


def _weights(
    size: int, new_size: int, scale: Any, translation: Any, method: str, antialias: bool, dtype: str
) -> Tensor:
    """The matrix w of one axis, (size, new_size). Output pixels outside of the input have none."""
    s, t = as_tensor(scale, dtype), as_tensor(translation, dtype)
    stretch = maximum(1 / s, 1.0) if antialias else as_tensor(1.0, dtype)
    place = (arange(new_size, dtype=dtype) + 0.5 - t) / s - 0.5  # (new_size,)
    distance = absolute(place - arange(size, dtype=dtype)[:, None]) / stretch  # (size, new_size)
    w = KERNELS[method](distance)
    total = sum_of(w, axis=0)
    known = absolute(total) > 1000 * spacing(w)
    inside = logical_and(place >= -0.5, place <= size - 0.5)
    return where(logical_and(known, inside), w / where(known, total, 1.0), 0.0)


def _along(x: Tensor, axis: int, weights: Tensor) -> Tensor:
    """Σ_i w_ij x_i along one axis."""
    if axis == x.ndim - 1:
        return matmul(x, weights)
    if axis == x.ndim - 2:
        return matmul(moveaxis(weights, 0, 1), x)  # rows of pixels stay in one piece
    return moveaxis(matmul(moveaxis(x, axis, -1), weights), -1, axis)


# --- public operations --------------------------------------------------------------------------


@composite
def scale_and_translate(
    images: Any,
    output_shape: Sequence[int],
    scale: Any,
    translation: Any,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Tensor:
    """Images scaled and moved: input pixel i comes to lie at (i + ½) s + t - ½.

    Args:
        images: floats, of any rank.
        output_shape: the shape of the result.
        scale: s, one for each of the spatial axes.
        translation: t, in pixels of the result, likewise.
        spatial_dims: the axes that change.
        method: "linear", "cubic" (or "bilinear", "bicubic"), "lanczos3" or "lanczos5".
        antialias: whether kernels are stretched where images shrink.

    Returns:
        Images of the ``output_shape``; 0 where there is no input. Gradients reach the images, the
        scale and the translation.

    >>> scale_and_translate([1.0, 2.0], (4,), [2.0], [0.0], (0,), "linear").numpy().tolist()
    [1.0, 1.25, 1.75, 2.0]
    """
    if method not in KERNELS:
        raise ArgumentError(
            "Invalid value for argument `method`. Expected of one "
            f"{set(KERNELS)}. Received: method={method}"
        )
    x, s, t = as_tensor(images), as_tensor(scale), as_tensor(translation)
    dtype = pixel_dtype(x.dtype)
    y = cast(x, dtype)
    for i, axis in enumerate(spatial_dims):
        place = axis % x.ndim
        sizes = x.shape[place], output_shape[place]
        y = _along(y, place, _weights(*sizes, s[i], t[i], method, antialias, dtype))
    return cast(y, x.dtype if is_float_dtype(x.dtype) else dtype)


@composite
def resize(
    images: Any,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images in another size.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        size: (height, width) of the result.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether all input pixels count where images shrink; not with "nearest".
        crop_to_aspect_ratio: whether to cut the borders first, so that nothing is distorted.
        pad_to_aspect_ratio: whether to add borders first, to the same end.
        fill_mode: "constant", what borders are made of.
        fill_value: the value of added borders.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        Images of the new size, in the same dtype; integers are rounded.

    Raises:
        ArgumentError: an argument has another value, or both crop and pad are asked for.
        ShapeError: no images.

    >>> resize([[[1.0], [3.0]]], (1, 4)).numpy()[0, :, 0].tolist()
    [1.0, 1.5, 2.5, 3.0]
    """
    x = as_tensor(images)
    target = _checked_size(size)
    check_rank(x.shape)
    _check_options(interpolation, fill_mode, crop_to_aspect_ratio, pad_to_aspect_ratio)
    axes = [axis % x.ndim for axis in spatial_axes(data_format)]
    if crop_to_aspect_ratio:
        x = _cropped(x, axes, target)
    elif pad_to_aspect_ratio:
        x = _padded(x, axes, target, fill_value)
    changes = [(axis, n) for axis, n in zip(axes, target, strict=True) if x.shape[axis] != n]
    if interpolation == "nearest":
        for axis, n in changes:
            places = floor((arange(n, dtype="float32") + 0.5) * (x.shape[axis] / n))
            x = take(x, cast(places, "int32"), axis=axis)
        return x
    dtype = pixel_dtype(x.dtype)
    y = cast(x, dtype)
    for axis, n in changes:
        old = x.shape[axis]
        y = _along(y, axis, _weights(old, n, n / old, 0.0, interpolation, antialias, dtype))
    return as_dtype(y, x.dtype)


def _checked_size(size: Any) -> tuple[int, int]:
    if not hasattr(size, "__len__") or len(size) != 2:
        raise ArgumentError(f"Expected `size` to be a tuple of 2 integers. Received: size={size}")
    height, width = int(size[0]), int(size[1])
    if height <= 0 or width <= 0:
        raise ArgumentError(f"`size` must have positive height and width. Received: size={size}")
    return height, width


def _check_options(interpolation: str, fill_mode: str, crop: bool, pad: bool) -> None:
    if interpolation not in RESIZE_INTERPOLATIONS:
        raise ArgumentError(
            "Invalid value for argument `interpolation`. Expected of one "
            f"{RESIZE_INTERPOLATIONS}. Received: interpolation={interpolation}"
        )
    if fill_mode != "constant":
        raise ArgumentError(
            "Invalid value for argument `fill_mode`. Only `'constant'` is supported. "
            f"Received: fill_mode={fill_mode}"
        )
    if crop and pad:
        raise ArgumentError(
            "Only one of `pad_to_aspect_ratio` & `crop_to_aspect_ratio` can be `True`."
        )


def fitting_window(sizes: Sequence[int], target: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Where the greatest window lies that has the aspect ratio of the target.

    Args:
        sizes: height and width of the images.
        target: height and width of the result.

    Returns:
        (start, length) for height and for width; the window is in the middle.

    >>> fitting_window((10, 20), (5, 5))
    ((0, 10), (5, 10))
    """
    height, width = sizes
    lengths = width * target[0] / target[1], height * target[1] / target[0]
    kept = [max(min(n, int(length)), 1) for n, length in zip(sizes, lengths, strict=True)]
    return tuple(((n - k) // 2, k) for n, k in zip((height, width), kept, strict=True))


def _cropped(x: Tensor, axes: Sequence[int], target: tuple[int, int]) -> Tensor:
    window = fitting_window([x.shape[axis] for axis in axes], target)
    key = [slice(None)] * x.ndim
    for axis, (start, length) in zip(axes, window, strict=True):
        key[axis] = slice(start, start + length)
    return x[tuple(key)]


def _padded(x: Tensor, axes: Sequence[int], target: tuple[int, int], fill_value: float) -> Tensor:
    """Borders of equal width on two sides, so that the ratio is that of the target, or one less."""
    height, width = (x.shape[axis] for axis in axes)
    rows = max(int(width * target[0] / target[1]), height) - height
    columns = max(int(height * target[1] / target[0]), width) - width
    widths = [(0, 0)] * x.ndim
    if rows // 2:
        widths[axes[0]] = (rows // 2, rows // 2)
    else:
        widths[axes[1]] = (columns // 2, columns // 2)
    return pad(x, widths, constant_values=fill_value)
