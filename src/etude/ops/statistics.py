"""Quantiles, correlations, histograms.

Quantiles are written in terms of sorting: their gradient goes to the elements they lie between.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.dtypes import is_float_dtype, result_type
from etude.errors import ArgumentError, DtypeError
from etude.ops.comparison import isnan
from etude.ops.core import cast, stop_gradient
from etude.ops.creation import arange, full, linspace
from etude.ops.elementwise import ceil, clip, floor, in_one_dtype, maximum, round, sqrt, where
from etude.ops.indexing import take, take_along_axis
from etude.ops.products import diagonal, matmul
from etude.ops.reduction import max, mean, min, sum
from etude.ops.repetition import pad
from etude.ops.scatter import one_hot
from etude.ops.shape import (
    axes_indices,
    expand_dims,
    flip,
    moveaxis,
    reshape,
    squeeze,
    transpose,
)
from etude.ops.sorting import sort

__all__ = [
    "corrcoef",
    "correlate",
    "histogram",
    "median",
    "nanmedian",
    "nanpercentile",
    "nanquantile",
    "percentile",
    "quantile",
]

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
    given = _as_float(x)
    x = _in_single(given)
    fractions = as_tensor(q, x.dtype)
    if fractions.ndim > 1:
        raise ArgumentError(f"quantile: q is a number or a vector; got shape {fractions.shape}.")
    gone = axes_indices(axis, x.ndim)
    rows = sort(_rows(x, gone))  # (*rest, n), NaN last
    places = fractions * (rows.shape[-1] - 1)
    found = _between(lambda i: take(rows, i, axis=-1), places, method)  # (*rest, *Q)
    last = rows[..., -1:] if fractions.ndim else rows[..., -1]
    found = _arranged(where(isnan(last), last, found), fractions.ndim, gone, keepdims)
    return cast(found, given.dtype)


def _rows(x: Tensor, gone: tuple[int, ...]) -> Tensor:
    """The axes that are reduced as one, the last: (*rest, n). For no elements there stands NaN."""
    stay = tuple(i for i in range(x.ndim) if i not in gone)
    rest, n = [x.shape[i] for i in stay], math.prod(x.shape[i] for i in gone)
    return (
        reshape(transpose(x, (*stay, *gone)), (*rest, n))
        if n
        else full((*rest, 1), math.nan, x.dtype)
    )


def _arranged(found: Tensor, several: int, gone: tuple[int, ...], keepdims: bool) -> Tensor:
    """(*rest, *Q) -> (*Q, *rest), with the reduced axes back where they are kept."""
    found = moveaxis(found, -1, 0) if several else found
    return expand_dims(found, tuple(several + i for i in sorted(gone))) if keepdims else found


def _as_float(x: Any) -> Tensor:
    x = as_tensor(x)
    if is_float_dtype(x.dtype):
        return x
    return cast(x, result_type(float) if x.dtype == "int64" else result_type(str(x.dtype), float))


def _in_single(x: Tensor) -> Tensor:
    """At least float32: half precision cannot tell the places of many elements apart."""
    return cast(x, result_type(str(x.dtype), "float32"))


def _between(value_at: Callable[[Tensor], Tensor], places: Tensor, method: str) -> Tensor:
    """Values at places that may lie between two elements; ``value_at`` gives those of elements."""
    if method == "nearest":
        places = round(places)
    below, above = (value_at(cast(f(places), "int32")) for f in (floor, ceil))
    if method == "lower":
        return below
    if method in ("higher", "nearest"):
        return above
    weight, _ = in_one_dtype(0.5 if method == "midpoint" else places - floor(places), below)
    mixed = below * (1 - weight) + above * weight
    return where(weight == 0, below, mixed)  # ∞ · 0 would be NaN


@composite
def percentile(
    x: Any, q: Any, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` with q in percent.

    >>> float(percentile([1.0, 2.0, 3.0, 4.0], 50.0))
    2.5
    """
    x = _as_float(x)
    return quantile(x, as_tensor(q, _in_single(x).dtype) / 100, axis, method, keepdims)


@composite
def median(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The value in the middle; the mean of two where their number is even.

    >>> float(median([3.0, 1.0, 2.0]))
    2.0
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)


# --- without NaN ------------------------------------------------------------------------------


@composite
def nanquantile(
    x: Any, q: Any, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`quantile` of the elements that are not NaN; NaN where there are none.

    >>> float(nanquantile([1.0, float("nan"), 3.0], 0.5))
    2.0
    """
    if method not in METHODS:
        raise ArgumentError(f"nanquantile: method must be one of {METHODS}; got {method!r}.")
    given = _as_float(x)
    x = _in_single(given)
    fractions = as_tensor(q, x.dtype)
    if fractions.ndim > 1:
        raise ArgumentError(f"nanquantile: q is a number or a vector; got {fractions.shape}.")
    gone = axes_indices(axis, x.ndim)
    rows = sort(_rows(x, gone))  # (*rest, n), NaN last
    count = sum(cast(~isnan(rows), x.dtype), -1, True)  # (*rest, 1)
    places = reshape(fractions, (-1,)) * maximum(count - 1, 0)  # (*rest, Q)
    found = _between(lambda i: take_along_axis(rows, i, axis=-1), places, method)
    found = found if fractions.ndim else squeeze(found, -1)
    return cast(_arranged(found, fractions.ndim, gone, keepdims), given.dtype)


@composite
def nanpercentile(
    x: Any, q: Any, axis: Axes = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """`nanquantile` with q in percent.

    >>> float(nanpercentile([1.0, float("nan"), 3.0], 50.0))
    2.0
    """
    x = _as_float(x)
    return nanquantile(x, as_tensor(q, _in_single(x).dtype) / 100, axis, method, keepdims)


@composite
def nanmedian(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """`median` of the elements that are not NaN.

    >>> float(nanmedian([3.0, float("nan"), 1.0, 2.0]))
    2.0
    """
    return nanquantile(x, 0.5, axis, keepdims=keepdims)


# --- pairs of variables, counts -----------------------------------------------------------------


@composite
def corrcoef(x: Any) -> Tensor:
    """Pearson's correlation of each pair of variables: cov_ij / √(cov_ii cov_jj).

    Args:
        x: (V, N): a row for each variable, a column for each observation; or one variable (N,).

    Returns:
        (V, V), or a scalar.

    >>> corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).numpy().round(4).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    x = _as_float(x)
    if x.ndim > 2:
        raise ArgumentError(f"corrcoef expects (V, N) or (N,); got shape {x.shape}.")
    rows = reshape(x, (1, -1)) if x.ndim < 2 else x
    centred = rows - mean(rows, -1, True)
    covariance = matmul(centred, transpose(centred))  # (V, V), up to a factor that cancels
    spread = sqrt(diagonal(covariance))
    found = clip(covariance / expand_dims(spread, 0) / expand_dims(spread, 1), -1, 1)
    return found if x.ndim == 2 else reshape(found, ())


@composite
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """The cross-correlation of two signals: c_k = Σ_n x1_{n+k} x2_n.

    Args:
        x1: (N,).
        x2: (M,).
        mode: ``"valid"``: only k where the signals overlap wholly; ``"full"``: all k where they
            overlap; ``"same"``: max(N, M) of them, in the middle.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0], mode="full").numpy().tolist()
    [1.0, 2.0, 3.0, 0.0]
    """
    if mode not in ("valid", "same", "full"):
        raise ArgumentError(f"correlate: mode is 'valid', 'same' or 'full'; got {mode!r}.")
    a, b = in_one_dtype(_as_float(x1), _as_float(x2))
    if a.ndim != 1 or b.ndim != 1:
        raise ArgumentError(
            f"correlate expects signals with one axis; got shapes {a.shape} and {b.shape}."
        )
    if a.shape[0] < b.shape[0]:
        return flip(correlate(b, a, mode))
    n, m = a.shape[0], b.shape[0]
    first, count = {
        "valid": (m - 1, n - m + 1),
        "same": (m - 1 - m // 2, n),
        "full": (0, n + m - 1),
    }[mode]
    places = expand_dims(arange(first, first + count, dtype="int32"), 1) + arange(m, dtype="int32")
    return matmul(take(pad(a, ((m - 1, m - 1),)), places, axis=0), b)  # (K, M), (M,)


@composite
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """How many elements lie between the edges of bins of one width. No derivative.

    Args:
        x: any numbers, (n,).
        bins: how many bins.
        range: least and greatest edge; the extremes of x by default.

    Returns:
        Counts (bins,) and edges (bins + 1,), floats. Each bin has its left edge, the last one both.

    Raises:
        DtypeError: ``bins`` is no integer.
        ArgumentError: ``bins`` or ``range`` have no meaning.

    >>> counts, edges = histogram([0.0, 0.5, 1.0], bins=2)
    >>> counts.numpy().tolist(), edges.numpy().tolist()
    ([1.0, 2.0], [0.0, 0.5, 1.0])
    """
    if not isinstance(bins, int) or isinstance(bins, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DtypeError(f"Argument `bins` must be of type `int`. Received: bins={bins}")
    if bins < 0:
        raise ArgumentError(f"Argument `bins` should be a non-negative integer. Received: {bins}")
    if range is not None and (not isinstance(range, (tuple, list)) or len(range) != 2):  # pyright: ignore[reportUnknownArgumentType]
        raise ArgumentError(f"Argument `range` must be a tuple of two elements. Received: {range}")
    if range is not None and range[1] < range[0]:
        raise ArgumentError(
            f"The second element of `range` must be greater than the first. Received: range={range}"
        )
    values = stop_gradient(_as_float(x))
    if values.ndim != 1:
        raise ArgumentError(
            f"Input tensor must be 1-dimensional. Received: input.shape={values.shape}"
        )
    low, high = (min(values), max(values)) if range is None else in_one_dtype(*range, values)[:2]
    same = low == high  # a bin needs a width
    low, high = where(same, low - 0.5, low), where(same, high + 0.5, high)
    low, high = cast(low, values.dtype), cast(high, values.dtype)
    edges = linspace(low, high, bins + 1)
    place = sum(expand_dims(values, -1) >= edges, -1) - 1  # (n,); those outside get -1 or bins
    place = where(values == high, bins - 1, place)
    return sum(one_hot(place, bins, dtype=values.dtype), 0), edges
