"""LAMB: Adam with steps in proportion to the size of each layer's weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.adam import update_moments
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Lamb"]


class Lamb(Optimizer):
    """Adam whose step has the norm η ‖w‖ in every variable; for large batches.

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        u = (m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)      t counts from 1
        w ← w - η u ‖w‖ / ‖u‖                             the ratio is 1 where a norm is 0

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁: how slowly gradients are forgotten.
        beta_2: β₂: how slowly their squares are forgotten.
        epsilon: ε: keeps the division finite.
        **kwargs: see `Optimizer`. Weight decay is applied before the step; in the paper it is part
            of u.

    Reference:
        You et al., Large Batch Optimization for Deep Learning: Training BERT in 76 minutes, 2020.

    Example:
        >>> w = Variable([3.0, 4.0])
        >>> optimizer = Lamb(0.1)
        >>> optimizer.apply([ops.array([0.0, 2.0])], [w])
        >>> w.numpy().round(4)
        array([3. , 3.5], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes m and v for each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        m, v = update_moments(g, m, v, self.beta_1, self.beta_2)
        m_hat = m / (1 - ops.power(self.beta_1, t))
        v_hat = v / (1 - ops.power(self.beta_2, t))
        u = m_hat / (ops.sqrt(v_hat) + self.epsilon)
        w_norm, u_norm = ops.sqrt(ops.sum(ops.square(variable))), ops.sqrt(ops.sum(ops.square(u)))
        usable = ops.logical_and(w_norm > 0, u_norm > 0)
        ratio = ops.where(usable, w_norm / ops.where(usable, u_norm, 1.0), 1.0)
        variable.assign_sub(ratio * eta * u)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
