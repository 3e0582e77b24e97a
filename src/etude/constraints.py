"""Constraints: functions that bring a weight back into a set after each step of the optimizer."""

from __future__ import annotations

from typing import Any, Self

from etude import config, ops
from etude.autodiff import Tensor
from etude.errors import explain_missing
from etude.identifiers import identified
from etude.naming import to_snake_case
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_member, serialize_keras_object

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

Axis = int | list[int] | tuple[int, ...] | None


class Constraint:
    """A projection: a function from a weight to the nearest weight that is allowed, or one near it.

    Subclasses define ``__call__(w)``, and `get_config` where their constructor takes arguments.

    Example:
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return ops.minimum(w, 1.0)
        >>> AtMostOne()(ops.array([0.5, 3.0])).numpy()
        array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        """The weight that takes the place of ``w``, of the same shape."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A constraint from what `get_config` returned."""
        return cls(**config)


class MaxNorm(Constraint):
    """Scales vectors down whose norm is above ``max_value``.

    Args:
        max_value: the largest norm.
        axis: the axes that a vector runs over: 0 for the incoming weights of a unit of Dense,
            ``[0, 1, 2]`` for a filter of Conv2D.

    Reference:
        Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting, 2014.

    Example:
        >>> MaxNorm(1.0)(ops.array([[3.0, 0.1], [4.0, 0.0]])).numpy().round(5)
        array([[0.6, 0.1],
               [0.8, 0. ]], dtype=float32)
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The constrained weight, of the same shape."""
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative weights to 0.

    Example:
        >>> NonNeg()(ops.array([-1.0, 2.0])).numpy()
        array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Tensor:
        """The constrained weight, of the same shape."""
        return ops.maximum(w, 0)


class UnitNorm(Constraint):
    """Scales vectors to norm 1.

    Args:
        axis: the axes that a vector runs over, as in `MaxNorm`.

    Example:
        >>> UnitNorm()(ops.array([[3.0], [4.0]])).numpy().round(5)
        array([[0.6],
               [0.8]], dtype=float32)
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The constrained weight, of the same shape."""
        return w / (config.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The axis."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves the norm of vectors towards the interval [min_value, max_value].

    w becomes w · (rate · clip(‖w‖, min_value, max_value) + (1 - rate) · ‖w‖) / ‖w‖.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: how far to go in one step; 1 goes all the way.
        axis: the axes that a vector runs over, as in `MaxNorm`.

    Example:
        >>> MinMaxNorm(2.0, 3.0)(ops.array([[0.6], [0.8]])).numpy().round(5)
        array([[1.2],
               [1.6]], dtype=float32)
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The constrained weight, of the same shape."""
        norms = _norms(w, self.axis)
        within = ops.clip(norms, self.min_value, self.max_value)
        desired = self.rate * within + (1 - self.rate) * norms
        return w * (desired / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


def _norms(w: Any, axis: Axis) -> Tensor:
    """The Euclidean norms over the given axes, which keep length 1."""
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

CLASSES = (MaxNorm, MinMaxNorm, NonNeg, UnitNorm)
NAMES: dict[str, type[Constraint]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in CLASSES},
}

register_public("keras.constraints", *CLASSES, Constraint, **NAMES)


def serialize(constraint: Any) -> Any:
    """The config of a constraint.

    >>> serialize(UnitNorm(axis=1))["config"]
    {'axis': 1}
    """
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that a config describes.

    >>> deserialize({"class_name": "UnitNorm", "config": {"axis": 1}}).axis
    1
    """
    return deserialize_member(config, NAMES, custom_objects)


def get(identifier: Any) -> Any:
    """A constraint from a name, a config, a class, any callable, or None.

    Raises:
        UnknownNameError: no constraint has this name.
        ArgumentError: it is nothing of all this.

    >>> get("max_norm").max_value
    2
    """
    return identified("constraint", identifier, NAMES)


explain_missing(__name__)
