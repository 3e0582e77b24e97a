"""Losses that ask for a margin between classes."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.losses.wrapper import NamedLoss

__all__ = [
    "CategoricalHinge",
    "Hinge",
    "SquaredHinge",
    "categorical_hinge",
    "hinge",
    "squared_hinge",
]

# ---- functions: (samples, ..., d), (samples, ..., d) -> (samples, ...) --------------------------


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of max(1 - y_true · y_pred, 0).

    Args:
        y_true: -1 or 1; labels that are all 0 or 1 are converted.
        y_pred: any numbers.

    >>> hinge([[-1.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([1.], dtype=float32)
    """
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of max(1 - y_true · y_pred, 0)².

    Args:
        y_true: -1 or 1; labels that are all 0 or 1 are converted.
        y_pred: any numbers.

    >>> squared_hinge([[-1.0, 1.0]], [[0.5, 0.5]]).numpy()
    array([1.25], dtype=float32)
    """
    y_true, y_pred = _signed(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """max(1 + neg - pos, 0), with pos = Σ y_true · y_pred and neg = max((1 - y_true) · y_pred).

    Args:
        y_true: one-hot, (samples, ..., classes).
        y_pred: scores, (samples, ..., classes).

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.75]]).numpy()
    array([0.75], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    positive = ops.sum(y_true * y_pred, axis=-1)
    negative = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(negative - positive + 1.0, 0.0)


def _signed(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Labels as -1 and 1: 0 and 1 are converted where there is nothing else."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.cast(y_true, y_pred.dtype)
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true), y_pred


# ---- classes ----------------------------------------------------------------------------------


class Hinge(NamedLoss):
    """The mean of max(1 - y_true · y_pred, 0), for y_true of -1 and 1, or 0 and 1.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(Hinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(NamedLoss):
    """The mean of max(1 - y_true · y_pred, 0)², for y_true of -1 and 1, or 0 and 1.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]]))
        1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(NamedLoss):
    """By how much the best wrong class comes within 1 of the right one.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
        0.75
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
