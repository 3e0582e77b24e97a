"""The members of a ``*.keras`` file: an archive from a stranger, read by the names of its members.

A member is read into memory, or where it lies in the file, after its name, kind and sizes were
looked at; nothing is extracted. An archive with anything in it that no model has is not read at
all: names that lead out of a folder, links, two members of one name, members that overlap,
members that are encrypted or packed in an unusual way, or that become very much larger.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etude.errors import SerializationError
from etude.saving.hdf5.source import Source

if TYPE_CHECKING:
    import zipfile

__all__ = ["CONFIG", "METADATA", "WEIGHTS", "Archive", "Folder", "is_asset", "no_model", "opened"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
ASSETS = "assets/"
MAX_CONFIG_BYTES = 64 << 20
MAX_EXPANSION = 200  # a member may be this many times as large as its compressed form
CHUNK = 1 << 20
STORED, DEFLATED = 0, 8
ENCRYPTED = 1
HEADER = struct.Struct("<4s22xHH")  # of a member: signature, lengths of name and extra field


def is_asset(name: str) -> bool:
    """Whether a member of an archive is the file of a layer."""
    return name.startswith(ASSETS) and not name.endswith("/")


def no_model(path: Any, error: object) -> SerializationError:
    """The error for a file that is no archive of a model."""
    return SerializationError(
        f"{path} holds no model: it is no archive as `model.save('x.keras')` writes ({error}). "
        "Was it cut short while it was copied or saved, or is it something else under that name?"
    )


def refused(path: Any, what: str) -> SerializationError:
    """The error for an archive with something in it that no model has."""
    return SerializationError(
        f"{path}: {what}. No model that etude or Keras saved is like that, and it is not read."
    )


class Archive:
    """An open archive.

    Args:
        origin: its path, or a file of its bytes.
        name: what it is called in messages.

    Raises:
        SerializationError: it is none, or one that is not read.
    """

    def __init__(self, origin: Any, name: str) -> None:
        import zipfile  # noqa: PLC0415  (slow to import)

        self.origin, self.name = origin, name
        try:
            self._zip = zipfile.ZipFile(origin)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
            raise no_model(name, error) from error
        except (OSError, struct.error, RuntimeError, UnicodeDecodeError) as error:
            raise no_model(name, error) from error
        self._members: dict[str, zipfile.ZipInfo] = {}
        try:
            self._check()
        except BaseException:
            self._zip.close()
            raise

    def close(self) -> None:
        """Lets the file go."""
        self._zip.close()

    def _check(self) -> None:
        size = self._size()
        packed = 0
        for info in self._zip.infolist():
            _check_name(self.name, info.filename)
            if info.filename in self._members:
                raise refused(self.name, f"it has two members named `{info.filename}`")
            if stat.S_ISLNK(info.external_attr >> 16):
                raise refused(self.name, f"`{info.filename}` is a link")
            if info.flag_bits & ENCRYPTED or info.compress_type not in (STORED, DEFLATED):
                raise refused(self.name, f"`{info.filename}` is encrypted, or packed unusually")
            if info.filename.endswith("/") and not info.file_size:
                continue  # a folder
            if info.filename not in (CONFIG, METADATA, WEIGHTS) and not is_asset(info.filename):
                raise refused(
                    self.name, f"it has a member `{info.filename}` that is no part of a model"
                )
            packed += info.compress_size
            self._members[info.filename] = info
        if packed > size:
            raise refused(self.name, "its members overlap")

    def _size(self) -> int:
        if isinstance(self.origin, (str, os.PathLike)):
            return os.stat(self.origin).st_size
        return len(self.origin.getvalue())

    def names(self) -> list[str]:
        """The names of the files of layers."""
        return list(filter(is_asset, self._members))

    def size(self, name: str) -> int:
        """How many bytes a member has."""
        return self._info(name, None).file_size

    def _info(self, name: str, limit: int | None) -> zipfile.ZipInfo:
        info = self._members.get(name)
        if info is None:
            raise SerializationError(f"{self.name} holds no model: it has no `{name}` inside.")
        allowed = MAX_EXPANSION * max(info.compress_size, 1024)
        if info.file_size > min(allowed, limit or allowed):
            raise refused(
                self.name,
                f"`{name}` would become {info.file_size} bytes from {info.compress_size}",
            )
        return info

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A member, in memory.

        Raises:
            SerializationError: there is none, or it is larger than it may be, or damaged.
        """
        import zipfile  # noqa: PLC0415  (slow to import)

        info = self._info(name, limit)
        try:
            with self._zip.open(info) as member:
                content = member.read(info.file_size + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise no_model(self.name, error) from error
        except (struct.error, NotImplementedError, RuntimeError, OverflowError) as error:
            raise no_model(self.name, error) from error
        if len(content) != info.file_size:
            raise SerializationError(
                f"{self.name}: `{name}` has another size than the archive says."
            )
        return content

    def source(self, name: str, title: str) -> Source:
        """A member to read from at places; it stays in the file where it is not packed there.

        Args:
            name: of the member.
            title: what it is called in messages.
        """
        info = self._info(name, None)
        is_file = isinstance(self.origin, (str, os.PathLike))
        if info.compress_type != STORED or not is_file or info.compress_size != info.file_size:
            return Source(self.read(name), title)
        whole = Source(self.origin, self.name)
        try:
            head = bytes(whole.data(info.header_offset, HEADER.size))
            signature, name_length, extra_length = HEADER.unpack(head)
            at = info.header_offset + HEADER.size + name_length
            written = bytes(whole.data(at - name_length, name_length))
            if signature != b"PK\3\4" or written != info.orig_filename.encode():
                raise no_model(self.name, f"where `{name}` should begin there is something else")
            found = Source(self.origin, title, at + extra_length, info.file_size)
        finally:
            whole.close()
        self._check_sum(found, info)
        return found

    def _check_sum(self, source: Source, info: zipfile.ZipInfo) -> None:
        found = 0
        for start in range(0, source.size, CHUNK):
            found = zlib.crc32(source.data(start, min(CHUNK, source.size - start)), found)
        if found != info.CRC:
            source.close()
            raise no_model(self.name, f"`{info.filename}` has another checksum than noted for it")


def _check_name(path: Any, name: str) -> None:
    parts = name.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or any(c in name for c in "\\:\0"):
        raise refused(path, f"it has a member named {name!r}, which would not stay in its folder")


class Folder:
    """An unpacked archive: a folder with the members as files.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, str(path)

    def close(self) -> None:
        """Nothing is held open."""

    def names(self) -> list[str]:
        """The names of the files of layers; links are none."""
        files = sorted(file for file in self.path.rglob("*") if file.is_file())
        found = [file.relative_to(self.path).as_posix() for file in files]
        return [n for n in found if is_asset(n) and self._is_plain(n)]

    def _is_plain(self, name: str) -> bool:
        """Whether a file lies where its name says, without a link on the way."""
        file = self.path / name
        return file.is_file() and file.resolve() == self.path.resolve() / name

    def _file(self, name: str, limit: int | None = None) -> Path:
        file = self.path / name
        if not self._is_plain(name):
            raise SerializationError(f"{self.name} holds no model: it has no `{name}` inside.")
        if limit is not None and file.stat().st_size > limit:
            raise refused(self.name, f"`{name}` has {file.stat().st_size} bytes")
        return file

    def size(self, name: str) -> int:
        """How many bytes a member has."""
        return self._file(name).stat().st_size

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A member, in memory."""
        try:
            return self._file(name, limit).read_bytes()
        except OSError as error:
            raise no_model(self.name, error) from error

    def source(self, name: str, title: str) -> Source:
        """A member to read from at places."""
        return Source(self._file(name), title)


@contextmanager
def opened(origin: Any, name: str) -> Iterator[Archive | Folder]:
    """An archive or an unpacked one, to be read while the block lasts."""
    is_folder = isinstance(origin, Path) and origin.is_dir()
    found = Folder(origin) if is_folder else Archive(origin, name)
    try:
        yield found
    finally:
        found.close()
