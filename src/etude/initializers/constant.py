"""Initializers without chance: a constant, or the identity matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from etude import ops
from etude.autodiff import Tensor
from etude.dtypes import standardize_dtype
from etude.errors import ShapeError
from etude.initializers.initializer import Initializer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Constant", "Identity", "Ones", "Zeros"]


class Constant(Initializer):
    """Every element is ``value``.

    Args:
        value: a number, or an array that is broadcast to the shape asked for.

    Example:
        >>> Constant(3.0)((2,)).numpy()
        array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        value = ops.convert_to_tensor(self.value, dtype=standardize_dtype(dtype))
        return ops.broadcast_to(value, tuple(shape))

    def get_config(self) -> dict[str, Any]:
        """The value."""
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The initializer with this value."""
        return cls(deserialize_keras_object(config.get("value", 0.0)))


class Zeros(Initializer):
    """Every element is 0.

    Example:
        >>> Zeros()((2,)).numpy()
        array([0., 0.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        return ops.zeros(tuple(shape), dtype=standardize_dtype(dtype))


class Ones(Initializer):
    """Every element is 1.

    Example:
        >>> Ones()((2,), dtype="int32").numpy()
        array([1, 1], dtype=int32)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape."""
        return ops.ones(tuple(shape), dtype=standardize_dtype(dtype))


class Identity(Initializer):
    """The identity matrix times ``gain``; a matrix that is not square is cut off.

    Args:
        gain: the value on the diagonal.

    Raises:
        ShapeError: the shape asked for is not that of a matrix.

    Example:
        >>> Identity(2.0)((2, 3)).numpy()
        array([[2., 0., 0.],
               [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of this shape (rows, columns)."""
        if len(shape) != 2:
            raise ShapeError(
                f"Identity fills matrices: expected a shape of two sizes, (rows, columns); got "
                f"{tuple(shape)}."
            )
        return self.gain * ops.eye(*shape, dtype=standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        """The gain, which Keras leaves out, so that saving loses it."""
        return {"gain": self.gain}
