"""Losses for numbers: squared, absolute, relative and logarithmic errors."""

from __future__ import annotations

import math
from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.losses.loss import squeeze_or_expand_to_same_rank
from etude.losses.wrapper import NamedLoss

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]

# ---- functions: (samples, ..., d), (samples, ..., d) -> (samples, ...) --------------------------


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of (y_true - y_pred)².

    >>> mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]]).numpy()
    array([2.], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of |y_true - y_pred|.

    >>> mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]]).numpy()
    array([1.], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """100 · mean over the last axis of |y_true - y_pred| / max(|y_true|, ε).

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).numpy()
    array([25.], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    relative = ops.abs((y_true - y_pred) / ops.maximum(ops.abs(y_true), config.epsilon()))
    return 100.0 * ops.mean(relative, axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of (log(1 + y_true) - log(1 + y_pred))², with values below ε as ε.

    >>> mean_squared_logarithmic_error([[0.0]], [[1.0]]).numpy().round(4)  # (log 2)²
    array([0.4805], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    log_true = ops.log(ops.maximum(y_true, config.epsilon()) + 1.0)
    log_pred = ops.log(ops.maximum(y_pred, config.epsilon()) + 1.0)
    return ops.mean(ops.square(log_pred - log_true), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """-Σ u·v over ``axis``, where u and v are y_true and y_pred scaled to norm 1.

    -1 is the same direction, 0 orthogonal. A zero vector gives 0.

    >>> cosine_similarity([[1.0, 1.0]], [[0.0, 2.0]]).numpy().round(4)
    array([-0.7071], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    unit_true, unit_pred = ops.normalize(y_true, axis=axis), ops.normalize(y_pred, axis=axis)
    return -ops.sum(unit_true * unit_pred, axis=axis)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """mean over the last axis of e²/2 where |e| ≤ δ, and δ|e| - δ²/2 beyond; e = y_pred - y_true.

    Reference:
        Huber, Robust Estimation of a Location Parameter, 1964.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([1.5], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    error = y_pred - y_true
    distance = ops.abs(error)
    quadratic, straight = 0.5 * ops.square(error), delta * distance - 0.5 * delta**2
    return ops.mean(ops.where(distance <= delta, quadratic, straight), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of log cosh e = e + softplus(-2e) - log 2, for e = y_pred - y_true.

    >>> log_cosh([[0.0, 0.0]], [[1.0, 0.0]]).numpy().round(4)
    array([0.2169], dtype=float32)
    """
    y_true, y_pred = _aligned(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2.0 * error) - math.log(2.0), axis=-1)


def _aligned(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Both in the dtype of the predictions, and of the same rank."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return squeeze_or_expand_to_same_rank(y_true, y_pred)


# ---- classes ----------------------------------------------------------------------------------


class MeanSquaredError(NamedLoss):
    """The mean of (y_true - y_pred)².

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]))
        2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(NamedLoss):
    """The mean of |y_true - y_pred|.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]]))
        1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(NamedLoss):
    """100 times the mean of |y_true - y_pred| / |y_true|.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
        25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(NamedLoss):
    """The mean of (log(1 + y_true) - log(1 + y_pred))².

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class CosineSimilarity(NamedLoss):
    """The negative cosine of the angle between y_true and y_pred.

    Args:
        axis: the axis that the vectors run over.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(CosineSimilarity()([[1.0, 0.0]], [[3.0, 0.0]]))
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


class Huber(NamedLoss):
    """The mean of errors that are squared near 0, and absolute beyond ``delta``.

    Args:
        delta: where the two meet.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
        1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(NamedLoss):
    """The mean of log cosh(y_pred - y_true): squared near 0, absolute far away, smooth.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(LogCosh()([[0.0, 0.0]], [[1.0, 0.0]])), 4)
        0.2169
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)
