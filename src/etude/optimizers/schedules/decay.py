"""Learning rates that fall: exponentially, as 1/t, as a polynomial, or in steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError
from etude.optimizers.schedules.schedule import LearningRateSchedule, check_steps

__all__ = ["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"]


class PeriodicDecay(LearningRateSchedule):
    """Base of the schedules that decay by the number of periods of ``decay_steps`` steps."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool,
        name: str,
    ) -> None:
        check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def start_and_periods(self, step: Any) -> tuple[Tensor, Tensor]:
        """η₀, and t / decay_steps, rounded down on a staircase."""
        eta_0 = ops.convert_to_tensor(self.initial_learning_rate)
        periods = ops.cast(step, eta_0.dtype) / self.decay_steps
        if self.staircase:
            periods = ops.floor(periods)
        return eta_0, periods

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class ExponentialDecay(PeriodicDecay):
    """η(t) = η₀ · decay_rate^(t / decay_steps).

    Args:
        initial_learning_rate: η₀.
        decay_steps: after how many steps the rate is multiplied by ``decay_rate`` once.
        decay_rate: the factor.
        staircase: whether t / decay_steps is rounded down.
        name: a name.

    Raises:
        ArgumentError: decay_steps is not positive.

    Example:
        >>> schedule = ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)
        >>> round(float(schedule(20)), 4)
        0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        eta_0, periods = self.start_and_periods(step)
        return eta_0 * ops.power(ops.cast(self.decay_rate, eta_0.dtype), periods)


class InverseTimeDecay(PeriodicDecay):
    """η(t) = η₀ / (1 + decay_rate · t / decay_steps).

    Args:
        initial_learning_rate: η₀.
        decay_steps: the unit in which t is counted.
        decay_rate: how fast the rate falls.
        staircase: whether t / decay_steps is rounded down.
        name: a name.

    Raises:
        ArgumentError: decay_steps is not positive.

    Example:
        >>> schedule = InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)
        >>> round(float(schedule(20)), 4)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        eta_0, periods = self.start_and_periods(step)
        return eta_0 / (1.0 + self.decay_rate * periods)


class PolynomialDecay(LearningRateSchedule):
    """η(t) = (η₀ - η₁) · (1 - t / T)^power + η₁, from η₀ at step 0 to η₁ at step T.

    Args:
        initial_learning_rate: η₀.
        decay_steps: T.
        end_learning_rate: η₁.
        power: the exponent; 1 is a straight line.
        cycle: what happens after T: if False η₁ stays, if True T becomes the next multiple of
            ``decay_steps``, so that the rate jumps up and falls again.
        name: a name.

    Raises:
        ArgumentError: decay_steps is not positive.

    Example:
        >>> schedule = PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)
        >>> round(float(schedule(5)), 4)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        eta_0 = ops.convert_to_tensor(self.initial_learning_rate)
        t = ops.cast(step, eta_0.dtype)
        end = ops.cast(self.decay_steps, eta_0.dtype)
        if self.cycle:
            end = end * ops.maximum(ops.ceil(t / self.decay_steps), 1.0)
        left = 1 - ops.minimum(t, end) / end
        eta_1 = ops.cast(self.end_learning_rate, eta_0.dtype)
        return (eta_0 - eta_1) * ops.power(left, ops.cast(self.power, eta_0.dtype)) + eta_1

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """η(t) = values[i], with i the number of boundaries below t.

    Args:
        boundaries: steps, rising; a value holds up to its boundary, which is included.
        values: one more than boundaries.
        name: a name.

    Raises:
        ArgumentError: the two lengths do not fit.

    Example:
        >>> schedule = PiecewiseConstantDecay([100, 200], [1.0, 0.5, 0.1])
        >>> [round(float(schedule(t)), 1) for t in (100, 101, 201)]
        [1.0, 0.5, 0.1]
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ArgumentError(
                "n boundaries part n + 1 values, so the length of boundaries should be 1 less; got "
                f"{len(boundaries)} boundaries, {boundaries}, and {len(values)} values, {values}."
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        step = ops.convert_to_tensor(step)
        values = ops.convert_to_tensor(list(self.values))
        boundaries = ops.convert_to_tensor(list(self.boundaries), dtype=step.dtype)
        passed = ops.sum(ops.cast(step > boundaries, "int32"))
        return ops.take(values, passed, axis=0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
