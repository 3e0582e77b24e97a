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
        self.curious = [0]  # how many of them may be asked for more than Variables
        self.cuts: deque[Cut] = deque(maxlen=_KEPT)


_state = _State()


def is_recording() -> bool:
    """Whether a tape of the innermost level of this thread is recording."""
    return _state.tapes[-1] > 0


def records_for_variables_only() -> bool:
    """Whether tapes are recording, and none can be asked for derivatives of what lies between.

    Then an operation may take another way to the same values, which goes round its inputs.
    """
    return is_recording() and not _state.curious[-1]


def start_tape(curious: bool) -> int:
    """Counts a tape in, and whether it may be asked for more than Variables; returns its level."""
    _state.tapes[-1] += 1
    _state.curious[-1] += curious
    return len(_state.tapes) - 1


def stop_tape(level: int, curious: bool) -> None:
    """Counts a tape out of its level; it alone still knows the cuts, which keep arrays alive."""
    _state.tapes[level] -= 1
    _state.curious[level] -= curious
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
    _state.curious.append(0)
    try:
        yield
    finally:
        _state.tapes.pop()
        _state.curious.pop()
