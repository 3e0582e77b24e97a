"""Order: sort, the greatest k, search in sorted values, distinct values."""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive, unknown_size
from etude.dtypes import is_int_dtype
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError, TracingError
from etude.ops.comparison import isnan
from etude.ops.creation import full, zeros
from etude.ops.elementwise import where
from etude.ops.indexing import (
    PLACES,
    places_of,
    put_along,
    static_tensor,
    take_along_axis,
    whole,
)
from etude.ops.joining import concatenate
from etude.ops.reduction import any, sum
from etude.ops.shape import axis_index, expand_dims, ravel, reshape

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "in_top_k",
    "isin",
    "nonzero",
    "searchsorted",
    "sort",
    "top_k",
    "unique",
]

Array = Any


@primitive(arity=1)
def sort(x: Array, axis: int | None = -1) -> Array:
    """The elements in ascending order along an axis, NaN last.

    Args:
        x: any numbers.
        axis: along which axis; None for the flat tensor. Equal elements keep their order, so that
            each has its own gradient.

    >>> sort([3, 1, 2]).numpy().tolist()
    [1, 2, 3]
    """
    return xp().sort(x, axis=axis)


@sort.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: int | None):
    if axis is None:
        return (reshape(put_along(g, argsort(ravel(x)), 0, (x.size,)), x.shape),)
    return (put_along(g, argsort(x, axis), axis, x.shape),)


@primitive(arity=1)
def argsort(x: Array, axis: int | None = -1) -> Array:
    """Where the elements of the sorted tensor come from; int32. Equal elements keep their order.

    Args:
        x: any numbers.
        axis: along which axis; None for the flat tensor.

    >>> argsort([3, 1, 2]).numpy().tolist()
    [1, 2, 0]
    """
    places = xp().argsort(x, axis=axis if x.ndim else None, stable=True)
    return xp().astype(places, "int32")


argsort.no_gradient(PLACES)


@primitive(arity=1)
def argpartition(x: Array, kth: int, axis: int = -1) -> Array:
    """Places that bring the kth element to where sorting would, none behind it smaller; int32.

    >>> argpartition([3, 1, 2], 0).numpy().tolist()[0]
    1
    """
    if not isinstance(kth, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"argpartition: kth must be an integer. Received: kth = {kth}")
    return xp().astype(xp().argsort(x, axis=axis, stable=True), "int32")


argpartition.no_gradient(PLACES)


@primitive(arity=1)
def top_k(x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k greatest elements along the last axis, and their places (int32).

    Args:
        x: any numbers, (..., n).
        k: how many, at most n.
        sorted: they descend in any case; of equal ones the first comes first.

    >>> values, places = top_k([3, 1, 2], 2)
    >>> values.numpy().tolist(), places.numpy().tolist()
    ([3, 2], [0, 2])
    """
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise ShapeError(f"top_k: there are no {k} elements along the last axis of {x.shape}.")
    return xp().top_k(x, int(k))


@top_k.gradient
def _(g: tuple[Tensor, Tensor], out: tuple[Tensor, Tensor], x: Tensor):
    return (put_along(g[0], out[1], -1, x.shape),)


@composite
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether fewer than k predictions are greater than that of the target.

    Args:
        targets: the right class of each example, (N,) integers.
        predictions: a score for each class, (N, C).
        k: how many classes may be named.

    >>> in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], k=1).numpy().tolist()
    [True, False]
    """
    scores = as_tensor(predictions)
    places = as_tensor(targets)
    places = places if is_int_dtype(places.dtype) else whole(places)
    own = take_along_axis(scores, expand_dims(places, -1), axis=-1)
    own = where(isnan(own), -float("inf"), own)
    return sum(scores > own, axis=-1) < k


@primitive(cast="same", arity=2)
def searchsorted(sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """Where values would be inserted to keep a sequence sorted; int32.

    Args:
        sorted_sequence: ascending numbers, 1-D.
        values: what to insert, of any shape.
        side: ``"left"``: before equal elements; ``"right"``: behind them.

    >>> searchsorted([1, 3, 5], [3, 4]).numpy().tolist()
    [1, 2]
    """
    if sorted_sequence.ndim != 1:
        raise ShapeError(
            f"searchsorted expects a 1-D sorted_sequence; got shape {sorted_sequence.shape}."
        )
    return xp().astype(xp().searchsorted(sorted_sequence, values, side=side), "int32")


searchsorted.no_gradient(PLACES)


@primitive
def digitize(x: Array, bins: Array) -> Array:
    """The number of the bin of each element: how many edges are not above it; int32.

    Args:
        x: any numbers.
        bins: the edges, ascending or descending, 1-D.

    >>> digitize([0.5, 1.0, 9.0], [1.0, 2.0]).numpy().tolist()
    [0, 1, 2]
    """
    return xp().astype(xp().digitize(x, bins), "int32")


digitize.no_gradient(PLACES)


@composite
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 occurs in x2.

    Args:
        x1: any numbers.
        x2: the values to look for.
        assume_unique: accepted for Keras; makes no difference here.
        invert: whether to turn the answer over.

    >>> isin([1, 2, 3], [3, 1]).numpy().tolist()
    [True, False, True]
    """
    found = any(expand_dims(x1, -1) == ravel(x2), axis=-1)
    return ~found if invert else found


@composite
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The places of the elements that are not 0: one int32 tensor for each axis.

    Raises:
        TracingError: how many there are is not known while a program is traced.

    >>> [t.numpy().tolist() for t in nonzero([[0, 1], [1, 0]])]
    [[0, 1], [1, 0]]
    """
    x, probe = static_tensor(x), unknown_size()
    if probe is not None:  # a symbolic call: how many there are is not known
        return tuple(zeros((probe,), "int32") for _ in range(x.ndim))
    return places_of(x)


@composite
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The distinct values, ascending.

    Args:
        x: any numbers.
        sorted: accepted for Keras; they ascend in any case.
        return_index: whether to return where each occurs first.
        return_inverse: whether to return, for each element, which of the values it is.
        return_counts: whether to return how often each occurs.
        axis: along which axis slices are compared; None for the elements of the flat tensor.
        size: how many to return: the rest is left out, or filled.
        fill_value: with what to fill; the least value by default.

    Raises:
        TracingError: how many there are is not known while a program is traced.

    >>> unique([3, 1, 3]).numpy().tolist()
    [1, 3]
    """
    x = static_tensor(x)
    flags = {
        "return_index": return_index,
        "return_inverse": return_inverse,
        "return_counts": return_counts,
    }
    probe = unknown_size()
    if probe is not None:
        return _shaped_like_unique(x, axis, probe if size is None else size, flags)
    if xp().is_traced(x.array):
        raise TracingError(
            "`unique` gives as many elements as there are distinct values, which is not known "
            "while a program is traced. Call it outside of the compiled part."
        )
    with xp().concretely():
        found = xp().unique(x.array, axis=axis, equal_nan=False, **flags)
    parts: list[Any] = list(found) if isinstance(found, tuple) else [found]  # pyright: ignore[reportUnknownArgumentType]
    values = Tensor(parts[0])
    rest = [Tensor(xp().astype(a, "int32")) for a in parts[1:]]
    if size is not None:
        values = _sized(values, axis or 0, size, fill_value)
        names = [name for name, wanted in flags.items() if wanted]
        rest = [
            t
            if name == "return_inverse"
            else _sized(t, 0, size, None if name == "return_index" else 0)
            for name, t in zip(names, rest, strict=True)
        ]
    return (values, *rest) if rest else values


def _shaped_like_unique(x: Tensor, axis: int | None, size: int, flags: dict[str, bool]) -> Any:
    """Zeros of the shapes that `unique` gives, for a symbolic call."""
    shape = (size,) if axis is None else (*x.shape[:axis], size, *x.shape[axis:][1:])
    inverse = x.shape if axis is None else (x.shape[axis],)
    rest = [
        zeros(inverse if name == "return_inverse" else (size,), "int32")
        for name, wanted in flags.items()
        if wanted
    ]
    values = zeros(shape, x.dtype)
    return (values, *rest) if rest else values


def _sized(x: Tensor, axis: int, size: int, fill_value: Any) -> Tensor:
    """The first ``size`` slices along an axis, filled up where there are fewer."""
    axis = axis_index(axis, x.ndim)
    before = (slice(None),) * axis
    n = x.shape[axis]
    if n >= size:
        return x[(*before, slice(0, size))]
    if fill_value is None:
        filler = x[(*before, slice(0, 1))]
    else:
        shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        filler = full(shape, fill_value, x.dtype)
    return concatenate([x, *[filler] * (size - n)], axis)
