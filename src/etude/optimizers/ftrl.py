"""FTRL: follow the regularized leader; it makes weights exactly 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import initializers, ops
from etude.errors import ArgumentError
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.variable import Variable

__all__ = ["Ftrl"]


class Ftrl(Optimizer):
    """The minimiser of all gradients so far, with L1 and L2 penalties.

        ĝ = g + 2 λₛ w
        z ← z + ĝ - ((n + g²)⁻ᵖ - n⁻ᵖ) w / η
        n ← n + g²
        w ← (clip(z, -λ₁, λ₁) - z) / (n⁻ᵖ / η + 2 (λ₂ + β / (2η)))

    Args:
        learning_rate: η; see `Optimizer`.
        learning_rate_power: p, not above 0; -0.5 for the root of the sum of squares.
        initial_accumulator_value: the first value of n.
        l1_regularization_strength: λ₁: where |z| stays below it, w is 0.
        l2_regularization_strength: λ₂.
        l2_shrinkage_regularization_strength: λₛ.
        beta: β.
        **kwargs: see `Optimizer`.

    Raises:
        ArgumentError: an argument is out of range.

    Reference:
        McMahan et al., Ad Click Prediction: a View from the Trenches, 2013. There λₛ and a first
        value of n do not occur.

    Example:
        >>> w = Variable([1.0, 1.0])
        >>> optimizer = Ftrl(0.1, l1_regularization_strength=20.0)
        >>> optimizer.apply([ops.array([1.0, 50.0])], [w])
        >>> w.numpy()[0].item(), bool(w.numpy()[1] > 0)
        (0.0, True)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        if learning_rate_power > 0.0:
            raise ArgumentError(
                "`learning_rate_power` needs to be negative or zero. Received: "
                f"learning_rate_power={learning_rate_power}."
            )
        for name in (
            "initial_accumulator_value",
            "l1_regularization_strength",
            "l2_regularization_strength",
            "l2_shrinkage_regularization_strength",
        ):
            if getattr(self, name) < 0.0:
                raise ArgumentError(
                    f"`{name}` needs to be positive or zero. Received: "
                    f"{name}={getattr(self, name)}."
                )

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes n and z for each variable."""
        if self.built:
            return
        super().build(variables)
        firsts = [initializers.Constant(self.initial_accumulator_value), "zeros"]
        self._accumulators, self._linears = self.add_optimizer_variables(
            variables, ["accumulator", "linear"], firsts
        )

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        p, l1 = self.learning_rate_power, self.l1_regularization_strength
        index = self._get_variable_index(variable)
        n, z = self._accumulators[index], self._linears[index]
        shrunk = g + 2 * self.l2_shrinkage_regularization_strength * variable
        new_n = n + ops.square(g)
        old_power, new_power = ops.power(n, -p), ops.power(new_n, -p)
        new_z = z.assign_add(shrunk - (new_power - old_power) / eta * variable)
        l2 = self.l2_regularization_strength + self.beta / (2.0 * eta)
        variable.assign((ops.clip(new_z, -l1, l1) - new_z) / (new_power / eta + 2 * l2))
        n.assign(new_n)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
