"""What the engine ``numpy`` adds to NumPy: convolution, pooling windows, scatter, top-k.

`etude.engine.xla_kernels` has the same names and signatures; both take channels-last images
(N, *S, C) of one, two or three spatial dimensions, with padding spelled out as
((low, high), ...). Arrays that came in are never written; arrays made here may be.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from etude.engine.cell import shapes_only
from etude.engine.numpy_linalg import (
    cholesky,
    det,
    eig,
    inv,
    lu_factor,
    matmul,
    pivots_to_permutation,
    slogdet,
    solve,
    solve_triangular,
)
from etude.engine.numpy_special import digamma, erf, erfinv, lgamma
from etude.engine.numpy_sums import is_half

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = [
    "cholesky",
    "conv",
    "conv_filter_gradient",
    "conv_input_gradient",
    "det",
    "digamma",
    "eig",
    "erf",
    "erfinv",
    "inv",
    "lgamma",
    "lu_factor",
    "map_blocks",
    "materialize",
    "matmul",
    "max_pool",
    "max_pool_gather",
    "max_pool_scatter",
    "pivots_to_permutation",
    "scatter_add",
    "scatter_set",
    "slogdet",
    "solve",
    "solve_triangular",
    "top_k",
    "window_spread",
    "window_sum",
]

_COLUMN_BYTES = 1 << 22
"""Columns of patches are made for so many bytes of images at a time: they stay in the cache."""


def output_size(
    size: int, window: int, stride: int, padding: tuple[int, int], dilation: int
) -> int:
    """How many windows fit into one padded axis.

    >>> output_size(28, 3, 2, (0, 1), 1)
    14
    """
    return max((size + sum(padding) - (window - 1) * dilation - 1) // stride + 1, 0)


def _framed(shape: Ints, padding: Pairs, dtype: Any, value: Any = 0) -> tuple[Array, Array]:
    """Room for images of a shape (N, *S, C): the padded images, and in them the images.

    Both are views of one array. Negative padding cuts off: windows do not see the whole image.
    """
    around = [(max(lo, 0), max(hi, 0)) for lo, hi in padding]
    sizes = [s + lo + hi for s, (lo, hi) in zip(shape[1:-1], around, strict=True)]
    whole = np.full((shape[0], *sizes, shape[-1]), value, dtype)
    seen = [slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(sizes, padding, strict=True)]
    own = [slice(lo, lo + s) for s, (lo, _) in zip(shape[1:-1], around, strict=True)]
    return whole[(slice(None), *seen)], whole[(slice(None), *own)]


def _pad(x: Array, padding: Pairs, value: Any = 0) -> Array:
    """Pads the spatial axes of images (N, *S, C)."""
    if all(tuple(pair) == (0, 0) for pair in padding):
        return x
    padded, image = _framed(x.shape, padding, x.dtype, value)
    image[...] = x
    return padded


def _windows(
    window: Ints, sizes: Ints, strides: Ints, dilation: Ints
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """For each position in the window: the position, and what all windows see there.

    The slices select, from a padded image, one element of each of the ``sizes`` windows.
    """
    for position in itertools.product(*map(range, window)):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        stops = [b + (n - 1) * s + 1 for b, n, s in zip(starts, sizes, strides, strict=True)]
        yield position, (slice(None), *map(slice, starts, stops, strides))


# --- convolution: patches as rows of a matrix, then one matrix product --------------------------


def _patches(x: Array, window: Ints, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    """A view of a padded image as patches: (N, *S, C) -> (N, *O, *K, C)."""
    n, *spatial_strides, c = x.strides
    by_output = [b * s for b, s in zip(spatial_strides, strides, strict=True)]
    by_window = [b * d for b, d in zip(spatial_strides, dilation, strict=True)]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *sizes, *window, x.shape[-1]),
        (n, *by_output, *by_window, c),
        writeable=False,
    )


def _chunks(images: int, bytes_per_image: int) -> Iterator[slice]:
    """Stretches of the batch whose columns fit into the cache together."""
    step = max(1, _COLUMN_BYTES // max(bytes_per_image, 1))
    for start in range(0, images, step):
        yield slice(start, min(start + step, images))


def _in_float32(*arrays: Array) -> tuple[list[Array], Any]:
    """Half-precision inputs as float32, and the dtype that the result goes back to."""
    dtype = arrays[0].dtype
    if is_half(dtype):
        return [a.astype(np.float32) for a in arrays], dtype
    return list(arrays), dtype


def _is_pointwise(window: Ints, strides: Ints, padding: Pairs) -> bool:
    return math.prod(window) == 1 and set(strides) == {1} and all(p == (0, 0) for p in padding)


def conv(
    x: Array, w: Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int = 1
) -> Array:
    """Convolution (as the field calls correlation): y[n, o] = Σ_k x[n, o·s + k·d] w[k].

    Args:
        x: images, (N, *S, C).
        w: filters, (*K, C / groups, F).
        strides: s, one per spatial axis.
        padding: zeros before and after each spatial axis.
        dilation: d, the distance between the taps of the filter.
        groups: channels and filters are split into so many groups that do not mix.

    Returns:
        (N, *O, F).
    """
    *window, _, filters = w.shape
    sizes = _sizes(x.shape, window, strides, padding, dilation)
    out = np.zeros((x.shape[0], *sizes, filters), x.dtype)
    if shapes_only() or out.size == 0:
        return out
    (x, w), dtype = _in_float32(x, w)
    x = _pad(x, padding)
    if groups == 1:
        out = _conv_dense(x, w, sizes, strides, dilation)
    elif w.shape[-2] == 1:
        out = _conv_depthwise(x, w, sizes, strides, dilation)
    else:
        out = _conv_grouped(x, w, sizes, strides, dilation, groups)
    return out.astype(dtype, copy=False)


def _sizes(
    shape: Ints, window: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> tuple[int, ...]:
    return tuple(map(output_size, shape[1:-1], window, strides, padding, dilation))


def _conv_dense(x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    *window, channels, filters = w.shape
    taps = math.prod(window) * channels
    matrix = w.reshape(taps, filters)
    if math.prod(window) == 1:
        at = (
            slice(None),
            *(slice(None, (n - 1) * s + 1, s) for n, s in zip(sizes, strides, strict=True)),
        )
        return (x[at].reshape(-1, channels) @ matrix).reshape(x.shape[0], *sizes, filters)
    out = np.empty((x.shape[0], *sizes, filters), x.dtype)
    patches = _patches(x, window, sizes, strides, dilation)
    for part in _chunks(len(x), math.prod(sizes) * taps * x.itemsize):
        columns = patches[part].reshape(-1, taps)  # (P, K C): the copy that im2col is
        np.matmul(columns, matrix, out=out[part].reshape(-1, filters))
    return out


def _conv_depthwise(x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    """Each channel has filters of its own: multiply and add, tap by tap."""
    *window, _, filters = w.shape
    channels = x.shape[-1]
    w = w.reshape(*window, channels, filters // channels)  # (*K, C, M)
    out = np.zeros((x.shape[0], *sizes, channels, filters // channels), x.dtype)
    for position, at in _windows(window, sizes, strides, dilation):
        out += x[at][..., None] * w[position]
    return out.reshape(x.shape[0], *sizes, filters)


def _conv_grouped(
    x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints, groups: int
) -> Array:
    """One matrix product per group, as a batch of them."""
    *window, channels, filters = w.shape
    taps = math.prod(window) * channels
    matrix = np.moveaxis(w.reshape(taps, groups, filters // groups), 1, 0)  # (G, K C/G, F/G)
    out = np.empty((x.shape[0], *sizes, filters), x.dtype)
    patches = _patches(x, window, sizes, strides, dilation)
    for part in _chunks(len(x), math.prod(sizes) * taps * groups * x.itemsize):
        columns = _group_columns(patches[part], len(window), groups)  # (G, P, K C/G)
        product = np.moveaxis(columns @ matrix, 0, 1)  # (P, G, F/G)
        out[part] = product.reshape(-1, *sizes, filters)
    return out


def _group_columns(patches: Array, rank: int, groups: int) -> Array:
    """(N, *O, *K, C) -> (G, N·O, K·C/G)."""
    n, *outer, channels = patches.shape
    split = patches.reshape(n, *outer, groups, channels // groups)
    last = split.ndim
    order = (last - 2, *range(1 + rank), *range(1 + rank, last - 2), last - 1)
    rows = n * math.prod(outer[:rank])
    return split.transpose(order).reshape(groups, rows, -1)


def conv_filter_gradient(
    x: Array,
    g: Array,
    kernel_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The filters' gradient of `conv`: dw[k] = Σ_{n,o} x[n, o·s + k·d] g[n, o].

    Args:
        x: images, (N, *S, C).
        g: gradient of the output, (N, *O, F).
        kernel_shape: (*K, C / groups, F).
        strides: as in `conv`, like the arguments after it.
        padding: zeros before and after each spatial axis.
        dilation: the distance between taps.
        groups: the number of groups.

    Returns:
        An array of the kernel's shape.
    """
    if shapes_only() or x.size == 0 or g.size == 0:
        return np.zeros(kernel_shape, x.dtype)
    *window, channels, _ = kernel_shape
    (x, g), dtype = _in_float32(x, g)
    x = _pad(x, padding)
    sizes = g.shape[1:-1]
    if groups > 1 and channels == 1:
        dw = _filter_gradient_depthwise(x, g, window, strides, dilation)
    else:
        dw = _filter_gradient(x, g, window, sizes, strides, dilation, groups)
    return dw.reshape(kernel_shape).astype(dtype, copy=False)


def _filter_gradient(
    x: Array, g: Array, window: Ints, sizes: Ints, strides: Ints, dilation: Ints, groups: int
) -> Array:
    """The product of columns and gradient, summed over the chunks of the batch."""
    channels, filters = x.shape[-1], g.shape[-1]
    taps = math.prod(window) * channels
    patches = _patches(x, window, sizes, strides, dilation)
    total = np.zeros((groups, taps // groups, filters // groups), x.dtype)
    for part in _chunks(len(x), math.prod(sizes) * taps * x.itemsize):
        if groups == 1:
            total[0] += patches[part].reshape(-1, taps).T @ g[part].reshape(-1, filters)
        else:
            columns = _group_columns(patches[part], len(window), groups)  # (G, P, K C/G)
            right = np.moveaxis(g[part].reshape(-1, groups, filters // groups), 1, 0)
            total += np.swapaxes(columns, 1, 2) @ right  # (G, K C/G, F/G)
    return np.moveaxis(total, 0, 1)


def _filter_gradient_depthwise(
    x: Array, g: Array, window: Ints, strides: Ints, dilation: Ints
) -> Array:
    sizes, channels = g.shape[1:-1], x.shape[-1]
    g = g.reshape(*g.shape[:-1], channels, -1)  # (N, *O, C, M)
    dw = np.empty((*window, channels, g.shape[-1]), x.dtype)
    outer = tuple(range(g.ndim - 2))
    for position, at in _windows(window, sizes, strides, dilation):
        dw[position] = np.sum(x[at][..., None] * g, axis=outer)
    return dw


def conv_input_gradient(
    g: Array,
    w: Array,
    input_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The images' gradient of `conv`: dx[n, o·s + k·d] += g[n, o] w[k]ᵀ.

    Args:
        g: gradient of the output, (N, *O, F).
        w: filters, (*K, C / groups, F).
        input_shape: (N, *S, C).
        strides: as in `conv`, like the arguments after it.
        padding: zeros before and after each spatial axis.
        dilation: the distance between taps.
        groups: the number of groups.

    Returns:
        An array of the input's shape.
    """
    if shapes_only() or g.size == 0 or math.prod(input_shape) == 0:
        return np.zeros(input_shape, g.dtype)
    (g, w), dtype = _in_float32(g, w)
    *window, channels, filters = w.shape
    taps, sizes = math.prod(window), g.shape[1:-1]
    if groups == 1 and _is_pointwise(window, strides, padding):
        dx = g.reshape(-1, filters) @ w.reshape(channels, filters).T
        return dx.reshape(input_shape).astype(dtype, copy=False)
    padded, dx = _framed(input_shape, padding, g.dtype)
    matrix = np.moveaxis(w.reshape(taps * channels, groups, filters // groups), 1, 0)
    for part in _chunks(len(g), math.prod(sizes) * taps * channels * groups * g.itemsize):
        rows = np.moveaxis(g[part].reshape(-1, groups, filters // groups), 1, 0)  # (G, P, F/G)
        if groups > 1 and channels == 1 and filters == groups:
            columns = g[part].reshape(-1, 1, groups) * w.reshape(taps, groups)
        elif groups == 1:
            columns = rows[0] @ matrix[0].T  # (P, K C)
        else:
            columns = np.moveaxis(rows @ np.swapaxes(matrix, 1, 2), 0, 1)  # (P, G, K C/G)
            columns = columns.reshape(-1, groups, taps, channels).swapaxes(1, 2)
        columns = columns.reshape(-1, *sizes, *window, channels * groups)
        for position, at in _windows(window, sizes, strides, dilation):
            where = (slice(None),) * (1 + len(sizes))
            padded[part][at] += columns[(*where, *position)]
    return dx.astype(dtype, copy=False)


# --- pooling ------------------------------------------------------------------------------------


def _lowest(dtype: Any) -> Any:
    """The least value of a dtype: what padding is to a maximum."""
    if dtype == np.bool_:
        return False
    return np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _slide(x: Array, window: Ints, strides: Ints, combine: Callable[..., Array]) -> Array:
    """Combines the elements of each window, axis after axis."""
    for axis, (k, s) in enumerate(zip(window, strides, strict=True), start=1):
        size = output_size(x.shape[axis], k, s, (0, 0), 1)
        before = (slice(None),) * axis
        out = x[(*before, slice(0, (size - 1) * s + 1, s))].copy()
        for start in range(1, k):
            combine(out, x[(*before, slice(start, start + (size - 1) * s + 1, s))], out=out)
        x = out
    return x


def max_pool(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The maximum of each window: (N, *S, C) -> (N, *O, C)."""
    return _slide(_pad(x, padding, _lowest(x.dtype)), window, strides, np.maximum)


def _first_matches(
    out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """For each window position: its slices, and which windows have their maximum there.

    Of equal maxima the first in row-major order counts.
    """
    padded = _pad(x, padding, _lowest(x.dtype))
    left = np.ones(out.shape, bool)
    for _, at in _windows(window, out.shape[1:-1], strides, (1,) * len(window)):
        here = padded[at] == out
        here &= left
        left ^= here
        yield at, here


def max_pool_scatter(
    g: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to the place in x where its window has its (first) maximum: (N, *S, C)."""
    padded, dx = _framed(x.shape, padding, g.dtype)
    for at, here in _first_matches(out, x, window, strides, padding):
        padded[at] += np.where(here, g, 0)
    return dx


def max_pool_gather(
    v: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Reads v, shaped like x, where each window of x has its (first) maximum: (N, *O, C)."""
    padded = _pad(v, padding)
    result = np.zeros(out.shape, v.dtype)
    for at, here in _first_matches(out, x, window, strides, padding):
        result += np.where(here, padded[at], 0)
    return result


def window_sum(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The sum of each window: (N, *S, C) -> (N, *O, C)."""
    (wide,), dtype = _in_float32(x)
    return _slide(_pad(wide, padding), window, strides, np.add).astype(dtype, copy=False)


def window_spread(
    g: Array, input_shape: Ints, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to all places of its window, the transpose of `window_sum`: (N, *S, C)."""
    (wide,), dtype = _in_float32(g)
    padded, dx = _framed(input_shape, padding, wide.dtype)
    for _, at in _windows(window, g.shape[1:-1], strides, (1,) * len(window)):
        padded[at] += wide
    return dx.astype(dtype, copy=False)


# --- scatter and selection ----------------------------------------------------------------------


def scatter_add(x: Array, indices: Any, updates: Array) -> Array:
    """x with updates added at indices; what is hit twice is added twice.

    Args:
        x: any array.
        indices: an integer array, or a tuple of them for the leading axes, as in ``x[indices]``.
        updates: broadcasts to the shape of ``x[indices]``.
    """
    (wide, added), dtype = _in_float32(x, updates)
    out = np.array(wide)
    rows = _rows(indices)
    if rows is not None and out.ndim > 1:
        return _add_rows(out, rows, added).astype(dtype, copy=False)
    np.add.at(out, indices, added)
    return out.astype(dtype, copy=False)


def _rows(indices: Any) -> Array | None:
    """The integer array that alone makes up the indices, or None where there is more."""
    only: Any = indices[0] if isinstance(indices, tuple) and len(indices) == 1 else indices  # type: ignore[arg-type]
    return only if isinstance(only, np.ndarray) and only.dtype.kind in "iu" else None  # type: ignore[union-attr]


def _add_rows(out: Array, rows: Array, updates: Array) -> Array:
    """Adds to whole rows: equal rows are brought together first, and summed."""
    if rows.size == 0:
        return out
    updates = np.broadcast_to(updates, (*rows.shape, *out.shape[1:]))
    flat = (rows + (rows < 0) * len(out)).ravel()
    order = np.argsort(flat, kind="stable")
    flat = flat[order]
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    sums = np.add.reduceat(updates.reshape(-1, *out.shape[1:])[order], starts, axis=0)
    out[flat[starts]] += sums.astype(out.dtype, copy=False)
    return out


def scatter_set(x: Array, indices: Any, updates: Array) -> Array:
    """x with the values at indices replaced by updates."""
    out = np.array(x)
    out[indices] = updates
    return out


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    """The k greatest values along the last axis, in descending order, and where they are.

    Of equal values the first comes first. Indices are int32.

    >>> top_k(np.array([1.0, 3.0, 2.0, 3.0]), 2)[1].tolist()
    [1, 3]
    """
    last = x.shape[-1] - 1
    order = last - np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    order = order[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


# --- long elementwise work ----------------------------------------------------------------------


def map_blocks(f: Callable[[int, int], Array], length: int) -> Array:
    """Calls ``f(start, stop)`` on stretches that fit the cache, and joins what it returns.

    Args:
        f: makes a 1-D array of ``stop - start`` elements.
        length: how many elements there are in all.
    """
    step = 1 << 13
    if length <= step:
        return f(0, length)
    return np.concatenate([f(start, min(start + step, length)) for start in range(0, length, step)])


def materialize(x: Array) -> Array:
    """The same array, computed once; here every array is."""
    return x
