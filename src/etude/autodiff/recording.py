"""Whether this thread records what it computes."""

from __future__ import annotations

import threading


class _State(threading.local):
    depth = 0  # how many tapes are recording


_state = _State()


def is_recording() -> bool:
    """Whether at least one tape of this thread is recording."""
    return _state.depth > 0


def change_depth(by: int) -> None:
    """Counts a tape in (+1) or out (-1)."""
    _state.depth += by


def swap_depth(depth: int) -> int:
    """Sets the number of recording tapes; returns what it was."""
    before, _state.depth = _state.depth, depth
    return before
