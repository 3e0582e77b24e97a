"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from etude.errors import ArgumentError, FileError

__all__ = ["write_atomically"]


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
    import tempfile  # noqa: PLC0415  (slow to import)

    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise _not_written(path, error) from error
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except FileError:
        raise
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _not_written(path: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error).splitlines()[0]
    kept = " The file that was there is unchanged." if path.exists() else ""
    return FileError(
        f"{path.name} cannot be written to {path.parent}: {reason}.{kept} Choose a folder of your "
        "own, or make room."
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
