"""Nadam: Adam with the momentum of Nesterov."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import config, ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Nadam"]


class Nadam(Optimizer):
    """Adam that looks one step of its momentum ahead.

        μₜ = β₁ (1 - 0.96ᵗ / 2)                    t counts from 1
        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        m̂ = μₜ₊₁ m / (1 - μ₁…μₜ₊₁) + (1 - μₜ) g / (1 - μ₁…μₜ)
        w ← w - η m̂ / (√(v / (1 - β₂ᵗ)) + ε)

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁: how slowly gradients are forgotten.
        beta_2: β₂: how slowly their squares are forgotten.
        epsilon: ε: keeps the division finite.
        **kwargs: see `Optimizer`.

    Reference:
        Dozat, Incorporating Nesterov Momentum into Adam, 2016.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Nadam(0.1)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> bool(w.numpy() < 1.0)
        True
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
        """Makes m and v for each variable, and the product μ₁…μₜ for all."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )
        dtype = variables[0].dtype if variables else config.floatx()
        self._u_product = self.add_variable((), "ones", dtype=dtype, name="u_product")

    def _mu(self, t: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * ops.power(0.96, t))

    def _update_steps(
        self, gradients: list[Any], variables: list[Variable], learning_rate: Any
    ) -> None:
        t = ops.cast(self.iterations + 1, self._u_product.dtype)
        self._u_product.assign(self._u_product * self._mu(t))
        super()._update_steps(gradients, variables, learning_rate)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        dtype = variable.dtype
        eta, g = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        t = ops.cast(self.iterations + 1, dtype)
        mu, mu_next = self._mu(t), self._mu(t + 1)
        product = ops.cast(self._u_product, dtype)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        m = m.assign_add((g - m) * (1 - self.beta_1))
        v = v.assign_add((ops.square(g) - v) * (1 - self.beta_2))
        m_hat = mu_next * m / (1 - product * mu_next) + (1 - mu) * g / (1 - product)
        v_hat = v / (1 - ops.power(self.beta_2, t))
        variable.assign_sub(m_hat * eta / (ops.sqrt(v_hat) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
