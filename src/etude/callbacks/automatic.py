"""Callbacks that every `fit` gets, beside those that it is given."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

__all__ = ["automatic", "in_every_fit"]

_makers: ContextVar[tuple[Callable[[], Any], ...]] = ContextVar("etude_callbacks", default=())


@contextmanager
def in_every_fit(make: Callable[[], Any]) -> Generator[None]:
    """Inside, each call of `fit` has one callback more.

    Args:
        make: makes it.

    >>> from etude.callbacks import TerminateOnNaN
    >>> with in_every_fit(TerminateOnNaN):
    ...     [type(callback).__name__ for callback in automatic()]
    ['TerminateOnNaN']
    """
    token = _makers.set((*_makers.get(), make))
    try:
        yield
    finally:
        _makers.reset(token)


def automatic() -> list[Any]:
    """These callbacks, new ones at each call."""
    return [make() for make in _makers.get()]
