"""Quantiles, written in terms of sorting: their gradient goes to the elements they lie between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import is_float_dtype, result_type
from etude.errors import ArgumentError
from etude.ops.comparison import isnan
from etude.ops.core import cast
from etude.ops.elementwise import ceil, floor, in_one_dtype, round, where
from etude.ops.indexing import take
from etude.ops.shape import axes_indices, expand_dims, moveaxis, reshape, transpose
from etude.ops.sorting import sort

__all__ = ["median", "percentile", "quantile"]

Axes = int | Sequence[int] | None
METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@composite
def quantile(
    x: Any, q: Any, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The value below which a fraction q of the elements lies.

    With the elements sorted, it stands at the place q (n - 1); between two places the method
    decides. NaN among the elements makes it NaN.

    Args:
        x: any numbers.
        q: fractions in [0, 1]: a number, or several in one axis, which comes first in the result.
        axis: over which axes.
        method: ``"linear"`` interpolates; ``"lower"``, ``"higher"``, ``"nearest"``, ``"midpoint"``.
        keepdims: whether the axes stay, with size 1.

    >>> float(quantile([1.0, 2.0, 3.0, 4.0], 0.5))
    2.5
    """
    if method not in METHODS:
        raise ArgumentError(f"quantile: method must be one of {METHODS}; got {method!r}.")
    x = _as_float(x)
    fractions = as_tensor(q, x.dtype)
    if fractions.ndim > 1:
        raise ArgumentError(f"quantile: q is a number or a vector; got shape {fractions.shape}.")
    gone = axes_indices(axis, x.ndim)
    stay = tuple(i for i in range(x.ndim) if i not in gone)
    rows = reshape(transpose(x, (*stay, *gone)), (*(x.shape[i] for i in stay), -1))
    rows = sort(rows)  # (*rest, n), NaN last
    found = _at(rows, fractions * (rows.shape[-1] - 1), method)  # (*rest, *Q)
    last = rows[..., -1:] if fractions.ndim else rows[..., -1]
    found = where(isnan(last), last, found)
    found = moveaxis(found, -1, 0) if fractions.ndim else found  # (*Q, *rest)
    if keepdims:
        found = expand_dims(found, tuple(fractions.ndim + i for i in sorted(gone)))
    return found


def _as_float(x: Any) -> Tensor:
    x = as_tensor(x)
    if is_float_dtype(x.dtype):
        return x
    return cast(x, result_type(float) if x.dtype == "int64" else result_type(str(x.dtype), float))


def _at(rows: Tensor, places: Tensor, method: str) -> Tensor:
    """The values of sorted rows at places that may lie between two elements."""
    if method == "nearest":
        places = round(places)
    below, above = (take(rows, cast(f(places), "int32"), axis=-1) for f in (floor, ceil))
    if method == "lower":
        return below
    if method in ("higher", "nearest"):
        return above
    weight, _ = in_one_dtype(0.5 if method == "midpoint" else places - floor(places), rows)
    return below * (1 - weight) + above * weight


@composite
def percentile(
    x: Any, q: Any, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with q in percent.

    >>> float(percentile([1.0, 2.0, 3.0, 4.0], 50.0))
    2.5
    """
    x = _as_float(x)
    return quantile(x, as_tensor(q, x.dtype) / 100, axis, method, keepdims)


@composite
def median(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The value in the middle; the mean of two where their number is even.

    >>> float(median([3.0, 1.0, 2.0]))
    2.0
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)
