"""True and false positives and negatives, and what is made of them: precision and recall.

A prediction is positive where it is above a threshold. Most metrics here count for a whole list of
thresholds at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from etude import config, ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError
from etude.losses.loss import squeeze_or_expand_to_same_rank
from etude.metrics.metric import Metric
from etude.variable import Variable

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "Recall",
    "TrueNegatives",
    "TruePositives",
    "confusion_counts",
]

NEVER = -1e10  # below every threshold: a prediction that is not among the top k
COUNTS: tuple[str, ...] = ("true_positives", "false_positives", "true_negatives", "false_negatives")

# ---- counting ---------------------------------------------------------------------------------


def confusion_counts(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    multi_label: bool = False,
    label_weights: Any = None,
    dtype: str = "float32",
) -> dict[str, Tensor]:
    """Weighted numbers of true and false positives and negatives, for each threshold.

    Args:
        y_true: 0 or 1 (whatever is not 0 is 1), of the shape of y_pred.
        y_pred: predictions.
        thresholds: t₀ ≤ t₁ ≤ ...: a prediction p is positive where p > t.
        sample_weight: weights that broadcast to y_pred from the left.
        top_k: only the k greatest predictions along the last axis can be positive.
        class_id: only this place of the last axis counts.
        multi_label: whether labels, the last axis, are counted apart: (samples, labels).
        label_weights: a weight per place of the last axis.
        dtype: the dtype to count in.

    Returns:
        ``true_positives``, ``false_positives``, ``true_negatives`` and ``false_negatives``, of
        shape (thresholds,), or (thresholds, labels).

    >>> counts = confusion_counts([1, 0, 1], [0.2, 0.6, 0.9], [0.5])
    >>> {name: float(count[0]) for name, count in counts.items()}
    {'true_positives': 1.0, 'false_positives': 1.0, 'true_negatives': 0.0, 'false_negatives': 1.0}
    """
    y_true, y_pred = ops.cast(y_true, dtype), ops.cast(y_pred, dtype)
    y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"Shapes {tuple(y_pred.shape)} of the predictions and {tuple(y_true.shape)} of the "
            "targets are incompatible. Metrics of confusion, such as Precision, Recall and AUC, "
            "compare value by value: for several classes give one-hot targets, "
            "`etude.utils.to_categorical(y)`, and compile with 'categorical_crossentropy'."
        )
    weights = ops.ones_like(y_pred)
    if sample_weight is not None:
        weights = weights * _per_value(ops.cast(sample_weight, dtype), len(y_pred.shape))
    if label_weights is not None:
        weights = weights * ops.cast(label_weights, dtype)
    if top_k is not None:
        y_pred = _only_top_k(y_pred, top_k)
    if class_id is not None:
        if len(y_pred.shape) == 1:
            raise ShapeError(
                "When class_id is provided, y_pred must be a 2D array with shape (num_samples, "
                f"num_classes), found shape: {y_pred.shape}. Leave out `class_id` for one class."
            )
        y_true, y_pred, weights = (x[..., class_id] for x in (y_true, y_pred, weights))

    shape = (-1, y_pred.shape[-1]) if multi_label else (-1, 1)  # (samples, labels)
    y_true, y_pred, weights = (ops.reshape(x, shape) for x in (y_true, y_pred, weights))
    positive = ops.cast(ops.not_equal(y_true, 0), dtype) * weights
    negative = weights - positive
    count = _count_in_buckets if evenly_spaced(thresholds) else _count_by_comparing
    tp, fp = count(y_pred, positive, thresholds), count(y_pred, negative, thresholds)
    tn, fn = ops.sum(negative, axis=0) - fp, ops.sum(positive, axis=0) - tp
    counts = dict(zip(COUNTS, (tp, fp, tn, fn), strict=True))
    return counts if multi_label else {name: count[:, 0] for name, count in counts.items()}


def _count_by_comparing(y_pred: Tensor, weights: Tensor, thresholds: Sequence[float]) -> Tensor:
    """Σ weights where y_pred > t: (samples, labels) -> (thresholds, labels)."""
    t = ops.convert_to_tensor(np.asarray(thresholds), dtype=y_pred.dtype)
    above = ops.expand_dims(y_pred, 0) > ops.reshape(t, (-1, 1, 1))
    return ops.sum(ops.where(above, ops.expand_dims(weights, 0), 0.0), axis=1)


def _count_in_buckets(y_pred: Tensor, weights: Tensor, thresholds: Sequence[float]) -> Tensor:
    """The same for thresholds i / (T - 1), in time that does not grow with their number T.

    p lies above the thresholds 0, ..., b, where b = ceil(p (T - 1)) - 1 is its bucket; so the count
    at i is the sum of the buckets from i on.
    """
    number, labels = len(thresholds), weights.shape[-1]
    bucket = ops.ceil(ops.clip(y_pred, 0.0, 1.0) * (number - 1)) - 1
    if thresholds[0] < 0:  # then p = 0 is above the first threshold
        bucket = ops.maximum(bucket, 0)
    bucket = ops.cast(bucket, "int32")
    slot = ops.where(bucket < 0, -1, bucket * labels + ops.arange(labels, dtype="int32"))
    sums = ops.segment_sum(
        ops.reshape(weights, (-1,)), ops.reshape(slot, (-1,)), num_segments=number * labels
    )
    return ops.flip(
        ops.cumsum(ops.flip(ops.reshape(sums, (number, labels)), axis=0), axis=0), axis=0
    )


def evenly_spaced(thresholds: Sequence[float]) -> bool:
    """Whether thresholds are 0, 1 / (T - 1), ..., 1, up to ε, for T of at least 3.

    >>> evenly_spaced([0.0, 0.5, 1.0]), evenly_spaced([0.5])
    (True, False)
    """
    number = len(thresholds)
    if number < 3:
        return False
    even = np.arange(number, dtype="float32") / (number - 1)
    return bool(np.allclose(thresholds, even, atol=config.epsilon()))


def _per_value(sample_weight: Tensor, rank: int) -> Tensor:
    """Weights with axes appended, so that they broadcast from the left."""
    missing = rank - len(sample_weight.shape)
    if missing < 0:
        return ops.squeeze(sample_weight, axis=-1)
    return ops.reshape(sample_weight, (*sample_weight.shape, *(1,) * missing))


def _only_top_k(y_pred: Tensor, k: int) -> Tensor:
    places = ops.top_k(y_pred, k)[1]
    chosen = ops.sum(ops.one_hot(places, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
    return ops.where(chosen > 0, y_pred, NEVER)


def parse_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list, checked.

    >>> parse_thresholds(None), parse_thresholds(0.3), parse_thresholds([0.2, 0.8])
    ([0.5], [0.3], [0.2, 0.8])
    """
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
    invalid = [t for t in values if t is None or t < 0 or t > 1]
    if invalid:
        raise ArgumentError(f"Threshold values must be in [0, 1]. Received: {invalid}")
    return values


# ---- one count ----------------------------------------------------------------------------------


class _Count(Metric):
    """One of the four numbers."""

    which: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, of the shape of y_pred.
            y_pred: predictions.
            sample_weight: weights that broadcast to them.
        """
        counts = confusion_counts(y_true, y_pred, self.thresholds, sample_weight)
        self.accumulator.assign_add(counts[self.which])

    def result(self) -> Any:
        """The number: a scalar, or one per threshold."""
        return self.accumulator[0] if len(self.thresholds) == 1 else self.accumulator.value

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positive predictions are right.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(TruePositives()([0, 1, 1, 1], [1, 0, 1, 1]))
        2.0
    """

    which = "true_positives"


class FalsePositives(_Count):
    """How many positive predictions are wrong.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(FalsePositives()([0, 1, 0, 0], [0, 0, 1, 1]))
        2.0
    """

    which = "false_positives"


class TrueNegatives(_Count):
    """How many negative predictions are right.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(TrueNegatives()([0, 1, 0, 0], [1, 1, 0, 0]))
        2.0
    """

    which = "true_negatives"


class FalseNegatives(_Count):
    """How many negative predictions are wrong.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(FalseNegatives()([0, 1, 1, 1], [0, 1, 0, 0]))
        2.0
    """

    which = "false_negatives"


# ---- precision and recall -----------------------------------------------------------------------


class _Share(Metric):
    """True positives among them and another of the four numbers."""

    other: str

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = parse_thresholds(thresholds, 0.5 if top_k is None else NEVER)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, name="true_positives")
        self._wrong: Variable = self.add_variable(shape, name=self.other)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, of the shape of y_pred.
            y_pred: predictions.
            sample_weight: weights that broadcast to them.
        """
        counts = confusion_counts(
            y_true, y_pred, self.thresholds, sample_weight, self.top_k, self.class_id
        )
        self.true_positives.assign_add(counts["true_positives"])
        self._wrong.assign_add(counts[self.other])

    def result(self) -> Any:
        """The share, 0 where there is nothing to share: a scalar, or one per threshold."""
        share = ops.divide_no_nan(self.true_positives, self.true_positives + self._wrong)
        return share[0] if len(self.thresholds) == 1 else share

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Share):
    """TP / (TP + FP): how many of the positive predictions are right.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        top_k: only the k greatest predictions of a sample can be positive. Without thresholds all
            of them are.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> round(float(Precision()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    other = "false_positives"

    @property
    def false_positives(self) -> Variable:
        """The number of positive predictions that are wrong."""
        return self._wrong


class Recall(_Share):
    """TP / (TP + FN): how many of the positive samples are found.

    Args:
        thresholds: a prediction above it is positive; one or several; 0.5 by default.
        top_k: only the k greatest predictions of a sample can be positive. Without thresholds all
            of them are.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> round(float(Recall()([0, 1, 1, 1], [1, 0, 1, 1])), 4)
        0.6667
    """

    other = "false_negatives"

    @property
    def false_negatives(self) -> Variable:
        """The number of negative predictions that are wrong."""
        return self._wrong
