"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from etude.errors import ArgumentError

__all__ = ["write_atomically"]


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Has a file written under another name in the same folder, then moves it to its place.

    Args:
        path: where the file belongs.
        write: writes it to the path that it is given.

    Raises:
        ArgumentError: the folder does not exist.
    """
    if not path.parent.is_dir():
        raise ArgumentError(
            f"There is no folder {path.parent} to write {path.name} to. Make it first: "
            f"`os.makedirs({str(path.parent)!r}, exist_ok=True)`."
        )
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
