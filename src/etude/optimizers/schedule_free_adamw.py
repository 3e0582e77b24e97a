"""Schedule-free AdamW: averaging in the place of a falling learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.engine.cell import no_frame
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.optimizers.state import Slots
from etude.variable import Variable

__all__ = ["ScheduleFreeAdamW"]


class ScheduleFreeAdamW(Optimizer):
    """Steps of Adam without momentum on z; gradients are taken between z and its average x.

        v ← β₂ v + (1 - β₂) g²
        z ← z - η min(t / T, 1) g / (√(v / (1 - β₂ᵗ)) + ε)     t counts from 1
        x ← (1 - 1/t) x + z / t
        w ← (1 - β₁) z + β₁ x

    x is not kept, since it follows from w and z.

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁: how near w is to the average.
        beta_2: β₂: how slowly squares of gradients are forgotten.
        epsilon: ε: keeps the division finite.
        warmup_steps: T: in so many steps the learning rate rises to η.
        **kwargs: see `Optimizer`.

    Reference:
        Defazio et al., The Road Less Scheduled, 2024. There steps of the warm-up weigh less in the
        average, and x is the model that is evaluated; as in Keras it is w here.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = ScheduleFreeAdamW(0.1)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy().round(4)  # the first step is η · sign(g)
        array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes z, whose first value is that of the variable, and v for each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums: Slots = []
        self._velocities: Slots = []
        for variable in variables:
            if variable.overwrite_with_gradient:
                self._momentums.append(None)
                self._velocities.append(None)
                continue
            with no_frame():  # as a number, also while a program is traced
                value = variable.numpy()
            add = self.add_variable_from_reference
            self._momentums.append(add(variable, "momentum", value))
            self._velocities.append(add(variable, "velocity"))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        if self.warmup_steps > 0:
            eta = eta * ops.minimum(t / self.warmup_steps, 1.0)
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        x = (variable - (1 - self.beta_1) * momentum) / self.beta_1
        v = velocity.assign_add((ops.square(g) - velocity) * (1 - self.beta_2))
        size = ops.sqrt(v / (1 - ops.power(self.beta_2, t))) + self.epsilon
        z = momentum.assign_sub(eta * g / size)
        x = (1 - 1 / t) * x + z / t
        variable.assign((1 - self.beta_1) * z + self.beta_1 * x)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
