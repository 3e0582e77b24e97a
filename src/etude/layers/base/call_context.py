"""What a call hands down to the calls inside of it: ``training``, and names that users register.

The outermost layer that is called opens the context; layers inside read from it what they are not
told by an argument. A value that one layer is told holds for this layer and those inside of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CallContext", "autocasting", "current"]


class CallContext:
    """The values that hold in the current call."""

    __slots__ = ("entry", "values")

    def __init__(self, entry: Any) -> None:
        self.entry = entry
        self.values: dict[str, Any] = {}


class _State(threading.local):
    context: CallContext | None = None
    autocasts: int = 0  # how many of the calls around run in mixed precision


state = _State()


def current() -> CallContext | None:
    """The context of the call that this thread is in; ``None`` outside of any."""
    return state.context


@contextmanager
def autocasting() -> Iterator[None]:
    """Marks that variables are cast inside, so that layers of full precision turn that off."""
    state.autocasts += 1
    try:
        yield
    finally:
        state.autocasts -= 1
