"""Sums and means of values over batches, and of functions of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from etude import ops
from etude.autodiff import Tensor
from etude.losses.loss import apply_mask, get_mask, squeeze_or_expand_to_same_rank
from etude.metrics.metric import Metric
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Mean", "MeanMetricWrapper", "NamedMean", "Sum"]


class Sum(Metric):
    """The weighted sum of all values.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> metric = Sum()
        >>> metric.update_state([1.0, 3.0])
        >>> metric.update_state([5.0], sample_weight=[2.0])
        >>> float(metric.result())
        14.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: any shape.
            sample_weight: weights that broadcast to the values.
        """
        values, _ = samplewise(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        """The sum."""
        return ops.cast(self.total, self.dtype)


class Mean(Metric):
    """The weighted mean of all values.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> metric = Mean()
        >>> metric.update_state([1.0, 3.0])
        >>> metric.update_state([5.0], sample_weight=[2.0])
        >>> float(metric.result())
        3.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: (samples, ...); one value per sample is their mean over all other axes.
            sample_weight: weights that broadcast to the values.
        """
        values, weight = samplewise(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values))
        if weight is not None:
            self.count.assign_add(ops.sum(weight))
        else:
            self.count.assign_add(values.shape[0] if values.shape else 1)

    def result(self) -> Any:
        """The mean; 0 before the first value."""
        return ops.divide_no_nan(self.total, self.count)


def samplewise(
    values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: str
) -> tuple[Tensor, Tensor | None]:
    """One value, times its weight, and one weight per sample; the other axes are reduced."""
    mask = get_mask(values)
    values = ops.cast(values, dtype)
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
        if mask is not None:
            sample_weight = apply_mask(sample_weight, mask, dtype, reduction="sum")
        values, sample_weight = squeeze_or_expand_to_same_rank(values, sample_weight)
        rank = len(sample_weight.shape)
        values = _reduced(values, reduce, rank)
        sample_weight = ops.broadcast_to(sample_weight, values.shape)
        values = values * sample_weight
        if rank > 1:
            sample_weight = _reduced(sample_weight, reduce, 1)
    return _reduced(values, reduce, 1), sample_weight


def _reduced(values: Tensor, reduce: Callable[..., Any], first_axis: int) -> Tensor:
    axes = tuple(range(first_axis, len(values.shape)))
    return reduce(values, axis=axes) if axes else values


class MeanMetricWrapper(Mean):
    """The mean of a function ``fn(y_true, y_pred, **kwargs)`` that gives one value per sample.

    Args:
        fn: the function.
        name: a name.
        dtype: the dtype of the result.
        **kwargs: passed on to the function.

    Example:
        >>> from etude.losses import mean_squared_error
        >>> metric = MeanMetricWrapper(mean_squared_error)
        >>> float(metric([[0.0]], [[2.0]]))
        4.0
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Adds a batch.

        Args:
            y_true: targets, (samples, ...).
            y_pred: predictions. A mask that a layer put on them is honoured.
            sample_weight: a weight per sample, or per value.
        """
        mask = get_mask(y_pred)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        weight = apply_mask(sample_weight, mask, self.dtype, reduction="sum")
        super().update_state(values, sample_weight=weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        function = {"fn": serialize_keras_object(self._fn)}
        return {**super().get_config(), **function, **serialize_keras_object(self._fn_kwargs)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from what `get_config` returned."""
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))


class NamedMean(MeanMetricWrapper):
    """A mean whose function is given by its class; its options are attributes and in its config."""

    def __init__(
        self, fn: Callable[..., Any], name: str | None, dtype: Any, **options: Any
    ) -> None:
        super().__init__(fn, name=name, dtype=dtype, **options)
        for key, value in options.items():
            setattr(self, key, value)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"name": self.name, "dtype": self.dtype, **self._fn_kwargs}
