"""Losses for the overlap of regions: Dice and Tversky, for image segmentation."""

from __future__ import annotations

from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.losses.wrapper import NamedLoss

__all__ = ["Dice", "Tversky", "dice", "tversky"]

Axis = int | list[int] | tuple[int, ...] | None


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """1 - 2 Σ y p / (Σ y + Σ p + ε).

    Args:
        y_true: y, between 0 and 1; the shape of y_pred.
        y_pred: p, between 0 and 1.
        axis: the axes that are summed over; all of them by default.

    >>> float(dice([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]]))
    0.5
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    both = ops.sum(y_true * y_pred, axis=axis)
    sizes = ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis)
    return 1 - 2.0 * both / (sizes + config.epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None
) -> Tensor:
    """1 - Σ y p / (Σ y p + α Σ y (1 - p) + β Σ (1 - y) p + ε).

    Args:
        y_true: y, between 0 and 1; the shape of y_pred.
        y_pred: p, between 0 and 1.
        alpha: the weight of what was missed. (As in Keras, whose names for the two are swapped.)
        beta: the weight of what was claimed in vain.
        axis: the axes that are summed over; all of them by default.

    Reference:
        Salehi et al., Tversky loss function for image segmentation, 2017.

    >>> float(tversky([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]]))
    0.5
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed = ops.sum(y_true * (1 - y_pred), axis=axis)
    in_vain = ops.sum((1 - y_true) * y_pred, axis=axis)
    return 1 - both / (both + alpha * missed + beta * in_vain + config.epsilon())


class Dice(NamedLoss):
    """One minus the Dice coefficient of two regions.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        axis: the axes that are summed over; all of them, the batch too, by default.
        dtype: the dtype to compute in.

    Example:
        >>> float(Dice()([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]]))
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(NamedLoss):
    """One minus the Tversky index of two regions.

    Args:
        alpha: the weight of what was missed.
        beta: the weight of what was claimed in vain.
        reduction: see `etude.losses.Loss`.
        name: a name.
        axis: the axes that are summed over; all of them, the batch too, by default.
        dtype: the dtype to compute in.

    Example:
        >>> float(Tversky()([[1.0, 1.0, 0.0, 0.0]], [[1.0, 0.0, 1.0, 0.0]]))
        0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
