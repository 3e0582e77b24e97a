"""How much memory may be taken on behalf of a file that is being read.

A model file of a few bytes can describe layers of many gigabytes. While a file is read, whatever is
about to take memory because of what the file says asks here first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from etude.errors import SerializationError

__all__ = ["allowed", "check_array", "is_limited", "spend"]

SLACK = 16 << 20  # bytes that any file may take
TIMES = 6  # an optimizer keeps up to five arrays for each weight, which the file may lack
LARGEST = 512 << 20  # bytes of an array that only tells shapes


class _Allowance:
    """What is left for one file."""

    def __init__(self, name: str, stored: int) -> None:
        self.name, self.stored = name, stored
        self.left = SLACK + TIMES * stored


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowed(name: str, stored: int) -> Iterator[None]:
    """Inside, Variables may take a few times as many bytes as a file holds, and no more.

    Args:
        name: the file, as it is called in messages.
        stored: how many bytes of numbers it holds.
    """
    token = _allowance.set(_Allowance(name, stored))
    try:
        yield
    finally:
        _allowance.reset(token)


def is_limited() -> bool:
    """Whether a file is being read.

    >>> is_limited()
    False
    """
    return _allowance.get() is not None


def spend(size: int, what: str) -> None:
    """Asks for memory that is kept.

    Args:
        size: how many bytes.
        what: for what, in words.

    Raises:
        SerializationError: a file is being read, and this is more than it may take.

    >>> with allowed("tiny.keras", stored=100):
    ...     spend(10**9, "the weight 'kernel'")
    Traceback (most recent call last):
    etude.errors.SerializationError: tiny.keras describes more than it holds: ...
    """
    allowance = _allowance.get()
    if allowance is None:
        return
    allowance.left -= size
    if allowance.left < 0:
        raise SerializationError(
            f"{allowance.name} describes more than it holds: {what} would take {size:,} bytes, and "
            f"there are {allowance.stored:,} bytes of weights in the file. No model that etude or "
            "Keras saved is like that, and it is not made."
        )


def check_array(size: int) -> None:
    """Asks for memory that is needed for a moment, while shapes are found.

    Raises:
        SerializationError: a file is being read, and this is more than any model needs.
    """
    allowance = _allowance.get()
    if allowance is not None and size > LARGEST:
        raise SerializationError(
            f"{allowance.name} describes an array of {size:,} bytes between its layers. No model "
            "that etude or Keras saved is like that, and it is not made."
        )
