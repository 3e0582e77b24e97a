"""The loss of sequences of labels that are not aligned with the sequences of outputs."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.errors import ShapeError
from etude.losses.wrapper import NamedLoss

__all__ = ["CTC", "ctc"]

BLANK = 0  # the class of "no label", which also fills short targets


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """-ln p(labels | outputs), where p sums over all alignments; see `ops.ctc_loss`.

    Args:
        y_true: labels, (B, L) integers. Class 0 is the blank, and fills what is left of a row.
        y_pred: logits, (B, T, C).

    Returns:
        The loss of each sample, (B,).

    Raises:
        ShapeError: the shapes are others.

    >>> round(float(ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]])[0]), 4)  # 3 of 4 alignments read "1"
    0.2877
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2:
        raise ShapeError(
            "Targets `y_true` are expected to be a tensor of shape `(batch_size, max_length)` in "
            f"integer format. Received: y_true.shape={y_true.shape}"
        )
    if len(y_pred.shape) != 3:
        raise ShapeError(
            "Logits `y_pred` are expected to be a tensor of shape `(batch_size, max_length, "
            f"num_classes)`. Received: y_pred.shape={y_pred.shape}"
        )
    labels = ops.cast(y_true, "int32")
    lengths = ops.sum(ops.cast(labels != BLANK, "int32"), axis=-1)  # (B,)
    steps = ops.full_like(lengths, y_pred.shape[1])  # (B,)
    loss = ops.ctc_loss(labels, y_pred, lengths, steps, mask_index=BLANK)
    return ops.cast(loss, y_pred.dtype)


class CTC(NamedLoss):
    """Connectionist temporal classification: for speech and handwriting.

    Args:
        reduction: see `etude.losses.Loss`.
        name: a name.
        dtype: the dtype to compute in.

    Reference:
        Graves et al., Connectionist Temporal Classification, 2006.

    Example:
        >>> round(float(CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        0.2877
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(ctc, reduction, name, dtype)
