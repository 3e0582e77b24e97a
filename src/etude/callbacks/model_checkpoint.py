"""`ModelCheckpoint`: saves the model while it is trained."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from etude.callbacks.monitor import MonitorCallback
from etude.errors import ArgumentError
from etude.files import remove_leftovers
from etude.messages import say
from etude.saving import checkpoints
from etude.saving.files import make_folder, write_atomically

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after every epoch or every so many batches.

    The file also holds where training was: `Resume` goes on from there. A file is written beside
    its place and moved there when it is whole, so that the one before is not lost. After Ctrl-C or
    SIGTERM one more is written, unless only the best are wanted.

    Args:
        filepath: the file, ``*.keras`` or ``*.weights.h5``; it may hold places for values:
            ``"model-{epoch:02d}-{val_loss:.2f}.keras"``.
        monitor: the name of the value that says which model is the best.
        verbose: whether it says so when it acts.
        save_best_only: whether only a better model is saved.
        save_weights_only: whether only the weights are saved, as ``*.weights.h5``.
        mode: ``"min"``, ``"max"`` or ``"auto"``.
        save_freq: ``"epoch"``, or a number of batches.
        initial_value_threshold: the value to beat at first.

    Raises:
        ArgumentError: the file has another ending, or ``save_freq`` another value.
    """

    _remembered = ("best", "_seen_since_saving", "_last_batch", "_epoch")

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: int | str = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.watches_batches = save_freq != "epoch"
        self._seen_since_saving = 0
        self._last_batch: int | None = None
        self._epoch = 0
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                f"Unrecognized save_freq: {save_freq}. Use 'epoch', or a whole number of batches "
                "between two saves."
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ArgumentError(
                f"With `save_weights_only={save_weights_only}` the filepath of `ModelCheckpoint` "
                f"must end in `{endings[0]}`. Received: filepath={self.filepath}"
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves after every so many batches."""
        if self.save_freq == "epoch":
            return
        new_epoch = self._last_batch is None or batch <= self._last_batch
        self._seen_since_saving += batch + 1 if new_epoch else batch - (self._last_batch or 0)
        self._last_batch = batch
        if self._seen_since_saving >= int(self.save_freq):
            self._seen_since_saving = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves after every epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        path = Path(self._path(epoch, batch, logs))
        if not self._is_wanted(epoch, logs, path):
            return
        if path.is_dir():
            raise ArgumentError(
                f"ModelCheckpoint writes to a file, but `filepath` is a directory: {path}. Add a "
                "file name to it."
            )
        make_folder(path.parent)
        remove_leftovers(path)
        progress = self.model.__dict__.get("_progress")  # none in a loop of the user's own
        state = None if progress is None else progress.state()
        if not self.save_weights_only:
            with checkpoints.carrying(self.model, state):
                self.model.save(path, overwrite=True)
        elif state is None:
            self.model.save_weights(path, overwrite=True)
        else:
            content = checkpoints.to_bytes(self.model, state)
            write_atomically(path, lambda part: part.write_bytes(content))
        if self.verbose > 0:
            say(f"\nEpoch {epoch + 1}: finished saving model to {path}")

    def _on_interrupt(self, logs: dict[str, Any]) -> None:
        if self.save_best_only:
            return
        with suppress(ArgumentError):  # a name with values that are only known after an epoch
            self._save(self._epoch, self._last_batch, logs)

    def _is_wanted(self, epoch: int, logs: dict[str, Any], path: Path) -> bool:
        if not self.save_best_only:
            self._say(f"\nEpoch {epoch + 1}: saving model to {path}")
            return True
        current = logs.get(self.monitor)
        if current is None or np.ndim(current) > 0:
            warnings.warn(
                f"Can save best model only with {self.monitor} available, as a single number. "
                f"Available: {', '.join(logs)}. The model is saved as it is.",
                stacklevel=4,
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(f"\nEpoch {epoch + 1}: {self.monitor} did not improve from {best}")
            return False
        self._say(
            f"\nEpoch {epoch + 1}: {self.monitor} improved from {best} to {current:.5f}, "
            f"saving model to {path}"
        )
        self.best = current
        return True

    def _say(self, text: str) -> None:
        if self.verbose > 0:
            say(text)

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        values = {**logs, "epoch": epoch + 1}
        if batch is not None:
            values.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**values)
        except KeyError as error:
            raise ArgumentError(
                f'Failed to format this callback filepath: "{self.filepath}". There is no value '
                f"named {error}; there are: {', '.join(values)}."
            ) from error
