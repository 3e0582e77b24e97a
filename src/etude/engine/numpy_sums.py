"""Sums, means and products for the engine ``numpy``: 16-bit floats are added up in 32 bits.

NumPy adds them in their own dtype along most axes. There 256 + 1 is 256 again in bfloat16, and
2048 + 1 is 2048 in float16: long sums would stand still. XLA adds in 32 bits and rounds once, and
so do the functions here; for all other dtypes they are NumPy's own.
"""

from __future__ import annotations

import functools
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


sum = _in_single(np.sum)
mean = _in_single(np.mean)
var = _in_single(np.var)
std = _in_single(np.std)
prod = _in_single(np.prod)
cumsum = _in_single(np.cumsum)
cumprod = _in_single(np.cumprod)
