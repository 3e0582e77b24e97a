"""Order, and the values that occur, under TensorFlow's names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from etude import ops
from etude.compat.tensorflow.tensors import convert_to_tensor

__all__ = ["argsort", "searchsorted", "sort", "unique", "unique_with_counts"]


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
