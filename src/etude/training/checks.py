"""What a beginner's data often gets wrong, found on the host before the first step."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from etude import losses, tree
from etude.errors import DataError

__all__ = ["check_labels", "check_targets", "warn_of_nan"]


def check_targets(model: Any, y: Any) -> None:
    """Raises where the model was compiled with a loss, but there are no targets.

    Raises:
        DataError: there are none.
    """
    compiled = model._compile_loss
    if y is None and compiled is not None and compiled.loss is not None:
        if type(model).compute_loss.__module__ != "etude.training.step":
            return
        if type(model).train_step.__module__ != "etude.training.step":
            return
        raise DataError(
            "The model was compiled with a loss, but `y`, the targets, is missing. Pass "
            "`fit(x, y, ...)`, or data that gives batches `(x, y)`."
        )


def check_labels(model: Any, y: Any) -> None:
    """Raises where integer labels name classes that the model does not have.

    Args:
        model: a model whose losses are built.
        y: the targets as NumPy arrays, in their structure.

    Raises:
        DataError: a label is too large or negative, or labels and loss are of different kinds.
    """
    compiled = model._compile_loss
    if compiled is None or not compiled.built or compiled.outputs is None or y is None:
        return
    flat = compiled._targets(y, compiled.outputs)
    for term in compiled.terms:
        labels, classes = flat[term.place], term.classes
        if labels is None or not isinstance(labels, np.ndarray) or not labels.size:
            continue
        function = getattr(term.loss, "fn", None)
        where = f"`y` of output '{term.name}'" if len(flat) > 1 else "`y`"
        if function is losses.sparse_categorical_crossentropy and classes:
            _check_sparse(labels, classes, getattr(term.loss, "ignore_class", None), where)
        elif function is losses.categorical_crossentropy and classes and classes > 1:
            _check_categorical(labels, classes, where)


def _check_sparse(labels: Any, classes: int, ignored: int | None, where: str) -> None:
    low, high = labels.min(), labels.max()
    if low >= 0 and high < classes and low == low:
        return
    wrong = (labels < 0) | (labels >= classes) | (labels != labels)
    if ignored is not None:
        wrong &= labels != ignored
    if not wrong.any():
        return
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    place_text = str(place[0]) if len(place) == 1 else str(place)
    hint = (
        "Do the labels count from 1? Subtract 1 from them."
        if low == 1 and high == classes
        else f"Give the last layer at least {int(high) + 1} units, or correct the labels."
        if low >= 0 and high == high
        else "Correct the labels."
    )
    raise DataError(
        f"{where} holds the label {labels[place]} (at index {place_text}), but the model has "
        f"{classes} classes: with a sparse categorical crossentropy, labels must be integers from "
        f"0 to {classes - 1}. {hint}"
    )


def _check_categorical(labels: Any, classes: int, where: str) -> None:
    if labels.ndim == 1 or (labels.ndim == 2 and labels.shape[-1] == 1):
        raise DataError(
            f"{where} has the shape {labels.shape}: one number per sample, e.g. "
            f"{labels.reshape(-1)[0]}. The loss categorical_crossentropy expects one-hot vectors "
            f"of {classes} numbers. Use the loss 'sparse_categorical_crossentropy', or "
            "`etude.utils.to_categorical(y)`."
        )


def warn_of_nan(arrays: Any) -> None:
    """Warns where inputs, targets or weights hold NaN: the loss would become NaN.

    It does not raise, because a loss of one's own may well pass over NaN.

    Args:
        arrays: ``(x, y, sample_weight)``, nested NumPy arrays.
    """
    names = ("x", "y", "sample_weight")
    for name, part in zip(names, arrays, strict=False):
        for path, leaf in tree.flatten_with_path(part):
            if not isinstance(leaf, np.ndarray) or leaf.dtype.kind != "f":
                continue
            with np.errstate(all="ignore"):
                total = leaf.sum()
            if np.isfinite(total) or not np.isnan(leaf).any():
                continue
            shown = f"{name}{''.join(f'[{key!r}]' for key in path)}"
            place = tuple(int(i) for i in np.argwhere(np.isnan(leaf))[0])
            count = int(np.isnan(leaf).sum())
            warnings.warn(
                f"`{shown}` holds NaN: {count} of {leaf.size} values, the first at index {place}. "
                "The loss and the weights will most likely become NaN. Drop those samples, or "
                "fill them in, e.g. with `numpy.nan_to_num`.",
                stacklevel=4,
            )
