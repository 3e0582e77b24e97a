"""Parts of tensors by index, mask or range, and updates there, under TensorFlow's names."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from etude import ops
from etude.compat.adoption import adopt, integer, integers
from etude.compat.tensorflow.tensors import StringTensor, convert_to_tensor
from etude.compat.tensorflow.text import as_text, is_text
from etude.errors import ArgumentError

__all__ = [
    "boolean_mask",
    "dynamic_partition",
    "gather",
    "gather_nd",
    "scatter_nd",
    "slice",
    "strided_slice",
    "tensor_scatter_nd_add",
    "tensor_scatter_nd_update",
    "where",
]


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


def dynamic_partition(
    data: Any, partitions: Any, num_partitions: int, name: str | None = None
) -> Sequence[Any]:
    """The rows of a tensor sorted into parts, by a number for each row.

    >>> [t.numpy().tolist() for t in dynamic_partition([1, 2, 3], [0, 1, 0], 2)]
    [[1, 3], [2]]
    """
    which = np.asarray(partitions)
    return [boolean_mask(data, which == i) for i in np.arange(num_partitions)]
