"""Ctrl-C and SIGTERM in the middle of a step wait for its end: weights are those of whole steps."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["ending_signals", "whole_steps"]


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


class ending_signals:
    """Notes Ctrl-C and SIGTERM while training is under way, which ends when it suits.

    Signals for which somebody else has set a handler are left alone. A second one is let through
    at once. Inside of another one, e.g. where a callback trains a model of its own, it is that one
    which notes them. Outside of the main thread nothing happens.

    Example:
        >>> with ending_signals() as signals:
        ...     asked = bool(signals.pending)
        >>> asked
        False
    """

    _active: ending_signals | None = None

    def __init__(self) -> None:
        self._noted = 0
        self._outer: ending_signals | None = None
        self._before: dict[int, Any] = {}

    @property
    def pending(self) -> int:
        """The number of the signal that came; 0 where none did."""
        return self._noted or (self._outer.pending if self._outer is not None else 0)

    def __enter__(self) -> ending_signals:
        self._noted, self._outer = 0, ending_signals._active
        if self._outer is None and threading.current_thread() is threading.main_thread():
            ending_signals._active = self
            for number, default in (
                (signal.SIGINT, signal.default_int_handler),
                (signal.SIGTERM, signal.SIG_DFL),
            ):
                if signal.getsignal(number) is default:
                    self._before[number] = default
                    signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            self._noted = number
            self.end()
        self._noted = number
        if number == signal.SIGINT and sys.stderr is not None and sys.stderr.isatty():
            # By the system itself: a handler must not write to a file that may be written to now.
            os.write(2, b"\nTraining ends after this step; press Ctrl-C again to end it at once.\n")

    def end(self) -> None:
        """Ends what is under way.

        Raises:
            KeyboardInterrupt: after Ctrl-C.
            SystemExit: after SIGTERM, with the status that shells show for it.
        """
        if self.pending == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        for number, default in self._before.items():
            signal.signal(number, default)
        self._before = {}
        if ending_signals._active is self:
            ending_signals._active = None
