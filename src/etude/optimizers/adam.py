"""Adam: momentum, in units of the recent size of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Adam", "corrected_rate", "update_moments"]


def update_moments(
    g: Any, momentum: Variable, velocity: Variable, beta_1: float, beta_2: float
) -> tuple[Any, Any]:
    """m ← β₁ m + (1 - β₁) g and v ← β₂ v + (1 - β₂) g²; returns both."""
    m = momentum.assign_add((g - momentum) * (1 - beta_1))
    v = velocity.assign_add((ops.square(g) - velocity) * (1 - beta_2))
    return m, v


def corrected_rate(eta: Any, t: Any, beta_1: float, beta_2: float) -> Any:
    """α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ): undoes that m and v start at 0; t counts from 1."""
    return eta * ops.sqrt(1 - ops.power(beta_2, t)) / (1 - ops.power(beta_1, t))


class Adam(Optimizer):
    """Gradient descent by running means of the gradient and of its square.

        m ← β₁ m + (1 - β₁) g
        v ← β₂ v + (1 - β₂) g²
        α = η √(1 - β₂ᵗ) / (1 - β₁ᵗ)      undoes that m and v start at 0; t counts from 1
        w ← w - α m / (√v + ε)            amsgrad:  v̂ ← max(v̂, v) in the place of v

    Args:
        learning_rate: η; see `Optimizer`.
        beta_1: β₁: how slowly gradients are forgotten.
        beta_2: β₂: how slowly their squares are forgotten.
        epsilon: ε: keeps the division finite. It is the paper's "ε hat", of the formula just before
            section 2.1, not that of algorithm 1.
        amsgrad: whether the largest v so far is used.
        **kwargs: see `Optimizer`.

    Reference:
        Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015. Amsgrad: Reddi et al., On
        the Convergence of Adam and Beyond, 2018.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Adam(0.1)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy().round(4)  # the first step is η · sign(g)
        array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes m and v for each variable, and v̂ if asked for."""
        if self.built:
            return
        super().build(variables)
        add = self.add_optimizer_variables
        self._momentums, self._velocities = add(variables, ["momentum", "velocity"])
        self._velocity_hats = add(variables, "velocity_hat") if self.amsgrad else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        alpha = corrected_rate(eta, t, self.beta_1, self.beta_2)
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        m, v = update_moments(g, m, v, self.beta_1, self.beta_2)
        if self.amsgrad:
            v_hat = self._velocity_hats[index]
            v = v_hat.assign(ops.maximum(v_hat, v))
        variable.assign_sub(m * alpha / (ops.sqrt(v) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "amsgrad": self.amsgrad,
        }
