"""Regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

import math
from typing import Any, Self

from etude import ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError, explain_missing
from etude.identifiers import identified
from etude.naming import to_snake_case
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_member, serialize_keras_object

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]


class Regularizer:
    """A penalty: a function from a tensor to a scalar that is added to the loss.

    Subclasses define ``__call__(x)``, and `get_config` if they are to be saved.

    Example:
        >>> from etude import ops
        >>> class LargestWeight(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.max(ops.abs(x))
        >>> float(LargestWeight()(ops.array([1.0, -3.0])))
        3.0
    """

    def __call__(self, x: Any) -> Any:
        """The penalty of a tensor of any shape: a scalar."""
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        raise NotImplementedError(f"{self} does not implement get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A regularizer from what `get_config` returned."""
        return cls(**config)


class L1L2(Regularizer):
    """The penalty l1 · Σ|x| + l2 · Σx².

    Args:
        l1: the factor of the sum of absolute values; not negative.
        l2: the factor of the sum of squares; not negative.

    Raises:
        ArgumentError: a factor is negative, infinite or no number.

    Example:
        >>> float(L1L2(l1=1.0, l2=0.5)(ops.array([1.0, -2.0])))
        5.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(0.0 if l1 is None else l1, "l1")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor of any shape: a scalar."""
        x = ops.convert_to_tensor(x)
        penalty = ops.zeros((), dtype=x.dtype)
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        """Both factors."""
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """The penalty l1 · Σ|x|; it makes weights exactly 0.

    Args:
        l1: the factor; not negative.

    Raises:
        ArgumentError: the factor is negative, infinite or no number.

    Example:
        >>> float(L1(0.5)(ops.array([1.0, -3.0])))
        2.0
    """

    def __init__(self, l1: float | None = 0.01) -> None:
        self.l1 = _factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor of any shape: a scalar."""
        return self.l1 * ops.sum(ops.abs(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l1": self.l1}


class L2(Regularizer):
    """The penalty l2 · Σx²; it keeps weights small.

    Args:
        l2: the factor; not negative.

    Raises:
        ArgumentError: the factor is negative, infinite or no number.

    Example:
        >>> float(L2(0.5)(ops.array([1.0, -3.0])))
        5.0
    """

    def __init__(self, l2: float | None = 0.01) -> None:
        self.l2 = _factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor of any shape: a scalar."""
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """The mean absolute cosine between different rows, or columns, of a matrix, times ``factor``.

    Args:
        factor: the factor; not negative.
        mode: ``"rows"`` or ``"columns"``: which are to be orthogonal to each other.

    Raises:
        ArgumentError: an argument cannot be used.
        ShapeError: the tensor is no matrix.

    Example:
        >>> float(OrthogonalRegularizer(1.0)(ops.array([[1.0, 0.0], [0.0, 2.0]])))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                'Invalid value for argument `mode`. Expected one of {"rows", "columns"}. '
                f"Received: mode={mode}"
            )
        self.mode = mode

    def __call__(self, inputs: Any) -> Tensor:
        """The penalty of a matrix: a scalar."""
        x = ops.convert_to_tensor(inputs)
        if len(x.shape) != 2:
            raise ShapeError(
                "Inputs to OrthogonalRegularizer must have rank 2. Received: "
                f"inputs.shape={tuple(x.shape)}"
            )
        if self.mode == "columns":
            x = ops.transpose(x)
        x = ops.normalize(x, axis=1)
        size = x.shape[0]
        cosines = ops.matmul(x, ops.transpose(x)) * (1.0 - ops.eye(size, dtype=x.dtype))
        pairs = size * (size - 1.0) / 2.0
        return self.factor * 0.5 * ops.sum(ops.abs(cosines)) / pairs

    def get_config(self) -> dict[str, Any]:
        """Factor and mode."""
        return {"factor": self.factor, "mode": self.mode}


def _factor(value: Any, name: str) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise ArgumentError(
            f"Invalid value for argument {name}: expected a non-negative float; got {value!r}."
        )
    return float(value)


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

CLASSES = (L1, L1L2, L2, OrthogonalRegularizer)
NAMES: dict[str, type[Regularizer]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in CLASSES},
    "l1_l2": L1L2,
}

register_public("keras.regularizers", *CLASSES, **NAMES)
register_public("keras", Regularizer)
register_public("keras.regularizers", Regularizer)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that a config describes.

    >>> deserialize({"class_name": "L2", "config": {"l2": 0.5}}).l2
    0.5
    """
    return deserialize_member(config, NAMES, custom_objects)


def get(identifier: Any) -> Any:
    """A regularizer from a name, a config, a class, any callable, or None.

    Raises:
        UnknownNameError: no regularizer has this name.
        ArgumentError: it is nothing of all this.

    >>> get("l2").l2
    0.01
    """
    return identified("regularizer", identifier, NAMES, "L2(0.01)")


explain_missing(__name__)
