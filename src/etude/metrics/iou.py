"""Intersection over union: how well predicted regions cover the true ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from etude import config, ops
from etude.errors import ArgumentError
from etude.metrics.metric import Metric

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class IoU(Metric):
    """The mean over classes of TP / (TP + FP + FN).

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes that the mean is taken over.
        name: a name.
        dtype: the dtype of the counts; int32 by default.
        ignore_class: a label that stands for no class.
        sparse_y_true: whether targets are class numbers, not one-hot vectors.
        sparse_y_pred: whether predictions are class numbers, not scores.
        axis: the axis of the classes, where they are not.

    Raises:
        ArgumentError: a target class does not exist.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int")
        if max(target_class_ids) >= num_classes:
            raise ArgumentError(
                f"Target class id {max(target_class_ids)} is out of range: num_classes="
                f"{num_classes} means classes 0 to {num_classes - 1}."
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: class numbers of any shape, or one-hot vectors.
            y_pred: class numbers of the same shape, or scores.
            sample_weight: weights that broadcast to the class numbers.
        """
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        y_pred = ops.reshape(ops.cast(y_pred, "int32"), (-1,))
        weight = self._weights(sample_weight, y_true.shape)
        n = self.num_classes
        valid = (y_true >= 0) & (y_true < n) & (y_pred >= 0) & (y_pred < n)
        if self.ignore_class is not None:
            valid = valid & ops.not_equal(y_true, self.ignore_class)
        cell = ops.where(valid, y_true * n + y_pred, -1)  # sums of cells -1 are left out
        counts = ops.segment_sum(weight, cell, num_segments=n * n)
        self.total_cm.assign_add(ops.reshape(counts, (n, n)))

    def _weights(self, sample_weight: Any, shape: Sequence[int]) -> Any:
        if sample_weight is None:
            return ops.ones(shape, dtype=self.dtype)
        if "float" in str(getattr(sample_weight, "dtype", "")) and "int" in self.dtype:
            warnings.warn(
                "You are passing weight as `float`, but the metric counts in `int`: casting cuts "
                "off what is behind the point. Use whole numbers, or a metric of a float dtype.",
                stacklevel=3,
            )
        weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
        return ops.broadcast_to(ops.reshape(weight, (-1,)) if weight.shape else weight, shape)

    def result(self) -> Any:
        """The mean over those target classes that occur."""
        matrix = ops.cast(self.total_cm, "float32")
        both = ops.diagonal(matrix)
        either = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - both
        ids = ops.convert_to_tensor(self.target_class_ids, dtype="int32")
        both, either = ops.take(both, ids), ops.take(either, ids)
        occurs = either > 1e-9
        iou = ops.where(occurs, both / (either + config.epsilon()), 0.0)
        return ops.sum(iou) / (ops.sum(ops.cast(occurs, "float32")) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> dict[str, Any]:
        return {k: v for k, v in IoU.get_config(self).items() if k not in names}


class BinaryIoU(IoU):
    """The mean intersection over union of the classes 0 and 1, found by a threshold.

    Args:
        target_class_ids: the classes that the mean is taken over.
        threshold: predictions from it on say 1.
        name: a name.
        dtype: the dtype of the counts; int32 by default.

    Example:
        >>> metric = BinaryIoU(target_class_ids=[0, 1], threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch.

        Args:
            y_true: 0 or 1, of any shape.
            y_pred: predictions of the same shape.
            sample_weight: weights that broadcast to them.
        """
        positive = ops.convert_to_tensor(y_pred, dtype="float32") >= self.threshold
        super().update_state(y_true, ops.cast(positive, self.dtype), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "target_class_ids": self.target_class_ids,
            "threshold": self.threshold,
            "name": self.name,
            "dtype": self.dtype,
        }


class MeanIoU(IoU):
    """The mean intersection over union of all classes.

    Args:
        num_classes: how many classes there are.
        name: a name.
        dtype: the dtype of the counts; int32 by default.
        ignore_class: a label that stands for no class.
        sparse_y_true: whether targets are class numbers, not one-hot vectors.
        sparse_y_pred: whether predictions are class numbers, not scores.
        axis: the axis of the classes, where they are not.

    Example:
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """The mean intersection over union of some classes, with targets as one-hot vectors.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes that the mean is taken over.
        name: a name.
        dtype: the dtype of the counts; int32 by default.
        ignore_class: a label that stands for no class.
        sparse_y_pred: whether predictions are class numbers, not scores.
        axis: the axis of the classes.

    Example:
        >>> metric = OneHotIoU(num_classes=2, target_class_ids=[0])
        >>> float(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).numpy().round(4))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """The mean intersection over union of all classes, with targets as one-hot vectors.

    Args:
        num_classes: how many classes there are.
        name: a name.
        dtype: the dtype of the counts; int32 by default.
        ignore_class: a label that stands for no class.
        sparse_y_pred: whether predictions are class numbers, not scores.
        axis: the axis of the classes.

    Example:
        >>> metric = OneHotMeanIoU(num_classes=2)
        >>> float(metric([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).numpy().round(4))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return self._config_without("target_class_ids", "sparse_y_true")
