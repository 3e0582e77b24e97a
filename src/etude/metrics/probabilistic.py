"""Metrics for probabilities: the means of the losses of the same names."""

from __future__ import annotations

from typing import Any

from etude.losses.probabilistic import (
    binary_crossentropy,
    categorical_crossentropy,
    kl_divergence,
    poisson,
    sparse_categorical_crossentropy,
)
from etude.metrics.reduction import NamedMean

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
]


class KLDivergence(NamedMean):
    """The mean Kullback-Leibler divergence from y_true to y_pred.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(NamedMean):
    """The mean of y_pred - y_true log y_pred.

    Args:
        name: a name.
        dtype: the dtype of the result.

    Example:
        >>> float(Poisson()([[1.0, 0.0]], [[1.0, 3.0]]))
        2.0
    """

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(NamedMean):
    """The mean cross-entropy of yes-no questions.

    Args:
        name: a name.
        dtype: the dtype of the result.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; how far targets are moved.

    Example:
        >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(NamedMean):
    """The mean cross-entropy of classes that are given as one-hot vectors.

    Args:
        name: a name.
        dtype: the dtype of the result.
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; how far targets are moved.
        axis: the axis of the classes.

    Example:
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(NamedMean):
    """The mean cross-entropy of classes that are given by their numbers.

    Args:
        name: a name.
        dtype: the dtype of the result.
        from_logits: whether predictions are logits, not probabilities.
        ignore_class: a number that stands for no class.
        axis: the axis of the classes.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
