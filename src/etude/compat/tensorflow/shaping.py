"""Making, reshaping, joining and picking from tensors, under TensorFlow's names."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from etude import ops
from etude.compat.adoption import adopt, at_once_where_known, integer, integers
from etude.compat.tensorflow.tensors import StringTensor, convert_to_tensor
from etude.compat.tensorflow.text import as_text, is_text
from etude.errors import ArgumentError

__all__ = [
    "argsort",
    "boolean_mask",
    "broadcast_to",
    "clip_by_global_norm",
    "clip_by_norm",
    "clip_by_value",
    "concat",
    "dynamic_partition",
    "expand_dims",
    "eye",
    "fill",
    "gather",
    "gather_nd",
    "global_norm",
    "linspace",
    "meshgrid",
    "one_hot",
    "ones",
    "ones_like",
    "pad",
    "range",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "scatter_nd",
    "searchsorted",
    "sequence_mask",
    "slice",
    "sort",
    "split",
    "squeeze",
    "stack",
    "strided_slice",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_update",
    "tile",
    "transpose",
    "unique",
    "unique_with_counts",
    "unstack",
    "where",
    "zeros",
    "zeros_like",
]

# --- making -------------------------------------------------------------------------------------

meshgrid = ops.meshgrid


def zeros(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """A tensor of zeros.

    >>> zeros((2,)).numpy().tolist()
    [0.0, 0.0]
    """
    return at_once_where_known(ops.zeros, integers(shape), dtype)


def ones(shape: Any, dtype: Any = "float32", name: str | None = None) -> Any:
    """A tensor of ones.

    >>> ones([2], "int32").numpy().tolist()
    [1, 1]
    """
    return at_once_where_known(ops.ones, integers(shape), dtype)


def fill(dims: Any, value: Any, name: str | None = None) -> Any:
    """A tensor of one value.

    >>> fill([2], 7).numpy().tolist()
    [7, 7]
    """
    return ops.broadcast_to(ops.convert_to_tensor(value), integers(dims))


def eye(
    num_rows: Any,
    num_columns: Any = None,
    batch_shape: Any = None,
    dtype: Any = "float32",
    name: str | None = None,
) -> Any:
    """The identity matrix, repeated for each index of the batch.

    >>> eye(2, batch_shape=[3]).shape
    (3, 2, 2)
    """
    n = integer(num_rows)
    matrix = ops.eye(n, n if num_columns is None else integer(num_columns), dtype=dtype)
    if batch_shape is None:
        return matrix
    return ops.broadcast_to(matrix, (*integers(batch_shape), *matrix.shape))


def range(
    start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = None
) -> Any:
    """start, start + delta, ... below the limit; from 0 where there is no limit.

    >>> range(3).numpy().tolist(), range(1.0, 2.0, 0.5).numpy().tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    start, limit = (0, start) if limit is None else (start, limit)
    start, limit, delta = (np.asarray(v).item() for v in (start, limit, delta))
    return at_once_where_known(ops.arange, start, limit, delta, dtype=dtype)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Any:
    """Numbers at equal distances, both ends included.

    >>> linspace(0.0, 1.0, 3).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    return ops.linspace(start, stop, integer(num), axis=axis)


def zeros_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Zeros in the shape of a tensor.

    >>> zeros_like([[1.0, 2.0]]).numpy().tolist()
    [[0.0, 0.0]]
    """
    return ops.zeros_like(input, dtype=dtype)


def ones_like(input: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Ones in the shape of a tensor.

    >>> ones_like([[5, 6]]).numpy().tolist()
    [[1, 1]]
    """
    return ops.ones_like(input, dtype=dtype)


def one_hot(
    indices: Any,
    depth: Any,
    on_value: Any = None,
    off_value: Any = None,
    axis: int | None = None,
    dtype: Any = None,
    name: str | None = None,
) -> Any:
    """A vector for each index, with the on-value at the index and the off-value elsewhere.

    >>> one_hot([1], 3).numpy().tolist()
    [[0.0, 1.0, 0.0]]
    """
    axis = -1 if axis is None else axis
    kind = dtype or "float32"
    hot = ops.one_hot(ops.cast(indices, "int32"), integer(depth), axis=axis, dtype=kind)
    if on_value is None and off_value is None:
        return hot
    on, off = (1 if on_value is None else on_value), (0 if off_value is None else off_value)
    return ops.where(ops.equal(hot, 1), ops.cast(on, kind), ops.cast(off, kind))


def sequence_mask(
    lengths: Any, maxlen: Any = None, dtype: Any = "bool", name: str | None = None
) -> Any:
    """For each length, that many true values in a row of maxlen.

    >>> sequence_mask([1, 3], 3).numpy().tolist()
    [[True, False, False], [True, True, True]]
    """
    lengths = ops.convert_to_tensor(lengths)
    steps = ops.arange(integer(ops.max(lengths) if maxlen is None else maxlen))
    return ops.cast(ops.less(steps, ops.expand_dims(ops.cast(lengths, "int32"), -1)), dtype)


# --- reshaping ----------------------------------------------------------------------------------

reverse = adopt("ops.flip", "tensor axis")
roll = adopt("ops.roll", "input shift axis")


def _text(function: Any, value: Any) -> StringTensor:
    """What a function of NumPy makes of text."""
    return StringTensor(function(as_text(value).array))


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Any:
    """The same elements in another shape; -1 stands for what is left.

    >>> reshape([1, 2, 3, 4], [2, -1]).shape
    (2, 2)
    """
    new = integers(shape)
    if is_text(tensor):
        return _text(lambda a: a.reshape(new), tensor)
    return at_once_where_known(ops.reshape, tensor, new)


def transpose(a: Any, perm: Any = None, conjugate: bool = False, name: str | None = None) -> Any:
    """The axes in another order; reversed by default.

    >>> transpose([[1, 2, 3]]).shape
    (3, 1)
    """
    return ops.transpose(a, None if perm is None else integers(perm))


def expand_dims(input: Any, axis: Any = 0, name: str | None = None) -> Any:
    """A new axis of size 1.

    >>> expand_dims([1, 2], -1).shape
    (2, 1)
    """
    if is_text(input):
        return _text(lambda a: np.expand_dims(a, integer(axis)), input)
    return at_once_where_known(ops.expand_dims, input, integer(axis))


def squeeze(input: Any, axis: Any = None, name: str | None = None) -> Any:
    """Without axes of size 1.

    >>> squeeze([[1], [2]], axis=1).shape
    (2,)
    """
    axes = None if axis is None else integers(axis)
    if is_text(input):
        return _text(lambda a: np.squeeze(a, axes), input)
    return at_once_where_known(ops.squeeze, input, axes)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Any:
    """The tensor repeated to a shape.

    >>> broadcast_to([1, 2], [3, 2]).shape
    (3, 2)
    """
    return ops.broadcast_to(input, integers(shape))


def tile(input: Any, multiples: Any, name: str | None = None) -> Any:
    """The tensor so many times along each axis.

    >>> tile([1, 2], [2]).numpy().tolist()
    [1, 2, 1, 2]
    """
    return at_once_where_known(ops.tile, input, integers(multiples))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Any:
    """Each element so many times.

    >>> repeat([1, 2], 2).numpy().tolist()
    [1, 1, 2, 2]
    """
    counts = integers(repeats)
    return ops.repeat(input, counts[0] if len(counts) == 1 else counts, axis=axis)


def pad(
    tensor: Any,
    paddings: Any,
    mode: str = "CONSTANT",
    constant_values: Any = 0,
    name: str | None = None,
) -> Any:
    """More elements before and after, along each axis.

    >>> pad([1, 2], [[1, 0]]).numpy().tolist()
    [0, 1, 2]
    """
    widths = tuple(tuple(row) for row in np.asarray(paddings).tolist())
    how = mode.lower()
    return (
        ops.pad(tensor, widths, mode=how, constant_values=constant_values)
        if (how == "constant" and constant_values)
        else ops.pad(tensor, widths, mode=how)
    )


# --- joining and parting ------------------------------------------------------------------------


def concat(values: Any, axis: Any, name: str | None = None) -> Any:
    """Tensors one after the other along an axis.

    >>> concat([[1, 2], [3]], axis=0).numpy().tolist()
    [1, 2, 3]
    """
    parts = list(values) if isinstance(values, (list, tuple)) else [values]
    if any(map(is_text, parts)):
        return StringTensor(np.concatenate([as_text(v).array for v in parts], integer(axis)))
    return at_once_where_known(ops.concatenate, parts, axis=integer(axis))


def stack(values: Any, axis: int = 0, name: str | None = None) -> Any:
    """Tensors of one shape along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    parts = list(values)
    if any(map(is_text, parts)):
        return StringTensor(np.stack([as_text(v).array for v in parts], axis))
    return at_once_where_known(ops.stack, parts, axis=axis)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str | None = None) -> Any:
    """The parts of a tensor along an axis, which goes; known sizes stay numbers.

    >>> [int(v) for v in unstack([4, 5])]
    [4, 5]
    """
    if isinstance(value, np.ndarray) and value.ndim == 1:  # `tf.unstack(tf.shape(x))`
        return list(value)
    return list(ops.unstack(value, num, axis))


def split(
    value: Any,
    num_or_size_splits: Any,
    axis: Any = 0,
    num: int | None = None,
    name: str | None = None,
) -> Any:
    """Parts of a tensor along an axis: so many equal ones, or of these sizes.

    >>> [t.numpy().tolist() for t in split([1, 2, 3], [1, -1])]
    [[1], [2, 3]]
    """
    axis = integer(axis)
    if np.ndim(num_or_size_splits) == 0:
        return list(ops.split(value, integer(num_or_size_splits), axis=axis))
    sizes = list(integers(num_or_size_splits))
    if -1 in sizes:
        sizes[sizes.index(-1)] = convert_to_tensor(value).shape[axis] - (sum(sizes) + 1)
    return list(ops.split(value, np.cumsum(sizes)[:-1].tolist(), axis=axis))


# --- picking ------------------------------------------------------------------------------------


def gather(
    params: Any,
    indices: Any,
    validate_indices: Any = None,
    axis: Any = None,
    batch_dims: int = 0,
    name: str | None = None,
) -> Any:
    """The parts of a tensor at these indices along an axis.

    >>> gather([10, 20, 30], [2, 0]).numpy().tolist()
    [30, 10]
    """
    axis = batch_dims if axis is None else integer(axis)
    if is_text(params):
        return StringTensor(np.take(as_text(params).array, np.asarray(indices), axis))
    if batch_dims == 0:
        return ops.take(params, indices, axis=axis)
    params, indices = convert_to_tensor(params), convert_to_tensor(indices)
    if axis != batch_dims:
        raise ArgumentError(
            f"gather() with batch_dims={batch_dims} picks along axis {batch_dims}; got axis={axis}."
        )
    extra = params.ndim - batch_dims - 1
    picked = ops.reshape(indices, (*indices.shape[:batch_dims], -1, *(1,) * extra))
    flat = ops.take_along_axis(
        params,
        ops.broadcast_to(picked, (*picked.shape[: batch_dims + 1], *params.shape[axis + 1 :])),
        axis=axis,
    )
    return ops.reshape(flat, (*indices.shape, *params.shape[axis + 1 :]))


def gather_nd(params: Any, indices: Any, batch_dims: int = 0, name: str | None = None) -> Any:
    """The elements at these coordinates, which stand on the last axis of the indices.

    >>> gather_nd([[1, 2], [3, 4]], [[0, 1], [1, 0]]).numpy().tolist()
    [2, 3]
    """
    indices = convert_to_tensor(indices)
    if batch_dims:
        params = convert_to_tensor(params)
        n = params.shape[0]
        return ops.stack([gather_nd(params[i], indices[i], batch_dims - 1) for i in np.arange(n)])
    depth = indices.shape[-1]
    return convert_to_tensor(params)[tuple(indices[..., i] for i in np.arange(depth))]


def boolean_mask(tensor: Any, mask: Any, axis: int | None = None, name: str = "mask") -> Any:
    """The parts of a tensor where the mask, which must be known, is true.

    >>> boolean_mask([1, 2, 3], [True, False, True]).numpy().tolist()
    [1, 3]
    """
    places = np.flatnonzero(np.ravel(np.asarray(mask)))
    if is_text(tensor):
        return as_text(tensor)[np.asarray(mask)]
    tensor, depth, axis = convert_to_tensor(tensor), np.ndim(mask), axis or 0
    flat = ops.reshape(tensor, (*tensor.shape[:axis], -1, *tensor.shape[axis + depth :]))
    return ops.take(flat, places, axis=axis)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Any:
    """x where the condition is true, else y; without both, the coordinates of true elements.

    >>> where([True, False, True]).numpy().tolist()
    [[0], [2]]
    """
    if x is None and y is None:
        return ops.convert_to_tensor(np.argwhere(np.asarray(condition)), "int64")
    if is_text(x) or is_text(y):
        picked = np.where(np.asarray(condition), as_text(x).array, as_text(y).array)
        return StringTensor(picked)
    return ops.where(condition, x, y)


def slice(input_: Any, begin: Any, size: Any, name: str | None = None) -> Any:
    """The part of a tensor that begins there and is so large; -1 is all the rest.

    >>> slice([1, 2, 3, 4], [1], [2]).numpy().tolist()
    [2, 3]
    """
    starts, sizes = integers(begin), integers(size)
    return convert_to_tensor(input_)[
        tuple(
            builtins.slice(b, None if n == -1 else b + n)
            for b, n in zip(starts, sizes, strict=True)
        )
    ]


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, name: str | None = None
) -> Any:
    """The part of a tensor from begin to end, with strides.

    >>> strided_slice([1, 2, 3, 4], [0], [4], [2]).numpy().tolist()
    [1, 3]
    """
    starts, ends = integers(begin), integers(end)
    steps = (1,) * len(starts) if strides is None else integers(strides)
    return convert_to_tensor(input_)[
        tuple(builtins.slice(*s) for s in zip(starts, ends, steps, strict=True))
    ]


def scatter_nd(indices: Any, updates: Any, shape: Any, name: str | None = None) -> Any:
    """Zeros, with updates added at these coordinates.

    >>> scatter_nd([[1], [1]], [2, 3], [3]).numpy().tolist()
    [0, 5, 0]
    """
    return ops.scatter(indices, updates, integers(shape))


tensor_scatter_nd_update = adopt("ops.scatter_update", "tensor indices updates")


def tensor_scatter_nd_add(tensor: Any, indices: Any, updates: Any, name: str | None = None) -> Any:
    """The tensor, with updates added at these coordinates.

    >>> tensor_scatter_nd_add([1, 1], [[0]], [5]).numpy().tolist()
    [6, 1]
    """
    tensor = convert_to_tensor(tensor)
    return tensor + ops.scatter(indices, updates, tensor.shape)


# --- order, and values that occur ---------------------------------------------------------------


def sort(values: Any, axis: int = -1, direction: str = "ASCENDING", name: str | None = None) -> Any:
    """The elements in order.

    >>> sort([2, 3, 1], direction="DESCENDING").numpy().tolist()
    [3, 2, 1]
    """
    ordered = ops.sort(values, axis=axis)
    return ops.flip(ordered, axis) if direction == "DESCENDING" else ordered


def argsort(
    values: Any,
    axis: int = -1,
    direction: str = "ASCENDING",
    stable: bool = False,
    name: str | None = None,
) -> Any:
    """The indices that bring the elements in order.

    >>> argsort([2, 3, 1]).numpy().tolist()
    [2, 0, 1]
    """
    descending = direction == "DESCENDING"
    return ops.argsort(ops.negative(values) if descending else values, axis=axis)


def searchsorted(
    sorted_sequence: Any,
    values: Any,
    side: str = "left",
    out_type: Any = "int32",
    name: str | None = None,
) -> Any:
    """Where values would have to go to keep the order.

    >>> searchsorted([1, 3, 5], [2, 5]).numpy().tolist()
    [1, 2]
    """
    return ops.cast(ops.searchsorted(sorted_sequence, values, side=side), out_type)


class Unique(NamedTuple):
    """The values that occur, and for each element which of them it is."""

    y: Any
    idx: Any


class UniqueWithCounts(NamedTuple):
    """The values that occur, which of them each element is, and how often they occur."""

    y: Any
    idx: Any
    count: Any


def unique_with_counts(x: Any, out_idx: Any = "int32", name: str | None = None) -> UniqueWithCounts:
    """The values that occur in a vector, in the order of their first occurrence.

    >>> [t.numpy().tolist() for t in unique_with_counts([3, 1, 3])]
    [[3, 1], [0, 1, 0], [2, 1]]
    """
    values = np.asarray(x)
    found, first, inverse, counts = np.unique(
        values, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first)
    idx = np.argsort(order)[inverse]
    return UniqueWithCounts(
        convert_to_tensor(found[order]),
        convert_to_tensor(idx, out_idx),
        convert_to_tensor(counts[order], out_idx),
    )


def unique(x: Any, out_idx: Any = "int32", name: str | None = None) -> Unique:
    """The values that occur in a vector, in the order of their first occurrence.

    >>> unique([3, 1, 3]).y.numpy().tolist()
    [3, 1]
    """
    return Unique(*unique_with_counts(x, out_idx)[:2])


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> Sequence[Any]:
    """The rows of a tensor sorted into parts, by a number for each row.

    >>> [t.numpy().tolist() for t in dynamic_partition([1, 2, 3], [0, 1, 0], 2)]
    [[1, 3], [2]]
    """
    which = np.asarray(partitions)
    return [boolean_mask(data, which == i) for i in np.arange(num_partitions)]


# --- bounds -------------------------------------------------------------------------------------

clip_by_value = adopt("ops.clip", "t clip_value_min clip_value_max")


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """The tensor scaled down so that its Euclidean norm is at most ``clip_norm``.

    >>> [f"{v:.1f}" for v in clip_by_norm([3.0, 4.0], 1.0)]
    ['0.6', '0.8']
    """
    norm = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return ops.multiply(t, ops.divide(clip_norm, ops.maximum(norm, clip_norm)))


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """The Euclidean norm of all tensors together; None among them counts as nothing.

    >>> float(global_norm([[3.0], [4.0], None]))
    5.0
    """
    squares = [ops.sum(ops.square(t)) for t in t_list if t is not None]
    return ops.sqrt(ops.sum(ops.stack(squares)))


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Tensors scaled down together so that their joint norm is at most ``clip_norm``; the norm.

    >>> clipped, norm = clip_by_global_norm([[3.0], [4.0]], 1.0)
    >>> [f"{float(t[0]):.1f}" for t in clipped], float(norm)
    (['0.6', '0.8'], 5.0)
    """
    norm = global_norm(t_list) if use_norm is None else use_norm
    scale = ops.divide(clip_norm, ops.maximum(norm, clip_norm))
    return [None if t is None else ops.multiply(t, scale) for t in t_list], norm
