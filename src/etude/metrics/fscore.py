"""F-scores: one number for precision and recall."""

from __future__ import annotations

from typing import Any

from etude import config, ops
from etude.errors import ArgumentError, ShapeError
from etude.metrics.metric import Metric

__all__ = ["F1Score", "FBetaScore"]


class FBetaScore(Metric):
    """F = (1 + β²) · precision · recall / (β² · precision + recall).

    Args:
        average: what becomes of the scores of several classes: None: they stay apart; ``"macro"``:
            their mean; ``"weighted"``: their mean, weighted by how often a class occurs;
            ``"micro"``: one score, counted over all classes.
        beta: β: how much more recall counts than precision.
        threshold: a prediction above it is positive; by default the greatest of a sample is.
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument has no sense.
        ShapeError: targets or predictions are not of shape (samples, classes).

    Example:
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> metric(y_true, y_pred).numpy().round(4)
        array([0.3846, 0.9091, 0.8333], dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in (None, "micro", "macro", "weighted"):
            raise ArgumentError(
                "Invalid `average` argument value. Expected one of: "
                f"{{None, 'micro', 'macro', 'weighted'}}. Received: average={average}"
            )
        _check_float("beta", beta)
        if beta <= 0.0:
            raise ArgumentError(
                f"Invalid `beta` argument value. It should be > 0. Received: beta={beta}"
            )
        if threshold is not None:
            _check_float("threshold", threshold)
            if threshold > 1.0 or threshold <= 0.0:
                raise ArgumentError(
                    "Invalid `threshold` argument value. It should verify 0 < threshold <= 1. "
                    f"Received: threshold={threshold}"
                )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, y_true_shape: Any, y_pred_shape: Any) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2 or y_pred_shape[-1] is None:
            is_flat = len(y_pred_shape) == len(y_true_shape) == 2
            known = ", with output_dim fully defined (not None)" if is_flat else ""
            raise ShapeError(
                f"FBetaScore expects 2D inputs with shape (batch_size, output_dim){known}. "
                f"Received input shapes: y_pred.shape={tuple(y_pred_shape)} and "
                f"y_true.shape={tuple(y_true_shape)}."
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self.add_variable(shape, dtype=self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, dtype=self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, dtype=self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(
            shape, dtype=self.dtype, name="intermediate_weights"
        )
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, (samples, classes).
            y_pred: predictions, (samples, classes).
            sample_weight: a weight per sample.
        """
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            greatest = y_pred >= ops.max(y_pred, axis=-1, keepdims=True)
            positive = ops.logical_and(greatest, ops.abs(y_pred) > 1e-9)
        else:
            positive = y_pred > self.threshold
        positive = ops.cast(positive, self.dtype)
        weight = 1.0
        if sample_weight is not None:
            weight = ops.expand_dims(ops.convert_to_tensor(sample_weight, self.dtype), 1)
        for count, values in (
            (self.true_positives, positive * y_true),
            (self.false_positives, positive * (1 - y_true)),
            (self.false_negatives, (1 - positive) * y_true),
            (self.intermediate_weights, y_true),
        ):
            count.assign_add(ops.sum(values * weight, axis=self.axis))

    def result(self) -> Any:
        """The score: a scalar, or one per class."""
        epsilon, tp = config.epsilon(), self.true_positives
        precision = tp / (tp + self.false_positives + epsilon)
        recall = tp / (tp + self.false_negatives + epsilon)
        weighted = self.beta**2 * precision + recall + epsilon
        scores = (1 + self.beta**2) * (precision * recall / weighted)
        if self.average == "weighted":
            weights = self.intermediate_weights
            return ops.sum(scores * (weights / (ops.sum(weights) + epsilon)))
        return scores if self.average is None else ops.mean(scores)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Args:
        average: see `FBetaScore`.
        threshold: a prediction above it is positive; by default the greatest of a sample is.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> metric = F1Score(threshold=0.5)
        >>> y_true = [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
        >>> y_pred = [[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0.0]]
        >>> metric(y_true, y_pred).numpy().round(4)
        array([0.5   , 0.8   , 0.6667], dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        config = super().get_config()
        del config["beta"]
        return config


def _check_float(name: str, value: Any) -> None:
    if not isinstance(value, float):
        raise ArgumentError(
            f"Invalid `{name}` argument value. It should be a Python float. "
            f"Received: {name}={value} of type '{type(value)}'"
        )
