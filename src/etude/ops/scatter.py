"""Writing values to places given by index: scatter, segments, one-hot and multi-hot codes."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive, unknown_size
from etude.dtypes import is_float_dtype, is_int_dtype, standardize_dtype
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.ops.core import cast
from etude.ops.creation import arange, full, ones, ones_like, zeros, zeros_like
from etude.ops.cumulative import cumsum
from etude.ops.elementwise import maximum, minimum, where
from etude.ops.indexing import PLACES, getitem, static_tensor, take, take_along_axis, whole
from etude.ops.joining import concatenate, stack
from etude.ops.reduction import max
from etude.ops.shape import broadcast_to, expand_dims, reshape
from etude.ops.sorting import argsort

__all__ = [
    "bincount",
    "multi_hot",
    "one_hot",
    "scatter",
    "scatter_update",
    "segment_max",
    "segment_min",
    "segment_prod",
    "segment_sum",
]

Array = Any


# --- scatter ----------------------------------------------------------------------------------


def _key(indices: Array) -> tuple[Array, ...]:
    """Places (*I, K) as a key: one array (*I,) for each of the first K axes."""
    return tuple(indices[..., i] for i in range(indices.shape[-1]))


def _read(x: Tensor, indices: Tensor) -> Tensor:
    """The values of x at places (*I, K)."""
    return getitem(x, tuple(indices[..., i] for i in range(indices.shape[-1])))


def _places(indices: Any, rank: int) -> Tensor:
    t = as_tensor(indices)
    t = t if is_int_dtype(t.dtype) else whole(t)
    if not is_int_dtype(t.dtype) or t.ndim < 1 or t.shape[-1] > rank:
        raise DtypeError(
            "Places to scatter to are integers (..., K), with K an index for each of the first "
            f"axes, of which there are {rank}; got shape {t.shape}, dtype {t.dtype}."
        )
    return t


@composite
def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros of a shape with values added at places; what is hit twice gets the sum.

    Args:
        indices: the places, (*I, K): an index for each of the first K axes.
        values: what to add, (*I, *shape[K:]).
        shape: of the result.

    >>> scatter([[0], [2], [0]], [1.0, 2.0, 3.0], (4,)).numpy().tolist()
    [4.0, 0.0, 2.0, 0.0]
    """
    values = as_tensor(values)
    return _scatter_add(zeros(shape, values.dtype), _places(indices, len(shape)), values)


@composite
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """A copy of inputs with values at places replaced, or combined with updates.

    Args:
        inputs: any.
        indices: the places, (*I, K): an index for each of the first K axes.
        updates: what to write, (*I, *inputs.shape[K:]).
        reduction: None to replace (which update stays where several hit one place is open), or
            ``"add"``, ``"max"``, ``"min"``, ``"mul"``.

    >>> scatter_update([1, 2, 3], [[0], [2]], [8, 9]).numpy().tolist()
    [8, 2, 9]
    """
    x = as_tensor(inputs)
    places, values = _places(indices, x.ndim), as_tensor(updates, x.dtype)
    if reduction is None:
        return _scatter_set(x, places, values)
    if reduction == "add":
        return _scatter_add(x, places, values)
    if reduction not in ("max", "min", "mul"):
        raise ArgumentError(
            f"scatter_update: reduction must be None, 'add', 'max', 'min' or 'mul'; "
            f"got {reduction!r}."
        )
    return _scatter_combined(x, places, values, reduction)


def _scatter_combined(x: Tensor, places: Tensor, values: Tensor, reduction: str) -> Tensor:
    """Updates of one place are reduced first, as segments; then combined with x."""
    k = places.shape[-1]
    heads, rest = x.shape[:k], x.shape[k:]
    rows = zeros(places.shape[:-1], "int32")
    for i, n in enumerate(heads):  # the place in the flat leading axes
        own = cast(places[..., i], "int32")
        rows = rows * n + where(own < 0, own + n, own)
    n = math.prod(heads)
    data = reshape(broadcast_to(values, (*places.shape[:-1], *rest)), (-1, *rest))
    reduce = {"max": segment_max, "min": segment_min, "mul": segment_prod}[reduction]
    found = reshape(reduce(data, reshape(rows, (-1,)), n), x.shape)
    if reduction == "mul":
        return x * found
    return maximum(x, found) if reduction == "max" else minimum(x, found)


@primitive
def _scatter_add(x: Array, indices: Array, updates: Array) -> Array:
    """x with updates added at places (*I, K)."""
    return xp().scatter_add(x, _key(indices), updates)


@_scatter_add.gradient
def _(g: Tensor, out: Tensor, x: Tensor, indices: Tensor, updates: Tensor):
    return g, None, lambda: _read(g, indices)


@primitive
def _scatter_set(x: Array, indices: Array, updates: Array) -> Array:
    """x with updates written at places (*I, K)."""
    return xp().scatter_set(x, _key(indices), updates)


@_scatter_set.gradient
def _(g: Tensor, out: Tensor, x: Tensor, indices: Tensor, updates: Tensor):
    def by_updates() -> Tensor:  # only the update that stayed has an influence
        heads = indices.shape[:-1]
        names = reshape(arange(math.prod(heads), dtype="int32"), heads)
        none = zeros(x.shape[: indices.shape[-1]], "int32")
        stayed = _read(_scatter_set(none, indices, names), indices) == names
        read = _read(g, indices)
        return where(reshape(stayed, heads + (1,) * (read.ndim - len(heads))), read, 0)

    return lambda: _scatter_set(g, indices, zeros_like(updates)), None, by_updates


# --- segments ---------------------------------------------------------------------------------


def _buckets(data: Tensor, segment_ids: Any, num_segments: int | None) -> tuple[Tensor, int]:
    """Segment numbers in 0..n, where n collects those out of range, and n."""
    ids = cast(as_tensor(segment_ids), "int32")
    if ids.ndim != 1:
        raise ShapeError(
            "Argument `segment_ids` should be an 1-D vector, a number for each row; got shape: "
            f"{ids.shape}."
        )
    if not data.ndim or data.shape[0] != ids.shape[0]:
        raise ShapeError(
            "Argument `segment_ids` and `data` should have same leading dimension. Got: "
            f"{ids.shape} v.s. {data.shape}."
        )
    n = (unknown_size() or int(max(ids)) + 1) if num_segments is None else int(num_segments)
    return where((ids < 0) | (ids >= n), n, ids), n


@composite
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Sums of the rows that have the same number: out_k = Σ_{i: ids_i = k} data_i.

    Args:
        data: rows, (L, ...).
        segment_ids: the number of each row, (L,); rows with numbers out of range are left out.
        num_segments: how many there are; one more than the greatest number by default, which a
            compiled program does not know.
        sorted: whether the numbers ascend; makes no difference here.

    >>> segment_sum([1.0, 2.0, 3.0], [0, 1, 0]).numpy().tolist()
    [4.0, 2.0]
    """
    data = as_tensor(data)
    ids, n = _buckets(data, segment_ids, num_segments)
    total = zeros((n + 1, *data.shape[1:]), data.dtype)
    return _scatter_add(total, expand_dims(ids, -1), data)[:n]


@composite
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The greatest of the rows that have the same number; -∞ where there is none.

    Among equals, the last has the gradient. Arguments are those of `segment_sum`.

    >>> segment_max([1.0, 2.0, 3.0], [0, 1, 0]).numpy().tolist()
    [3.0, 2.0]
    """
    data = as_tensor(data)
    ids, n = _buckets(data, segment_ids, num_segments)
    if not data.shape[0]:
        return full((n, *data.shape[1:]), _least(data.dtype), data.dtype)
    column = reshape(ids, (-1,) + (1,) * (data.ndim - 1))
    by_value = argsort(data, axis=0)
    by_segment = argsort(take_along_axis(broadcast_to(column, data.shape), by_value, 0), axis=0)
    order = take_along_axis(by_value, by_segment, 0)  # rows by segment, and by value within it
    counts = segment_sum(ones_like(ids), ids, n)
    last = take(order, maximum(cumsum(counts) - 1, 0), axis=0)  # (n, ...)
    found = take_along_axis(data, last, 0)
    nothing = reshape(counts == 0, (n,) + (1,) * (data.ndim - 1))
    return where(nothing, full((), _least(data.dtype), data.dtype), found)


def _least(dtype: Any) -> float:
    return -math.inf if is_float_dtype(dtype) else int(xp().iinfo(dtype).min)


@composite
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """The least of the rows that have the same number; +∞ where there is none.

    Among equals, the last has the gradient. Arguments are those of `segment_sum`.

    >>> segment_min([1.0, 2.0, 3.0], [0, 1, 0]).numpy().tolist()
    [1.0, 2.0]
    """
    data = as_tensor(data)
    if is_float_dtype(data.dtype):
        return -segment_max(-data, segment_ids, num_segments)
    return -1 - segment_max(-1 - data, segment_ids, num_segments)  # the least has no negative


@composite
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Products of the rows that have the same number; 1 where there is none.

    Arguments are those of `segment_sum`.

    >>> segment_prod([1.0, 2.0, 3.0], [0, 1, 0]).numpy().tolist()
    [3.0, 2.0]
    """
    data = as_tensor(data)
    ids, n = _buckets(data, segment_ids, num_segments)
    if not data.shape[0]:
        return ones((n, *data.shape[1:]), data.dtype)
    order = argsort(ids)
    running, numbers = take(data, order, axis=0), take(ids, order, axis=0)
    begun = reshape(numbers, (-1, *(1,) * (data.ndim - 1)))
    begun = begun != _earlier(begun, 1, -1)  # whether a row's product has reached its segment's top
    reach = 1
    while reach < data.shape[0]:
        # Chosen, not multiplied by 0: what is infinite or NaN stays in its own segment.
        running = running * where(begun, 1, _earlier(running, reach, 1))
        begun = begun | _earlier(begun, reach, True)
        reach *= 2
    counts = segment_sum(ones_like(ids), ids, n)
    last = take(running, maximum(cumsum(counts) - 1, 0), axis=0)
    nothing = reshape(counts == 0, (n,) + (1,) * (data.ndim - 1))
    return where(nothing, ones((), data.dtype), last)


def _earlier(x: Tensor, reach: int, fill: Any) -> Tensor:
    """For each row the one that lies ``reach`` before it; ``fill`` where there is none."""
    return concatenate([full((reach, *x.shape[1:]), fill, x.dtype), x[:-reach]], 0)


@composite
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each number 0, 1, 2, ... occurs; or the sum of the weights where it does.

    Args:
        x: integers that are not negative, (L,), or (N, L) to count each row by itself.
        weights: of the shape of x.
        minlength: the least number of counts.
        sparse: accepted for Keras; results are dense.

    Raises:
        TracingError: the greatest number is not known while a program is traced.

    >>> bincount([1, 1, 3]).numpy().tolist()
    [0, 2, 0, 1]
    """
    x = static_tensor(x)
    if not is_int_dtype(x.dtype) or x.ndim not in (1, 2):
        raise DtypeError(
            f"bincount expects integers, (L,) or (N, L); got shape {x.shape}, dtype {x.dtype}."
        )
    with xp().concretely() if not xp().is_traced(x.array) else nullcontext():
        length = int(maximum(max(x, initial=-1) + 1, minlength))
    added = ones_like(x, "int32") if weights is None else as_tensor(weights)
    if x.ndim == 1:
        return scatter(expand_dims(x, -1), added, (length,))
    rows = broadcast_to(expand_dims(arange(x.shape[0], dtype=x.dtype), 1), x.shape)
    return scatter(stack([rows, x], -1), added, (x.shape[0], length))  # places (N, L, 2)


# --- codes ------------------------------------------------------------------------------------


@primitive(arity=1)
def one_hot(
    x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Array:
    """A vector of zeros with a one at the place x; all zeros where x is out of range.

    Args:
        x: integers.
        num_classes: the length of the vectors.
        axis: where the new axis stands.
        dtype: `config.floatx` by default.
        sparse: accepted for Keras; results are dense.

    >>> one_hot([2, 0], 3).numpy().tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    place = axis % (x.ndim + 1)
    shape = tuple(num_classes if i == place else 1 for i in range(x.ndim + 1))
    classes = xp().arange(num_classes, dtype="int32")  # more than an 8-bit x may count to
    hot = xp().expand_dims(x, place) == classes.reshape(shape)
    return xp().astype(hot, config.floatx() if dtype is None else standardize_dtype(dtype))


one_hot.no_gradient(PLACES)


@composite
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """A vector of zeros with a one at each of several places.

    Args:
        inputs: the places, (L,), or (N, L, ...) for several vectors.
        num_classes: the length of the vectors.
        axis: where the new axis stands.
        dtype: `config.floatx` by default.
        sparse: accepted for Keras; results are dense.
        **kwargs: ``num_tokens``, the old name of ``num_classes``.

    >>> multi_hot([0, 2], 4).numpy().tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    classes = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    if classes is None or kwargs:
        raise ArgumentError(f"multi_hot expects num_classes; got {num_classes!r}, {kwargs}.")
    x = as_tensor(inputs)
    codes = one_hot(cast(x, "int32"), classes, axis=axis, dtype=dtype)
    return max(codes, axis=1 if x.ndim > 1 else 0)
