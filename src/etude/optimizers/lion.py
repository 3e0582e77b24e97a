"""Lion: steps of one size, in the direction of the sign of a momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.errors import ArgumentError
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Lion"]


class Lion(Optimizer):
    """Sign descent by a running mean of the gradient.

        w ← w - η sign(β₁ m + (1 - β₁) g)
        m ← β₂ m + (1 - β₂) g

    Args:
        learning_rate: η; see `Optimizer`. Take a third to a tenth of that of Adam.
        beta_1: β₁: the share of m in a step.
        beta_2: β₂: how slowly gradients are forgotten.
        **kwargs: see `Optimizer`.

    Raises:
        ArgumentError: beta_1 is out of range.

    Reference:
        Chen et al., Symbolic Discovery of Optimization Algorithms, 2023.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = Lion(0.25)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy()
        array([0.75], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ArgumentError(
                "Argument `beta_1` must be in the [0, 1] range. Otherwise, the optimizer "
                f"degenerates to SignSGD. Received: beta_1={beta_1}."
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a momentum for each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its momentum."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        m = self._momentums[self._get_variable_index(variable)]
        variable.assign_sub(eta * ops.sign(m * self.beta_1 + g * (1 - self.beta_1)))
        m.assign(m * self.beta_2 + g * (1 - self.beta_2))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
