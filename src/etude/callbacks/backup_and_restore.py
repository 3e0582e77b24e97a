"""`BackupAndRestore`: training that was interrupted goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import ArgumentError, SerializationError
from etude.saving.files import write_atomically

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Keeps a backup while a model is trained, and begins from it where there is one.

    A backup holds the weights, the state of the optimizer and of random generators, and the number
    of the epoch. It is there as a whole or not at all, so that training may be killed at any
    moment. Run the same script again: with the same seed the result is that of a run that was not
    interrupted.

    Args:
        backup_dir: a folder of its own, which is made where it does not exist.
        save_freq: ``"epoch"``, a number of batches, or False for none. A run begins again at the
            start of the epoch that a backup was made in.
        double_checkpoint: whether the backup before the last is kept, in case that the last
            cannot be read.
        delete_checkpoint: whether the backup is deleted when training has ended as it should.

    Raises:
        ArgumentError: the folder has no name, or ``save_freq`` another value.

    Example:
        >>> BackupAndRestore("/tmp/backup").save_freq
        'epoch'
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not backup_dir:
            raise ArgumentError("Empty `backup_dir` argument passed; name a folder for backups.")
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(
                "Invalid value for argument `save_freq`: expected either 'epoch' or an integer "
                f"value, a number of batches; got {save_freq!r}."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.watches_batches = save_freq not in ("epoch", False)
        folder = Path(self.backup_dir)
        self._weights_path = folder / "latest.weights.h5"
        self._metadata_path = folder / "training_metadata.json"
        self._batches_since_saving = 0
        self._last_batch = 0
        self._epoch = 0

    # ---- saving --------------------------------------------------------------------------------

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Makes a backup after every epoch."""
        self._epoch, self._last_batch = epoch + 1, 0
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Makes a backup after every so many batches."""
        if self.save_freq in ("epoch", False):
            return
        is_new = batch <= self._last_batch
        self._batches_since_saving += batch + 1 if is_new else batch - self._last_batch
        self._last_batch = batch
        if self._batches_since_saving >= int(self.save_freq):
            self._batches_since_saving = 0
            self._save()

    def _save(self) -> None:
        import h5py  # noqa: PLC0415  (slow to import)

        from etude.saving import weights  # noqa: PLC0415  (it imports h5py)

        Path(self.backup_dir).mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint:
            for path in (self._weights_path, self._metadata_path):
                if path.exists():
                    write_atomically(_older(path), lambda to, of=path: shutil.copyfile(of, to))
        position = {"epoch": self._epoch, "batch": self._last_batch}

        def write(target: Path) -> None:
            with h5py.File(target, "w") as file:
                weights.write_from(self.model, file)
                file.attrs.update(position)  # in the same file: they fit the weights at any moment

        write_atomically(self._weights_path, write)
        write_atomically(self._metadata_path, lambda path: path.write_text(json.dumps(position)))

    # ---- restoring -----------------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Loads the backup, if there is one.

        Raises:
            ArgumentError: the model is not built.
        """
        self._batches_since_saving = self._last_batch = 0
        try:
            self._load()
        except (OSError, SerializationError):
            if not _older(self._weights_path).exists():
                raise
            for path in (self._weights_path, self._metadata_path):
                if _older(path).exists():
                    shutil.copyfile(_older(path), path)
                else:
                    path.unlink(missing_ok=True)
            self._load()

    def _load(self) -> None:
        if not self.model.built:
            raise ArgumentError(
                "To use the BackupAndRestore callback, your model must be built before you call "
                f"`fit()`; {self.model.name!r} is not. Call it on a batch of data first."
            )
        if not self._weights_path.exists():
            return
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        self.model.load_weights(self._weights_path)
        epoch = self._epoch_of_backup()
        if epoch is not None:
            self.model._initial_epoch = self._epoch = epoch

    def _epoch_of_backup(self) -> int | None:
        import h5py  # noqa: PLC0415  (slow to import)

        with h5py.File(self._weights_path, "r") as file:
            epoch: Any = file.attrs.get("epoch")
        if epoch is not None:
            return int(epoch)
        if self._metadata_path.exists():  # of Keras
            return int(json.loads(self._metadata_path.read_text())["epoch"])
        return None

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Deletes the backup, and the folder if nothing else is in it."""
        if not self.delete_checkpoint:
            return
        for path in (self._weights_path, self._metadata_path):
            path.unlink(missing_ok=True)
            _older(path).unlink(missing_ok=True)
        folder = Path(self.backup_dir)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.bkp")
