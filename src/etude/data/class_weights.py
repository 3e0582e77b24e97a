"""Weights of classes as weights of samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude.errors import ArgumentError

__all__ = ["class_weights_to_sample_weights"]


def class_weights_to_sample_weights(y: Any, class_weight: dict[int, float]) -> Any:
    """The weight of each sample: that of its class, or 1 where the class has none.

    Args:
        y: labels, (N,) or (N, 1) integers, or (N, C) one-hot.
        class_weight: a weight for each class.

    Raises:
        ArgumentError: the labels have another shape, or the weights are no dictionary.

    >>> class_weights_to_sample_weights(np.array([0, 1, 1]), {0: 2.0, 1: 0.5}).tolist()
    [2.0, 0.5, 0.5]
    """
    if not isinstance(class_weight, dict):
        raise ArgumentError(
            "`class_weight` must be a dictionary from class to weight, e.g. {0: 1.0, 1: 3.0}; got "
            f"{type(class_weight).__name__}."
        )
    for key in class_weight:
        if isinstance(key, str) or not float(key).is_integer():
            raise ArgumentError(
                f"The keys of `class_weight` are the numbers of classes; got {key!r} of type "
                f"{type(key).__name__}. Write {{0: 1.0, 1: 3.0}}."
            )
    labels = np.asarray(y)
    if labels.ndim > 2:
        raise ArgumentError(
            "`class_weight` needs labels of shape (samples,) or (samples, classes); got "
            f"{labels.shape}. Use `sample_weight` instead."
        )
    if labels.ndim == 2:
        labels = labels.argmax(axis=-1) if labels.shape[1] > 1 else labels[:, 0]
    labels = np.round(labels).astype("int64")
    weights = np.ones(labels.shape, dtype="float32")
    for label, weight in class_weight.items():
        weights[labels == int(label)] = weight
    return weights
