"""Values between pixels, and what is made of them: affine, perspective and elastic maps.

A map says for each output pixel from which place of the input it comes. The value there is that
of the nearest pixel (order 0), or the weighted mean of the pixels around it (order 1), in n
dimensions Σ Π_k (1 - |c_k - i_k|) x[i_1, ..., i_n] over the 2ⁿ corners i. Gradients reach the
values and the places.

Sources: Hartley and Zisserman, Multiple view geometry, 2nd ed., ch. 2 (homographies); Simard,
Steinkraus and Platt, Best practices for convolutional neural networks, ICDAR 2003 (elastic maps).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import OPS, Tensor, as_tensor, composite
from etude.config import floatx
from etude.dtypes import is_float_dtype, is_int_dtype, result_type
from etude.errors import ArgumentError, ShapeError
from etude.ops.comparison import logical_and
from etude.ops.core import cast
from etude.ops.creation import arange, ones_like
from etude.ops.elementwise import absolute, clip, floor, floor_divide, mod, where
from etude.ops.image.filtering import gaussian_blur
from etude.ops.image.shapes import check_rank, half_away, of_batches
from etude.ops.indexing import take
from etude.ops.joining import stack, unstack
from etude.ops.products import matmul
from etude.ops.random import _random_normal  # pyright: ignore[reportPrivateUsage]
from etude.ops.shape import expand_dims, reshape

__all__ = [
    "affine_transform",
    "elastic_transform",
    "map_coordinates",
    "perspective_transform",
]

ORDERS = {"nearest": 0, "bilinear": 1}


# --- indices beyond the ends --------------------------------------------------------------------


def _clipped(index: Tensor, size: int) -> Tensor:
    return clip(index, 0, size - 1)


def _wrapped(index: Tensor, size: int) -> Tensor:
    return mod(index, size)


def _mirrored(index: Tensor, size: int) -> Tensor:
    """a b c | b a b c: the ends stand once."""
    reach = max(size - 1, 1)
    return clip(absolute(mod(index + reach, 2 * reach) - reach), 0, size - 1)


def _reflected(index: Tensor, size: int) -> Tensor:
    """a b c | c b a: the ends stand twice."""
    return floor_divide(_mirrored(2 * index + 1, 2 * size + 1), 2)


FILL_MODES: dict[str, Callable[[Tensor, int], Tensor]] = {
    "constant": _clipped,
    "nearest": _clipped,
    "wrap": _wrapped,
    "mirror": _mirrored,
    "reflect": _reflected,
}


def _check_choices(interpolation: str, fill_mode: str) -> None:
    if interpolation not in ORDERS:
        raise ArgumentError(
            f"Invalid value for argument `interpolation`. Expected of one {set(ORDERS)}. "
            f"Received: interpolation={interpolation}"
        )
    if fill_mode not in FILL_MODES:
        raise ArgumentError(
            f"Invalid value for argument `fill_mode`. Expected of one {set(FILL_MODES)}. "
            f"Received: fill_mode={fill_mode}"
        )


# --- interpolation ------------------------------------------------------------------------------


def _corners(place: Tensor, order: int) -> list[tuple[Tensor, Tensor | None]]:
    """The integers around a place, with their weights; None stands for 1."""
    if order == 0:
        return [(cast(half_away(place), "int32"), None)]
    low = floor(place)
    share = place - low
    index = cast(low, "int32")
    return [(index, 1 - share), (index + 1, share)]


def _interpolated(
    values: Tensor,
    sizes: Sequence[int],
    places: Sequence[Tensor],
    order: int,
    fill_mode: str,
    fill_value: Any,
    base: Any = 0,
) -> Tensor:
    """Values at places of a grid.

    Args:
        values: (P, ...), the grid points row by row; of several grids one after another.
        sizes: of the grid's axes.
        places: for each axis, coordinates of any shape I.
        order: 0 or 1.
        fill_mode: what lies beyond the ends.
        fill_value: with the mode "constant".
        base: where in ``values`` the grid of a place begins; broadcasts to I.

    Returns:
        (*I, ...), floats.
    """
    dtype = result_type(values.dtype, str(places[0].dtype))
    extra = (1,) * (values.ndim - 1)
    total: Any = None
    for corner in itertools.product(*(_corners(p, order) for p in places)):
        index: Any = 0
        weight: Any = None
        inside: Any = None
        for (i, w), size in zip(corner, sizes, strict=True):
            index = index * size + FILL_MODES[fill_mode](i, size)
            weight = w if weight is None or w is None else weight * w
            within = logical_and(i >= 0, i < size)
            inside = within if inside is None else logical_and(inside, within)
        found = cast(take(values, index + base, axis=0), dtype)  # (*I, ...)
        if fill_mode == "constant":
            filled = as_tensor(fill_value, dtype)
            found = where(reshape(inside, (*inside.shape, *extra)), found, filled)
        if weight is not None:
            found = found * reshape(cast(weight, dtype), (*weight.shape, *extra))
        total = found if total is None else total + found
    return total


def _in_dtype(x: Tensor, dtype: str) -> Tensor:
    return cast(half_away(x) if is_int_dtype(dtype) else x, dtype)


def sampled(
    images: Tensor,
    rows: Tensor,
    columns: Tensor,
    interpolation: str,
    fill_mode: str,
    fill_value: Any,
) -> Tensor:
    """Images (N, H, W, C) at places: rows and columns (N, h, w). Out: (N, h, w, C)."""
    n, height, width, channels = images.shape
    values = reshape(images, (n * height * width, channels))
    base = reshape(arange(n, dtype="int32") * (height * width), (n, 1, 1))
    y = _interpolated(
        values,
        (height, width),
        (rows, columns),
        ORDERS[interpolation],
        fill_mode,
        fill_value,
        base,
    )
    return _in_dtype(y, images.dtype)


@composite
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: Any = 0
) -> Tensor:
    """The values of an array at places between its elements.

    Args:
        inputs: any, with n axes.
        coordinates: (n, *I), floats: where along each axis.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what lies beyond the ends: "constant" the ``fill_value``; "nearest" the last
            element; "wrap" the other end; "reflect" and "mirror" the elements backwards, with and
            without the last.
        fill_value: with the mode "constant".

    Returns:
        (*I), in the dtype of the inputs; integers are rounded.

    Raises:
        ShapeError: the coordinates have not one row for each axis, or no further axis.
        ArgumentError: the order or the mode is another.

    >>> map_coordinates([10.0, 20.0], [[0.5, 1.0]], order=1).numpy().tolist()
    [15.0, 20.0]
    """
    x = as_tensor(inputs)
    c = stack(coordinates, 0) if isinstance(coordinates, (list, tuple)) else as_tensor(coordinates)
    c = c if is_float_dtype(c.dtype) else cast(c, floatx())
    if c.ndim < 1 or c.shape[0] != x.ndim:
        raise ShapeError(
            "First dim of `coordinates` must be the same as the rank of `inputs`. Received inputs "
            f"with shape: {x.shape} and coordinates with shape: {c.shape}."
        )
    if c.ndim < 2:
        raise ShapeError(
            "Invalid coordinates rank: expected at least rank 2. Received input with shape: "
            f"{c.shape}. For one place, give each axis a list of one: [[1.5], [0.5]]."
        )
    if fill_mode not in FILL_MODES:
        raise ArgumentError(
            f"Invalid value for argument `fill_mode`. Expected one of {set(FILL_MODES)}. Received: "
            f"fill_mode={fill_mode}"
        )
    if order not in (0, 1):
        raise ArgumentError(
            f"Invalid value for argument `order`. Expected one of [0, 1]. Received: order={order}"
        )
    values = reshape(x, (math.prod(x.shape),))
    y = _interpolated(values, x.shape, unstack(c, axis=0), order, fill_mode, fill_value)
    return _in_dtype(y, x.dtype)


# --- maps of the plane --------------------------------------------------------------------------


def _grid(height: int, width: int, dtype: str) -> tuple[Tensor, Tensor]:
    """The pixels' coordinates: x (1, W) and y (H, 1)."""
    return arange(width, dtype=dtype)[None, :], arange(height, dtype=dtype)[:, None]


def _projected(parameters: Sequence[Tensor], height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where output pixels come from: rows and columns (N, H, W) under maps of 8 numbers (N,)."""
    a0, a1, a2, b0, b1, b2, c0, c1 = (reshape(p, (p.shape[0], 1, 1)) for p in parameters)
    x, y = _grid(height, width, str(a0.dtype))
    k = c0 * x + c1 * y + 1
    return (b0 * x + b1 * y + b2) / k, (a0 * x + a1 * y + a2) / k


@composite
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: Any = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images under maps of the plane.

    The output pixel (x, y) comes from the input's place

        ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k),  k = c0 x + c1 y + 1.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        transform: [a0, a1, a2, b0, b1, b2, c0, c1], (8,), or one for each image, (N, 8).
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies beyond the borders, as in `map_coordinates`.
        fill_value: with the mode "constant".
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ShapeError: images or maps have another rank.
        ArgumentError: an option has another value.

    >>> left = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    >>> affine_transform([[[1.0], [2.0], [3.0]]], left).numpy()[0, :, 0].tolist()
    [2.0, 3.0, 0.0]
    """
    _check_choices(interpolation, fill_mode)
    check_rank(as_tensor(images).shape)
    t = as_tensor(transform)
    t = t if is_float_dtype(t.dtype) else cast(t, floatx())
    if t.ndim not in (1, 2):
        raise ShapeError(
            "Invalid transform rank: expected rank 1 (single transform) or rank 2 (batch of "
            f"transforms). Received input with shape: transform.shape={t.shape}"
        )
    if t.dtype in ("float16", "bfloat16"):
        t = cast(t, "float32")  # places need more digits than values
    t = expand_dims(t, 0) if t.ndim == 1 else t

    def transformed(x: Tensor) -> Tensor:
        rows, columns = _projected(unstack(t, axis=1), *x.shape[1:3])
        if t.shape[0] != x.shape[0]:
            every = ones_like(arange(x.shape[0], dtype=t.dtype))[:, None, None]
            rows, columns = rows * every, columns * every
        return sampled(x, rows, columns, interpolation, fill_mode, fill_value)

    return of_batches(images, data_format, transformed)


def _determinant(p: Tensor, q: Tensor, r: Tensor) -> Tensor:
    """Twice the area of the triangle of three points (..., 2)."""
    (px, py), (qx, qy), (rx, ry) = (unstack(v, axis=-1) for v in (p, q, r))
    return (qx - px) * (ry - py) - (rx - px) * (qy - py)


def _basis(points: Tensor) -> Tensor:
    """The matrix (N, 3, 3) that takes e1, e2, e3 and e1 + e2 + e3 to four points (N, 4, 2)."""
    p = unstack(points, axis=1)
    share = (  # p3 = Σ share_i p_i in homogeneous coordinates, up to a factor, by Cramer's rule
        _determinant(p[3], p[1], p[2]),
        _determinant(p[0], p[3], p[2]),
        _determinant(p[0], p[1], p[3]),
    )
    columns: list[Tensor] = []
    for s, point in zip(share, p[:3], strict=True):
        x, y = unstack(point, axis=-1)
        columns.append(stack([s * x, s * y, s], axis=-1))
    return stack(columns, axis=-1)


def _adjugate(m: Tensor) -> Tensor:
    """The inverse of matrices (N, 3, 3), up to a factor."""
    (a, b, c), (d, e, f), (g, h, i) = (unstack(row, axis=-1) for row in unstack(m, axis=1))
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return stack([stack(row, axis=-1) for row in rows], axis=1)


def homography(start_points: Tensor, end_points: Tensor) -> Tensor:
    """The projective map that takes four points to four others.

    Args:
        start_points: (N, 4, 2), pairs (x, y).
        end_points: (N, 4, 2), from where.

    Returns:
        (N, 8), the numbers of `affine_transform`, which take each end point to its start point.
    """
    start, end = as_tensor(start_points), as_tensor(end_points)
    dtype = "float64" if start.dtype == "float64" else "float32"
    start, end = cast(start, "float64"), cast(end, "float64")  # areas cancel, and are cheap
    m = reshape(matmul(_basis(start), _adjugate(_basis(end))), (start.shape[0], 9))
    return cast(m[:, :8] / m[:, 8:], dtype)


@composite
def perspective_transform(
    images: Any,
    start_points: Any,
    end_points: Any,
    interpolation: str = "bilinear",
    fill_value: Any = 0,
    data_format: str | None = None,
) -> Tensor:
    """Images seen from elsewhere: what lay at four points comes to lie at four others.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        start_points: (4, 2), or (N, 4, 2): pairs (x, y) in the input.
        end_points: likewise: where they are in the result. No three of them lie on a line.
        interpolation: "bilinear" or "nearest".
        fill_value: where there is no input.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        Images of the same shape and dtype.

    Raises:
        ShapeError: images or points have another shape.

    >>> corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    >>> swapped = [[1.0, 0.0], [0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    >>> x = [[[1.0], [2.0]], [[3.0], [4.0]]]
    >>> perspective_transform(x, corners, swapped).numpy()[..., 0].tolist()
    [[2.0, 1.0], [4.0, 3.0]]
    """
    _check_choices(interpolation, "constant")
    check_rank(as_tensor(images).shape)
    start, end = as_tensor(start_points), as_tensor(end_points)
    for name, points in (("start_points", start), ("end_points", end)):
        if points.shape[-2:] != (4, 2) or points.ndim not in (2, 3):
            raise ShapeError(
                f"Invalid {name} shape: expected (4,2) for a single image or (N,4,2) for a batch. "
                f"Received shape: {points.shape}"
            )
    if start.shape != end.shape:
        raise ShapeError(
            "start_points and end_points must have the same shape. Received "
            f"start_points.shape={start.shape}, end_points.shape={end.shape}"
        )
    start, end = (expand_dims(p, 0) if p.ndim == 2 else p for p in (start, end))
    return affine_transform(
        images,
        homography(start, end),
        interpolation=interpolation,
        fill_value=fill_value,
        data_format=data_format,
    )


@composite
def elastic_transform(
    images: Any,
    alpha: Any = 20.0,
    sigma: Any = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: Any = 0.0,
    seed: Any = None,
    data_format: str | None = None,
) -> Tensor:
    """Images as if drawn on rubber: each pixel moves by a smooth random field.

    The field is α times normal noise of deviation σ that is blurred by a Gaussian of width σ.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        alpha: α, the strength.
        sigma: σ, the smoothness, in pixels; a number.
        interpolation: "bilinear" or "nearest".
        fill_mode: what lies beyond the borders, as in `map_coordinates`.
        fill_value: with the mode "constant".
        seed: an int, a `SeedGenerator`, or None.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        Images of the same shape and dtype.

    >>> elastic_transform([[[1.0], [1.0]], [[1.0], [1.0]]], seed=1).numpy().round(3).tolist()
    [[[1.0], [1.0]], [[1.0], [1.0]]]
    """
    _check_choices(interpolation, fill_mode)
    width = float(sigma)
    return elastically_moved(
        images,
        alpha,
        width,
        int(6 * width) | 1,
        (interpolation, fill_mode, fill_value),
        OPS["draw_seed"](seed),
        data_format,
    )


def elastically_moved(
    images: Any,
    alpha: Any,
    sigma: Any,
    window: int,
    filling: tuple[str, str, Any],
    key: Tensor,
    data_format: str | None,
) -> Tensor:
    """`elastic_transform` with the size of the blur's window, and the key of its random numbers.

    Args:
        images: as there.
        alpha: as there.
        sigma: as there, but it may be known only when the program runs.
        window: how wide the blur reaches, 6 σ or more.
        filling: interpolation, fill mode and fill value.
        key: uint32, (2,).
        data_format: as there.
    """

    def moved(x: Tensor) -> Tensor:
        n, height, width, _ = x.shape
        dtype = "float64" if x.dtype == "float64" else "float32"
        noise = _random_normal(key, shape=(n, height, width, 2), dtype=dtype)
        s = cast(as_tensor(sigma), dtype)
        field = gaussian_blur(noise * s, (window, window), stack([s, s]), "channels_last")
        dx, dy = unstack(field * cast(as_tensor(alpha), dtype), axis=-1)  # (N, H, W)
        x0, y0 = _grid(height, width, dtype)
        return sampled(x, y0 + dy, x0 + dx, *filling)

    return of_batches(images, data_format, moved)
