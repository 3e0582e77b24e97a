"""Focal losses: cross-entropies that look away from what is already right.

A factor (1 - p)^γ, with p the probability of the right answer, takes weight from easy examples, so
that rare classes are not drowned out.

Reference:
    Lin et al., Focal Loss for Dense Object Detection, 2017.
"""

from __future__ import annotations

from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.losses.probabilistic import smooth_binary, smooth_categorical
from etude.losses.wrapper import NamedLoss

__all__ = [
    "BinaryFocalCrossentropy",
    "CategoricalFocalCrossentropy",
    "binary_focal_crossentropy",
    "categorical_focal_crossentropy",
]


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """mean over ``axis`` of (1 - p_t)^γ · binary crossentropy, with p_t = y p + (1 - y)(1 - p).

    Args:
        y_true: y, between 0 and 1; the shape of y_pred.
        y_pred: p, between 0 and 1; or logits.
        apply_class_balancing: whether values are weighted by y α + (1 - y)(1 - α).
        alpha: the weight α of class 1.
        gamma: the exponent γ; 0 gives the plain cross-entropy.
        from_logits: whether y_pred holds logits.
        label_smoothing: moves y towards 0.5.
        axis: the axis that is reduced.

    >>> binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)  # log(2) / 4
    array([0.1733], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = smooth_binary(y_true, y_pred, label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    p_t = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    values = ops.power(1.0 - p_t, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return ops.mean(values, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ α (1 - p)^γ y log p over ``axis``.

    Args:
        y_true: y, a distribution over classes, e.g. one-hot; the shape of y_pred.
        y_pred: p, probabilities, which are scaled to sum to 1; or logits.
        alpha: a weight α, or one per class.
        gamma: the exponent γ.
        from_logits: whether y_pred holds logits.
        label_smoothing: moves y towards the uniform distribution.
        axis: the axis of the classes.

    >>> categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)  # log(2) / 16
    array([0.0433], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = smooth_categorical(y_true, y_pred, label_smoothing, axis)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    values = alpha * ops.power(1.0 - p, gamma) * (-y_true * ops.log(p))
    return ops.sum(values, axis=axis)


class BinaryFocalCrossentropy(NamedLoss):
    """The focal cross-entropy of yes-no questions.

    Args:
        apply_class_balancing: whether class 1 weighs ``alpha`` and class 0 ``1 - alpha``.
        alpha: that weight.
        gamma: how strongly easy examples are discounted.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; moves targets towards 0.5.
        axis: the axis over which each sample's mean is taken.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(BinaryFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(NamedLoss):
    """The focal cross-entropy of classes that are given as one-hot vectors.

    Args:
        alpha: a weight, or one per class.
        gamma: how strongly easy examples are discounted.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; moves targets towards the uniform distribution.
        axis: the axis of the classes.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )
