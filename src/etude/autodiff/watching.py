"""Somebody who looks at each operation while it runs: to find where a NaN came from, to export."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

__all__ = ["Observer", "is_hidden", "observer", "watched_by"]


class Observer:
    """What is told of what runs; by itself it does nothing with it."""

    def ran(
        self,
        primitive: Any,
        inputs: list[Any],
        outputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        """An operation has run.

        Args:
            primitive: the operation.
            inputs: its arrays; None where one is missing.
            outputs: its results, arrays.
            options: its static options, as far as they were given.
        """

    def hides(self, array: Any) -> bool:
        """Whether Python code must not see the values of an array: another run has others."""
        return False

    def pulling_back(self, call: Any) -> None:
        """The gradient rule of a recorded call is about to run; None: no rule any more."""

    def enters(self, layer: Any) -> None:
        """The call of a layer begins."""

    def leaves(self, layer: Any, outputs: Any) -> None:
        """The call of a layer has ended; the outputs are None where it failed."""


class _State(threading.local):
    observer: Observer | None = None


_state = _State()


def observer() -> Observer | None:
    """Who looks at what this thread runs."""
    return _state.observer


def is_hidden(array: Any) -> bool:
    """Whether an observer hides the values of an array, as a trace for compilation would."""
    return _state.observer is not None and _state.observer.hides(array)


@contextmanager
def watched_by(who: Observer) -> Generator[None]:
    """Inside, what this thread runs is shown to an observer."""
    before, _state.observer = _state.observer, who
    try:
        yield
    finally:
        _state.observer = before
