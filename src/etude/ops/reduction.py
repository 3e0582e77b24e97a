"""Reductions over axes.

``axis`` is None for all axes, an integer, or several. Rules bring the gradient back to the form
with axes of size 1 (`_kept`), where it broadcasts against the input.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import result_type
from etude.engine import xp
from etude.errors import ArgumentError
from etude.ops.comparison import isfinite
from etude.ops.core import cast
from etude.ops.cumulative import diff, products_before
from etude.ops.elementwise import divide_no_nan, maximum, where
from etude.ops.exponential import exp
from etude.ops.shape import axes_indices, axis_index, broadcast_to, flip, reshape, transpose

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "trapezoid",
    "var",
]

Array = Any
Axes = int | Sequence[int] | None

_WIDER = {
    "bool": "int32",
    "int8": "int32",
    "int16": "int32",
    "uint8": "uint32",
    "uint16": "uint32",
}
"""In which dtype small integers are summed."""


def _hashable(axis: Axes) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _kept(t: Tensor, x: Tensor, axis: Axes) -> Tensor:
    """A reduced tensor with its reduced axes back, of size 1."""
    gone = axes_indices(axis, x.ndim)
    return reshape(t, tuple(1 if i in gone else n for i, n in enumerate(x.shape)))


def _count(shape: Sequence[int], axis: Axes) -> int:
    return math.prod(shape[i] for i in axes_indices(axis, len(shape)))


# --- sums -------------------------------------------------------------------------------------


@primitive(arity=1)
def sum(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Σ x over axes. Small integers and truth values are summed as int32.

    Args:
        x: any numbers.
        axis: over which axes.
        keepdims: whether the axes stay, with size 1.

    >>> sum([[1, 2], [3, 4]], axis=0).numpy().tolist()
    [4, 6]
    """
    dtype = _WIDER.get(str(x.dtype), x.dtype)
    return xp().sum(x, axis=_hashable(axis), keepdims=keepdims, dtype=dtype)


@sum.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    return (broadcast_to(_kept(g, x, axis), x.shape),)


@primitive(cast="float", arity=1)
def mean(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Σ x / n over axes; a float also for integers.

    Args:
        x: any numbers.
        axis: over which axes.
        keepdims: whether the axes stay, with size 1.

    >>> mean([[1, 2], [3, 4]], axis=0).numpy().tolist()
    [2.0, 3.0]
    """
    return xp().mean(x, axis=_hashable(axis), keepdims=keepdims)


@mean.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    return (broadcast_to(_kept(g, x, axis) / _count(x.shape, axis), x.shape),)


@primitive(cast="float", arity=1)
def var(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """The variance Σ (x - mean)² / n over axes.

    >>> float(var([1.0, 3.0]))
    1.0
    """
    return xp().astype(xp().var(x, axis=_hashable(axis), keepdims=keepdims), str(x.dtype))


@var.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    scaled = _kept(g, x, axis) * (2 / _count(x.shape, axis))
    return (scaled * (x - mean(x, axis, True)),)  # the derivative by the mean is zero


@primitive(cast="float", arity=1)
def std(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """The standard deviation √var over axes. Where it is 0 its derivative is taken as 0.

    >>> float(std([1.0, 3.0]))
    1.0
    """
    return xp().std(x, axis=_hashable(axis), keepdims=keepdims)


@std.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    scaled = divide_no_nan(_kept(g, x, axis), _kept(out, x, axis) * _count(x.shape, axis))
    return (scaled * (x - mean(x, axis, True)),)


@composite
def average(x: Any, axis: Axes = None, weights: Any = None) -> Tensor:
    """The weighted mean Σ w x / Σ w over axes.

    Args:
        x: any numbers.
        axis: over which axes.
        weights: of the shape of x, or of the size of the one axis; equal by default.

    >>> float(average([1.0, 4.0], weights=[2.0, 1.0]))
    2.0
    """
    x = as_tensor(x)
    if weights is None:
        return mean(x, axis)
    w = as_tensor(weights)
    if w.shape != x.shape:
        if w.ndim != 1 or not isinstance(axis, int) or w.shape[0] != x.shape[axis]:
            raise ArgumentError(
                "average expects weights of the shape of x, or a vector for one axis; got x of "
                f"shape {x.shape}, weights of shape {w.shape}, axis={axis}."
            )
        place = axis_index(axis, x.ndim)
        w = reshape(w, tuple(-1 if i == place else 1 for i in range(x.ndim)))
    dtype = result_type(str(x.dtype), str(w.dtype), float)
    x, w = cast(x, dtype), broadcast_to(cast(w, dtype), x.shape)
    return sum(w * x, axis) / sum(w, axis)


@primitive(arity=1)
def count_nonzero(x: Array, axis: Axes = None) -> Array:
    """How many elements are not 0, over axes; int32.

    >>> int(count_nonzero([0, 1, 2]))
    2
    """
    return xp().sum(x != 0, axis=_hashable(axis), dtype="int32")


count_nonzero.no_gradient("counts have no derivative")


# --- truth ------------------------------------------------------------------------------------


@primitive(arity=1)
def all(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether all hold, over axes.

    >>> all([[True, False], [True, True]], axis=1).numpy().tolist()
    [False, True]
    """
    return xp().all(x, axis=_hashable(axis), keepdims=keepdims)


all.no_gradient("truth values have no derivative")


@primitive(arity=1)
def any(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether one holds, over axes.

    >>> any([[True, False], [False, False]], axis=1).numpy().tolist()
    [True, False]
    """
    return xp().any(x, axis=_hashable(axis), keepdims=keepdims)


any.no_gradient("truth values have no derivative")


# --- extrema ----------------------------------------------------------------------------------


@primitive(arity=1)
def max(x: Array, axis: Axes = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The greatest element over axes. Elements that tie share the gradient equally.

    Args:
        x: any numbers.
        axis: over which axes.
        keepdims: whether the axes stay, with size 1.
        initial: the least value of the result; needed where there are no elements.

    >>> max([[1, 5], [3, 2]], axis=0).numpy().tolist()
    [3, 5]
    """
    options = {} if initial is None else {"initial": initial}
    return xp().max(x, axis=_hashable(axis), keepdims=keepdims, **options)


@max.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes, initial: float | None):
    return (_shared(g, x, axis, "max", initial),)


@primitive(arity=1)
def min(x: Array, axis: Axes = None, keepdims: bool = False, initial: float | None = None) -> Array:
    """The least element over axes. Elements that tie share the gradient equally.

    Args:
        x: any numbers.
        axis: over which axes.
        keepdims: whether the axes stay, with size 1.
        initial: the greatest value of the result; needed where there are no elements.

    >>> min([[1, 5], [3, 2]], axis=0).numpy().tolist()
    [1, 2]
    """
    options = {} if initial is None else {"initial": initial}
    return xp().min(x, axis=_hashable(axis), keepdims=keepdims, **options)


@min.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes, initial: float | None):
    return (_shared(g, x, axis, "min", initial),)


@primitive
def _is_extreme(x: Array, *, axis: Axes, extreme: str, initial: float | None) -> Array:
    """Whether each element is the greatest (``"max"``) or least over axes, and beats ``initial``.

    XLA may compute x again for the way back, rounded in another way: so both sides of the
    comparison are taken from one x, and the output of the forward is not used. Shape: that of x.
    """
    x = xp().materialize(x)
    options = {} if initial is None else {"initial": initial}
    return x == getattr(xp(), extreme)(x, axis=_hashable(axis), keepdims=True, **options)


_is_extreme.no_gradient("it is piecewise constant")


def _shared(g: Tensor, x: Tensor, axis: Axes, extreme: str, initial: float | None) -> Tensor:
    """The gradient of an extremum, in equal parts to all elements that equal it."""
    chosen = cast(_is_extreme(x, axis=axis, extreme=extreme, initial=initial), g.dtype)
    parts = maximum(sum(chosen, axis, True), 1)
    return _kept(g, x, axis) * (chosen / parts)


@composite
def amax(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The greatest element over axes: another name of `max`.

    >>> int(amax([1, 5]))
    5
    """
    return max(x, axis, keepdims)


@composite
def amin(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The least element over axes: another name of `min`.

    >>> int(amin([1, 5]))
    1
    """
    return min(x, axis, keepdims)


@composite
def ptp(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The range, max - min, over axes.

    >>> int(ptp([1, 5]))
    4
    """
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@primitive(arity=1)
def argmax(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the greatest element is, the first among equals; int32.

    Args:
        x: any numbers.
        axis: along which axis; in the flat tensor by default.
        keepdims: whether the axis stays, with size 1.

    >>> argmax([[1, 5], [3, 2]], axis=1).numpy().tolist()
    [1, 0]
    """
    return xp().astype(xp().argmax(x, axis=axis, keepdims=keepdims), "int32")


argmax.no_gradient("places have no derivative")


@primitive(arity=1)
def argmin(x: Array, axis: int | None = None, keepdims: bool = False) -> Array:
    """Where the least element is, the first among equals; int32.

    Args:
        x: any numbers.
        axis: along which axis; in the flat tensor by default.
        keepdims: whether the axis stays, with size 1.

    >>> argmin([[1, 5], [3, 2]], axis=1).numpy().tolist()
    [0, 1]
    """
    return xp().astype(xp().argmin(x, axis=axis, keepdims=keepdims), "int32")


argmin.no_gradient("places have no derivative")


@primitive(cast="float", arity=1)
def logsumexp(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    """ln Σ e^x over axes, as m + ln Σ e^(x - m) with m = max x: without overflow.

    The derivative is the softmax, e^(x - out). Of no numbers it is -∞, ln 0.

    >>> round(float(logsumexp([1000.0, 1000.0])), 2)
    1000.69
    """
    top = xp().max(x, axis=_hashable(axis), keepdims=True, initial=-math.inf)
    top = xp().where(xp().isfinite(top), top, 0)
    total = xp().sum(xp().exp(x - top), axis=_hashable(axis), keepdims=keepdims)
    return xp().log(total) + top.reshape(total.shape)


@logsumexp.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    out = _kept(where(isfinite(out), out, 0), x, axis)  # -∞ - -∞ would be NaN
    return (_kept(g, x, axis) * exp(x - out),)


# --- products ---------------------------------------------------------------------------------


@composite
def prod(x: Any, axis: Axes = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """Π x over axes. Small integers and truth values are multiplied as int32.

    Args:
        x: any numbers.
        axis: over which axes.
        keepdims: whether the axes stay, with size 1.
        dtype: in which to multiply.

    >>> prod([[1, 2], [3, 4]], axis=0).numpy().tolist()
    [3, 8]
    """
    x = as_tensor(x)
    dtype = _WIDER.get(str(x.dtype), str(x.dtype)) if dtype is None else dtype
    return _prod(cast(x, dtype), axis=_hashable(axis), keepdims=keepdims)


@primitive
def _prod(x: Array, *, axis: Axes, keepdims: bool) -> Array:
    """`prod` in the dtype of x."""
    return xp().prod(x, axis=axis, keepdims=keepdims, dtype=x.dtype)


@_prod.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    gone = axes_indices(axis, x.ndim)
    order = (*(i for i in range(x.ndim) if i not in gone), *gone)
    rows = transpose(x, order)
    flat = reshape(rows, (*rows.shape[: x.ndim - len(gone)], _count(x.shape, axis)))
    # The product of all others, also where x = 0: those before times those behind.
    others = products_before(flat) * flip(products_before(flip(flat, -1)), -1)
    back = tuple(order.index(i) for i in range(x.ndim))
    return (_kept(g, x, axis) * transpose(reshape(others, rows.shape), back),)


@composite
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    """The integral of y along an axis by the trapezoidal rule.

    Args:
        y: values.
        x: where they are taken; at distances ``dx`` by default.
        dx: the distance of neighbours.
        axis: along which axis.

    >>> float(trapezoid([0.0, 1.0, 2.0]))
    2.0
    """
    y = as_tensor(y)
    place = axis_index(axis, y.ndim)
    before = (slice(None),) * place
    middle = (y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) / 2
    width: Any = dx
    if x is not None:
        x = as_tensor(x)
        if x.ndim == 1:
            x = reshape(x, tuple(-1 if i == place else 1 for i in range(y.ndim)))
        width = diff(x, axis=axis)
    return sum(middle * width, axis)
