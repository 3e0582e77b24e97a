"""Gradient descent, with or without momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.errors import ArgumentError
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent.

    Without momentum:

        w ← w - η g

    With momentum μ:

        m ← μ m - η g
        w ← w + m                     or, as Nesterov:  w ← w + μ m - η g

    Args:
        learning_rate: η; see `Optimizer`.
        momentum: μ, between 0 and 1.
        nesterov: whether to look one step ahead.
        **kwargs: see `Optimizer`.

    Raises:
        ArgumentError: the momentum is out of range.

    Reference:
        Sutskever et al., On the importance of initialization and momentum in deep learning, 2013.
        There the momentum is not scaled by η; as in Keras it is here, which differs only where η
        changes.

    Example:
        >>> w = Variable([1.0])
        >>> optimizer = SGD(0.1, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.apply([ops.array([1.0])], [w])
        >>> w.numpy()  # 1 - 0.1 - 0.15
        array([0.75], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ArgumentError(
                f"`momentum` must be a float between [0, 1]. Received: momentum={momentum}"
            )
        self.momentum = momentum
        self.nesterov = nesterov

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a momentum for each variable, if there is one."""
        if self.built:
            return
        super().build(variables)
        self.momentums = (
            self.add_optimizer_variables(variables, "momentum") if self.momentum else []
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its momentum."""
        eta_g = ops.cast(gradient, variable.dtype) * ops.cast(learning_rate, variable.dtype)
        if not self.momentum:
            variable.assign_sub(eta_g)
            return
        m = self.momentums[self._get_variable_index(variable)]
        new_m = m.assign(m * self.momentum - eta_g)
        variable.assign_add(new_m * self.momentum - eta_g if self.nesterov else new_m)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
