"""RMSprop: steps in units of the recent size of the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Gradient descent in units of the root mean square of recent gradients.

        v ← ρ v + (1 - ρ) g²
        d = v + ε                     centered:  a ← ρ a + (1 - ρ) g,  d = v - a² + ε
        w ← w - η g / √d              with momentum:  m ← μ m + η g / √d,  w ← w - m

    Args:
        learning_rate: η; see `Optimizer`.
        rho: ρ: how slowly gradients are forgotten.
        momentum: μ.
        epsilon: ε: keeps the division finite; it stands inside of the root.
        centered: whether the variance takes the place of the mean square.
        **kwargs: see `Optimizer`.

    Reference:
        Hinton, Neural Networks for Machine Learning, lecture 6e, 2012. Momentum and the centered
        variant: Graves, Generating Sequences With Recurrent Neural Networks, 2013.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = RMSprop(0.1)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy().round(4)  # 1 - 0.1 / √0.1
        array([0.6838], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a velocity v for each variable, and a momentum and an average if asked for."""
        if self.built:
            return
        super().build(variables)
        add = self.add_optimizer_variables
        self._velocities = add(variables, "velocity")
        self._momentums = add(variables, "momentum") if self.momentum > 0 else []
        self._average_gradients = add(variables, "average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        rho = self.rho
        index = self._get_variable_index(variable)
        velocity = self._velocities[index]
        v = velocity.assign(rho * velocity + (1 - rho) * ops.square(g))
        if self.centered:
            average = self._average_gradients[index]
            a = average.assign(rho * average + (1 - rho) * g)
            step = eta * g / ops.sqrt(v - ops.square(a) + self.epsilon)
        else:
            step = eta * g / ops.sqrt(v + self.epsilon)
        if self.momentum > 0:
            m = self._momentums[index]
            step = m.assign(self.momentum * m + step)
        variable.assign_sub(step)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
