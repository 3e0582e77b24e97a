"""Shapes: tuples with TensorFlow's methods, and `tf.shape`, whose numbers are always known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from etude.autodiff import KerasTensor
from etude.compat.adoption import integers
from etude.errors import ShapeError

__all__ = [
    "ShapeVector",
    "TensorShape",
    "TensorSpec",
    "broadcast_static_shape",
    "rank",
    "shape",
    "size",
]


class TensorShape(tuple[Any, ...]):
    """A shape: a tuple of integers, with None where a size is not known.

    >>> s = TensorShape([None, 3])
    >>> s.rank, s.as_list(), s == (None, 3), s[1:].num_elements()
    (2, [None, 3], True, 3)
    """

    __slots__ = ()

    def __new__(cls, dims: Iterable[Any] | None = ()) -> TensorShape:
        """A shape from its sizes."""
        return super().__new__(cls, () if dims is None else dims)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __add__(self, other: Any) -> TensorShape:
        return TensorShape((*self, *other))

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def ndims(self) -> int:
        """The number of axes."""
        return len(self)

    @property
    def dims(self) -> list[Any]:
        """The sizes."""
        return list(self)

    def as_list(self) -> list[Any]:
        """The sizes as a list."""
        return list(self)

    def num_elements(self) -> int | None:
        """How many elements a tensor of this shape has, None where a size is not known."""
        return None if None in self else math.prod(self)

    def is_fully_defined(self) -> bool:
        """Whether every size is known."""
        return None not in self

    def concatenate(self, other: Any) -> TensorShape:
        """This shape's axes, then those of another."""
        return self + other

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor could have both shapes."""
        return len(self) == len(other) and all(
            a is None or b is None or a == b for a, b in zip(self, other, strict=True)
        )

    def assert_has_rank(self, rank: int) -> None:
        """Refuses another number of axes."""
        if len(self) != rank:
            raise ShapeError(f"Expected a shape of {rank} axes; got {tuple(self)}.")


class TensorSpec:
    """Shape and dtype of a tensor that is not there.

    >>> TensorSpec((None, 3), "float32", name="x")
    TensorSpec(shape=(None, 3), dtype=float32, name='x')
    """

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None):
        self.shape = TensorShape(shape)
        self.dtype = dtype
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """The shape and the dtype of a tensor."""
        return cls(tensor.shape, str(tensor.dtype), name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TensorSpec)
            and self.shape == other.shape
            and str(self.dtype) == str(other.dtype)
        )

    def __hash__(self) -> int:
        return hash((self.shape, str(self.dtype)))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={tuple(self.shape)}, dtype={self.dtype!s}, name={self.name!r})"


class ShapeVector(np.ndarray[Any, Any]):
    """Sizes as a vector of int32: numbers that are known, also while a program is traced."""

    def numpy(self) -> Any:
        """The sizes as a plain array."""
        return np.asarray(self)


def shape(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The shape of a tensor as a vector.

    >>> shape(np.zeros((2, 3)))[0] * 2
    np.int32(4)
    """
    found = input.shape if hasattr(input, "shape") else np.shape(input)
    if isinstance(input, KerasTensor) and None in found:
        raise ShapeError(
            f"`tf.shape` of the symbolic {input!r} is not known outside of a layer. Use "
            "`keras.ops.shape`, or do it in the `call` of a layer, where it is."
        )
    return np.array(found, dtype=str(out_type)).view(ShapeVector)


def size(input: Any, out_type: Any = "int32", name: str | None = None) -> Any:
    """The number of elements.

    >>> size([[1, 2, 3]])
    np.int32(3)
    """
    return np.dtype(str(out_type)).type(np.prod(shape(input), dtype=int))


def rank(input: Any, name: str | None = None) -> int:
    """The number of axes.

    >>> rank([[1, 2, 3]])
    2
    """
    return len(shape(input))


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The shape to which two shapes broadcast.

    >>> broadcast_static_shape((2, 1), (3,))
    (2, 3)
    """
    return TensorShape(np.broadcast_shapes(integers(shape_x), integers(shape_y)))
