"""`BackupAndRestore`: training that was interrupted goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import ArgumentError
from etude.files import remove, remove_leftovers, written_whole
from etude.saving import checkpoints
from etude.saving.checkpoints import Checkpoint
from etude.saving.files import make_folder, write_atomically
from etude.tracebacks import warn

__all__ = ["BackupAndRestore"]


class BackupAndRestore(Callback):
    """Keeps a backup while a model is trained, and goes on from it where there is one.

    A backup holds all that decides how training goes on: the weights, the optimizer, the metrics,
    epoch and step, the order of the data, random generators, and what callbacks remember. Training
    may be killed at any moment, also while a backup is written. Run the same script again, and it
    goes on with the step after the backup: its result is that of a run that was not interrupted,
    bit for bit on the same machine. The `History` holds the epochs before, too.

    The backup before the last is kept. A checksum tells whether the last is whole; if not, the one
    before is taken, and a warning says so. Ctrl-C and SIGTERM end training after the step that is
    under way, with a backup.

    Generators, and data sets that make their elements by functions, have to make those of the
    epoch under way once more. They give the same ones where these depend on seeds alone; what else
    they remember is not in a backup.

    Args:
        backup_dir: a folder of its own, which is made where it does not exist.
        save_freq: ``"epoch"``, a number of batches, or False for none but that of an interrupt.
        double_checkpoint: accepted; the backup before the last is always kept.
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
        self._training_metadata_path = folder / "training_metadata.json"
        self._prev_weights_path = _older(self._weights_path)
        self._prev_training_metadata_path = _older(self._training_metadata_path)
        self._batches_since_saving = 0
        self._last_batch_seen = 0
        self._current_epoch = 0

    _remembered = ("_batches_since_saving", "_last_batch_seen", "_current_epoch")

    # ---- saving --------------------------------------------------------------------------------

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Makes a backup after every epoch."""
        self._current_epoch, self._last_batch_seen = epoch + 1, 0
        if self.save_freq == "epoch":
            self._save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Makes a backup after every so many batches."""
        if self.save_freq in ("epoch", False):
            return
        is_new = batch <= self._last_batch_seen
        self._batches_since_saving += batch + 1 if is_new else batch - self._last_batch_seen
        self._last_batch_seen = batch
        if self._batches_since_saving >= int(self.save_freq):
            self._batches_since_saving = 0
            self._save()

    def _on_interrupt(self, logs: dict[str, Any]) -> None:
        self._save()

    def _save(self) -> None:
        make_folder(Path(self.backup_dir))
        position = {"epoch": self._current_epoch, "batch": self._last_batch_seen}
        progress = self.model.__dict__.get("_progress")  # none in a loop of the user's own
        state = position if progress is None else progress.state()
        content = checkpoints.to_bytes(self.model, state)

        def write(part: Path) -> None:
            part.write_bytes(content)
            _keep(self._weights_path, self._prev_weights_path)
            _keep(self._training_metadata_path, self._prev_training_metadata_path)

        write_atomically(self._weights_path, write)
        text = json.dumps(position)  # as Keras has it; the file of weights knows it by itself
        write_atomically(self._training_metadata_path, lambda part: part.write_text(text))

    # ---- restoring -----------------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Loads the backup, if there is one.

        Raises:
            ArgumentError: the model is not built, or the backup is of another one.
            FileError: the folder cannot be written to.
            SerializationError: there is a backup, but it is damaged, and there is none before it.
        """
        self._batches_since_saving = self._last_batch_seen = 0
        self._current_epoch = 0
        if not self.model.built:
            raise ArgumentError(
                "To use the BackupAndRestore callback, your model must be built before you call "
                f"`fit()`; {self.model.name!r} is not. Call it on a batch of data first."
            )
        make_folder(Path(self.backup_dir))  # what would fail later fails now
        for path in self._files():
            remove_leftovers(path)
        checkpoint = self._read()
        if checkpoint is not None:
            self._restore(checkpoint)

    def _read(self) -> Checkpoint | None:
        """The last backup that is whole. A damaged one makes room: the good one is not lost."""
        checkpoint, errors = checkpoints.newest((self._weights_path, self._prev_weights_path))
        if checkpoint is not None and errors:
            warn(f"{errors[0]} Training goes on from the backup before it.")
            for older, latest in (
                (self._prev_weights_path, self._weights_path),
                (self._prev_training_metadata_path, self._training_metadata_path),
            ):
                if older.exists():
                    os.replace(older, latest)
        return checkpoint

    def _restore(self, checkpoint: Checkpoint) -> None:
        state = checkpoint.state
        progress = self.model.__dict__.get("_progress")
        if progress is not None and state is not None and "stage" in state:
            progress.resume(checkpoint)
            self._current_epoch = self.model._initial_epoch
            return
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        checkpoints.restore_weights(self.model, checkpoint)
        if state is None and self._training_metadata_path.exists():  # of Keras
            state = json.loads(self._training_metadata_path.read_text())
        if state is not None:
            self.model._initial_epoch = self._current_epoch = int(state["epoch"])

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Deletes the backup, and the folder if nothing else is in it."""
        if not self.delete_checkpoint:
            return
        for path in self._files():
            path.unlink(missing_ok=True)
        folder = Path(self.backup_dir)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()

    def _files(self) -> tuple[Path, ...]:
        return (
            self._weights_path,
            self._training_metadata_path,
            self._prev_weights_path,
            self._prev_training_metadata_path,
        )


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.bkp")


def _keep(path: Path, older: Path) -> None:
    """Has a file under a second name as well, at no cost where the disk can do that."""
    if not path.exists():
        return
    with suppress(OSError):
        name = older.with_name(f".{older.name}.{os.getpid()}-link.part")
        remove(name)
        os.link(path, name)
        os.replace(name, older)
        remove(name)  # still there where both are one file already
        return
    with written_whole(older) as part:
        shutil.copyfile(path, part)
