"""Metrics for numbers: errors, cosine similarity, R²."""

from __future__ import annotations

import warnings
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.losses import regression as losses
from etude.losses.loss import squeeze_or_expand_to_same_rank
from etude.losses.regression import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from etude.metrics.metric import Metric
from etude.metrics.reduction import Mean, NamedMean

__all__ = [
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "R2Score",
    "RootMeanSquaredError",
    "cosine_similarity",
]


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between vectors: the loss of this name with the opposite sign.

    >>> cosine_similarity([[1.0, 0.0]], [[3.0, 0.0]]).numpy()
    array([1.], dtype=float32)
    """
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


class MeanSquaredError(NamedMean):
    """The mean of (y_true - y_pred)².

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(MeanSquaredError()([[0.0, 1.0]], [[2.0, 1.0]]))
        2.0
    """

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


class MeanAbsoluteError(NamedMean):
    """The mean of |y_true - y_pred|.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(MeanAbsoluteError()([[0.0, 1.0]], [[2.0, 1.0]]))
        1.0
    """

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(NamedMean):
    """100 times the mean of |y_true - y_pred| / |y_true|.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
        25.0
    """

    def __init__(
        self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(NamedMean):
    """The mean of (log(1 + y_true) - log(1 + y_pred))².

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(
        self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class CosineSimilarity(NamedMean):
    """The mean cosine of the angle between y_true and y_pred.

    Args:
        name: a name.
        dtype: the dtype of the result.
        axis: the axis that the vectors run over.

    Example:
        >>> float(CosineSimilarity()([[1.0, 0.0]], [[3.0, 0.0]]))
        1.0
    """

    def __init__(
        self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class LogCoshError(NamedMean):
    """The mean of log cosh(y_pred - y_true).

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> round(float(LogCoshError()([[0.0, 0.0]], [[1.0, 0.0]])), 4)
        0.2169
    """

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_true - y_pred)².

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(RootMeanSquaredError()([[0.0, 0.0]], [[5.0, 5.0]]))
        5.0
    """

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype=dtype)

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds a batch."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return ops.sqrt(super().result())


class R2Score(Metric):
    """R² = 1 - Σ (y - p)² / Σ (y - mean y)²: the share of the variance that is explained.

    Args:
        class_aggregation: what becomes of the scores of several outputs: ``"uniform_average"``,
            ``"variance_weighted_average"``, or None: they stay apart.
        num_regressors: k: if it is not 0, the result is 1 - (1 - R²)(n - 1) / (n - k - 1).
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        known = (None, "uniform_average", "variance_weighted_average")
        if class_aggregation not in known:
            raise ArgumentError(
                f"Invalid value for argument `class_aggregation`: {class_aggregation!r}. Choose "
                f"from {known}."
            )
        if num_regressors < 0:
            raise ArgumentError(
                "Invalid value for argument `num_regressors`, a count of 0 or more; got "
                f"{num_regressors}."
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2 or y_pred_shape[-1] is None:
            raise ShapeError(
                "R2Score expects 2D inputs with shape (samples, outputs), the number of outputs "
                f"known; got y_pred of shape {y_pred_shape} and y_true of shape {y_true_shape}."
            )
        shape = (y_pred_shape[-1],)
        self.squared_sum = self.add_variable(shape, name="squared_sum")
        self.sum = self.add_variable(shape, name="sum")
        self.total_mse = self.add_variable(shape, name="residual")
        self.count = self.add_variable(shape, name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: targets, (samples, outputs).
            y_pred: predictions, (samples, outputs).
            sample_weight: weights that broadcast to them; (samples,) too.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weight = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, self.dtype)
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, axis=1)
        weight = ops.broadcast_to(weight, y_true.shape)
        self.sum.assign_add(ops.sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.square(y_true) * weight, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.size(y_true))

    def result(self) -> Any:
        """R²; a scalar, or one value per output."""
        total = self.squared_sum - ops.square(self.sum) / self.count
        scores = 1 - self.total_mse / total
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, r2: Tensor) -> Tensor:
        """1 - (1 - R²)(n - 1) / (n - k - 1), or R² where there are too few samples for it."""
        n, k = ops.cast(self.num_samples, r2.dtype), self.num_regressors
        if not xp().is_traced(n.array) and k >= float(n) - 1:
            warnings.warn(
                f"The adjusted R2 score needs more than num_regressors + 1 = {k + 1} samples. "
                "Falling back to standard R2.",
                stacklevel=3,
            )
        enough = n - k - 1 > 0
        return ops.where(enough, 1 - (1 - r2) * (n - 1) / ops.where(enough, n - k - 1, 1.0), r2)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
