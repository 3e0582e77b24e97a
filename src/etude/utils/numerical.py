"""Helpers for arrays of numbers: one-hot vectors, unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import is_tensor
from etude.errors import ArgumentError, DataError

__all__ = ["normalize", "to_categorical"]


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Integer labels as one-hot vectors.

    Args:
        x: labels from 0 to ``num_classes - 1``, (...) or (..., 1).
        num_classes: how many classes there are; the largest label and one by default.

    Returns:
        (..., num_classes), zeros and ones; a NumPy array of float64, or a tensor for a tensor.

    Raises:
        DataError: a label is negative, or as large as ``num_classes`` or larger.

    Example:
        >>> to_categorical([0, 2], num_classes=3)
        array([[1., 0., 0.],
               [0., 0., 1.]])
    """
    if is_tensor(x):
        if len(x.shape) > 1 and x.shape[-1] == 1:
            x = ops.squeeze(x, axis=-1)
        return ops.one_hot(x, num_classes or int(ops.max(x)) + 1)
    labels = np.array(x)
    if labels.dtype.kind in "USO" and any(isinstance(label, str) for label in labels.flat):
        raise DataError(
            "`to_categorical` expects labels that are whole numbers from 0; got text, e.g. "
            f"{str(labels.flat[0])!r}. Number the classes first: "
            "`numpy.unique(y, return_inverse=True)[1]`, or `StringLookup(output_mode='one_hot')`."
        )
    labels = labels.astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if not labels.size:
        raise DataError("`to_categorical` got no labels.")
    classes = num_classes or int(labels.max()) + 1
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        raise DataError(
            f"`to_categorical` expects labels from 0 to {classes - 1}, since there are {classes} "
            f"classes; got labels from {low} to {high}."
        )
    return np.eye(classes)[labels]


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Scales vectors to the norm 1; those of norm 0 stay.

    Args:
        x: an array, or a tensor, for which a tensor comes back.
        axis: the axis along which a vector lies.
        order: of the norm.

    Raises:
        ArgumentError: the order is no positive integer.

    Example:
        >>> normalize(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]])
    """
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"Argument `order` must be an int >= 1; got {order!r}.")
    if is_tensor(x) and not isinstance(x, np.ndarray):
        return ops.normalize(x, axis=axis, order=order)
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    return array / np.expand_dims(norm, axis)
