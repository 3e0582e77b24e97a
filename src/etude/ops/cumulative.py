"""Running sums and products along an axis, and differences, which undo the sums."""

from __future__ import annotations

from typing import Any

from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive
from etude.dtypes import standardize_dtype
from etude.engine import xp
from etude.ops.core import cast
from etude.ops.joining import concatenate
from etude.ops.shape import axis_index, flip, ravel, transpose

__all__ = ["cumprod", "cumsum", "diff"]

Array = Any


@composite
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums along an axis: out_k = Σ_{i≤k} x_i.

    Args:
        x: any numbers.
        axis: along which axis; of the flat tensor by default.
        dtype: in which to sum; that of x by default.

    >>> cumsum([1, 2, 3]).numpy().tolist()
    [1, 3, 6]
    """
    x = ravel(x) if axis is None else as_tensor(x)
    return _cumsum(_running(x, dtype), axis=axis_index(0 if axis is None else axis, x.ndim))


def _running(x: Tensor, dtype: Any) -> Tensor:
    if dtype is None:
        dtype = "int32" if x.dtype == "bool" else x.dtype
    return cast(x, standardize_dtype(dtype))


@primitive
def _cumsum(x: Array, *, axis: int) -> Array:
    """`cumsum` in the dtype of x."""
    return xp().cumsum(x, axis=axis, dtype=x.dtype)


@_cumsum.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: int):
    return (flip(_cumsum(flip(g, axis), axis=axis), axis),)  # dx_i = Σ_{k≥i} g_k


@composite
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products along an axis: out_k = Π_{i≤k} x_i.

    Args:
        x: any numbers.
        axis: along which axis; of the flat tensor by default.
        dtype: in which to multiply; that of x by default.

    >>> cumprod([1, 2, 3]).numpy().tolist()
    [1, 2, 6]
    """
    x = ravel(x) if axis is None else as_tensor(x)
    return _cumprod(_running(x, dtype), axis=axis_index(0 if axis is None else axis, x.ndim))


@primitive
def _cumprod(x: Array, *, axis: int) -> Array:
    """`cumprod` in the dtype of x."""
    return xp().cumprod(x, axis=axis, dtype=x.dtype)


@_cumprod.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: int):
    # dx_i = (Π_{j<i} x_j) r_i  with  r_i = g_i + x_{i+1} r_{i+1}: exact also where x = 0.
    order = (*(i for i in range(x.ndim) if i != axis), axis)
    back = tuple(order.index(i) for i in range(x.ndim))
    x, g = transpose(x, order), transpose(g, order)
    factors = flip(concatenate([x[..., 1:], x[..., :1]], -1), -1)
    rest = flip(recurrence(factors, flip(g, -1)), -1)
    return (transpose(products_before(x) * rest, back),)


def recurrence(a: Tensor, b: Tensor) -> Tensor:
    """y_k = a_k y_{k-1} + b_k along the last axis, with y_{-1} = 0, in log₂ n rounds.

    Each round joins every step with the one that lies twice as far back as before.

    >>> recurrence(as_tensor([9.0, 2.0, 2.0]), as_tensor([1.0, 1.0, 1.0])).numpy().tolist()
    [1.0, 3.0, 7.0]
    """
    n, reach = b.shape[-1], 1
    while reach < n:
        widths = ((0, 0),) * (b.ndim - 1) + ((reach, 0),)
        b = b + a * OPS["pad"](b[..., :-reach], widths)
        a = a * OPS["pad"](a[..., :-reach], widths)
        reach *= 2
    return b


def products_before(x: Tensor) -> Tensor:
    """The product of all elements in front of each one, along the last axis."""
    ones = Tensor(xp().ones((*x.shape[:-1], 1), str(x.dtype)))
    return cumprod(concatenate([ones, x[..., :-1]], -1), -1)


@composite
def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, n times over.

    >>> diff([1, 4, 9]).numpy().tolist()
    [3, 5]
    """
    x = as_tensor(a)
    before = (slice(None),) * axis_index(axis, x.ndim)
    for _ in range(n):
        upper, lower = x[(*before, slice(1, None))], x[(*before, slice(None, -1))]
        x = upper != lower if x.dtype == "bool" else upper - lower
    return x
