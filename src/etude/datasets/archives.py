"""Reading files out of wheels and Debian packages, in memory, by name.

Nothing is ever extracted to a path that an archive names, so a hostile archive can at most be
refused: only regular files are delivered, of exactly the declared size; `..`, absolute names and
devices condemn the whole archive; links are never followed. Hashes are checked by the caller's
declared `Blob`s before a byte is returned.
"""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from etude.datasets.cache import Blob, check
from etude.errors import FetchError

TAR_LIMIT = 4 << 30  # bytes that a tar may expand to
LONG_NAME_LIMIT = 1 << 16  # bytes of a header that only holds a long name
BLOCK = 512
# What `zipfile` raises on damaged archives, found by damaging some; OSError is a seek to nowhere.
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)
CHUNK = 1 << 20


def read_zip(path: Path, wanted: Sequence[Blob]) -> dict[str, bytes]:
    """Members of a zip archive (a wheel is one).

    Args:
        path: the archive.
        wanted: the members: name, size, hash.

    Returns:
        The members' bytes by name, checked.

    Raises:
        FetchError: a member is missing, doubled, a link, or not what was expected.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {blob.name: _zip_member(archive, blob, path.name) for blob in wanted}
    except FetchError:
        raise
    except _ZIP_FAULTS as error:
        raise FetchError(f"{path.name} is damaged: {error}") from error


def _zip_member(archive: zipfile.ZipFile, blob: Blob, origin: str) -> bytes:
    found = [info for info in archive.infolist() if info.filename == blob.name]
    if len(found) != 1:
        raise FetchError(f"{origin} holds {len(found)} files named {blob.name}; expected one")
    info = found[0]
    if stat.S_ISLNK(info.external_attr >> 16):
        raise FetchError(f"refused: {blob.name} in {origin} is a link")
    if info.file_size != blob.size:  # before reading: a bomb declares its size, or fails the hash
        raise FetchError(
            f"{blob.name} in {origin} has {info.file_size} bytes; expected {blob.size}"
        )
    with archive.open(info) as file:
        data = file.read(blob.size)
    check(data, blob, f"{blob.name} in {origin}")
    return data


def read_deb(path: Path, wanted: Sequence[Blob]) -> dict[str, bytes]:
    """Files of a Debian package: an `ar` archive around a compressed tar.

    Args:
        path: the `.deb` file.
        wanted: the files: name without a leading slash, size, hash.

    Returns:
        The files' bytes by name, checked.

    Raises:
        FetchError: a file is missing or not what was expected, or the package is not one that a
            well-meaning tool has made.
    """
    with open(path, "rb") as file, _tar_of_deb(file, path.name) as stream:
        return read_tar(stream, wanted, path.name)


def read_deb_folder(data: bytes, folder: str, origin: str) -> dict[str, bytes]:
    """All regular files below one folder of a Debian package; links are left out.

    For data sets of many small files, which are pinned by the hash of the whole package.

    Args:
        data: the `.deb` file, checked already.
        folder: its name without a leading slash.
        origin: what the package is called in messages.

    Returns:
        The files' bytes by name, sorted by name.

    Raises:
        FetchError: the package is damaged, or not one that a well-meaning tool has made.
    """
    found: dict[str, bytes] = {}
    with _tar_of_deb(io.BytesIO(data), origin) as stream:
        reader = _Reader(stream, origin, TAR_LIMIT)
        for name, kind, size in _entries(reader):
            _refuse_evil(name, kind, origin)
            if kind in _REGULAR and PurePosixPath(name).is_relative_to(folder):
                found[_plain(name)] = reader.read_padded(size)
            else:
                reader.skip_padded(size)
    return dict(sorted(found.items()))


@contextmanager
def _tar_of_deb(file: BinaryIO, origin: str) -> Iterator[io.BufferedIOBase]:
    """The tar inside of a package, decompressed; what is damaged raises `FetchError`."""
    name, payload = _data_of_deb(file, origin)
    try:
        with _decompressed(name, payload) as stream:
            yield stream
    except (lzma.LZMAError, zlib.error, EOFError, gzip.BadGzipFile) as error:
        raise FetchError(f"{origin} is damaged: {error}") from error


def _data_of_deb(file: BinaryIO, origin: str) -> tuple[str, bytes]:
    """The name and the bytes of the part `data.tar.*`."""
    if file.read(8) != b"!<arch>\n":
        raise FetchError(f"{origin} is not a Debian package")
    while header := file.read(60):
        name, size = header[:16].decode("latin-1").rstrip(" /"), header[48:58].strip()
        if len(header) < 60 or header[58:] != b"`\n" or not size.isdigit():
            break
        if name.startswith("data.tar"):
            data = file.read(int(size))
            if len(data) != int(size):
                break
            return name, data
        file.seek(int(size) + int(size) % 2, io.SEEK_CUR)  # parts start at even offsets
    raise FetchError(f"{origin} is damaged: it has no whole part data.tar")


def _decompressed(name: str, payload: bytes) -> io.BufferedIOBase:
    source = io.BytesIO(payload)
    match name.removeprefix("data.tar"):
        case "":
            return source
        case ".gz":
            return gzip.GzipFile(fileobj=source)
        case ".xz":
            return lzma.LZMAFile(source)
        case ".zst":
            return _zstd(source)
        case suffix:
            raise FetchError(f"a Debian package compressed as {suffix!r} cannot be read")


def _zstd(source: io.BytesIO) -> io.BufferedIOBase:
    """Zstandard, from wherever there is one: Python 3.14, the package zstandard, the command."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415  (not in older Pythons)

        return zstd.ZstdFile(source)
    try:
        import zstandard  # type: ignore[import-not-found]  # noqa: PLC0415  (optional)

        return zstandard.ZstdDecompressor().stream_reader(source)
    except ImportError:
        pass
    command = shutil.which("zstd")
    if command is None:
        raise FetchError(
            "the Debian package is compressed with Zstandard, which needs Python 3.14 or "
            "`pip install zstandard`"
        )
    done = subprocess.run(
        [command, "-dc"], input=source.getvalue(), capture_output=True, check=False
    )
    if done.returncode != 0:
        raise FetchError(f"damaged: {done.stderr.decode(errors='replace').strip()}")
    return io.BytesIO(done.stdout)


def read_tar(
    stream: io.BufferedIOBase, wanted: Sequence[Blob], origin: str, limit: int = TAR_LIMIT
) -> dict[str, bytes]:
    """Files of a tar archive, read once from front to back.

    Args:
        stream: the archive, decompressed.
        wanted: the files: name without a leading slash or `./`, size, hash.
        origin: what the archive is called in messages.
        limit: bytes after which a decompression bomb is suspected.

    Returns:
        The files' bytes by name, checked.

    Raises:
        FetchError: a file is missing, doubled or a link, or the archive holds a name or a kind of
            file that has no place in a data set.
    """
    blobs = {blob.name: blob for blob in wanted}
    reader = _Reader(stream, origin, limit)
    found: dict[str, bytes] = {}
    for name, kind, size in _entries(reader):
        _refuse_evil(name, kind, origin)
        blob = blobs.get(_plain(name))
        if blob is None:
            reader.skip_padded(size)
            continue
        if kind not in _REGULAR:
            raise FetchError(f"refused: {name!r} in {origin} is not a regular file")
        if blob.name in found:
            raise FetchError(f"refused: {origin} holds {name} twice")
        if size != blob.size:
            raise FetchError(f"{name} in {origin} has {size} bytes; expected {blob.size}")
        data = reader.read_padded(size)
        check(data, blob, f"{name} in {origin}")
        found[blob.name] = data
    missing = sorted(blobs.keys() - found.keys())
    if missing:
        raise FetchError(f"{origin} holds no {', '.join(missing)}")
    return found


_REGULAR = (b"0", b"\0")
_LINKS = (b"1", b"2")
_DIRECTORY = b"5"
_LONG_NAME = b"L"
_LONG_LINK = b"K"
_PAX = b"x"
_PAX_GLOBAL = b"g"


def _plain(name: str) -> str:
    return str(PurePosixPath(name))  # "./usr//share" is "usr/share"


def _refuse_evil(name: str, kind: bytes, origin: str) -> None:
    if name.startswith("/") or ".." in name.split("/") or "\0" in name or "\\" in name:
        raise FetchError(f"refused: {origin} holds the unsafe name {name!r}")
    if kind not in (*_REGULAR, *_LINKS, _DIRECTORY):
        raise FetchError(f"refused: {name!r} in {origin} is a device or of an unknown kind")


class _Reader:
    """Reads exactly as much as it is asked for, and not more than a limit altogether."""

    def __init__(self, stream: io.BufferedIOBase, origin: str, limit: int) -> None:
        self.stream, self.origin, self.left = stream, origin, limit

    def read(self, size: int) -> bytes:
        self.left -= size
        if self.left < 0:
            raise FetchError(f"refused: {self.origin} expands to more than it may")
        data = bytearray()
        while len(data) < size:
            piece = self.stream.read(min(size - len(data), CHUNK))
            if not piece:
                raise FetchError(f"{self.origin} is damaged: it ends too early")
            data += piece
        return bytes(data)

    def read_padded(self, size: int) -> bytes:
        data = self.read(size)
        self.read(-size % BLOCK)
        return data

    def skip_padded(self, size: int) -> None:
        left = size + -size % BLOCK
        while left:
            left -= len(self.read(min(left, CHUNK)))


def _entries(reader: _Reader) -> Iterator[tuple[str, bytes, int]]:
    """Yields (name, kind, size); the receiver reads or skips `size` bytes before the next one."""
    long_name, pax = "", {}
    while any(header := reader.read(BLOCK)):
        _verify_checksum(header, reader.origin)
        kind, size = header[156:157], _octal(header[124:136], reader.origin)
        if kind in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
            if size > LONG_NAME_LIMIT:
                raise FetchError(f"refused: {reader.origin} has a header of {size} bytes")
            text = reader.read_padded(size)
            if kind == _LONG_NAME:
                long_name = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif kind == _PAX:
                pax = _pax_records(text, reader.origin)
            continue
        name = pax.get("path") or long_name or _short_name(header)
        size = _decimal(pax["size"], reader.origin) if "size" in pax else size
        # Links and directories have no content, whatever their size field says.
        yield name, kind, size if kind not in (*_LINKS, _DIRECTORY) else 0
        long_name, pax = "", {}


def _verify_checksum(header: bytes, origin: str) -> None:
    blanked = header[:148] + b" " * 8 + header[156:]
    if sum(blanked) != _octal(header[148:156], origin):
        raise FetchError(f"{origin} is damaged: a header has a wrong checksum")


def _octal(field: bytes, origin: str) -> int:
    digits = field.strip(b"\0 ") or b"0"
    if digits.strip(b"01234567"):  # not `int` alone, which would take a sign
        raise FetchError(f"{origin} is damaged: {field!r} is not a number")
    return int(digits, 8)


def _decimal(text: str, origin: str) -> int:
    if not text.isdecimal() or len(text) > 20:
        raise FetchError(f"{origin} is damaged: {text!r} is not a size")
    return int(text)


def _short_name(header: bytes) -> str:
    name = header[:100].split(b"\0")[0]
    prefix = header[345:500].split(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape")


def _pax_records(text: bytes, origin: str) -> dict[str, str]:
    """Parses lines "LENGTH KEY=VALUE", of which `path` and `size` matter here."""
    records: dict[str, str] = {}
    while text:
        length = text.partition(b" ")[0]
        end = int(length) if length.isdigit() and len(length) < 9 else 0
        if not len(length) < end <= len(text):
            raise FetchError(f"{origin} is damaged: a pax header cannot be read")
        key, _, value = text[len(length) + 1 : end].rstrip(b"\n").partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        text = text[end:]
    return records
