"""Elements made ahead, or kept; and what passes over damaged ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from etude.data import stages
from etude.data.dataset.stream import Stream, positive
from etude.data.stages import AUTOTUNE, CachedRounds
from etude.errors import EtudeError

__all__ = ["Speed"]


class Speed(Stream):
    """The methods that change when elements are made, not which; `Dataset` inherits them."""

    def prefetch(self, buffer_size: int | None = None, name: str | None = None) -> Self:
        """The same elements, some of them made ahead in a thread while others are trained on.

        Args:
            buffer_size: how many; `AUTOTUNE` is two. 0 makes none ahead.
            name: accepted.
        """
        size = AUTOTUNE if buffer_size is None else int(buffer_size)
        if size == 0:
            return self._derived(self._start)
        if size != AUTOTUNE:
            positive(size, "buffer_size")
        return self._derived(lambda: stages.prefetched(self._start(), size))

    def cache(self, filename: str = "", name: str | None = None) -> Self:
        """The same elements, kept in memory at the first iteration that comes to their end.

        Args:
            filename: accepted; elements are kept in memory all the same.
            name: accepted.
        """
        kept: list[list[Any]] = []
        cached = tuple(CachedRounds(rounds) for rounds in self._rounds)

        def start() -> Iterator[Any]:
            if kept:
                yield from kept[0]
                return
            found = []
            for rounds in cached:
                rounds.begin()
            for element in self._start():
                found.append(element)
                yield element
            if not kept:
                kept.append(found)
                for rounds in cached:
                    rounds.keep()

        made = self._derived(start)
        made._rounds = cached
        return made

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Self:
        """The elements without those for which the `map` right before it raises.

        >>> data = Dataset.range(3).map(lambda i: i if int(i) != 1 else int("damaged"))
        >>> [int(i) for i in data.ignore_errors()]
        [0, 2]
        """

        def start() -> Iterator[Any]:
            source = self._start()
            while True:
                try:
                    element = next(source)
                except StopIteration:
                    return
                except (EtudeError, ValueError, OSError):
                    continue
                yield element

        return self._derived(start, self._fewer())

    def with_options(self, options: Any, name: str | None = None) -> Self:
        """The data set itself: there are no options that change what it gives."""
        return self._derived(self._start)
