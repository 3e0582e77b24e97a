"""Adamax: Adam in the maximum norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Adamax"]


class Adamax(Optimizer):
    """Gradient descent by a running mean of the gradient and a fading maximum of its size.

        m ← β₁ m + (1 - β₁) g
        u ← max(β₂ u, |g|)
        w ← w - η m / ((1 - β₁ᵗ) (u + ε))     t counts from 1

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁: how slowly gradients are forgotten.
        beta_2: β₂: how slowly the largest of them fades.
        epsilon: ε: keeps the division finite. (The paper has none.)
        **kwargs: see `Optimizer`.

    Reference:
        Kingma and Ba, Adam: A Method for Stochastic Optimization, section 7.1, 2015.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Adamax(0.1)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy().round(4)
        array([0.9], dtype=float32)
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
        """Makes m and u for each variable."""
        if self.built:
            return
        super().build(variables)
        self._m, self._u = self.add_optimizer_variables(variables, ["momentum", "norm"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        index = self._get_variable_index(variable)
        m, u = self._m[index], self._u[index]
        m = m.assign_add((g - m) * (1 - self.beta_1))
        u = u.assign(ops.maximum(self.beta_2 * u, ops.abs(g)))
        correction = 1 - ops.power(self.beta_1, t)
        variable.assign_sub(eta * m / (correction * (u + self.epsilon)))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
