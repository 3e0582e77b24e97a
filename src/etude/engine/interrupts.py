"""Ctrl-C in the middle of a step waits for its end: the weights are those of a whole step."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["whole_steps"]


class whole_steps:
    """Holds back a KeyboardInterrupt until what is inside is done, then raises it.

    A second Ctrl-C is let through at once. Outside of the main thread, which alone receives
    signals, nothing happens.

    Example:
        >>> with whole_steps():
        ...     total = sum(range(4))
        >>> total
        6
    """

    __slots__ = ("before", "pending")

    def __enter__(self) -> whole_steps:
        self.pending = False
        self.before: Any = None
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if before is signal.default_int_handler:
                self.before = before
                signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
        if self.pending and kind is None:
            raise KeyboardInterrupt
