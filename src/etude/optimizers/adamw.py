"""AdamW: Adam with weight decay that is not part of the gradient."""

from __future__ import annotations

from typing import Any

from etude.errors import ArgumentError
from etude.optimizers.adam import Adam
from etude.optimizers.optimizer import LearningRate

__all__ = ["AdamW"]


class AdamW(Adam):
    """Weight decay, then a step of Adam.

        w ← w - λ η w
        w ← w - α m / (√v + ε)            as in `Adam`

    Args:
        learning_rate: η; see `Optimizer`.
        weight_decay: λ.
        beta_1: β₁: how slowly gradients are forgotten.
        beta_2: β₂: how slowly their squares are forgotten.
        epsilon: ε: keeps the division finite.
        amsgrad: whether the largest v so far is used.
        **kwargs: see `Optimizer`.

    Raises:
        ArgumentError: the weight decay is None.

    Reference:
        Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019. There λ is not
        multiplied by η, but by a schedule of its own.

    Example:
        >>> from etude import Variable, ops
        >>> w = Variable([1.0])
        >>> optimizer = AdamW(0.1, weight_decay=0.5)
        >>> optimizer.apply([ops.array([5.0])], [w])
        >>> w.numpy().round(4)  # 1 - 0.05 - 0.1
        array([0.85], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: LearningRate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ArgumentError(
                "Argument `weight_decay` must be a float. Received: weight_decay=None"
            )
        kwargs = {"weight_decay": weight_decay, **kwargs}
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, **kwargs)
