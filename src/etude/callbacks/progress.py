"""The progress bar: `Progbar` draws it, `ProgbarLogger` shows an epoch by it."""

from __future__ import annotations

import math
import numbers
import sys
import time
from typing import Any

import numpy as np

from etude import config
from etude.callbacks.callback import Callback
from etude.errors import ArgumentError
from etude.messages import say

__all__ = ["Progbar", "ProgbarLogger"]

INTERVAL = 0.1  # seconds between two drawings

_BOLD, _GREEN, _WHITE, _END = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """A bar that shows how many steps are done, how long it takes, and some values.

    On a terminal or in a notebook the line is drawn again and again; elsewhere it is printed once,
    at the end.

    Args:
        target: how many steps there are; ``None`` where that is not known.
        width: of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 a line at the end.
        interval: seconds between two drawings.
        stateful_metrics: names of values that are shown as they are; all others are averaged.
        stateless_metrics: names of values that are averaged; all others are shown as they are.
        unit_name: what a step is called.

    Raises:
        ArgumentError: both lists of names are given.

    Example:
        >>> bar = Progbar(2, verbose=2)
        >>> bar.update(2, [("loss", 0.25)])  # doctest: +ELLIPSIS
        2/2 - 0s - ...s/step - loss: 0.2500
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = INTERVAL,
        stateful_metrics: Any = None,
        stateless_metrics: Any = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ArgumentError(
                "Only one of `stateful_metrics` and `stateless_metrics` may be given: the first "
                "names values that are not averaged, the second those that are."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful = None if stateless_metrics is not None else set(stateful_metrics or ())
        self.stateless = set(stateless_metrics or ())
        self._sums: dict[str, tuple[Any, float]] = {}  # name -> sum, count
        self._seen = 0
        self._start = time.monotonic()
        self._last_drawn = -math.inf
        self._after_first: float | None = None
        self._shown_width = 0
        self._is_live = config.is_interactive_logging_enabled() and (
            sys.stdout.isatty() or "ipykernel" in sys.modules
        )

    def is_due(self) -> bool:
        """Whether a drawing would be seen now."""
        live = self.verbose == 1 and self._is_live
        return live and time.monotonic() - self._last_drawn >= self.interval

    def update(self, current: int, values: Any = None, finalize: bool | None = None) -> None:
        """Draws the bar, if it is time.

        Args:
            current: how many steps are done.
            values: pairs of name and value.
            finalize: whether this is the last drawing; by default where ``current`` is the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._note(name, value, current, finalize)
        self._seen = current
        now = time.monotonic()
        duration = self._duration(current, now)
        if self.verbose == 1 and (finalize or self.is_due()):
            self._draw(current, now, duration, finalize)
            self._last_drawn = now
        elif self.verbose == 2 and finalize:
            count = f"{current:{self._digits()}d}/{self.target}" if self.target else f"{current}"
            _write(f"{count} - {now - self._start:.0f}s -{self._pace(duration)}{self._values()}\n")

    def add(self, n: int, values: Any = None) -> None:
        """Draws the bar ``n`` steps further on."""
        self.update(self._seen + n, values)

    def _note(self, name: str, value: Any, current: int, finalize: bool) -> None:
        averaged = name in self.stateless if self.stateful is None else name not in self.stateful
        if not averaged or finalize:
            self._sums[name] = (value, 1)
            return
        weight = max(current - self._seen, 1)
        total, count = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = (total + value * weight, count + weight)

    def _duration(self, current: int, now: float) -> float:
        """Seconds per step; the first one, in which programs are compiled, is left out."""
        if not current:
            return 0.0
        if self._after_first is not None and current > 1:
            return (now - self._after_first) / (current - 1)
        if current == 1:
            self._after_first = now
        return (now - self._start) / current

    def _draw(self, current: int, now: float, duration: float, finalize: bool) -> None:
        plain, drawn = self._bar(current)
        if self.target and not finalize:
            clock = _clock(duration * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        rest = f"{self._pace(duration)}{self._values()}"
        width = len(plain) + 1 + len(clock) + len(rest)
        start = "\r" if self._is_live else ""
        padding = " " * max(0, self._shown_width - width)
        clock = f"{_BOLD}{clock}{_END}" if self._is_live else clock
        _write(f"{start}{drawn} {clock}{rest}{padding}" + ("\n" if finalize else ""))
        self._shown_width = width

    def _bar(self, current: int) -> tuple[str, str]:
        """The bar without and with colours."""
        if not self.target:
            text = f"{current:7d}/Unknown"
            return text, text
        count = f"{current:{self._digits()}d}/{self.target}"
        filled = int(self.width * min(current / self.target, 1.0))
        line = "━" * self.width
        plain = f"{count} {line}"
        if not self._is_live:
            return plain, plain
        colours = f"{_GREEN}{line[:filled]}{_WHITE}{line[filled:]}{_END}"
        return plain, f"{_BOLD}{count}{_END} {colours}"

    def _digits(self) -> int:
        return len(str(self.target))

    def _pace(self, duration: float) -> str:
        if duration >= 1 or duration == 0:
            return f" {duration:.0f}s/{self.unit_name}"
        if duration >= 1e-3:
            return f" {duration * 1e3:.0f}ms/{self.unit_name}"
        return f" {duration * 1e6:.0f}us/{self.unit_name}"

    def _values(self) -> str:
        shown = ""
        for name, (total, count) in self._sums.items():
            average = float(np.mean(total)) / max(1, count)
            shown += (
                f" - {name}: {average:.4f}" if abs(average) > 1e-3 else f" - {name}: {average:.4e}"
            )
        return shown


def _clock(seconds: float) -> str:
    """A duration as hours, minutes and seconds, as far as there are some."""
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{whole}s"


def _write(text: str) -> None:
    say(text, end="")


class ProgbarLogger(Callback):
    """Shows training, evaluation and prediction by a `Progbar`; ``fit`` adds one."""

    def __init__(self) -> None:
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Reads how much is to be shown."""
        self.params = params
        verbose = params.get("verbose", 1)
        if verbose not in ("auto", None) and not isinstance(verbose, numbers.Integral):
            raise ArgumentError(
                "`verbose` must be 0 (silent), 1 (a progress bar), 2 (a line per epoch) or 'auto'; "
                f"got {verbose!r}."
            )
        self.verbose = 1 if verbose == "auto" else int(verbose or 0)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def is_due(self) -> bool:
        """Whether a drawing would be seen now; if not, logs need not be fetched."""
        return self.progbar is None or self.progbar.is_due()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """From now on, evaluation is part of an epoch and not shown by itself."""
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begins a bar."""
        self._begin()
        if self.verbose and self.epochs > 1:
            _write(f"Epoch {epoch + 1}/{self.epochs}\n")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins a bar, outside of training."""
        if not self._in_fit:
            self._begin()

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins a bar."""
        self._begin()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar."""
        self._update(batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar, outside of training."""
        if not self._in_fit:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar."""
        self._update(batch, None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar a last time, with the values of the epoch."""
        self._finish(logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar a last time, outside of training."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Draws the bar a last time."""
        self._finish(logs)

    def _begin(self) -> None:
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _update(self, batch: int, logs: dict[str, Any] | None) -> None:
        self.seen = batch + 1
        if self.progbar is not None:
            self.progbar.update(self.seen, list((logs or {}).items()), finalize=False)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self.progbar is None:
            return
        if self.target is None:  # now it is known how many steps there are
            self.target = self.progbar.target = self.seen or None
        numbers = [(k, v) for k, v in (logs or {}).items() if np.size(v) == 1]
        self.progbar.update(self.target or 0, numbers, finalize=True)
