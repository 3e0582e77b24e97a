"""Bytes of a file that is not trusted: read at places that the file itself names, within bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from etude.errors import SerializationError

__all__ = ["NOWHERE", "Fields", "Source"]

NOWHERE = 0xFFFF_FFFF_FFFF_FFFF
"""The address of what is not there."""

CALL = 64  # what a read counts for beside its bytes
ROUNDS = 32  # how many times over the descriptions in a file may be read, and then it is a circle
SLACK = 1 << 20


class Source:
    """A file, or a part of one, from which nothing is read but what lies in it.

    Args:
        origin: the bytes; or the path of a file, which is read where it is asked for.
        name: what it is called in messages.
        start: where the part begins.
        size: how many bytes it has; those up to the end by default.
    """

    def __init__(self, origin: Any, name: str, start: int = 0, size: int | None = None) -> None:
        self.name, self.start = name, start
        self._bytes: memoryview | None = None
        self._file: Any = None
        if isinstance(origin, (bytes, bytearray, memoryview)):
            self._bytes = memoryview(origin)
            end = len(self._bytes)
        else:
            self._file = Path(origin).open("rb")  # noqa: SIM115  (`close` closes it)
            end = os.fstat(self._file.fileno()).st_size
        self.size = max(end - start, 0) if size is None else size
        if start + self.size > end:
            raise self.damaged(f"it ends after {end} bytes, and {start + self.size} were expected")
        self._left = ROUNDS * self.size + SLACK

    def close(self) -> None:
        """Lets the file go."""
        if self._file is not None:
            self._file.close()

    def damaged(self, what: str) -> SerializationError:
        """The error for a file whose descriptions do not fit together."""
        return SerializationError(
            f"{self.name} cannot be read: {what}. Was it cut short, damaged, or made to mislead? "
            "Save it again, or fetch it again from where it came."
        )

    def refused(self, what: str) -> SerializationError:
        """The error for what a file may hold in general, but not one that is read here."""
        return SerializationError(
            f"{self.name} is not read: {what}. No file of weights that etude or Keras saved is "
            "like that."
        )

    def data(self, address: int, count: int) -> memoryview:
        """Bytes of numbers, however many.

        Raises:
            SerializationError: they lie, wholly or in part, outside of the file.
        """
        if address < 0 or count < 0 or address + count > self.size:
            raise self.damaged(
                f"it names {count} bytes at {address}, and has only {self.size} in all"
            )
        if self._bytes is not None:
            return self._bytes[self.start + address : self.start + address + count]
        self._file.seek(self.start + address)
        found = self._file.read(count)
        if len(found) != count:
            raise self.damaged("it became shorter while it was read")
        return memoryview(found)

    def fields(self, address: int, count: int) -> Fields:
        """A description, to be read field by field; so many bytes at most, up to the end.

        Raises:
            SerializationError: it lies outside of the file, or the file leads in circles.
        """
        if not 0 <= address < self.size:
            raise self.damaged(f"it points to the byte {address}, and has only {self.size}")
        count = min(count, self.size - address)
        self._left -= count + CALL
        if self._left < 0:
            raise self.damaged("its descriptions lead in circles")
        return Fields(self, self.data(address, count))


class Fields:
    """Numbers, names and parts, one after the other, of a description in a file."""

    def __init__(self, source: Source, data: memoryview) -> None:
        self.source, self.data, self.position = source, data, 0

    def bytes(self, count: int) -> memoryview:
        """The next bytes.

        Raises:
            SerializationError: there are not so many.
        """
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise self.source.damaged("a description in it ends too early")
        found = self.data[self.position : end]
        self.position = end
        return found

    def number(self, count: int) -> int:
        """The next bytes as a number without sign, the last byte the most significant."""
        return int.from_bytes(self.bytes(count), "little")

    def skip(self, count: int) -> None:
        """Leaves bytes out."""
        self.bytes(count)

    def part(self, count: int) -> Fields:
        """The next bytes as a description of their own."""
        return Fields(self.source, self.bytes(count))

    def align(self, to: int) -> None:
        """Goes on at the next multiple of a number of bytes, or at the end."""
        self.position = min(-(-self.position // to) * to, len(self.data))

    def left(self) -> int:
        """How many bytes follow."""
        return len(self.data) - self.position

    def expect(self, signature: bytes, what: str) -> None:
        """Goes past a signature.

        Raises:
            SerializationError: something else stands there.
        """
        if bytes(self.bytes(len(signature))) != signature:
            raise self.source.damaged(f"where {what} should be there is something else")

    def text(self) -> str:
        """A name up to its zero byte, or up to the end."""
        rest = bytes(self.data[self.position :])
        name, _, _ = rest.partition(b"\0")
        self.position = min(self.position + len(name) + 1, len(self.data))
        return self.decode(name)

    def decode(self, name: Any) -> str:
        """Bytes as text.

        Raises:
            SerializationError: they are none in UTF-8.
        """
        try:
            return bytes(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.source.damaged("a name in it is no text") from error
