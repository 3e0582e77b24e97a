"""Tensors made from shapes and numbers, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import ops
from etude.compat.adoption import at_once_where_known, integer, integers

__all__ = [
    "eye",
    "fill",
    "linspace",
    "meshgrid",
    "one_hot",
    "ones",
    "ones_like",
    "range",
    "sequence_mask",
    "zeros",
    "zeros_like",
]

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
