"""NumPy's own files, ``*.npy`` and ``*.npz``, from strangers: numbers and texts, never objects.

A header may declare any shape, and objects, which are pickles. `numpy.load` allocates the one and
refuses the other; here a header is compared with the bytes that follow before anything is made.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from etude.errors import SerializationError

__all__ = ["NpzFile", "npy_header", "read_npy"]

KINDS = "biufcSU"  # truth values, integers, floats, complex numbers, texts
MAX_EXPANSION = 200  # an array may be this many times as large as its packed form
SMALL = 1 << 14  # bytes that count as such a form at least


def npy_header(content: bytes, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """What the bytes of a file ``*.npy`` say of its array.

    Returns:
        The shape; whether the first axis is the fastest; the dtype; where the numbers begin.

    Raises:
        SerializationError: they are no such file.
    """
    file, form = io.BytesIO(content), np.lib.format
    try:
        version = form.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"its version is {version}")
        read = form.read_array_header_1_0 if version[0] == 1 else form.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
    except Exception as error:  # what NumPy makes of a damaged header is not settled
        raise SerializationError(f"{name} is no file of a NumPy array: {error}") from error
    return shape, is_fortran, dtype, file.tell()


def read_npy(content: bytes, name: str) -> np.ndarray[Any, Any]:
    """The array in the bytes of a file ``*.npy``.

    Args:
        content: the bytes.
        name: what the file is called in messages.

    Raises:
        SerializationError: it holds objects, another number of bytes than its shape says, or is
            damaged.

    >>> read_npy(b"no array", "a.npy")
    Traceback (most recent call last):
    etude.errors.SerializationError: a.npy is no file of a NumPy array: ...
    """
    shape, is_fortran, dtype, start = npy_header(content, name)
    if dtype.hasobject or dtype.kind not in KINDS:
        raise SerializationError(
            f"{name} holds Python objects or records ({dtype}). Objects are pickles, which run "
            "whatever they were made to run; only numbers and texts are read."
        )
    size, found = math.prod(shape) * dtype.itemsize, len(content) - start
    if size != found or min(shape, default=0) < 0:
        raise SerializationError(
            f"{name} declares an array of shape {shape} and dtype {dtype}, {size:,} bytes, and "
            f"holds {found:,}. It is not read."
        )
    flat = np.frombuffer(content, dtype, math.prod(shape), start) if size else []
    return np.array(flat, dtype).reshape(shape, order="F" if is_fortran else "C")


class NpzFile:
    """The arrays in a file ``*.npz`` by their names; each is read when it is asked for.

    Args:
        origin: the path, or a file of the bytes.
        name: what it is called in messages; the path by default.

    Raises:
        SerializationError: it is no such file, or two arrays have one name.

    Example:
        >>> memory = io.BytesIO()
        >>> np.savez(memory, a=np.arange(3))
        >>> with NpzFile(memory, "three.npz") as arrays:
        ...     arrays["a"].tolist()
        [0, 1, 2]
    """

    def __init__(self, origin: Any, name: str | None = None) -> None:
        import zipfile  # noqa: PLC0415  (slow to import)

        self.name = name or str(Path(origin))
        with self._damage():
            self._zip = zipfile.ZipFile(origin)
        names = [info.filename for info in self._zip.infolist()]
        if len(set(names)) != len(names):
            raise SerializationError(f"{self.name} holds two arrays of one name, and is not read.")
        self.files = [name.removesuffix(".npy") for name in names]

    def __enter__(self) -> NpzFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def content(self, name: str) -> bytes:
        """The bytes of the member that holds an array.

        Raises:
            SerializationError: there is none, or it is damaged or becomes very much larger.
        """
        if name not in self.files:
            raise SerializationError(f"{self.name} holds no array {name!r}.")
        info = self._zip.infolist()[self.files.index(name)]
        if info.file_size > MAX_EXPANSION * max(info.compress_size, SMALL):
            raise SerializationError(
                f"{self.name}: {name!r} would become {info.file_size} bytes from "
                f"{info.compress_size}, and is not read."
            )
        with self._damage(), self._zip.open(info) as member:
            return member.read(info.file_size)

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        return read_npy(self.content(name), f"{self.name}: {name!r}")

    @contextmanager
    def _damage(self) -> Iterator[None]:
        import zipfile  # noqa: PLC0415  (slow to import)

        try:
            yield
        except FileNotFoundError:
            raise
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise SerializationError(f"{self.name} is damaged: {error}") from error
        except (struct.error, NotImplementedError, RuntimeError, OverflowError) as error:
            raise SerializationError(f"{self.name} is damaged: {error}") from error
