"""What targets a loss can use: beginners' mistakes, found before a program runs.

A compiled program cannot look at values, so whoever feeds it looks at them before: `fit` calls
`Loss.check_targets`, which finds the check of its function here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude.errors import DataError
from etude.tracebacks import warn

__all__ = ["TARGET_CHECKS", "check_binary_labels", "check_class_labels", "check_one_hot"]

Check = Callable[..., None]

TARGET_CHECKS: dict[Callable[..., Any], Check] = {}
"""For a loss function, its check: ``(targets, number of outputs, name, **options)``."""


def check_class_labels(
    y_true: Any,
    num_classes: int | None,
    name: str = "y_true",
    ignore_class: int | None = None,
    **_: Any,
) -> None:
    """Raises a `DataError` where labels are not whole numbers from 0 to num_classes - 1.

    Args:
        y_true: the labels, an array of any shape.
        num_classes: how many classes there are, or None where that is not known.
        name: what the message calls the labels.
        ignore_class: a number that is allowed beside them.

    >>> check_class_labels([0, 3], 3)
    Traceback (most recent call last):
    etude.errors.DataError: `y_true` holds the label 3 (at index 1), but the model has 3 classes...
    """
    labels = _numbers(y_true, name)
    wrong = (labels < 0) | (labels != labels)
    if num_classes is not None:
        wrong |= labels >= num_classes
    if labels.dtype.kind == "f":
        wrong |= np.floor(labels) != labels
    if ignore_class is not None:
        wrong &= labels != ignore_class
    if not wrong.any():
        return
    known = labels if ignore_class is None else labels[labels != ignore_class]
    low, high = known.min(), known.max()
    if labels.dtype.kind == "f" and (np.floor(known) != known).any():
        hint = (
            "Fractions are no classes: correct the labels, or to predict numbers use a loss like "
            "'mse' and a last layer of one unit."
        )
    elif num_classes is None or low < 0 or high != high:
        hint = "Correct the labels."
    elif low == 1 and high == num_classes:
        hint = "Do the labels count from 1? Subtract 1 from them."
    else:
        hint = f"Give the last layer at least {int(high) + 1} units, or correct the labels."
    classes = "" if num_classes is None else f", but the model has {num_classes} classes"
    last = "on" if num_classes is None else f"to {num_classes - 1}"
    raise DataError(
        f"`{name}` holds the label {_first(labels, wrong)}{classes}: with a sparse categorical "
        f"crossentropy, labels must be integers from 0 {last}. {hint}"
    )


def check_one_hot(y_true: Any, num_classes: int | None, name: str = "y_true", **_: Any) -> None:
    """Raises a `DataError` where there is one number per sample in the place of one-hot vectors.

    >>> check_one_hot([2, 0], 3)
    Traceback (most recent call last):
    etude.errors.DataError: `y_true` has the shape (2,): one number per sample, e.g. 2. ...
    """
    labels = _numbers(y_true, name)
    if num_classes is None or num_classes == 1 or labels.size == 0:
        return
    if labels.ndim == 1 or (labels.ndim == 2 and labels.shape[-1] == 1):
        raise DataError(
            f"`{name}` has the shape {labels.shape}: one number per sample, e.g. "
            f"{labels.reshape(-1)[0]}. The loss categorical_crossentropy expects one-hot vectors "
            f"of {num_classes} numbers. Use the loss 'sparse_categorical_crossentropy', or "
            "`etude.utils.to_categorical(y)`."
        )


def check_binary_labels(
    y_true: Any, num_outputs: int | None, name: str = "y_true", **_: Any
) -> None:
    """Raises a `DataError` for whole numbers other than 0 and 1; warns of fractions beyond them.

    Fractions a little outside of 0 to 1 are a known trick (noisy labels of a GAN), so they pass.

    >>> check_binary_labels([0, 1, 2], 1)
    Traceback (most recent call last):
    etude.errors.DataError: `y_true` holds the label 2 (at index 2): a binary crossentropy ...
    """
    labels = _numbers(y_true, name)
    if labels.size == 0 or (labels.min() >= 0 and labels.max() <= 1):
        return
    wrong = (labels < 0) | (labels > 1)
    if not wrong.any():  # NaN, which has a warning of its own
        return
    low, high = labels.min(), labels.max()
    if low == -1 and high == 1:
        hint = "For labels -1 and 1 use the loss 'hinge', or make them 0 and 1: `(y + 1) / 2`."
    elif low >= 0 and high <= 255 and labels.ndim > 2:
        hint = "Do the targets hold pixels? Divide them by 255."
    else:
        hint = (
            "For more than two classes use 'sparse_categorical_crossentropy' and a last layer with "
            "one unit per class and softmax."
        )
    text = (
        f"`{name}` holds the label {_first(labels, wrong)}: a binary crossentropy expects targets "
        f"between 0 and 1. {hint}"
    )
    if (np.floor(labels) == labels).all():
        raise DataError(text)
    if low < -0.5 or high > 1.5:
        warn(text)


def _numbers(y_true: Any, name: str) -> Any:
    labels = np.asarray(y_true)
    if labels.dtype.name == "bfloat16":  # unknown to NumPy: its kind says nothing
        labels = labels.astype("float32")
    if labels.dtype.kind not in "iufb":
        raise DataError(f"`{name}` must hold numbers; got an array of dtype {labels.dtype}.")
    return labels


def _first(labels: Any, wrong: Any) -> str:
    """The first wrong label, and where it stands."""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    index = str(place[0]) if len(place) == 1 else str(place)
    return f"{labels[place]} (at index {index})"
