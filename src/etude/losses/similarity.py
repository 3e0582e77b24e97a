"""Losses for embeddings: samples of one class near each other, others apart."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.losses.wrapper import NamedLoss

__all__ = ["Circle", "circle"]


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """softplus(logsumexp of the positive logits + logsumexp of the negative logits) per sample.

    With d the cosine distance of a pair and m the margin, a pair of one class has the logit
    -γ max(m + d, 0) (m - d), a pair of two classes γ max(1 + m - d, 0) (1 - m - d).

    Args:
        y_true: class numbers, (samples,).
        y_pred: embeddings of norm 1, (samples, d).
        ref_labels: the classes of the references; those of the batch by default.
        ref_embeddings: the references; the batch itself by default.
        remove_diagonal: whether a sample is left out of its own references.
        gamma: the scale γ.
        margin: the margin m.

    Reference:
        Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, 2020.

    >>> circle([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).shape
    (3,)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = ops.cast(y_true, "int32")
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    ref_labels = labels if ref_labels is None else ops.cast(ref_labels, "int32")
    distances = ops.maximum(1 - ops.matmul(y_pred, ops.transpose(references)), 0.0)

    same, other = _pairs(labels, ref_labels, remove_diagonal)
    positive = -gamma * ops.maximum(margin + distances, 0.0) * (margin - distances)
    negative = gamma * ops.maximum(1 + margin - distances, 0.0) * (1 - margin - distances)
    infinity = float("inf")
    p_loss = ops.logsumexp(ops.where(same, positive, -infinity), axis=1)
    n_loss = ops.logsumexp(ops.where(other, negative, -infinity), axis=1)
    values = ops.softplus(p_loss + n_loss)
    values._keras_mask = values > 0  # samples without a pair do not count
    return values


def _pairs(labels: Tensor, ref_labels: Tensor, remove_diagonal: bool) -> tuple[Tensor, Tensor]:
    """Which references are of the same class, and which are not: (samples, references) each."""
    labels = ops.reshape(labels, (-1, 1))
    ref_labels = ops.reshape(ref_labels, (1, -1))
    same = ops.equal(labels, ref_labels)
    other = ops.logical_not(same)
    if remove_diagonal:
        itself = ops.eye(labels.shape[0], ref_labels.shape[1], dtype="bool")
        same = ops.logical_and(same, ops.logical_not(itself))
    return same, other


class Circle(NamedLoss):
    """The circle loss over all pairs of a batch.

    Args:
        gamma: the scale.
        margin: the margin.
        remove_diagonal: whether a sample is left out of its own references.
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Example:
        >>> embeddings = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
        >>> Circle(reduction="none")([0, 0, 1], embeddings).shape
        (3,)
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            circle,
            reduction,
            name,
            dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )
