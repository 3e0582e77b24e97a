"""Adadelta: steps in units of earlier steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Adadelta"]


class Adadelta(Optimizer):
    """Gradient descent in which each step has the size of the steps before it.

        s ← ρ s + (1 - ρ) g²
        δ = -g √(d + ε) / √(s + ε)
        d ← ρ d + (1 - ρ) δ²
        w ← w + η δ

    Args:
        learning_rate: η; see `Optimizer`. The paper has 1.
        rho: ρ: how slowly the past is forgotten.
        epsilon: ε: the size of the first steps.
        **kwargs: see `Optimizer`.

    Reference:
        Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012. There is no η in it.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Adadelta(1.0, epsilon=0.01)
        >>> optimizer.apply([ops.array([2.0])], [w])
        >>> w.numpy().round(4)  # 1 - 2 · √0.01 / √0.21
        array([0.5636], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes the mean squares s and d for each variable."""
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            variables, ["accumulated_grad", "accumulated_delta_var"]
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        rho = self.rho
        index = self._get_variable_index(variable)
        gradients, deltas = self._accumulated_grads[index], self._accumulated_delta_vars[index]
        s = gradients.assign(rho * gradients + (1 - rho) * ops.square(g))
        delta = -g * ops.sqrt(deltas + self.epsilon) / ops.sqrt(s + self.epsilon)
        deltas.assign(rho * deltas + (1 - rho) * ops.square(delta))
        variable.assign_add(eta * delta)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
