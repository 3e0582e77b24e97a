"""`EarlyStopping`: ends training when a value no longer improves."""

from __future__ import annotations

from typing import Any

from etude.callbacks.monitor import MonitorCallback
from etude.messages import say

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Ends training when a value has not improved for some epochs.

    Args:
        monitor: the name of the value in the logs.
        min_delta: a change by less is no improvement.
        patience: how many epochs without improvement are borne.
        verbose: whether it says so when it acts.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        baseline: a value that must be beaten too.
        restore_best_weights: whether the weights of the best epoch are put back.
        start_from_epoch: epochs before this one are not looked at.

    Source: Prechelt, "Early stopping, but when?", 1998.

    Example:
        >>> EarlyStopping(monitor="val_accuracy", patience=3).patience
        3
    """

    _remembered = ("wait", "stopped_epoch", "best", "best_weights", "best_epoch")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_weights: Any = None
        self.best_epoch = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins anew."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the value, and stops training where patience is at its end."""
        self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def get_monitor_value(self, logs: dict[str, Any] | None) -> Any:
        """The value in the logs; None, after a warning, where it is not there."""
        return self._monitored(logs, "Early stopping conditioned on metric")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the best weights back."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                say(
                    f"Epoch {self.best_epoch + 1} was the best; the model gets back the weights "
                    "it had then."
                )
            self.model.set_weights(self.best_weights)
