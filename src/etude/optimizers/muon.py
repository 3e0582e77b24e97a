"""Muon: momentum whose step is made orthogonal, for matrices; AdamW for all else."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.errors import ShapeError
from etude.optimizers.adam import corrected_rate, update_moments
from etude.optimizers.optimizer import LearningRate, Optimizer
from etude.optimizers.state import Slots
from etude.variable import Variable

__all__ = ["Muon"]


class Muon(Optimizer):
    """Momentum, made orthogonal by a Newton-Schulz iteration, so that all directions count alike.

    For the weights of hidden layers, matrices (n, m) with g = U S Vᵀ:

        M ← μ M + g
        O ≈ U Vᵀ of M                     or, as Nesterov, of g + μ M
        w ← w - η O √max(n, m) ρ

    All other variables, embeddings, and layers that are named take a step of `AdamW`. The last
    layer should be named.

    Args:
        learning_rate: η; see `Optimizer`.
        adam_beta_1: β₁ of Adam.
        adam_beta_2: β₂ of Adam.
        adam_weight_decay: the weight decay of variables that take Adam's step.
        epsilon: ε of Adam.
        weight_decay: the weight decay of all others.
        exclude_layers: regular expressions; a variable whose path holds one takes Adam's step.
        exclude_embeddings: whether those whose path holds "embedding" do.
        muon_a: the coefficient of X in the iteration.
        muon_b: the coefficient of (X Xᵀ) X.
        muon_c: the coefficient of (X Xᵀ)² X.
        adam_lr_ratio: Adam's learning rate is this times η.
        momentum: μ.
        ns_steps: how many steps the iteration takes.
        nesterov: whether to look one step ahead.
        rms_rate: ρ: the step has about this root mean square, as Adam's; None leaves O as it is.
        **kwargs: see `Optimizer`.

    Reference:
        Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024. The factor
        √max(n, m) ρ: Liu et al., Muon is Scalable for LLM Training, 2025.

    Example:
        >>> w = Variable([[1.0, 0.0], [0.0, 1.0]])
        >>> optimizer = Muon(0.1, weight_decay=None, ns_steps=20, muon_a=2, muon_b=-1.5, muon_c=0.5)
        >>> optimizer.apply([ops.array([[3.0, 0.0], [0.0, -2.0]])], [w])
        >>> w.numpy().round(3)  # 0.1 · √2 · 0.2, whatever the size of the gradient
        array([[0.972, 0.   ], [0.   , 1.028]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **{"weight_decay": weight_decay, **kwargs})
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers or ())
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def _should_use_adamw(self, variable: Variable) -> bool:
        if len(variable.shape) != 2:
            return True
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _weight_decay_of(self, variable: Variable) -> float | None:
        return self.adam_weight_decay if self._should_use_adamw(variable) else self.weight_decay

    def build(self, variables: Sequence[Variable]) -> None:
        """Makes a momentum for each variable, and a velocity for those that take Adam's step."""
        if self.built:
            return
        super().build(variables)
        self.momentums: Slots = []
        self.adam_velocities: Slots = []
        for variable in variables:
            add = self.add_variable_from_reference
            is_stepped = not variable.overwrite_with_gradient
            by_adam = is_stepped and self._should_use_adamw(variable)
            self.momentums.append(add(variable, "momentum") if is_stepped else None)
            self.adam_velocities.append(add(variable, "velocity") if by_adam else None)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Changes one variable and its slots."""
        eta = ops.cast(learning_rate, variable.dtype)
        g = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        momentum, velocity = self.momentums[index], self.adam_velocities[index]
        if velocity is not None:
            self._adam_step(g, variable, eta * self.adam_lr_ratio, momentum, velocity)
            return
        m = momentum.assign(self.momentum * momentum + g)
        direction = g + self.momentum * m if self.nesterov else m
        orthogonal = self.zeropower_via_newtonschulz5(direction, self.ns_steps)
        variable.assign_sub(self.lr_adjust(eta * orthogonal))

    def _adam_step(
        self, g: Any, variable: Variable, eta: Any, momentum: Variable, velocity: Variable
    ) -> None:
        t = ops.cast(self.iterations + 1, variable.dtype)
        m, v = update_moments(g, momentum, velocity, self.adam_beta_1, self.adam_beta_2)
        alpha = corrected_rate(eta, t, self.adam_beta_1, self.adam_beta_2)
        variable.assign_sub(m * alpha / (ops.sqrt(v) + self.epsilon))

    def lr_adjust(self, x: Any) -> Any:
        """A step (n, m) times √max(n, m) ρ: its root mean square is then about ρ."""
        if self.rms_rate is None:
            return x
        return x * (math.sqrt(max(x.shape)) * self.rms_rate)

    def transpose_last_axis(self, X: Any) -> Any:
        """Matrices (..., n, m) with their last two axes swapped, (..., m, n)."""
        return ops.swapaxes(X, -1, -2)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """About U Vᵀ of a matrix U S Vᵀ, by X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X.

        The polynomial drives every singular value near 1, and stays fast near 0 for it: with the
        default coefficients they end between about 0.7 and 1.2.

        Args:
            x: the matrix, (..., n, m).
            steps: how often the polynomial is applied.

        Raises:
            ShapeError: it has fewer than two axes.
        """
        x = ops.convert_to_tensor(x)
        if len(x.shape) < 2:
            raise ShapeError(
                "Expected gradient or momentum to have at least 2 dimensions: a step is made "
                f"orthogonal for matrices only. Got shape {x.shape}."
            )
        is_tall = x.shape[-2] > x.shape[-1]
        x = self.transpose_last_axis(x) if is_tall else x  # the smaller of both products
        norm = ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True))
        x = x / (norm + 1e-7)  # no singular value is above 1
        for _ in range(steps):
            product = x @ self.transpose_last_axis(x)
            x = self.muon_a * x + (self.muon_b * product + self.muon_c * product @ product) @ x
        return self.transpose_last_axis(x) if is_tall else x

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "exclude_embeddings": self.exclude_embeddings,
            "adam_weight_decay": self.adam_weight_decay,
            "rms_rate": self.rms_rate,
        }
