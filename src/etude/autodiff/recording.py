"""Whether this thread records what it computes.

A block that asks for silence starts a new level on which no tape is recording yet; a tape that is
opened inside of it records again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

Cut = tuple[str, str, tuple[Any, ...]]
"""Where recording ended: the name of an operation, why it has no derivative, recorded inputs."""

_KEPT = 64  # cuts, the last ones: more are not needed to say what has cut off a source


class _State(threading.local):
    def __init__(self) -> None:
        self.tapes = [0]  # how many tapes are recording, on each level
        self.cuts: deque[Cut] = deque(maxlen=_KEPT)


_state = _State()


def is_recording() -> bool:
    """Whether a tape of the innermost level of this thread is recording."""
    return _state.tapes[-1] > 0


def start_tape() -> int:
    """Counts a tape in; returns its level, for `stop_tape`."""
    _state.tapes[-1] += 1
    return len(_state.tapes) - 1


def stop_tape(level: int) -> None:
    """Counts a tape out of its level; it alone still knows the cuts, which keep arrays alive."""
    _state.tapes[level] -= 1
    if not _state.tapes[level]:
        _state.cuts = deque(maxlen=_KEPT)


def note_cut(name: str, why: str, inputs: tuple[Any, ...]) -> None:
    """Keeps in mind where recording ends, to be able to say why a gradient is None."""
    _state.cuts.append((name, why, inputs))


def cuts() -> deque[Cut]:
    """Where recording ended since the outermost tape began, for that tape to keep."""
    return _state.cuts


@contextmanager
def stop_recording() -> Generator[None]:
    """Leaves out what is computed inside from all tapes of this thread."""
    _state.tapes.append(0)
    try:
        yield
    finally:
        _state.tapes.pop()
