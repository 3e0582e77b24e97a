"""Losses for probabilities: cross-entropies, Kullback-Leibler divergence, Poisson.

Give logits and ``from_logits=True`` where you can: the cross-entropy of a softmax is then taken
without ever forming a probability that could round to 0.
"""

from __future__ import annotations

import warnings
from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError
from etude.losses.targets import (
    TARGET_CHECKS,
    check_binary_labels,
    check_class_labels,
    check_one_hot,
)
from etude.losses.wrapper import NamedLoss

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "KLDivergence",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_generalized_cross_entropy",
    "kl_divergence",
    "poisson",
    "sparse_categorical_crossentropy",
]

# ---- functions: (samples, ..., classes) -> (samples, ...) ---------------------------------------


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """mean over ``axis`` of -y log p - (1 - y) log(1 - p).

    Args:
        y_true: y, between 0 and 1; the shape of y_pred.
        y_pred: p, between 0 and 1; or logits.
        from_logits: whether y_pred holds logits, so that p = sigmoid(y_pred).
        label_smoothing: moves y towards 0.5: y (1 - s) + s / 2.
        axis: the axis that is reduced.

    >>> binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = smooth_binary(y_true, y_pred, label_smoothing)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-Σ y log p over ``axis``.

    Args:
        y_true: y, a distribution over classes, e.g. one-hot; the shape of y_pred.
        y_pred: p, probabilities, which are scaled to sum to 1; or logits.
        from_logits: whether y_pred holds logits, so that p = softmax(y_pred).
        label_smoothing: moves y towards the uniform distribution: y (1 - s) + s / classes.
        axis: the axis of the classes.

    Raises:
        ArgumentError: ``axis`` is a bool.
        ShapeError: the shapes differ.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = smooth_categorical(y_true, y_pred, label_smoothing, axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log p[y]: the cross-entropy where a class is given by its number.

    Args:
        y_true: y, integers from 0 to classes - 1, of the shape of y_pred without ``axis``.
        y_pred: p, probabilities, which are scaled to sum to 1; or logits.
        from_logits: whether y_pred holds logits, so that p = softmax(y_pred).
        ignore_class: a number that stands for no class; such values do not count.
        axis: the axis of the classes.

    Raises:
        DataError: a label is no class. (Values are not known while a program is traced; `fit`
            looks at them before.)
        ShapeError: the shapes do not fit.

    >>> sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    _check_concrete_labels(y_true, y_pred.shape[axis], ignore_class)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(
            y_true, y_pred, from_logits=from_logits, axis=axis
        )
    valid = ops.not_equal(y_true, ops.cast(ignore_class, y_true.dtype))
    values = ops.sparse_categorical_crossentropy(
        ops.where(valid, y_true, 0),
        ops.where(ops.expand_dims(valid, axis), y_pred, 0),
        from_logits=from_logits,
        axis=axis,
    )
    values = ops.where(valid, values, 0.0)
    values._keras_mask = valid  # what does not count must not count in the mean either
    return values


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """Σ y log(y / p) over the last axis, with both clipped to [ε, 1].

    >>> kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).numpy().round(4)
    array([0.1438], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.clip(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), config.epsilon(), 1)
    y_pred = ops.clip(y_pred, config.epsilon(), 1)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """mean over the last axis of p - y log(p + ε): the rate p against the count y.

    >>> poisson([[1.0, 0.0]], [[1.0, 3.0]]).numpy()
    array([2.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """(1 - p[y]^q) / q: between the cross-entropy (q → 0) and the absolute error (q = 1).

    Args:
        y_true: y, integers from 0 to classes - 1.
        y_pred: p, probabilities.
        q: between 0 and 1; the larger, the less wrong labels weigh.

    Reference:
        Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with
        Noisy Labels, 2018.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5).numpy()
    array([1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    hot = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(y_pred * hot, axis=-1)
    return (1 - ops.power(p, q)) / q


# ---- targets ------------------------------------------------------------------------------------


def smooth_binary(y_true: Any, y_pred: Tensor, label_smoothing: float) -> Tensor:
    """Binary targets in the dtype of the predictions, moved towards 0.5."""
    y_true = ops.cast(y_true, y_pred.dtype)
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def smooth_categorical(y_true: Any, y_pred: Tensor, label_smoothing: float, axis: int) -> Tensor:
    """Class targets in the dtype of the predictions, moved towards the uniform distribution."""
    if isinstance(axis, bool):
        raise ArgumentError(
            f"`axis` is the number of the class axis, such as -1; got the truth value {axis}."
        )
    y_true = ops.cast(y_true, y_pred.dtype)
    if y_pred.shape[-1] == 1:
        warnings.warn(
            f"categorical_crossentropy got y_pred of shape {y_pred.shape}: the last axis has one "
            "class, and then the loss is always 0. Consider using 'binary_crossentropy' for one "
            "output that decides between two classes.",
            SyntaxWarning,
            stacklevel=3,
        )
    if len(y_true.shape) + 1 == len(y_pred.shape):
        raise ShapeError(
            f"The targets have shape {y_true.shape} and the predictions {y_pred.shape}: one axis "
            "less. For classes given by their numbers use 'sparse_categorical_crossentropy', or "
            "make the targets one-hot with `etude.utils.to_categorical`."
        )
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]


def _check_concrete_labels(y_true: Any, num_classes: int | None, ignore_class: int | None) -> None:
    if isinstance(y_true, Tensor) and y_true.is_known():
        check_class_labels(y_true.numpy(), num_classes, ignore_class=ignore_class)


TARGET_CHECKS[sparse_categorical_crossentropy] = check_class_labels
TARGET_CHECKS[categorical_crossentropy] = check_one_hot
TARGET_CHECKS[binary_crossentropy] = check_binary_labels

# ---- classes ----------------------------------------------------------------------------------


class BinaryCrossentropy(NamedLoss):
    """The cross-entropy of yes-no questions.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; moves targets towards 0.5.
        axis: the axis over which each sample's mean is taken.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(NamedLoss):
    """The cross-entropy of classes that are given as one-hot vectors, or distributions.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        label_smoothing: between 0 and 1; moves targets towards the uniform distribution.
        axis: the axis of the classes.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> loss = CategoricalCrossentropy(from_logits=True)
        >>> round(float(loss([[0.0, 1.0]], [[3.0, 3.0]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(NamedLoss):
    """The cross-entropy of classes that are given by their numbers.

    Args:
        from_logits: whether predictions are logits, not probabilities.
        ignore_class: a number that stands for no class; such values do not count.
        reduction: see `etude.losses.Loss`.
        axis: the axis of the classes.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class KLDivergence(NamedLoss):
    """How many nats a code for y_pred wastes on data from y_true.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> round(float(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]])), 4)
        0.1438
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(NamedLoss):
    """The mean of y_pred - y_true log y_pred: a predicted rate against a count.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> float(Poisson()([[1.0, 0.0]], [[1.0, 3.0]]))
        2.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)


class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """A cross-entropy that forgives wrong labels: the mean of (1 - p[y]^q) / q.

    Args:
        q: between 0 and 1, both excluded; the larger, the more is forgiven.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Raises:
        ArgumentError: q is out of range.

    Example:
        >>> float(CategoricalGeneralizedCrossEntropy(0.5)([1], [[0.75, 0.25]]))
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ArgumentError(f"q must be in the interval (0, 1). Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
