"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["PART", "remove", "remove_leftovers", "written_whole"]

PART = ".part"
"""How the names of files end that are being written; they begin with a dot."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A place to write a file to, in the same folder, from which it is moved to its own.

    It is forced to the disk before, and the folder after. Until it is moved the old file stays, and
    with an exception nothing else remains. Two processes that write one file at once each have a
    place of their own. A process that is killed leaves a part behind: see `remove_leftovers`.

    Args:
        path: where the file belongs.

    Raises:
        OSError: the folder does not exist or may not be written to, or the disk is full.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> with written_whole(path) as part:
    ...     _ = part.write_text("all of it")
    >>> [p.name for p in path.parent.iterdir()]
    ['a.txt']
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}{PART}")
    part.open("xb").close()
    allowed = part.stat().st_mode & 0o777  # by the umask; some writers make files for the user only
    try:
        yield part
        part.chmod(allowed)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        _replace(part, path)
        _force_folder(path.parent)
    finally:
        remove(part)


def _force_folder(folder: Path) -> None:
    """Has the disk remember the new name too; where folders cannot be forced, nothing is done."""
    with suppress(OSError):  # Windows opens no folders, and some file systems force none
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(path: Path) -> None:
    """Deletes the parts of a file that processes left behind which were killed as they wrote it.

    Args:
        path: the file itself, which stays as it is.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.txt"
    >>> path.with_name(".a.txt.999999999-00000000.part").touch()
    >>> remove_leftovers(path)
    >>> list(path.parent.iterdir())
    []
    """
    start = f".{path.name}."
    with suppress(OSError):
        for part in list(path.parent.iterdir()):
            if part.name.startswith(start) and part.name.endswith(PART):
                number = part.name.removeprefix(start).partition("-")[0]
                if number.isdecimal() and not _is_running(int(number)):
                    remove(part)


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return True
    if os.name == "nt":  # there, asking would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return process < 2**31
    return True


def _replace(part: Path, path: Path) -> None:
    try:
        os.replace(part, path)
    except PermissionError:
        # Windows refuses to replace a file that another process is reading. If it holds these
        # very bytes already, that process was only quicker.
        if not path.exists() or path.read_bytes() != part.read_bytes():
            raise


def remove(path: Path) -> None:
    """Deletes a file; one that is gone already, or cannot be deleted, is left alone."""
    with suppress(OSError):
        path.unlink()
