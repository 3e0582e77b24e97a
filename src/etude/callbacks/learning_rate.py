"""Callbacks that change the learning rate: `LearningRateScheduler`, `ReduceLROnPlateau`."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from etude.callbacks.callback import Callback
from etude.callbacks.monitor import MonitorCallback
from etude.errors import ArgumentError
from etude.messages import say

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def _optimizers(model: Any) -> dict[str, Any]:
    """The optimizers of a model, by the names of their learning rates in the logs."""
    several = getattr(model.optimizer, "optimizers", None)
    if several is None:
        return {"learning_rate": model.optimizer}
    return {f"learning_rate_{optimizer.name}": optimizer for optimizer in several}


def _learning_rate(optimizer: Any) -> float:
    if not hasattr(optimizer, "learning_rate"):
        raise ArgumentError('Optimizer must have a "learning_rate" attribute.')
    return float(np.asarray(optimizer.learning_rate))


def _shown(name: str, optimizer: Any) -> str:
    return "learning rate" if name == "learning_rate" else f"{optimizer.name} learning rate"


def _log_learning_rates(model: Any, logs: dict[str, Any]) -> None:
    logs.update({name: _learning_rate(one) for name, one in _optimizers(model).items()})


class LearningRateScheduler(Callback):
    """Sets the learning rate before every epoch.

    Args:
        schedule: takes the number of the epoch, from 0, and the learning rate; returns the new
            one, a float.
        verbose: whether it says so.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch > 9 else rate)
        >>> halve.schedule(10, 0.5)
        0.25
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the learning rate.

        Raises:
            ArgumentError: the schedule returned no float.
        """
        for name, optimizer in _optimizers(self.model).items():
            rate = self._new_rate(epoch, _learning_rate(optimizer))
            optimizer.learning_rate = rate
            if self.verbose > 0:
                what = _shown(name, optimizer)
                say(f"\nEpoch {epoch + 1}: LearningRateScheduler setting {what} to {rate}.")

    def _new_rate(self, epoch: int, rate: float) -> float:
        rate = self._call(epoch, rate)
        if not isinstance(rate, (float, np.floating)):
            value = np.asarray(rate)
            if value.ndim or value.dtype.kind != "f":
                raise ArgumentError(
                    f"LearningRateScheduler: what `schedule` returns should be a float; got {rate}."
                )
        return float(rate)

    def _call(self, epoch: int, rate: float) -> Any:
        try:
            parameters = inspect.signature(self.schedule).parameters.values()
        except (TypeError, ValueError):
            return self.schedule(epoch, rate)
        places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        any_number = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        return self.schedule(epoch, rate) if any_number or len(places) > 1 else self.schedule(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Puts the learning rate into the logs."""
        if logs is not None:
            _log_learning_rates(self.model, logs)


class ReduceLROnPlateau(MonitorCallback):
    """Lowers the learning rate when a value has not improved for some epochs.

    Args:
        monitor: the name of the value in the logs.
        factor: the learning rate is multiplied by it; less than 1.
        patience: how many epochs without improvement are borne.
        verbose: whether it says so.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        min_delta: a change by less is no improvement.
        cooldown: how many epochs to wait after lowering.
        min_lr: the lowest learning rate.
        **kwargs: accepted, not used.

    Raises:
        ArgumentError: the factor is not less than 1.
    """

    _remembered = ("best", "cooldown_counter", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if factor >= 1.0:
            raise ArgumentError(
                f"ReduceLROnPlateau lowers the learning rate, so `factor` must be below 1.0; got "
                f"{factor}."
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins anew."""
        self._reset()

    def in_cooldown(self) -> bool:
        """Whether it waits after having lowered the rate."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the value, and lowers the rate where patience is at its end."""
        logs = {} if logs is None else logs
        self._set_monitor_op()
        _log_learning_rates(self.model, logs)
        current = logs.get(self.monitor)
        if current is None:
            warnings.warn(
                f"ReduceLROnPlateau watches `{self.monitor}` which is not available, so the "
                f"learning rate stays as it is. Set `monitor` to one of: {', '.join(logs)}.",
                stacklevel=2,
            )
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._lower(epoch)

    def _lower(self, epoch: int) -> None:
        lowered = False
        for name, optimizer in _optimizers(self.model).items():
            old = _learning_rate(optimizer)
            if old <= np.float32(self.min_lr):
                continue
            new = max(old * self.factor, self.min_lr)
            optimizer.learning_rate = new
            lowered = True
            if self.verbose > 0:
                what = _shown(name, optimizer)
                say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing {what} to {new}.")
        if lowered:
            self.cooldown_counter, self.wait = self.cooldown, 0
