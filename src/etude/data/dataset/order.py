"""Which elements come, in which order, and how often."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Self

import numpy as np

from etude.data import stages
from etude.data.dataset.stream import INFINITE_CARDINALITY, Stream, positive
from etude.data.elements import TensorSpec
from etude.data.stages import Rounds
from etude.errors import ArgumentError

__all__ = ["Order"]


class Order(Stream):
    """The methods that choose and order elements; `Dataset` inherits them."""

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Self:
        """Elements in random order: each is drawn from a buffer of the next ones.

        Args:
            buffer_size: how many are in the buffer. As many as there are elements gives any order
                the same chance; with fewer, elements move about as far as the buffer is long.
            seed: of the order; drawn by default, so that `set_random_seed` decides it.
            reshuffle_each_iteration: whether every iteration has another order; true by default.
            name: accepted.

        >>> sorted(int(x) for x in Dataset.range(5).shuffle(3, seed=1))
        [0, 1, 2, 3, 4]
        """
        if buffer_size is None:
            buffer_size = max(1, len(self))
        size = positive(buffer_size, "buffer_size")
        rounds = Rounds(seed, reshuffle_each_iteration is not False)
        made = self._derived(lambda: stages.shuffled(self._start(), size, *rounds.next()))
        made._rounds = (*self._rounds, rounds)
        return made

    def repeat(self, count: int | None = None, name: str | None = None) -> Self:
        """The elements again and again; without end where ``count`` is ``None`` or -1.

        >>> [int(x) for x in Dataset.range(2).repeat(2)]
        [0, 1, 0, 1]
        """
        turns = math.inf if count is None or count == -1 else count

        def start() -> Iterator[Any]:
            turn = 0
            while turn < turns:
                found = False
                for element in self._start():
                    found = True
                    yield element
                if not found:
                    return
                turn += 1

        size = self._cardinality
        if size and turns == math.inf:
            size = INFINITE_CARDINALITY
        elif size > 0 or not turns:
            size *= int(turns)
        return self._derived(start, size)

    def take(self, count: int, name: str | None = None) -> Self:
        """The first elements; all where ``count`` is -1.

        >>> [int(x) for x in Dataset.range(9).take(2)]
        [0, 1]
        """
        count = int(count)
        if count < 0:
            return self._derived(self._start)
        size = self._cardinality
        size = count if size == INFINITE_CARDINALITY else min(size, count) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), count), size)

    def skip(self, count: int, name: str | None = None) -> Self:
        """All but the first elements; none where ``count`` is -1.

        >>> [int(x) for x in Dataset.range(4).skip(2)]
        [2, 3]
        """
        count = int(count)
        if count < 0:
            return self._derived(lambda: iter(()), 0)
        size = self._cardinality
        size = max(0, size - count) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), count, None), size)

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Self:
        """Every ``num_shards``-th element, beginning with element ``index``.

        >>> [int(x) for x in Dataset.range(7).shard(3, 1)]
        [1, 4]
        """
        step = positive(num_shards, "num_shards")
        if not 0 <= index < step:
            raise ArgumentError(f"`index` must be from 0 to {step - 1}; got {index}.")
        size = self._cardinality
        size = -(-max(0, size - index) // step) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), index, None, step), size)

    def concatenate(self, dataset: Stream, name: str | None = None) -> Self:
        """These elements, then those of another data set.

        >>> [int(x) for x in Dataset.range(2).concatenate(Dataset.range(7, 9))]
        [0, 1, 7, 8]
        """
        sizes = (self._cardinality, dataset._cardinality)
        size = sum(sizes) if min(sizes) >= 0 else max(s for s in sizes if s < 0)
        made = self._derived(lambda: chain(self._start(), _later(dataset)), size)
        made._rounds = (*self._rounds, *dataset._rounds)
        return made

    def enumerate(self, start: int = 0, name: str | None = None) -> Self:
        """Pairs of a number and an element.

        >>> [(int(i), int(x)) for i, x in Dataset.range(5, 7).enumerate()]
        [(0, 5), (1, 6)]
        """
        return self._derived(
            lambda: (
                (np.asarray(i, "int64"), element) for i, element in enumerate(self._start(), start)
            ),
            None,
            lambda: (TensorSpec((), "int64"), self.element_spec),
        )

    def unique(self, name: str | None = None) -> Self:
        """Each element once, where it comes first; for single arrays."""

        def start() -> Iterator[Any]:
            seen: set[Any] = set()
            for element in self._start():
                key = str(element.tolist())
                if key not in seen:
                    seen.add(key)
                    yield element

        return self._derived(start, self._fewer())


def _later(dataset: Stream) -> Iterator[Any]:
    yield from dataset._start()
