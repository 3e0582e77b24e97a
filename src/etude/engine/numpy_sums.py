"""Sums, means and products for the engine ``numpy``, where NumPy's own lose digits.

16-bit floats are added up in 32 bits. NumPy adds them in their own dtype along most axes. There
256 + 1 is 256 again in bfloat16, and 2048 + 1 is 2048 in float16: long sums would stand still. XLA
adds in 32 bits and rounds once, and so do the functions here.

Long sums of 32-bit floats over the first axes, such as those of batch normalisation, are made in
blocks. NumPy adds row after row there, and each addition rounds the whole sum so far.
"""

# NumPy leaves the shapes of its arrays open:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from etude.engine.numbers import is_half

Array = Any

__all__ = ["cumprod", "cumsum", "mean", "prod", "std", "sum", "var"]


def _in_single(reduce: Callable[..., Array]) -> Callable[..., Array]:
    """A reduction of NumPy that works on 16-bit floats in 32 bits, and rounds once."""

    @functools.wraps(reduce)
    def reduced(x: Array, axis: Any = None, dtype: Any = None, **options: Any) -> Array:
        if not is_half(x.dtype):
            return reduce(x, axis=axis, dtype=dtype, **options)
        found = reduce(x, axis=axis, dtype=np.float32, **options)
        return found.astype(x.dtype if dtype is None else dtype)

    return reduced


_BLOCK = 256


def _in_blocks(reduce: Callable[..., Array]) -> Callable[..., Array]:
    """A sum or mean that adds long columns block by block, and then the sums of the blocks."""

    @functools.wraps(reduce)
    def reduced(x: Array, axis: Any = None, dtype: Any = None, **options: Any) -> Array:
        count = _first_axes(x, axis)
        rows = math.prod(x.shape[:count])
        own_dtype = x.dtype == np.float32 and dtype in (None, x.dtype)
        if rows < 2 * _BLOCK or not x.size or not own_dtype or options.keys() - {"keepdims"}:
            return reduce(x, axis=axis, dtype=dtype, **options)
        flat, whole = x.reshape(rows, -1), rows // _BLOCK * _BLOCK
        found = flat[:whole].reshape(-1, _BLOCK, flat.shape[1]).sum(1).sum(0) + flat[whole:].sum(0)
        if reduce is np.mean:
            found = found / np.float32(rows)
        kept = (1,) * count if options.get("keepdims") else ()
        return found.reshape(*kept, *x.shape[count:])

    return reduced


def _first_axes(x: Array, axis: Any) -> int:
    """How many axes are reduced, if they are the first ones and others remain; else 0."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    if None in axes:
        return 0
    own = sorted(a % x.ndim for a in axes if -x.ndim <= a < x.ndim)
    return len(own) if len(own) < x.ndim and own == list(range(len(axes))) else 0


sum = _in_single(_in_blocks(np.sum))
mean = _in_single(_in_blocks(np.mean))
var = _in_single(np.var)
std = _in_single(np.std)
prod = _in_single(np.prod)
cumsum = _in_single(np.cumsum)
cumprod = _in_single(np.cumprod)
