"""Correlations between targets and predictions, sample by sample."""

from __future__ import annotations

from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.losses.loss import squeeze_or_expand_to_same_rank
from etude.metrics.reduction import NamedMean

__all__ = [
    "ConcordanceCorrelation",
    "PearsonCorrelation",
    "concordance_correlation",
    "pearson_correlation",
]


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """cov(y, p) / (σ_y σ_p) over ``axis``: 1 where p is a rising straight line of y.

    >>> pearson_correlation([[1.0, 2.0, 3.0]], [[1.0, 3.0, 5.0]]).numpy().round(4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """2 cov(y, p) / (σ_y² + σ_p² + (mean y - mean p)² + ε) over ``axis``: 1 only where p = y.

    >>> concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]).numpy().round(4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    mean_true = ops.mean(y_true, axis=axis, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=axis, keepdims=True)
    var_true = ops.var(y_true, axis=axis, keepdims=True)
    var_pred = ops.var(y_pred, axis=axis, keepdims=True)
    covariance = (y_true - mean_pred) * (y_pred - mean_pred)  # its mean over the axis is cov(y, p)
    scale = var_true + var_pred + ops.square(mean_true - mean_pred)
    return ops.mean(2 * covariance / (scale + config.epsilon()), axis=axis)


def _aligned(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


class PearsonCorrelation(NamedMean):
    """The mean Pearson correlation of y_true and y_pred.

    Args:
        name: a name.
        dtype: the dtype of the result.
        axis: the axis that the series run along.

    Example:
        >>> round(float(PearsonCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 3.0, 5.0]])), 4)
        1.0
    """

    def __init__(
        self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(NamedMean):
    """The mean concordance correlation of y_true and y_pred.

    Args:
        name: a name.
        dtype: the dtype of the result.
        axis: the axis that the series run along.

    Example:
        >>> round(float(ConcordanceCorrelation()([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]])), 4)
        1.0
    """

    def __init__(
        self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
