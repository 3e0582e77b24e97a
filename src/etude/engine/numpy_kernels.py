"""What the engine ``numpy`` adds to NumPy: pooling, scatter, top-k; and what its files hold.

`etude.engine.xla_kernels` has the same names and signatures; both take channels-last images
(N, *S, C) of one, two or three spatial dimensions, with padding spelled out as
((low, high), ...). Arrays that came in are never written; arrays made here may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from etude.engine.numpy_convolution import conv, conv_filter_gradient, conv_input_gradient
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
from etude.engine.numpy_windows import framed, in_float32, output_size, padded, windows

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
    "recurrence_kernels",
    "scatter_add",
    "scatter_set",
    "slogdet",
    "solve",
    "solve_triangular",
    "top_k",
    "window_spread",
    "window_sum",
]

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
    return _slide(padded(x, padding, _lowest(x.dtype)), window, strides, np.maximum)


def _first_matches(
    out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Iterator[tuple[tuple[slice, ...], Array]]:
    """For each window position: its slices, and which windows have their maximum there.

    Of equal maxima the first in row-major order counts.
    """
    room = padded(x, padding, _lowest(x.dtype))
    left = np.ones(out.shape, bool)
    for _, at in windows(window, out.shape[1:-1], strides, (1,) * len(window)):
        here = room[at] == out
        here &= left
        left ^= here
        yield at, here


def max_pool_scatter(
    g: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to the place in x where its window has its (first) maximum: (N, *S, C)."""
    room, dx = framed(x.shape, padding, g.dtype)
    for at, here in _first_matches(out, x, window, strides, padding):
        room[at] += np.where(here, g, 0)
    return dx


def max_pool_gather(
    v: Array, out: Array, x: Array, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Reads v, shaped like x, where each window of x has its (first) maximum: (N, *O, C)."""
    room = padded(v, padding)
    result = np.zeros(out.shape, v.dtype)
    for at, here in _first_matches(out, x, window, strides, padding):
        result += np.where(here, room[at], 0)
    return result


def window_sum(x: Array, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The sum of each window: (N, *S, C) -> (N, *O, C)."""
    (wide,), dtype = in_float32(x)
    return _slide(padded(wide, padding), window, strides, np.add).astype(dtype, copy=False)


def window_spread(
    g: Array, input_shape: Ints, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to all places of its window, the transpose of `window_sum`: (N, *S, C)."""
    (wide,), dtype = in_float32(g)
    room, dx = framed(input_shape, padding, wide.dtype)
    for _, at in windows(window, g.shape[1:-1], strides, (1,) * len(window)):
        room[at] += wide
    return dx.astype(dtype, copy=False)


# --- loops over time ----------------------------------------------------------------------------


def recurrence_kernels(x: Array) -> None:
    """Kernels for LSTM, GRU and simple RNN on arrays like x: there are none, the loops are run."""


# --- scatter and selection ----------------------------------------------------------------------


def scatter_add(x: Array, indices: Any, updates: Array) -> Array:
    """x with updates added at indices; what is hit twice is added twice.

    Args:
        x: any array.
        indices: an integer array, or a tuple of them for the leading axes, as in ``x[indices]``.
        updates: broadcasts to the shape of ``x[indices]``.
    """
    (wide, added), dtype = in_float32(x, updates)
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
