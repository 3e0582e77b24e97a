"""Adagrad: a learning rate per weight, which falls with every gradient that it saw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import initializers, ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Gradient descent in units of the root of the sum of all squared gradients.

        s ← s + g²
        w ← w - η g / √(s + ε)

    Args:
        learning_rate: η; see `Optimizer`.
        initial_accumulator_value: the first value of s.
        epsilon: ε: keeps the division finite; it stands inside of the root.
        **kwargs: see `Optimizer`.

    Reference:
        Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic Optimization,
        2011. There s starts at 0.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Adagrad(0.1, initial_accumulator_value=0.0)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy()
        array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes an accumulator s for each variable."""
        if self.built:
            return
        super().build(variables)
        first = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(variables, "accumulator", first)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its accumulator."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        s = self._accumulators[self._get_variable_index(variable)].assign_add(ops.square(g))
        variable.assign_sub(eta * g / ops.sqrt(s + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
