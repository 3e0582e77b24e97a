"""Checkpoints of the runs of labs: a run that was interrupted goes on where it was.

A lab is executed from its first cell also when it goes on. What takes time is training, and each
`fit` of it has a backup in a folder of its own, which stays until the run has ended: a `fit` that
had ended ends at once, the one that was interrupted goes on, and all later ones are trained.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from etude import __version__
from etude.callbacks import BackupAndRestore
from etude.callbacks.automatic import in_every_fit
from etude.errors import FileError
from etude.labs.running import record
from etude.labs.running.header import Header
from etude.tracebacks import warn

__all__ = ["checkpointed", "folder_of"]


def folder_of(header: Header, options: Mapping[str, Any]) -> Path:
    """Where the checkpoints of a run are; another one for other options or another text.

    Args:
        header: the lab.
        options: all that decides what the run computes.
    """
    what = [__version__, header.path.read_text(encoding="utf-8"), options]
    digest = hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()
    return record.home() / "checkpoints" / f"{header.name}-{digest[:16]}"


@contextmanager
def checkpointed(folder: Path, resume: bool) -> Generator[None]:
    """Inside, each `fit` keeps a backup; when all has gone well, the backups are deleted.

    Args:
        folder: where they are.
        resume: whether training goes on from backups that are there.
    """
    if not resume:
        _delete(folder)
    count = 0

    def make() -> BackupAndRestore:
        nonlocal count
        count += 1
        return _Backup(folder / f"fit-{count}", delete_checkpoint=False)

    with in_every_fit(make):
        yield
    _delete(folder)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


class _Backup(BackupAndRestore):
    """A backup that costs no run where it cannot be written."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        try:
            super().on_train_begin(logs)
        except FileError as error:
            self._go_without(error)

    def _save(self) -> None:
        try:
            super()._save()
        except FileError as error:
            self._go_without(error)

    def _go_without(self, error: FileError) -> None:
        warn(f"This run has no checkpoint to go on from if it is interrupted: {error}")
