"""`Resume`: training goes on from a file that `ModelCheckpoint` wrote."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path
from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import StateError
from etude.saving import checkpoints
from etude.tracebacks import warn

__all__ = ["Resume"]


class Resume(Callback):
    """Has `fit` go on from a file that `ModelCheckpoint` wrote, and begin where there is none.

    Give it the ``filepath`` that `ModelCheckpoint` has; where there are several files, it takes the
    newest whose checksum is right. The model must be made and compiled as it was. All goes on with
    the step after the file was written, as with `BackupAndRestore`.

    Args:
        filepath: ``*.keras`` or ``*.weights.h5``; with places for values, ``{epoch:02d}``, it
            stands for all files of such names.

    Raises:
        SerializationError: when training begins, and there are files, but all are damaged, or are
            of another model.

    Example:
        >>> path = "checkpoints/{epoch:02d}.keras"
        >>> # model.fit(x, y, callbacks=[Resume(path), ModelCheckpoint(path)])
        >>> Resume(path).filepath
        'checkpoints/{epoch:02d}.keras'
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Loads the newest file that is whole."""
        checkpoint, errors = checkpoints.newest(self._files())
        if checkpoint is None:
            return
        if errors:
            warn(f"{errors[0]} Training goes on from {checkpoint.path}.")
        progress = self.model.__dict__.get("_progress")
        if progress is None:
            raise StateError(
                "The callback Resume is for `fit`; in a loop of your own, load weights."
            )
        progress.resume(checkpoint)

    def _files(self) -> list[Path]:
        """The files of this name, the newest first."""
        parts = re.split(r"\{[^}]*\}", self.filepath)
        found = [Path(name) for name in glob.glob("*".join(map(glob.escape, parts)))]
        return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)
