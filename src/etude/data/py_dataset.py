"""`PyDataset`: batches made by a user's own class."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from etude import tree
from etude.data.arrays import order_seed
from etude.data.class_weights import class_weights_to_sample_weights
from etude.data.unpacking import unpack_x_y_sample_weight
from etude.errors import ArgumentError, DataError

__all__ = ["PyDataset", "PyDatasetBatches"]


class PyDataset:
    """A data set whose batches are made on demand; subclass it.

    A subclass writes ``__getitem__(index)``, which returns a batch ``(x, y)`` or
    ``(x, y, sample_weight)``, and ``__len__``, the number of batches (or sets ``num_batches``).

    Args:
        workers: how many threads make batches ahead of time; 1 makes them in place.
        use_multiprocessing: accepted; batches are made in threads, which share memory.
        max_queue_size: how many batches are made ahead.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...
        ...     def __getitem__(self, index):
        ...         x = np.arange(3.0) + 3 * index
        ...         return x, x**2
        >>> [y.tolist() for x, y in Squares()]
        [[0.0, 1.0, 4.0], [9.0, 16.0, 25.0]]
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    # Subclasses often forget `super().__init__()`, hence the defaults.
    @property
    def workers(self) -> int:
        """How many threads make batches."""
        return getattr(self, "_workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        """Accepted, and not used."""
        return getattr(self, "_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        """How many batches are made ahead."""
        return getattr(self, "_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} needs a method `__getitem__(index)`.")

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has; ``None`` means without end."""
        if hasattr(self, "__len__"):
            return len(self)  # type: ignore[arg-type]
        raise NotImplementedError(
            "You need to implement the `num_batches` property, or `__len__`: the number of batches."
        )

    def on_epoch_begin(self) -> None:
        """Called before every epoch."""

    def on_epoch_end(self) -> None:
        """Called after every epoch."""

    def __iter__(self) -> Iterator[Any]:
        index = 0
        while self.num_batches is None or index < self.num_batches:
            yield self[index]
            index += 1


class PyDatasetBatches:
    """A `PyDataset` as batches for training.

    Args:
        dataset: the data set.
        shuffle: whether batches come in another order in every epoch.
        class_weight: a weight for each class.
        seed: of the order; drawn where it is needed, if none is given.
    """

    even = False

    def __init__(
        self,
        dataset: PyDataset,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
        seed: int | None = None,
    ) -> None:
        self.dataset = dataset
        self.shuffle = bool(shuffle)
        self.class_weight = class_weight
        self.seed = order_seed(shuffle, seed)
        self.batch_size = None
        self.ended = 0  # epochs
        if self.num_batches == 0:
            raise DataError(
                f"The PyDataset {type(dataset).__name__} has no batches: its length is 0."
            )

    @property
    def num_batches(self) -> int | None:
        """How many batches an epoch has."""
        count = self.dataset.num_batches
        return None if count is None or count == math.inf else int(count)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from batch ``first`` on."""
        self.dataset.on_epoch_begin()
        indices = islice(self._indices(epoch), first, None)
        return (self._checked(batch) for batch in self._ordered(indices))

    def state(self) -> dict[str, Any]:
        """What the order of later epochs depends on."""
        return {"seed": self.seed, "ended": self.ended}

    def resume(self, state: dict[str, Any], epoch: int, taken: int) -> Iterator[Any] | None:
        """Goes on after some batches of an epoch; ``None`` where none was taken yet.

        The data set hears of the epochs before once more, so that one which shuffles itself at
        the end of each has its order again.
        """
        self.seed = state["seed"]
        while self.ended < state["ended"]:
            self.dataset.on_epoch_begin()
            self.on_epoch_end()
        return self.epoch(epoch, taken) if taken else None

    def _indices(self, epoch: int) -> Iterator[int]:
        count = self.num_batches
        if count is None:
            index = 0
            while True:
                yield index
                index += 1
        elif self.shuffle:
            random = np.random.RandomState([self.seed % 2**32, epoch % 2**32])
            yield from random.permutation(count).tolist()
        else:
            yield from range(count)

    def _ordered(self, indices: Iterator[int]) -> Iterator[Any]:
        """Batches in the order of their numbers, made ahead by threads where there are some."""
        if self.dataset.workers <= 1:
            for index in indices:
                yield self.dataset[index]
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (only then: keeps the import cheap)

        with ThreadPoolExecutor(self.dataset.workers) as pool:
            ahead = deque(
                pool.submit(self.dataset.__getitem__, index)
                for index in islice(indices, max(1, self.dataset.max_queue_size))
            )
            try:
                while ahead:
                    yield ahead.popleft().result()
                    index = next(indices, None)
                    if index is not None:
                        ahead.append(pool.submit(self.dataset.__getitem__, index))
            finally:
                for future in ahead:
                    future.cancel()

    def _checked(self, batch: Any) -> tuple[Any, Any, Any]:
        if not isinstance(batch, tuple):
            raise DataError(
                "PyDataset.__getitem__ must return a tuple: inputs, then targets and sample "
                f"weights if there are any; got {type(batch).__name__}."
            )
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        if self.class_weight is not None:
            if sample_weight is not None or tree.is_nested(y):
                raise ArgumentError(
                    "`class_weight` needs a single target and no `sample_weight` in the batches."
                )
            sample_weight = class_weights_to_sample_weights(y, self.class_weight)
        return x, y, sample_weight

    def on_epoch_end(self) -> None:
        """Tells the data set."""
        self.ended += 1
        self.dataset.on_epoch_end()
