"""Reductions that leave NaN out.

Each replaces NaN by what does not change the result, and reduces as `etude.ops.reduction` does.
What is left out has the derivative 0. Slices in which all is NaN give NaN (sums 0, products 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import is_float_dtype
from etude.ops.comparison import isnan
from etude.ops.core import cast
from etude.ops.cumulative import cumprod, cumsum
from etude.ops.elementwise import sqrt, square, where
from etude.ops.reduction import all, argmax, argmin, max, mean, min, prod, sum, var

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]

Axes = int | Sequence[int] | None


def _with(x: Any, value: float) -> Tensor:
    """x with a value in the place of NaN."""
    x = as_tensor(x)
    return where(isnan(x), value, x) if is_float_dtype(x.dtype) else x


# --- sums -------------------------------------------------------------------------------------


@composite
def nansum(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Σ x over axes, without NaN.

    >>> float(nansum([1.0, math.nan, 2.0]))
    3.0
    """
    return sum(_with(x, 0), axis, keepdims)


@composite
def nanprod(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Π x over axes, without NaN.

    >>> float(nanprod([3.0, math.nan, 2.0]))
    6.0
    """
    return prod(_with(x, 1), axis, keepdims)


@composite
def nancumsum(x: Any, axis: Axes = None, dtype: Any = None) -> Tensor:
    """Running sums along an axis, without NaN; see `cumsum`.

    >>> nancumsum([1.0, math.nan, 2.0]).numpy().tolist()
    [1.0, 1.0, 3.0]
    """
    return _running(cumsum, _with(x, 0), axis, dtype)


@composite
def nancumprod(x: Any, axis: Axes = None, dtype: Any = None) -> Tensor:
    """Running products along an axis, without NaN; see `cumprod`.

    >>> nancumprod([3.0, math.nan, 2.0]).numpy().tolist()
    [3.0, 3.0, 6.0]
    """
    return _running(cumprod, _with(x, 1), axis, dtype)


def _running(f: Callable[..., Tensor], x: Tensor, axis: Axes, dtype: Any) -> Tensor:
    """Along one axis, or along several, one after another."""
    if not isinstance(axis, (tuple, list)):
        return f(x, axis, dtype)
    for a in axis:
        x = f(x, a, dtype)
    return x


# --- moments ----------------------------------------------------------------------------------


@composite
def nanmean(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The mean over axes, without NaN.

    >>> float(nanmean([1.0, math.nan, 2.0]))
    1.5
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return mean(x, axis, keepdims)
    return sum(_with(x, 0), axis, keepdims) / _number(x, axis, keepdims)


def _number(x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """How many elements over axes are not NaN."""
    return sum(cast(~isnan(x), x.dtype), axis, keepdims)


@composite
def nanvar(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The variance over axes, without NaN.

    >>> float(nanvar([1.0, math.nan, 3.0]))
    1.0
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        return var(x, axis, keepdims)
    apart = where(isnan(x), 0, _with(x, 0) - nanmean(x, axis, True))
    return sum(square(apart), axis, keepdims) / _number(x, axis, keepdims)


@composite
def nanstd(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The standard deviation over axes, without NaN. Where it is 0, so is its derivative.

    >>> float(nanstd([1.0, math.nan, 3.0]))
    1.0
    """
    variance = nanvar(x, axis, keepdims)
    return where(variance == 0, 0, sqrt(where(variance == 0, 1, variance)))


# --- extrema ----------------------------------------------------------------------------------


@composite
def nanmax(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The greatest element over axes, without NaN.

    >>> float(nanmax([1.0, math.nan]))
    1.0
    """
    x = as_tensor(x)
    found = max(_with(x, -math.inf), axis, keepdims)
    return (
        where(all(isnan(x), axis, keepdims), math.nan, found) if is_float_dtype(x.dtype) else found
    )


@composite
def nanmin(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The least element over axes, without NaN.

    >>> float(nanmin([1.0, math.nan]))
    1.0
    """
    x = as_tensor(x)
    found = min(_with(x, math.inf), axis, keepdims)
    return (
        where(all(isnan(x), axis, keepdims), math.nan, found) if is_float_dtype(x.dtype) else found
    )


@composite
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the greatest element is, without NaN; -1 where all is NaN; int32.

    >>> int(nanargmax([1.0, math.nan, 2.0]))
    2
    """
    x = as_tensor(x)
    found = argmax(_with(x, -math.inf), axis, keepdims)
    return where(all(isnan(x), axis, keepdims), -1, found)


@composite
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Where the least element is, without NaN; -1 where all is NaN; int32.

    >>> int(nanargmin([1.0, math.nan, 2.0]))
    0
    """
    x = as_tensor(x)
    found = argmin(_with(x, math.inf), axis, keepdims)
    return where(all(isnan(x), axis, keepdims), -1, found)
