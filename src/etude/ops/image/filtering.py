"""Images seen through small windows: blurs, edges, patches, structural similarity.

Source of SSIM: Wang, Bovik, Sheikh and Simoncelli, Image quality assessment: from error
visibility to structural similarity, IEEE Trans. Image Processing 13 (2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.config import standardize_data_format
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.ops.convolution import depthwise_conv, explicit_padding, spatial_tuple
from etude.ops.core import cast
from etude.ops.creation import arange, ones
from etude.ops.elementwise import square
from etude.ops.exponential import exp
from etude.ops.image.shapes import as_dtype, check_rank, of_batches, pixel_dtype
from etude.ops.indexing import take
from etude.ops.joining import stack
from etude.ops.reduction import mean
from etude.ops.reduction import sum as sum_of
from etude.ops.repetition import pad
from etude.ops.shape import expand_dims, moveaxis, reshape, squeeze, transpose

__all__ = ["extract_patches", "extract_patches_3d", "gaussian_blur", "sobel_edges", "ssim"]


# --- blur and edges -----------------------------------------------------------------------------


def _bell(size: int, sigma: Any, dtype: str) -> Tensor:
    """exp(-x² / 2σ²) at ``size`` places around 0, with sum 1."""
    x = arange(size, dtype=dtype) - (size - 1) / 2
    bell = exp(-0.5 * square(x / as_tensor(sigma, dtype)))
    return bell / sum_of(bell)


def _filtered(x: Tensor, rows: Tensor, columns: Tensor, padding: str = "same") -> Tensor:
    """Images (N, H, W, C) through the window rows ⊗ columns, one direction after the other."""
    weight = ones((1, 1, x.shape[-1], 1), dtype=x.dtype)
    x = depthwise_conv(x, reshape(rows, (-1, 1, 1, 1)) * weight, 1, padding, "channels_last")
    return depthwise_conv(x, reshape(columns, (1, -1, 1, 1)) * weight, 1, padding, "channels_last")


@composite
def gaussian_blur(
    images: Any,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: str | None = None,
) -> Tensor:
    """Each pixel as the mean of those around it, weighted by a Gaussian; outside there is 0.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        kernel_size: of the window in x (columns) and in y (rows).
        sigma: σ of the Gaussian in x and in y, in pixels.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        Images of the same shape and dtype.

    >>> gaussian_blur([[[0.0], [1.0], [0.0]]], (3, 1), (1.0, 1.0)).numpy().round(3)[0, :, 0]
    array([0.274, 0.452, 0.274], dtype=float32)
    """

    def blurred(x: Tensor) -> Tensor:
        dtype = pixel_dtype(str(x.dtype))
        widths = as_tensor(sigma, dtype)
        columns, rows = (_bell(int(kernel_size[i]), widths[i], dtype) for i in range(2))
        return as_dtype(_filtered(cast(x, dtype), rows, columns), str(x.dtype))

    return of_batches(images, data_format, blurred)


@composite
def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """How steeply images rise, by the filters of Sobel: [1, 2, 1] ⊗ [-1, 0, 1].

    Args:
        images: (N, H, W, C), or (N, C, H, W) with channels_first.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (*images.shape, 2): dy and dx, eight times the slope. Outside of the image there is 0.

    Raises:
        ShapeError: no batch of images.

    >>> ramp = [[[[0.0], [1.0], [2.0]]] * 3]
    >>> sobel_edges(ramp).numpy()[0, 1, 1, 0].tolist()
    [0.0, 8.0]
    """
    x = as_tensor(images)
    if x.ndim != 4:
        raise ShapeError(
            "Invalid images rank: expected rank 4 (batch of images). Received: "
            f"images.shape={x.shape}. For one image add the batch axis: images[None]."
        )
    dtype = pixel_dtype(str(x.dtype))
    smooth, rise = as_tensor([1, 2, 1], dtype), as_tensor([-1, 0, 1], dtype)

    def edges(window: tuple[Tensor, Tensor]) -> Tensor:
        return of_batches(x, data_format, lambda t: _filtered(cast(t, dtype), *window))

    return cast(stack([edges((rise, smooth)), edges((smooth, rise))], axis=-1), x.dtype)


# --- similarity ---------------------------------------------------------------------------------


@composite
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Tensor:
    """Structural similarity, the mean over all windows and channels.

        (2 μ_x μ_y + c_1) (2 σ_xy + c_2) / ((μ_x² + μ_y² + c_1) (σ_x² + σ_y² + c_2)),

    with c_i = (k_i L)² and moments weighted by a Gaussian window.

    Args:
        image1: (N, H, W, C) or (H, W, C), or with the channels first.
        image2: likewise.
        max_val: L, the range of the values: 1 or 255.
        filter_size: width of the window; images are at least as large.
        filter_sigma: σ of its Gaussian.
        k1: for numerical stability.
        k2: likewise.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N,), or a scalar for single images: 1 for equal images.

    Raises:
        ShapeError: no images.

    >>> x = ones((16, 16, 1))
    >>> float(ssim(x, x))
    1.0
    """
    a, b = as_tensor(image1), as_tensor(image2)
    for name, image in (("image1", a), ("image2", b)):
        check_rank(image.shape, name)
    dtype = str(a.dtype)
    wide = pixel_dtype(dtype)
    x, y = (cast(t if t.ndim == 4 else expand_dims(t, 0), wide) for t in (a, b))
    if standardize_data_format(data_format) == "channels_first":
        x, y = (transpose(t, (0, 2, 3, 1)) for t in (x, y))
    bell = _bell(filter_size, filter_sigma, wide)

    def weighted_mean(t: Tensor) -> Tensor:
        return _filtered(t, bell, bell, "valid")

    mx, my = weighted_mean(x), weighted_mean(y)
    var_x, var_y = weighted_mean(x * x) - mx * mx, weighted_mean(y * y) - my * my
    cov = weighted_mean(x * y) - mx * my
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    similar = (2 * mx * my + c1) * (2 * cov + c2)
    similar = similar / ((mx * mx + my * my + c1) * (var_x + var_y + c2))
    means = mean(similar, axis=(1, 2, 3))
    return cast(squeeze(means, 0) if a.ndim == 3 else means, dtype)


# --- patches ------------------------------------------------------------------------------------


def _window_size(size: Any, ranks: tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(size, int):
        return (size,) * ranks[0]
    items: Any = size
    if not isinstance(items, (tuple, list)):
        raise DtypeError(
            f"Invalid `size` argument. Expected an int or a tuple. Received: size={size} of type "
            f"{type(size).__name__}"
        )
    if len(items) not in ranks:  # pyright: ignore[reportUnknownArgumentType]
        expected = " or ".join(map(str, ranks))
        error = ArgumentError if len(ranks) > 1 else DtypeError  # as in Keras
        raise error(
            f"Invalid `size` argument. Expected a tuple of length {expected}. Received: "
            f"size={size} with length {len(size)}"
        )
    return tuple(map(int, size))


def _strides(strides: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    if not strides:
        return size
    if not isinstance(strides, int) and len(strides) != len(size):
        raise ArgumentError(f"Invalid `strides` argument. Got: {strides}")
    return spatial_tuple(strides, len(size), "strides")


def _patches(
    x: Any, size: tuple[int, ...], strides: Any, dilation_rate: Any, padding: str, data_format: Any
) -> Tensor:
    """Patches of arrays with len(size) spatial axes, each as a row of channels."""
    rank, x = len(size), as_tensor(x)
    first = standardize_data_format(data_format) == "channels_first"
    if x.ndim not in (rank + 1, rank + 2):
        raise ShapeError(
            f"Patches of size {size} are taken from arrays of rank {rank + 1}, or {rank + 2} for a "
            f"batch; got shape {x.shape}."
        )
    single = x.ndim == rank + 1
    x = expand_dims(x, 0) if single else x
    x = moveaxis(x, 1, -1) if first else x
    steps = _strides(strides, size)
    dilation = spatial_tuple(dilation_rate, rank, "dilation_rate")
    around = explicit_padding(padding.lower(), x.shape[1:-1], size, steps, dilation)
    x = pad(x, ((0, 0), *around, (0, 0)))
    for i, (k, s, d) in enumerate(zip(size, steps, dilation, strict=True)):
        axis = 1 + 2 * i  # each axis before it has become two: windows, places
        count = max((x.shape[axis] - (k - 1) * d - 1) // s + 1, 0)
        starts = arange(count, dtype="int32")[:, None] * s
        x = take(x, starts + arange(k, dtype="int32") * d, axis=axis)
    order = (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)
    x = transpose(x, order)  # (N, *windows, *places, C)
    x = reshape(x, (*x.shape[: rank + 1], math.prod(x.shape[rank + 1 :])))
    x = moveaxis(x, -1, 1) if first else x
    return squeeze(x, 0) if single else x


@composite
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of images, each laid out as one row: (row, column, channel).

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first; (N, D, H, W, C) or
            (D, H, W, C) for a size of three.
        size: (h, w) of the windows, or one number for both; three for volumes.
        strides: the distance between windows; by default their size, so that they tile the image.
        dilation_rate: the distance between the pixels of a window.
        padding: "valid" (whole windows), or "same" (with zeros: ceil(H / stride) windows).
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, H', W', h·w·C), or (N, h·w·C, H', W') with channels_first.

    Raises:
        ArgumentError: the size has another length, or the padding another name.

    >>> extract_patches([[[1.0], [2.0], [3.0], [4.0]]], (1, 2)).numpy().tolist()
    [[[1.0, 2.0], [3.0, 4.0]]]
    """
    window = _window_size(size, (2, 3))
    return _patches(images, window, strides, dilation_rate, padding, data_format)


@composite
def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """`extract_patches` of volumes.

    Args:
        volumes: (N, D, H, W, C) or (D, H, W, C), or with the channels first.
        size: (d, h, w) of the windows, or one number for all.
        strides: the distance between windows; by default their size.
        dilation_rate: the distance between the elements of a window.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, D', H', W', d·h·w·C), or (N, d·h·w·C, D', H', W') with channels_first.

    >>> extract_patches_3d(ones((1, 4, 4, 4, 1)), 2).shape
    (1, 2, 2, 2, 8)
    """
    window = _window_size(size, (3,))
    return _patches(volumes, window, strides, dilation_rate, padding, data_format)
