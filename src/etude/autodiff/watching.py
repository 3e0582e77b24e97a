"""Somebody who looks at each operation while it runs, e.g. to find where a NaN comes from."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

__all__ = ["Observer", "observer", "watched_by"]


class Observer(Protocol):
    """What is told of what runs."""

    def ran(self, primitive: Any, inputs: list[Any], outputs: tuple[Any, ...]) -> None:
        """An operation has run.

        Args:
            primitive: the operation.
            inputs: its arrays; None where one is missing.
            outputs: its results, arrays.
        """
        ...

    def pulling_back(self, call: Any) -> None:
        """The gradient rule of a recorded call is about to run; None: no rule any more."""
        ...

    def enters(self, layer: Any) -> None:
        """The call of a layer begins."""
        ...

    def leaves(self, layer: Any, outputs: Any) -> None:
        """The call of a layer has ended; the outputs are None where it failed."""
        ...


class _State(threading.local):
    observer: Observer | None = None


_state = _State()


def observer() -> Observer | None:
    """Who looks at what this thread runs."""
    return _state.observer


@contextmanager
def watched_by(who: Observer) -> Generator[None]:
    """Inside, what this thread runs is shown to an observer."""
    before, _state.observer = _state.observer, who
    try:
        yield
    finally:
        _state.observer = before
