"""Adafactor: Adam without momentum, whose memory of a matrix is a row and a column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from etude import ops
from etude.optimizers.optimizer import LearningRate, Optimizer, OptimizerArguments
from etude.optimizers.state import Slots
from etude.variable import Variable

__all__ = ["Adafactor"]


class Adafactor(Optimizer):
    """Steps in units of the recent size of the gradient, and in proportion to the weights.

    With t from 1, β = 1 - t^d, and G = g² + ε₁, for variables with two axes or more:

        r ← β r + (1 - β) mean of G over the last axis
        c ← β c + (1 - β) mean of G over the last axis but one
        v = r c / mean of r             the mean is over the last axis of r

    for all others v ← β v + (1 - β) G, and then:

        ρ = min(η, 1 / √t)
        u = g / √v
        w ← w - max(ε₂, rms(w)) ρ u / max(1, rms(u) / θ)

    Args:
        learning_rate: η; see `Optimizer`.
        beta_2_decay: d, below 0: how fast the memory grows.
        epsilon_1: ε₁: keeps the division finite.
        epsilon_2: ε₂: the step of weights that are almost 0 is in proportion to it.
        clip_threshold: θ: the step is shortened where its root mean square is larger.
        relative_step: kept for Keras: ρ is at most 1 / √t in any case.
        **kwargs: see `Optimizer`.

    Reference:
        Shazeer and Stern, Adafactor: Adaptive Learning Rates with Sublinear Memory Cost, 2018.

    Example:
        >>> w = Variable([[3.0, 4.0]])
        >>> optimizer = Adafactor(0.1)
        >>> optimizer.apply([ops.array([[2.0, -2.0]])], [w])
        >>> w.numpy().round(4)  # a step of 0.1 · rms(w) = 0.3536
        array([[2.6464, 4.3536]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **kwargs: Unpack[OptimizerArguments],
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes r and c for each variable with two axes or more, and v for every one."""
        if self.built:
            return
        super().build(variables)
        self._r: Slots = []
        self._c: Slots = []
        self._v: Slots = []
        for variable in variables:
            r = c = v = None
            if len(variable.shape) < 2:  # two placeholders, as in files that Keras writes
                r, c = (self.add_variable((), dtype="int32", name=variable.name) for _ in "rc")
            elif not variable.overwrite_with_gradient:
                *lead, rows, columns = variable.shape
                r, c = (
                    self.add_variable(shape, dtype=variable.dtype, name=variable.name)
                    for shape in ((*lead, rows), (*lead, columns))
                )
            if not variable.overwrite_with_gradient:
                v = self.add_variable_from_reference(variable, "velocity")
            for slots, slot in ((self._r, r), (self._c, c), (self._v, v)):
                slots.append(slot)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        t = ops.cast(self.iterations + 1, variable.dtype)
        rho = ops.minimum(eta, 1 / ops.sqrt(t))
        v = self._mean_square(g, self._get_variable_index(variable), t)
        u = g / ops.sqrt(v)
        u = u / ops.maximum(1.0, _rms(u) / self.clip_threshold)
        variable.assign_sub(ops.maximum(self.epsilon_2, _rms(variable)) * rho * u)

    def _mean_square(self, g: Any, index: int, t: Any) -> Any:
        """v, after this gradient; for matrices the product of a row and a column."""
        beta = 1 - ops.power(t, self.beta_2_decay)
        squares = ops.square(g) + self.epsilon_1
        r, c, v = self._r[index], self._c[index], self._v[index]
        if len(v.shape) < 2:
            return v.assign(beta * v + (1 - beta) * squares)
        r = r.assign(beta * r + (1 - beta) * ops.mean(squares, axis=-1))  # (..., rows)
        c = c.assign(beta * c + (1 - beta) * ops.mean(squares, axis=-2))  # (..., columns)
        r = r / ops.mean(r, axis=-1, keepdims=True)
        return v.assign(ops.expand_dims(r, -1) * ops.expand_dims(c, -2))  # (..., rows, columns)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }


def _rms(x: Any) -> Any:
    """The root of the mean of squares."""
    return ops.sqrt(ops.mean(ops.square(x)))
