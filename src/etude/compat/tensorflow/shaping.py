"""Reshaping, repeating, joining and parting tensors, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import ops
from etude.compat.adoption import adopt, at_once_where_known, integer, integers
from etude.compat.tensorflow.tensors import StringTensor, convert_to_tensor
from etude.compat.tensorflow.text import as_text, is_text
from etude.errors import DtypeError

__all__ = [
    "broadcast_to",
    "concat",
    "expand_dims",
    "pad",
    "repeat",
    "reshape",
    "reverse",
    "roll",
    "split",
    "squeeze",
    "stack",
    "tile",
    "transpose",
    "unstack",
]

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
    if isinstance(axis, (list, tuple)) or getattr(axis, "shape", ()) != ():
        raise DtypeError(
            f"`axis` must be a whole number; got {type(axis).__name__}. The tensors go in one "
            "list: `tf.concat([a, b], axis=0)`."
        )
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
