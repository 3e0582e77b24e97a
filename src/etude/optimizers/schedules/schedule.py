"""The base class of learning-rate schedules."""

from __future__ import annotations

from typing import Any, Self

from etude.errors import ArgumentError

__all__ = ["LearningRateSchedule", "check_steps"]


class LearningRateSchedule:
    """A learning rate as a function of the step.

    Subclasses define ``__call__(step)``, made of operations, and `get_config` if they are to be
    saved.

    Example:
        >>> from etude import ops
        >>> class Halved(LearningRateSchedule):
        ...     def __call__(self, step):
        ...         return 0.1 / (1.0 + ops.cast(step, "float32"))
        >>> round(float(Halved()(1)), 3)
        0.05
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate.

        Args:
            step: how many steps the optimizer has taken, an integer scalar.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must override `__call__`: it returns the learning rate of a "
            "step."
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        raise NotImplementedError(
            f"{type(self).__name__} must override `get_config()`: without it a schedule cannot be "
            "saved."
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A schedule from what `get_config` returned."""
        return cls(**config)


def check_steps(name: str, steps: float) -> None:
    """Raises where a number of steps is not positive."""
    if steps <= 0:
        raise ArgumentError(f"Argument `{name}` must be > 0. Received: {name}={steps}")
