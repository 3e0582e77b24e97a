"""Writing what is saved, as a whole or not at all, and what is said where that fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from etude.errors import ArgumentError, FileError
from etude.files import written_whole

__all__ = ["make_folder", "write_atomically"]


def make_folder(path: Path) -> None:
    """Makes a folder to save to, and those above it, where they are missing.

    Raises:
        FileError: it cannot be made, or not be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(None, "it is read-only")
    except OSError as error:
        raise FileError(
            f"Nothing can be saved to the folder {path}: {error.strerror}. Choose a folder of your "
            "own."
        ) from error


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Has a file written under another name in the same folder, then moves it to its place.

    Args:
        path: where the file belongs.
        write: writes it to the path that it is given.

    Raises:
        ArgumentError: the folder does not exist.
        FileError: the folder may not be written to, or the disk is full. An older file stays.
    """
    if not path.parent.is_dir():
        raise ArgumentError(
            f"There is no folder {path.parent} to write {path.name} to. Make it first: "
            f"`os.makedirs({str(path.parent)!r}, exist_ok=True)`."
        )
    try:
        with written_whole(path) as part:
            write(part)
    except FileError:
        raise
    except OSError as error:
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error).splitlines()[0]
    kept = " The file that was there is unchanged." if path.exists() else ""
    return FileError(
        f"{path.name} cannot be written to {path.parent}: {reason}.{kept} Choose a folder of your "
        "own, or make room."
    )
