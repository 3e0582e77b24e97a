"""A data set in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import tree
from etude.data import Dataset
from etude.data.elements import as_element
from etude.errors import ArgumentError, DataError, DtypeError
from etude.random import make_default_seed

__all__ = ["split_dataset"]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """A data set cut in two, e.g. to train and to validate on.

    Args:
        dataset: a `Dataset`, an array, a tuple or dictionary of arrays, a list of samples, or
            anything that gives samples; it must fit into memory.
        left_size: the size of the first part: a share from 0 to 1, or a number of samples; what
            is left over by default.
        right_size: likewise for the second part.
        shuffle: whether samples are in random order.
        seed: of the order.
        preferred_backend: accepted.

    Returns:
        Two data sets of samples.

    Raises:
        ArgumentError: the sizes are missing, or do not fit the number of samples.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> [int(x) for x in right]
        [8, 9]
    """
    samples = _samples(dataset)
    count = len(samples)
    left, right = _sizes(left_size, right_size, count)
    if shuffle:
        seed = make_default_seed() % 10**6 if seed is None else seed
        samples = [samples[i] for i in np.random.RandomState(seed).permutation(count)]
    return _dataset(samples[:left]), _dataset(samples[count - right :])


def _dataset(samples: list[Any]) -> Dataset:
    return Dataset(lambda: iter(samples), len(samples))


def _samples(dataset: Any) -> list[Any]:
    if isinstance(dataset, Dataset):
        if dataset.is_endless:
            raise ArgumentError("A data set without end cannot be split: leave out `repeat()`.")
        found = list(dataset.arrays())
    elif isinstance(dataset, (np.ndarray, tuple, dict)) or hasattr(dataset, "__array__"):
        if isinstance(dataset, tuple):
            dataset = tuple(np.asarray(a) if isinstance(a, list) else a for a in dataset)
        found = list(Dataset.from_tensor_slices(dataset).arrays())
    elif isinstance(dataset, list) or hasattr(dataset, "__iter__"):
        found = [as_element(tree.lists_to_tuples(x) if _is_row(x) else x) for x in dataset]
    else:
        raise DtypeError(
            "The `dataset` argument must be a Dataset, an array, or a list or tuple of arrays. "
            f"Received: dataset={dataset!r} of type {type(dataset).__name__}"
        )
    if not found:
        raise DataError("Received an empty dataset: there is nothing to split.")
    return found


def _is_row(sample: Any) -> bool:
    return isinstance(sample, (list, tuple)) and any(hasattr(x, "shape") for x in sample)


def _sizes(left: float | None, right: float | None, count: int) -> tuple[int, int]:
    """Numbers of samples for both sides."""
    if left is None and right is None:
        raise ArgumentError(
            "At least one of the `left_size` or `right_size` must be specified. Received: "
            "left_size=None and right_size=None"
        )
    for name, size in (("left_size", left), ("right_size", right)):
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float, np.number)):
            raise DtypeError(
                f"Invalid `{name}` Type. Expected: int or float or None, Received: "
                f"{name}={size!r} of type {type(size).__name__}"
            )
        if size <= 0 or (isinstance(size, float) and size >= 1) or size >= count:
            raise ArgumentError(
                f"`{name}` should be either a positive integer smaller than {count}, the number "
                f"of samples, or a float within the range `[0, 1]`. Received: {name}={size}"
            )
    if isinstance(left, float) and isinstance(right, float) and left + right > 1:
        raise ArgumentError("The sum of `left_size` and `right_size` is greater than 1.")
    left_count = (
        None if left is None else round(left * count) if isinstance(left, float) else int(left)
    )
    right_count = None if right is None else (
        round(right * count) if isinstance(right, float) else int(right)
    )  # fmt: skip
    left_count = count - right_count if left_count is None else left_count  # type: ignore[operator]
    right_count = count - left_count if right_count is None else right_count
    if left_count + right_count > count:
        raise ArgumentError(
            "The sum of `left_size` and `right_size` should be smaller than the number of samples, "
            f"{count}. Received: left_size={left} and right_size={right}"
        )
    if not left_count or not right_count:
        raise ArgumentError(
            f"With {count} samples, left_size={left} and right_size={right}, the resulting data "
            "set would be empty. Adjust any of the aforementioned parameters."
        )
    return left_count, right_count
