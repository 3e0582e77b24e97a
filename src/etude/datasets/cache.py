"""The folder that keeps data between runs, and the one way bytes get into it and out of it.

Nothing leaves the cache before its SHA-256 matches, and nothing enters it but as a whole: a file is
written beside its final place, forced to the disk, and renamed. Two processes that fetch the same
data set at once each write their own temporary file; the last rename wins, with the same bytes.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from etude.errors import FetchError, HashMismatchError
from etude.files import PART, remove, written_whole

STALE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Blob:
    """Bytes that are known before they arrive.

    Args:
        name: the file's name, or its path inside of an archive.
        size: its length in bytes.
        sha256: its SHA-256, 64 hexadecimal digits.
    """

    name: str
    size: int
    sha256: str


def root() -> Path:
    """The folder of all data sets: ``$ETUDE_DATA``, or ``data`` in the user's cache folder."""
    chosen = os.environ.get("ETUDE_DATA")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs  # noqa: PLC0415  (only wanted once data is; keeps the import cheap)

    return platformdirs.user_cache_path("etude", appauthor=False) / "data"


def check(data: bytes, expected: Blob, origin: str) -> None:
    """Compares bytes with what was expected.

    Args:
        data: the bytes.
        expected: their size and hash.
        origin: where they came from, for the message.

    Raises:
        HashMismatchError: they differ.

    >>> check(b"abc", Blob("x", 3, hashlib.sha256(b"abc").hexdigest()), "x")
    >>> check(b"abd", Blob("x", 3, hashlib.sha256(b"abc").hexdigest()), "x")
    Traceback (most recent call last):
    etude.errors.HashMismatchError: x: wrong SHA-256: expected ba7816bf8f01..., got a52d159f262b...
    """
    if len(data) != expected.size:
        raise HashMismatchError(
            f"{origin}: wrong size: expected {expected.size} bytes, got {len(data)}"
        )
    actual = hashlib.sha256(data).hexdigest()
    if actual != expected.sha256:
        raise HashMismatchError(
            f"{origin}: wrong SHA-256: expected {expected.sha256[:12]}..., got {actual[:12]}..."
        )


def read(path: Path, expected: Blob) -> bytes:
    """The bytes of a file, checked.

    Raises:
        HashMismatchError: they are not the expected ones.
        OSError: the file cannot be read.
    """
    # The size comes first, so that a wrong file of many gigabytes is never read into memory.
    size = path.stat().st_size
    if size != expected.size:
        raise HashMismatchError(f"{path}: wrong size: expected {expected.size} bytes, got {size}")
    data = path.read_bytes()
    check(data, expected, str(path))
    return data


def store(folder: Path, contents: dict[str, bytes]) -> None:
    """Writes files into a folder: all of them, each as a whole, or none.

    Args:
        folder: where; made if it does not exist.
        contents: file name to bytes.

    Raises:
        FetchError: the folder cannot be written or the disk is full. Nothing new remains.
    """
    done: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        for name, data in contents.items():
            with written_whole(folder / name) as part:
                part.write_bytes(data)
            done.append(folder / name)
    except BaseException as error:
        # Ctrl-C too: a set of files that is not complete is of no use to the next run.
        for path in done:
            remove(path)
        if not isinstance(error, OSError):
            raise
        raise FetchError(
            f"Cannot write {sum(map(len, contents.values())):,} bytes to {folder}: "
            f"{error.strerror or error}. "
            + ("Make room there, or set" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Set")
            + " ETUDE_DATA to a folder that can be written."
        ) from error


def discard(path: Path) -> None:
    """Deletes a file whose content turned out wrong; a file that is gone already is fine."""
    remove(path)


def _sweep(folder: Path) -> None:
    """Deletes temporary files of processes that were killed; younger ones may still be in use."""
    for part in folder.glob(f".*{PART}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()
