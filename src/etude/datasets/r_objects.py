"""Tables out of R's packages, read without R.

R keeps the data of a package as a pair of files: ``.rdb`` holds the objects, each compressed, one
after the other, and ``.rdx`` says where each begins. An object is written in R's binary format
(*R Internals*, "Serialization Formats"). The format can hold code; this reader knows vectors,
lists, pairs and the names on them, and refuses everything else. It runs nothing.

(PyPI has a reader for all of the format, `rdata`. It needs pandas and xarray, some 100 MB, to read
what the lines below read.)
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from etude.errors import FetchError

__all__ = ["as_csv", "data_frame_as_csv", "read_columns", "read_data_frame"]

_LARGEST = 64 * 2**20

# The types that R's SEXPTYPE table gives these numbers, and pseudo types of the format.
_SYMBOL, _PAIRS, _CHARACTERS, _LOGICALS, _INTEGERS, _REALS = 1, 2, 9, 10, 13, 14
_STRINGS, _LIST, _BACK_REFERENCE, _NIL = 16, 19, 255, 254
_DAMAGES = (OSError, EOFError, ValueError, LookupError, TypeError, RecursionError)
_NA_INTEGER = -(2**31)


class _Object(NamedTuple):
    """A value, and what R has written on it: names, levels, class."""

    value: Any
    attributes: dict[str, Any]


def read_data_frame(index: bytes, objects: bytes, name: str) -> dict[str, NDArray[Any]]:
    """The columns of a data frame, by name.

    Args:
        index: the bytes of the ``.rdx`` file.
        objects: those of the ``.rdb`` file.
        name: of the data frame.

    Returns:
        Numbers as float64 with NaN for R's NA, whole numbers too where one is missing; factors
        and texts as arrays of `str`, with the empty string for NA.

    Raises:
        FetchError: the files are damaged, hold something else, or nothing of that name.
    """
    try:
        table = _parse(gzip.decompress(index))
        entries = _named(_named(table)["variables"])
        if name not in entries:
            raise FetchError(f"holds {', '.join(entries)}, and no {name!r}")
        start, length = map(int, entries[name].value)
        frame = _named(_parse(_unpacked(objects[start : start + length])))
        return {column: _column(content) for column, content in frame.items()}
    except FetchError:
        raise
    except (*_DAMAGES, zlib.error, lzma.LZMAError, struct.error) as error:
        raise FetchError(f"damaged data of an R package: {error}") from error


def data_frame_as_csv(files: dict[str, bytes], folder: str, name: str) -> bytes:
    """A data frame of an installed package as text.

    Args:
        files: the package's ``Rdata.rdx`` and ``Rdata.rdb``, by their paths.
        folder: where they lie, with a slash at its end.
        name: of the data frame.
    """
    index, objects = (files[f"{folder}Rdata.{kind}"] for kind in ("rdx", "rdb"))
    return as_csv(read_data_frame(index, objects, name))


def as_csv(columns: dict[str, NDArray[Any]]) -> bytes:
    r"""Columns as text, the same bytes for the same values: what the cache keeps.

    >>> as_csv({"a": np.array([1.0, np.nan]), "b": np.array(["x, y", ""])})
    b'a,b\n1,"x, y"\n,\n'
    """
    texts = [
        [_short(v) for v in column.tolist()] if column.dtype.kind == "f" else column.tolist()
        for column in columns.values()
    ]
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*texts, strict=True))
    return out.getvalue().encode("utf-8")


def read_columns(data: bytes, texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    r"""The columns that `as_csv` has written.

    Args:
        data: the bytes.
        texts: the names of the columns that hold no numbers.

    >>> read_columns(b'a,b\n1,x\n,y\n', ["b"])
    {'a': array([ 1., nan]), 'b': array(['x', 'y'], dtype='<U1')}
    """
    names, *rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    return {
        name: np.array(cells) if name in texts else np.array([float(c or "nan") for c in cells])
        for name, cells in columns.items()
    }


def _short(value: float) -> str:
    return "" if math.isnan(value) else repr(value).removesuffix(".0")


def _unpacked(entry: bytes) -> bytes:
    """R writes the size in front, and then, where it is not zlib's, a letter for the method."""
    size = struct.unpack(">I", entry[:4])[0]
    if size > _LARGEST:
        raise FetchError(f"damaged data of an R package: an object of {size} bytes")
    method = entry[4:5]
    if method == b"Z":
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 6}]
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters).decompress(entry[5:], size)
    if method == b"2":
        return bz2.BZ2Decompressor().decompress(entry[5:], size)
    return zlib.decompressobj().decompress(entry[4:], size)


def _parse(data: bytes) -> _Object:
    if data[:2] != b"X\n":
        raise FetchError("not R's binary format")
    reader = _Reader(data)
    version, _, _ = reader.integers(3)
    if version == 3:
        reader.take(reader.integer())  # the name of the encoding: UTF-8 for all that are read here
    elif version != 2:
        raise FetchError(f"version {version} of R's format, and not 2 or 3")
    return reader.object()


class _Reader:
    """Walks through the bytes. All numbers are big-endian."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 2
        self.seen: list[_Object] = []

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.data):
            raise FetchError("damaged data of an R package: they end early")
        self.at += count
        return self.data[self.at - count : self.at]

    def integer(self) -> int:
        return struct.unpack(">i", self.take(4))[0]

    def integers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f">{count}i", self.take(4 * count))

    def object(self) -> _Object:
        flags = self.integer()
        kind, has_attributes, has_tag = flags & 255, bool(flags & 512), bool(flags & 1024)
        if kind == _NIL:
            return _Object(None, {})
        if kind == _SYMBOL:
            self.seen.append(_Object(self.object().value, {}))
            return self.seen[-1]
        if kind == _BACK_REFERENCE:
            return self.seen[(flags >> 8) - 1]
        if kind == _PAIRS:
            return _Object(self.pairs(has_attributes, has_tag), {})
        value = self.vector(kind)
        attributes = self.object().value if has_attributes and kind != _CHARACTERS else {}
        return _Object(value, attributes)

    def vector(self, kind: int) -> Any:
        length = self.integer()
        if kind == _CHARACTERS:
            return None if length == -1 else self.take(length).decode("utf-8")
        if kind in (_LOGICALS, _INTEGERS):
            return np.frombuffer(self.take(4 * length), ">i4")
        if kind == _REALS:
            return np.frombuffer(self.take(8 * length), ">f8")
        if kind == _STRINGS:
            return [self.object().value for _ in range(length)]
        if kind == _LIST:
            return [self.object() for _ in range(length)]
        raise FetchError(f"refused: an R object of type {kind}, which is no data")

    def pairs(self, has_attributes: bool, has_tag: bool) -> dict[str, Any]:
        """A list of pairs, as a dictionary from tags to values."""
        found: dict[str, Any] = {}
        while True:
            if has_attributes:
                self.object()
            tag = self.object().value if has_tag else ""
            found[tag] = self.object()
            flags = self.integer()
            if flags & 255 == _NIL:
                return found
            if flags & 255 != _PAIRS:
                raise FetchError("damaged data of an R package: a list without an end")
            has_attributes, has_tag = bool(flags & 512), bool(flags & 1024)


def _named(table: _Object) -> dict[str, _Object]:
    """A list whose entries have names."""
    return dict(zip(table.attributes["names"].value, table.value, strict=True))


def _column(content: _Object) -> NDArray[Any]:
    value = content.value
    if "levels" in content.attributes:
        levels = np.array(["", *content.attributes["levels"].value])
        return levels[np.where(value == _NA_INTEGER, 0, value)]
    if isinstance(value, list):
        return np.array([text or "" for text in value])
    if value.dtype == ">i4":
        return np.where(value == _NA_INTEGER, np.nan, value.astype(np.float64))
    return value.astype(np.float64)
