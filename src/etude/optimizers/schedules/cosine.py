"""Learning rates that fall along a half wave of the cosine, once or again and again.

Reference:
    Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017.
"""

from __future__ import annotations

import math
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.optimizers.schedules.schedule import LearningRateSchedule, check_steps

__all__ = ["CosineDecay", "CosineDecayRestarts"]


class CosineDecay(LearningRateSchedule):
    """η(t) = η₀ · ((1 - α) · (1 + cos(π t / T)) / 2 + α), and α η₀ after T.

    With a warm-up, the rate first rises along a straight line from ``initial_learning_rate`` to
    ``warmup_target``, which then takes the place of η₀.

    Args:
        initial_learning_rate: η₀, or where the warm-up starts.
        decay_steps: T, counted from the end of the warm-up.
        alpha: α: the share of η₀ that is left at the end.
        name: a name.
        warmup_target: where the warm-up ends; without it there is none.
        warmup_steps: how many steps the warm-up takes.

    Raises:
        ArgumentError: decay_steps is not positive.

    Example:
        >>> schedule = CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=10)
        >>> [round(float(schedule(t)), 3) for t in (0, 5, 10, 60, 110)]
        [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        check_steps("decay_steps", decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        start = ops.convert_to_tensor(self.initial_learning_rate)
        t = ops.cast(step, start.dtype)
        if self.warmup_target is None:
            return self._decayed(t, start)
        target = ops.cast(self.warmup_target, start.dtype)
        rising = start + (target - start) * (t / max(self.warmup_steps, 1))
        falling = self._decayed(ops.maximum(t - self.warmup_steps, 0.0), target)
        return ops.where(t < self.warmup_steps, rising, falling)

    def _decayed(self, t: Tensor, eta_0: Tensor) -> Tensor:
        done = ops.minimum(t, float(self.decay_steps)) / float(self.decay_steps)
        wave = 0.5 * (1.0 + ops.cos(math.pi * done))
        return eta_0 * ((1 - self.alpha) * wave + self.alpha)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """η(t) = η₀ · ((1 - α) · mⁱ (1 + cos(π c)) / 2 + α), in period i, of which the share c is over.

    Period i takes T · t_mulⁱ steps, and starts at η₀ · mⁱ.

    Args:
        initial_learning_rate: η₀.
        first_decay_steps: T.
        t_mul: by how much each period is longer than the one before.
        m_mul: m: by how much it starts higher.
        alpha: α: the share of η₀ that is left at the end of a period.
        name: a name.

    Raises:
        ArgumentError: first_decay_steps is not positive.

    Example:
        >>> schedule = CosineDecayRestarts(0.1, 10)
        >>> [round(float(schedule(t)), 3) for t in (0, 5, 10, 20)]
        [0.1, 0.05, 0.1, 0.05]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        check_steps("first_decay_steps", first_decay_steps)
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Tensor:
        """The learning rate after so many steps."""
        eta_0 = ops.convert_to_tensor(self.initial_learning_rate)
        first_periods = ops.cast(step, eta_0.dtype) / float(self.first_decay_steps)
        period, done = self._position(first_periods)
        m = ops.cast(self._m_mul, eta_0.dtype)
        wave = 0.5 * ops.power(m, period) * (1.0 + ops.cos(math.pi * done))
        return eta_0 * ((1 - self.alpha) * wave + self.alpha)

    def _position(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Which period it is, and which share of it is over; x counts in first periods.

        The first i periods last 1 + q + ... + qⁱ⁻¹ = (1 - qⁱ) / (1 - q), for q = t_mul.
        """
        if self._t_mul == 1.0:
            period = ops.floor(x)
            return period, x - period
        q = ops.cast(self._t_mul, x.dtype)
        period = ops.floor(ops.log(1.0 - x * (1.0 - q)) / ops.log(q))
        length = ops.power(q, period)
        return period, (x - (1.0 - length) / (1.0 - q)) / length

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
