"""Looks after the loss while a model is trained; when it is no number, finds out where that began.

A few times a second it looks at the loss. Until the next look it keeps where the variables were,
and which batches came: arrays are never written to, so that is only a list. Once the loss is NaN or
infinite, the steps since are taken again, one by one, by the program that they ran in; and the
first that goes wrong, operation by operation. Then all is put back. Training goes on as it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from etude import random
from etude.callbacks.callback_list import to_numbers
from etude.callbacks.terminate_on_nan import NaNLossError
from etude.tracebacks import warn
from etude.training.anomaly import Anomaly, find_anomaly
from etude.training.runner import Run, guarded

__all__ = ["LossWatch"]

GLANCE = 0.1  # seconds between two looks, at least
COPIED = 128 << 20  # bytes of variables per second that may be copied: what is held is not donated
MOST_BYTES = 64 << 20  # of the variables: more are not held without being asked for

Snapshot = list[Any]


class _Stretch:
    """What happened between two looks."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.runs: list[tuple[int, Run]] = []  # with their epochs


class LossWatch:
    """Watches one call of `fit`.

    Args:
        model: the model.

    Attributes:
        found: what it found; None before.
        replays: whether it keeps what it needs to find the step. Where variables take much memory,
            of which twice as much more may be held then, it does so if a callback sets this.
        stops: whether it raises, in the place of a warning.
        last: the last steps that were run.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.found: Anomaly | None = None
        self.variables, self.names = _variables(model)
        size = sum(4 * int(np.prod(v.shape)) for v in self.variables)
        self.replays = size <= MOST_BYTES
        self.stops = self.told = False
        self.last: Run | None = None
        self._glance = max(GLANCE, size / COPIED)
        self._last_look = time.monotonic()
        self._before: _Stretch | None = None
        self._now: _Stretch | None = None

    def begins(self, run: Run, epoch: int) -> None:
        """Some steps are about to be run."""
        self.last = run
        if self.told or not self.replays:
            return
        if self._now is None:
            self._now = _Stretch(self._snapshot())
        self._now.runs.append((epoch, run))

    def ended(self, logs: Any, epoch: int) -> None:
        """They have been."""
        now = time.monotonic()
        if self.told or now - self._last_look < self._glance:
            return
        self.look(logs, epoch)
        self._last_look = time.monotonic()

    def look(self, logs: Any, epoch: int) -> None:
        """Looks at the loss, as a few times a second, so at the end of an epoch.

        Raises:
            NaNLossError: it is no number, and it shall raise then.
        """
        if self.told:
            return
        loss = _loss(logs)
        if loss is None or math.isfinite(loss):
            self._before, self._now = self._now or self._before, None
            return
        self.told = True
        stretches = [s for s in (self._before, self._now) if s is not None]
        self._before = self._now = None
        self.found = self._search(stretches) if stretches else None
        message = _message(loss, epoch, self.found)
        if self.stops:
            raise NaNLossError(message)
        warn(message)

    # ---- going back ----------------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        return [variable.cell.read() for variable in self.variables]

    def _put_back(self, snapshot: Snapshot) -> None:
        for variable, array in zip(self.variables, snapshot, strict=True):
            variable.cell.write(array)

    @contextmanager
    def undone(self) -> Generator[None]:
        """What is done to the variables and to generators inside is undone."""
        now, generators = self._snapshot(), random.generator_states()
        try:
            yield
        finally:
            self._put_back(now)
            random.set_generator_states(generators)

    def examine(self, batch: Any, epoch: int = 0, step: int = 0) -> Anomaly | None:
        """Takes a step on a batch, operation by operation, and undoes it.

        Returns:
            Where a NaN or an infinity appeared; None where none did.
        """
        eager = guarded(self.model, self.model.train_step)
        with self.undone():
            return find_anomaly(eager, batch, self.variables, epoch, step, self.names)

    def _search(self, stretches: list[_Stretch]) -> Anomaly | None:
        with self.undone(), suppress(Exception):  # a step may not be one that can be repeated
            self._put_back(stretches[0].snapshot)
            for epoch, run in (found for stretch in stretches for found in stretch.runs):
                for step in range(run.begin, run.end + 1):
                    before = self._snapshot()
                    run.again(step)
                    if not all(map(_is_finite, self._snapshot())):
                        self._put_back(before)
                        return self.examine(run.batch(step), epoch, step)
        return None


def _variables(model: Any) -> tuple[list[Any], set[str]]:
    """All that a step of a model may change; and the names of its optimizers."""
    optimizers = [part for part in vars(model).values() if hasattr(part, "apply_gradients")]
    found = [
        *model.variables,
        *model.metrics_variables,
        *(variable for optimizer in optimizers for variable in optimizer.variables),
        *random.global_state(),
    ]
    names = {optimizer.name for optimizer in _with_inner(optimizers)}
    return list({id(variable): variable for variable in found}.values()), names


def _with_inner(optimizers: list[Any]) -> list[Any]:
    """Optimizers, and those inside of them."""
    inner = [getattr(optimizer, "inner_optimizer", None) for optimizer in optimizers]
    several = [one for optimizer in optimizers for one in getattr(optimizer, "optimizers", ())]
    return [*optimizers, *(one for one in inner if one is not None), *several]


def _is_finite(array: Any) -> bool:
    array = np.asarray(array)
    return array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def _loss(logs: Any) -> float | None:
    """The loss in logs; of a step of the user's own the first that is called so."""
    for name, value in (logs or {}).items():
        if name == "loss" or name.endswith("_loss"):
            number = to_numbers({name: value})[name]
            return number if isinstance(number, (int, float)) else None
    return None


def _message(loss: float, epoch: int, found: Anomaly | None) -> str:
    what = "NaN" if math.isnan(loss) else "infinite"
    text = f"The loss became {what} in epoch {epoch + 1}. "
    if found is not None:
        return (
            f"{text}{found} The callback `TerminateOnNaN` stops training when it happens; "
            "`etude.debugging` has more to look with."
        )
    return (
        f"{text}Frequent causes: a learning rate that is too large, NaN or very large values in "
        "the data, a logarithm or division of zero in a loss of your own. The callback "
        "`TerminateOnNaN` stops training when it happens, `etude.debugging.FindAnomaly` says where."
    )
