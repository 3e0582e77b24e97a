"""`History`: losses and metrics, epoch by epoch."""

from __future__ import annotations

from typing import Any

from etude.callbacks.callback import Callback

__all__ = ["History"]


class History(Callback):
    """What ``fit`` returns.

    Attributes:
        history: a list of values, one per epoch, for every name.
        epoch: the numbers of the epochs.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begins to count epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the values of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        if self.model is not None:
            self.model.history = self
