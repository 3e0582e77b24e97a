"""Functions of elements: what a user gives to `map`, `filter` and their kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

from etude.data import stages
from etude.data.dataset.stream import UNKNOWN_CARDINALITY, Stream, positive
from etude.data.elements import spec_of_call
from etude.data.stages import AUTOTUNE
from etude.errors import DtypeError

__all__ = ["Functions"]


class Functions(Stream):
    """The methods that call a function of the user's; `Dataset` inherits them."""

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        name: str | None = None,
    ) -> Self:
        """A function of every element.

        Args:
            map_func: called with the element, a tuple unpacked: ``f(x, y)`` for ``(x, y)``.
            num_parallel_calls: how many elements at a time, in threads; `AUTOTUNE` is one for
                each core. The order stays that of the elements.
            deterministic: accepted; the order is always kept.
            synchronous: accepted.
            name: accepted.

        >>> [int(x) for x in Dataset.range(4).map(lambda i: i * i, num_parallel_calls=2)]
        [0, 1, 4, 9]
        """
        call = self._call(map_func, "map")
        workers = _parallel(num_parallel_calls)

        def start() -> Iterator[Any]:
            if workers is None:
                return stages.mapped(self._start(), call)
            return stages.mapped_in_threads(self._start(), call, workers)

        made = self._derived(start)
        made._spec = lambda: spec_of_call(map_func, self.element_spec)
        return made

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Self:
        """The elements for which a function is true.

        >>> [int(x) for x in Dataset.range(6).filter(lambda i: i % 2 == 0)]
        [0, 2, 4]
        """
        call = self._call(predicate, "filter")
        return self._derived(lambda: stages.filtered(self._start(), call), self._fewer())

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Self:
        """The elements until a function is no longer true."""
        call = self._call(predicate, "take_while")
        return self._derived(lambda: stages.taken_while(self._start(), call), self._fewer())

    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
    ) -> Self:
        """The outputs of ``state, output = scan_func(state, element)``."""
        call, state = self._call(scan_func, "scan"), type(self)._read(initial_state)
        made = self._derived(lambda: stages.scanned(self._start(), state, call))
        made._spec = None
        return made

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Self:
        """The elements of the data sets that a function makes of the elements, one after another.

        >>> numbers = Dataset.range(3).flat_map(lambda i: Dataset.range(int(i)))
        >>> [int(x) for x in numbers]
        [0, 0, 1]
        """
        return self._opened(map_func, "flat_map", 1, 1, None)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Self:
        """As `flat_map`, but several of the data sets are open, and give elements by turns.

        Args:
            map_func: makes a data set of an element.
            cycle_length: how many are open at a time; 4 by default, or ``num_parallel_calls``.
            block_length: how many elements one gives in its turn; 1 by default.
            num_parallel_calls: whether each makes its elements in a thread of its own.
            deterministic: accepted; the order is always kept.
            name: accepted.

        >>> numbers = Dataset.range(2).interleave(lambda i: Dataset.from_tensors(i).repeat(2))
        >>> [int(x) for x in numbers]
        [0, 1, 0, 1]
        """
        workers = _parallel(num_parallel_calls)
        cycle = cycle_length or (workers if workers and workers > 0 else 4)
        cycle = 4 if cycle == AUTOTUNE else positive(cycle, "cycle_length")
        block = positive(block_length or 1, "block_length")
        return self._opened(map_func, "interleave", cycle, block, workers)

    def _opened(
        self, map_func: Any, method: str, cycle: int, block: int, workers: int | None
    ) -> Self:
        call = self._call(map_func, method)

        def open_one(element: Any) -> Iterator[Any]:
            found = call(element)
            if not isinstance(found, Stream):
                raise DtypeError(
                    f"The function given to Dataset.{method} must return a Dataset; got "
                    f"{type(found).__name__}."
                )
            source = found._start()
            return source if workers is None else stages.prefetched(source, 2 * block)

        def first_spec() -> Any:
            element = next(self._start(), None)
            return None if element is None else call(element).element_spec

        return self._derived(
            lambda: stages.interleaved(self._start(), open_one, cycle, block),
            UNKNOWN_CARDINALITY,
            first_spec,
        )

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """A function of the data set itself.

        >>> len(Dataset.range(4).apply(lambda data: data.batch(2)))
        2
        """
        return transformation_func(self)


def _parallel(value: Any) -> int | None:
    """A number of threads as given, checked; `AUTOTUNE` and ``None`` stay."""
    if value is None or int(value) == AUTOTUNE:
        return value
    return positive(value, "num_parallel_calls")
