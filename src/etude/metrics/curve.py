"""Metrics along the curve that a moving threshold draws: AUC, and one rate at a given other one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from etude import config, ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError
from etude.metrics.confusion import COUNTS, confusion_counts
from etude.metrics.metric import Metric
from etude.variable import Variable

__all__ = [
    "AUC",
    "PrecisionAtRecall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
]


def inner_thresholds(number: int) -> list[float]:
    """1 / (T - 1), ..., (T - 2) / (T - 1): what lies between 0 and 1 of T even thresholds.

    >>> inner_thresholds(5)
    [0.25, 0.5, 0.75]
    """
    return [(i + 1) / (number - 1) for i in range(number - 2)]


class _Counts(Metric):
    """The four numbers for each threshold."""

    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def _add_counts(self, shape: Sequence[int]) -> None:
        for name in COUNTS:
            setattr(self, name, self.add_variable(shape, name=name))

    def _count(self, *args: Any, **kwargs: Any) -> None:
        for name, count in confusion_counts(*args, **kwargs).items():
            getattr(self, name).assign_add(count)

    def _recall(self) -> Tensor:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_negatives)

    def _precision(self) -> Tensor:
        return ops.divide_no_nan(self.true_positives, self.true_positives + self.false_positives)

    def _specificity(self) -> Tensor:
        return ops.divide_no_nan(self.true_negatives, self.true_negatives + self.false_positives)

    def _fallout(self) -> Tensor:
        return ops.divide_no_nan(self.false_positives, self.false_positives + self.true_negatives)


# ---- one rate where another one is at least a given value ---------------------------------------


class _BestAt(_Counts):
    """The greatest value of one rate among the thresholds where another one is large enough."""

    value_name: str

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        if not 0 <= value <= 1:
            raise ArgumentError(
                f"Argument `{self.value_name}` must be in the range [0, 1]. "
                f"Received: {self.value_name}={value}"
            )
        if num_thresholds <= 0:
            raise ArgumentError(
                f"Argument `num_thresholds` must be an integer > 0; got {num_thresholds!r}."
            )
        super().__init__(name=name, dtype=dtype)
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        even = [0.0, *inner_thresholds(num_thresholds), 1.0]
        self.thresholds = [0.5] if num_thresholds == 1 else even
        self._add_counts((len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, of the shape of y_pred.
            y_pred: predictions between 0 and 1.
            sample_weight: weights that broadcast to them.
        """
        self._count(y_true, y_pred, self.thresholds, sample_weight, class_id=self.class_id)

    def _best(self, wanted: Tensor, given: Tensor) -> Tensor:
        return ops.max(ops.where(given >= self.value, wanted, 0.0), initial=0.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self.value_name: self.value,
        }


class SensitivityAtSpecificity(_BestAt):
    """The best TP / (TP + FN) among the thresholds where TN / (TN + FP) ≥ specificity.

    Args:
        specificity: what is asked for, between 0 and 1.
        num_thresholds: how many even thresholds are tried.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> metric = SensitivityAtSpecificity(0.5)
        >>> float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    value_name = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> Any:
        """The best sensitivity."""
        return self._best(self._recall(), self._specificity())


class SpecificityAtSensitivity(_BestAt):
    """The best TN / (TN + FP) among the thresholds where TP / (TP + FN) ≥ sensitivity.

    Args:
        sensitivity: what is asked for, between 0 and 1.
        num_thresholds: how many even thresholds are tried.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> metric = SpecificityAtSensitivity(0.5)
        >>> round(float(metric([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    value_name = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> Any:
        """The best specificity."""
        return self._best(self._specificity(), self._recall())


class PrecisionAtRecall(_BestAt):
    """The best TP / (TP + FP) among the thresholds where TP / (TP + FN) ≥ recall.

    Args:
        recall: what is asked for, between 0 and 1.
        num_thresholds: how many even thresholds are tried.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    value_name = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> Any:
        """The best precision."""
        return self._best(self._precision(), self._recall())


class RecallAtPrecision(_BestAt):
    """The best TP / (TP + FN) among the thresholds where TP / (TP + FP) ≥ precision.

    Args:
        precision: what is asked for, between 0 and 1.
        num_thresholds: how many even thresholds are tried.
        class_id: only this class counts.
        name: a name.
        dtype: the dtype of the result.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.5
    """

    value_name = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> Any:
        """The best recall."""
        return self._best(self._recall(), self._precision())


# ---- area under a curve -------------------------------------------------------------------------

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(_Counts):
    """The area under the ROC, the precision-recall or the precision-recall-gain curve.

    The curve is known at ``num_thresholds`` points; between two of them it is a straight line, or,
    for precision and recall, what Davis and Goadrich derive.

    Args:
        num_thresholds: how many even thresholds are used.
        curve: ``"ROC"``, ``"PR"`` or ``"PRGAIN"``.
        summation_method: between two points ``"interpolation"`` takes the mean height,
            ``"minoring"`` the lower and ``"majoring"`` the higher one.
        name: a name.
        dtype: the dtype of the result.
        thresholds: other thresholds between 0 and 1, in the place of even ones.
        multi_label: whether the area is taken per label, (samples, labels), and then averaged.
        num_labels: how many labels there are, if the state is to be made at once.
        label_weights: weights of the labels.
        from_logits: whether predictions are logits, not probabilities.

    Raises:
        ArgumentError: an argument has no sense.

    Reference:
        Davis and Goadrich, The relationship between Precision-Recall and ROC curves, 2006. Flach
        and Kull, Precision-Recall-Gain Curves, 2015.

    Example:
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0, 0.5, 0.3, 0.9]))
        0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of("AUC curve", curve, str(curve).upper(), CURVES)
        self.summation_method = _one_of(
            "AUC summation method", summation_method, str(summation_method).lower(), SUMMATIONS
        )
        if thresholds is None and num_thresholds <= 1:
            raise ArgumentError(
                "Argument `num_thresholds` must be an integer > 1, for a curve has two ends; got "
                f"{num_thresholds!r}."
            )
        self._init_from_thresholds = thresholds is not None
        inner = inner_thresholds(num_thresholds) if thresholds is None else sorted(thresholds)
        self.num_thresholds = len(inner) + 2
        self._thresholds = np.array([-config.epsilon(), *inner, 1.0 + config.epsilon()])
        if num_labels and not multi_label:
            raise ArgumentError(
                f"AUC: `num_labels`, here {num_labels}, is needed only when `multi_label` is True. "
                "Set both or neither."
            )
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else ops.convert_to_tensor(label_weights, self.dtype)
        )
        self._from_logits = from_logits
        self._built = False
        if num_labels or not multi_label:
            self._build((None, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, those just outside of [0, 1] included."""
        return list(self._thresholds)

    def _build(self, shape: Sequence[int | None]) -> None:
        if self.multi_label and len(shape) != 2:
            raise ShapeError(
                "AUC: `y_pred` must have rank 2 when `multi_label=True`, (samples, labels); got "
                f"shape {shape}."
            )
        labels = (shape[1],) if self.multi_label else ()
        self._add_counts((self.num_thresholds, *labels))  # type: ignore[arg-type]
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, of the shape of y_pred.
            y_pred: predictions between 0 and 1, or logits.
            sample_weight: weights that broadcast to them.
        """
        y_pred = ops.convert_to_tensor(y_pred)
        if not self._built:
            self._build(y_pred.shape)
        if self._from_logits:
            y_pred = ops.sigmoid(y_pred)
        self._count(
            y_true,
            y_pred,
            self._thresholds,
            sample_weight,
            multi_label=self.multi_label,
            label_weights=None if self.multi_label else self.label_weights,
        )

    def result(self) -> Any:
        """The area: a scalar."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self.interpolate_pr_auc()
        x, y = self._points()
        low, high = y[1:], y[:-1]
        if self.summation_method == "interpolation":
            heights = (low + high) / 2.0
        else:
            pick = ops.minimum if self.summation_method == "minoring" else ops.maximum
            heights = pick(low, high)
        return self._mean_of_labels((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Tensor, Tensor]:
        """The curve: x and y at each threshold."""
        if self.curve == "ROC":
            return self._fallout(), self._recall()
        if self.curve == "PR":
            return self._recall(), self._precision()
        tp, fp, fn = self.true_positives, self.false_positives, self.false_negatives
        odds = ops.divide_no_nan(tp + fn, self.true_negatives + fp)
        nothing = ops.equal(tp, 0.0)
        recall_gain = ops.where(nothing, 0.0, 1.0 - odds * ops.divide_no_nan(fn, tp))
        precision_gain = ops.where(nothing, 1.0, 1.0 - odds * ops.divide_no_nan(fp, tp))
        return ops.maximum(recall_gain, 0.0), precision_gain

    def interpolate_pr_auc(self) -> Tensor:
        """The area under precision and recall, a scalar.

        Between two points TP rises with P = TP + FP along a line of slope s, TP = a + s P; the area
        under TP / P over recall is then s (ΔTP + a log(P / P')) / (TP + FN).

        Reference:
            Davis and Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006.
        """
        tp, p = self.true_positives, self.true_positives + self.false_positives
        d_tp, d_p = tp[:-1] - tp[1:], p[:-1] - p[1:]
        slope = ops.divide_no_nan(d_tp, ops.maximum(d_p, 0.0))
        intercept = tp[1:] - slope * p[1:]
        both = ops.logical_and(p[:-1] > 0, p[1:] > 0)
        ratio = ops.where(both, ops.divide_no_nan(p[:-1], ops.maximum(p[1:], 0.0)), 1.0)
        positives = ops.maximum(tp[1:] + self.false_negatives[1:], 0.0)
        pieces = ops.divide_no_nan(slope * (d_tp + intercept * ops.log(ratio)), positives)
        return self._mean_of_labels(pieces)

    def _mean_of_labels(self, pieces: Tensor) -> Tensor:
        if not self.multi_label:
            return ops.sum(pieces)
        areas = ops.sum(pieces, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        weights = self.label_weights
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": (
                None if self.label_weights is None else self.label_weights.numpy().tolist()
            ),
            "from_logits": self._from_logits,
            **({"thresholds": self.thresholds[1:-1]} if self._init_from_thresholds else {}),
        }


def _one_of(what: str, given: Any, name: str, known: tuple[str, ...]) -> str:
    if name not in known:
        raise ArgumentError(f'Invalid {what} value: "{given}". Expected values are {list(known)}')
    return name
