"""`batches_of`: whatever a user trains on, as batches."""

from __future__ import annotations

import inspect
import types
import warnings
from collections.abc import Iterator
from typing import Any, Protocol

from etude.data.arrays import ArrayBatches, is_arrays
from etude.data.dataset import Dataset
from etude.data.py_dataset import PyDataset, PyDatasetBatches
from etude.data.streams import DatasetBatches, GeneratorBatches, IterableBatches
from etude.errors import ArgumentError, DataError

__all__ = ["Batches", "batches_of"]


class Batches(Protocol):
    """Batches ``(x, y, sample_weight)``, epoch by epoch."""

    batch_size: Any

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has; ``None`` where that is not known."""
        ...

    @property
    def even(self) -> bool:
        """Whether all batches have one size, as far as is known before they are made."""
        ...

    def epoch(self, epoch: int) -> Iterator[Any]:
        """The batches of an epoch."""
        ...

    def on_epoch_end(self) -> None:
        """Called after every epoch."""
        ...

    def state(self) -> dict[str, Any]:
        """Where it is, in numbers and arrays, for a checkpoint."""
        ...

    def resume(self, state: dict[str, Any], epoch: int, taken: int) -> Iterator[Any] | None:
        """Goes to where it was when `state` was called, in another process.

        Args:
            state: what `state` returned.
            epoch: the epoch that had begun.
            taken: how many batches of it had been taken.

        Returns:
            The batches after these; ``None`` where no epoch was under way.
        """
        ...


def batches_of(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
    seed: int | None = None,
) -> Batches:
    """Batches of arrays, of a `Dataset`, `PyDataset`, a generator, or what can be iterated over.

    Args:
        x: arrays; or an object that gives batches.
        y: targets, for arrays only.
        sample_weight: weights of samples, for arrays only.
        batch_size: for arrays only.
        steps: batches in an epoch; for arrays it may decide the batch size.
        shuffle: whether the order changes from epoch to epoch.
        class_weight: a weight for each class.
        seed: of the order; drawn where it is needed, if none is given.

    Raises:
        ArgumentError: an argument does not go with this kind of ``x``.
        DataError: the data is empty, or of a kind that cannot be used.

    >>> import numpy as np
    >>> batches_of(np.zeros((10, 2)), batch_size=4).num_batches
    3
    """
    if x is None:
        raise DataError("There is no data: `x` is None. Pass arrays, or what gives batches.")
    if isinstance(x, Dataset) and not steps and x.is_endless:
        raise ArgumentError(
            "The data set has no end: it was made by `repeat()`. When passing an infinitely "
            "repeating dataset, please specify how many batches an epoch has: "
            "`fit(steps_per_epoch=...)`, `evaluate(steps=...)`. Or leave `repeat()` out: every "
            "epoch begins anew."
        )
    source = _source_of(x, class_weight, shuffle, seed)
    if source is None:
        if isinstance(x, str) or not all(map(is_arrays, (x, y, sample_weight))):
            raise _unrecognized(x, y, sample_weight)
        return ArrayBatches(
            x, y, sample_weight, batch_size, steps, shuffle, class_weight, seed=seed
        )
    kind = type(x).__name__
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ArgumentError(
                f"`x` is a {kind}, which gives whole batches, so `{name}` should not be passed: "
                "let each batch be a tuple, `(x, y)`, or with weights `(x, y, sample_weight)`."
            )
    return source


def _source_of(
    x: Any, class_weight: dict[int, float] | None, shuffle: bool | str, seed: int | None
) -> Batches | None:
    """The batches that an object gives by itself; ``None`` for arrays."""
    if isinstance(x, PyDataset):
        if x.num_batches is None and shuffle:
            warnings.warn(
                "`shuffle=True` has no effect here: `x` is a PyDataset without an end "
                "(`num_batches` is None). Shuffle inside its `__getitem__`.",
                stacklevel=4,
            )
        return PyDatasetBatches(x, shuffle, class_weight, seed)
    if isinstance(x, Dataset):
        return DatasetBatches(x, class_weight)
    if isinstance(x, types.GeneratorType):
        return GeneratorBatches(x, class_weight)
    if isinstance(x, (list, tuple, dict, str)) or hasattr(x, "__array__"):
        return None
    if hasattr(x, "__next__"):
        return GeneratorBatches(x, class_weight)
    if hasattr(x, "__iter__"):
        return IterableBatches(x, class_weight)
    return None


def _unrecognized(x: Any, y: Any, sample_weight: Any) -> DataError:
    for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        if isinstance(value, str) or not is_arrays(value):
            call = (
                " Call the function, to pass what it yields." if inspect.isfunction(value) else ""
            )
            return DataError(
                f"Unrecognized data type: `{name}` is {type(value).__name__} "
                f"({str(value)[:60]!r}). Expected NumPy arrays, tensors, tables, lists of "
                f"numbers, a PyDataset, or a generator of batches.{call}"
            )
    return DataError(f"Unrecognized data type: {type(x).__name__}.")
