"""`get_file`: a file from an address, kept between runs, checked and unpacked."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from etude.callbacks.progress import Progbar
from etude.errors import ArgumentError, FetchError, HashMismatchError
from etude.files import written_whole
from etude.messages import say

__all__ = ["get_file"]

CHUNK = 1 << 16
EXPANSION = 1000  # an archive may become this many times as large, and at least 16 GiB


class CorruptedFileError(HashMismatchError, ArgumentError):
    """What arrived is not what its hash promised."""


def get_file(
    fname: Any = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file that is downloaded once, and kept in ``~/.keras/datasets``.

    Args:
        fname: the name it gets; that in the address by default.
        origin: an address, ``https://``, ``http://`` or ``file://``.
        untar: whether it is a tar archive to unpack.
        md5_hash: its MD5, the older way to give ``file_hash``.
        file_hash: the SHA-256 or MD5 that it must have.
        cache_subdir: the folder inside of the cache.
        hash_algorithm: ``"md5"``, ``"sha256"``, or ``"auto"``: by the length of the hash.
        extract: whether it is an archive to unpack.
        archive_format: ``"auto"``, ``"tar"``, ``"zip"``, a list of these, or ``None``.
        cache_dir: the cache; ``$KERAS_HOME`` or ``~/.keras`` by default, as for Keras.
        force_download: whether it is downloaded although it is there.

    Returns:
        The path of the file, or of the folder with the unpacked files.

    Raises:
        ArgumentError: ``fname`` is a path, or no name can be found in the address.
        FetchError: the address cannot be reached, or the archive holds files with unsafe names.
        CorruptedFileError: the file has another hash; it is deleted.

    Example:
        ```python
        path = etude.utils.get_file(origin="https://www.gutenberg.org/files/11/11-0.txt")
        ```
    """
    if origin is None:
        raise ArgumentError(
            'Please specify the "origin" argument: the address of the file to download.'
        )
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    folder = _cache_folder(cache_dir) / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    unpack = extract or untar
    target, unpacked = _places(folder, _name(fname, origin), bool(fname), unpack)
    if force_download or not _is_there(target, file_hash, hash_algorithm):
        say(f"Downloading data from {origin}")
        _download(origin, target)
        if file_hash is not None and not _matches(target, file_hash, hash_algorithm):
            target.unlink()
            raise CorruptedFileError(
                f"Incomplete or corrupted file detected. The {hash_algorithm} hash of {origin} "
                f"does not match the provided value of {file_hash}; the file was deleted."
            )
    if unpack:
        _extract(target, unpacked, "tar" if untar else archive_format)
        return str(unpacked)
    return str(target)


def _cache_folder(cache_dir: Any) -> Path:
    chosen = cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras")
    folder = Path(chosen).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    return folder if writable else Path(tempfile.gettempdir(), ".keras")


def _name(fname: Any, origin: str) -> str:
    name = os.fspath(fname) if fname else PurePosixPath(unquote(urlsplit(origin).path)).name
    if not name or name in (".", ".."):
        raise ArgumentError(
            f"Can't parse the file name from the origin provided: '{origin}'. Please specify the "
            "`fname` argument."
        )
    if "/" in name or os.sep in name:
        raise ArgumentError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent "
            f"directory, use the `cache_dir` argument. Received: fname={name}"
        )
    return name


def _places(folder: Path, name: str, is_given: bool, unpack: bool) -> tuple[Path, Path]:
    """Where the file goes, and where what is in it."""
    if not unpack:
        return folder / name, folder
    if is_given and "." in name:
        return folder / name, folder / f"{name.partition('.')[0]}_extracted"
    return folder / f"{name}_archive", folder / name


def _is_there(target: Path, file_hash: str | None, algorithm: str) -> bool:
    if not target.exists():
        return False
    if file_hash is None or _matches(target, file_hash, algorithm):
        return True
    say(
        f"A local file was found, but its {algorithm} hash does not match the original value of "
        f"{file_hash}, so it is downloaded again."
    )
    return False


def _matches(path: Path, file_hash: str, algorithm: str) -> bool:
    is_long = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256" if is_long else "md5").hexdigest() == file_hash


# ---- downloading ------------------------------------------------------------------------------


def _download(origin: str, target: Path) -> None:
    """Writes a file as a whole: a broken download leaves nothing behind."""
    with written_whole(target) as part, part.open("wb") as file:
        if urlsplit(origin).scheme == "file":
            from urllib.request import url2pathname  # noqa: PLC0415  (slow to import)

            with open(url2pathname(urlsplit(origin).path), "rb") as source:
                shutil.copyfileobj(source, file)
        else:
            _stream(origin, file)


def _stream(origin: str, file: Any) -> None:
    from etude.datasets.network import stream  # noqa: PLC0415  (data sets load when first used)

    try:
        with stream(origin) as response:
            length = response.headers.get("Content-Length")
            bar = Progbar(int(length) if length else None, unit_name="B")
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.add(len(chunk))
    except OSError as error:
        raise FetchError(
            f"URL fetch failure on {origin}: {error}. Where the network does not reach it, "
            "download the file elsewhere and pass its place: `origin='file:///...'`."
        ) from error


# ---- unpacking --------------------------------------------------------------------------------


def _extract(archive: Path, folder: Path, archive_format: Any) -> None:
    formats = ["tar", "zip"] if archive_format == "auto" else archive_format
    formats = [formats] if isinstance(formats, str) else list(formats or ())
    folder.mkdir(parents=True, exist_ok=True)
    for name in formats:
        if name == "tar" and tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                _unpack_tar(opened, folder, archive)
            return
        if name == "zip" and zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, folder, archive)
            return
    raise FetchError(f"Could not extract {archive}: it is no archive of the formats {formats}.")


def _unpack_tar(opened: tarfile.TarFile, folder: Path, archive: Path) -> None:
    """Only files and folders with names inside of the folder.

    What `tarfile` offers against other members has been got round more than once, by links above
    all, so each member is looked at here, and only the bytes of files are taken from it.
    """
    size = 0
    try:
        for member in opened:
            target = _place(folder, member.name, archive)
            if not (member.isfile() or member.isdir()):
                raise FetchError(
                    f"refused: {member.name!r} in {archive.name} is a link or a device, no file"
                )
            size += member.size
            _check_size(size, archive)
            _write(target, opened.extractfile(member) if member.isfile() else None)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FetchError(f"{archive.name} is damaged: {error}") from error


def _unpack_zip(opened: zipfile.ZipFile, folder: Path, archive: Path) -> None:
    _check_size(sum(info.file_size for info in opened.infolist()), archive)
    try:
        for info in opened.infolist():
            target = _place(folder, info.filename, archive)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise FetchError(f"refused: {info.filename!r} in {archive.name} is a link")
            _write(target, None if info.is_dir() else opened.open(info))
    except (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FetchError(f"{archive.name} is damaged: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # packed unusually, or encrypted
        raise FetchError(f"{archive.name} cannot be unpacked: {error}") from error


def _place(folder: Path, name: str, archive: Path) -> Path:
    """Where a member goes.

    Raises:
        FetchError: not into the folder; or its name leads through a link.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name.split("/")[0] or "\0" in name:
        raise FetchError(f"refused: {archive.name} holds the unsafe name {name!r}")
    target = folder.joinpath(*path.parts)
    if target.resolve() != folder.resolve().joinpath(*path.parts):
        raise FetchError(f"refused: {name!r} in {archive.name} leads through a link")
    return target


def _write(target: Path, content: Any) -> None:
    """Makes a folder, or a file of what is read from a member."""
    if content is None:
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("wb") as file:
        shutil.copyfileobj(content, file)


def _check_size(size: int, archive: Path) -> None:
    allowed = max(16 << 30, EXPANSION * archive.stat().st_size)
    if size > allowed:
        raise FetchError(f"refused: {archive.name} would expand to {size:,} bytes")
