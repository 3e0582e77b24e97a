"""Files, groups and arrays of HDF5: headers of objects, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from etude.saving.hdf5 import values
from etude.saving.hdf5.heaps import heap_objects, symbol_entries
from etude.saving.hdf5.source import NOWHERE, Fields, Source

__all__ = ["Dataset", "File", "Group"]

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_MESSAGES = 1 << 16
SPACE, LINKS, KIND, LINK, EXTERNAL, LAYOUT, FILTERS, ATTRIBUTE = 1, 2, 3, 6, 7, 8, 11, 12
CONTINUED, SYMBOLS, ATTRIBUTES = 16, 17, 21
HARD, SOFT, ELSEWHERE = 0, 1, 64

Messages = list[tuple[int, Fields]]


class _Object:
    """A group or an array: what its header says."""

    def __init__(self, source: Source, messages: Messages, name: str) -> None:
        self.source, self.name = source, name
        self._messages = messages
        self._attrs: dict[str, Any] | None = None

    def _all(self, kind: int) -> Iterator[Fields]:
        for found, fields in self._messages:
            if found == kind:
                yield Fields(fields.source, fields.data)

    def _first(self, kind: int) -> Fields | None:
        return next(self._all(kind), None)

    def _described(
        self, kind: int, apart: int, counter: int, skipped: int, tree: int
    ) -> list[Fields]:
        """All messages of a kind: few stand in the header, many in a heap of their own.

        Args:
            kind: of the messages.
            apart: the kind of the message that tells where the heap is.
            counter: bytes of the counter in that one, where it has one.
            skipped: bytes before each entry of the tree that finds them.
            tree: the type of that tree.
        """
        found = list(self._all(kind))
        info = self._first(apart)
        if info is not None:
            info.skip(1)
            info.skip(counter if info.number(1) & 1 else 0)
            found += heap_objects(self.source, info.number(8), info.number(8), skipped, tree)
        return found

    @property
    def attrs(self) -> Mapping[str, Any]:
        """What is noted beside it: texts, lists of texts, numbers, arrays."""
        if self._attrs is None:
            described = self._described(ATTRIBUTE, ATTRIBUTES, counter=2, skipped=0, tree=8)
            self._attrs = dict(map(self._attribute, described))
        return self._attrs

    def _attribute(self, fields: Fields) -> tuple[str, Any]:
        version, flags = fields.number(1), fields.number(1)
        if version not in (1, 2, 3) or (flags and version > 1):
            raise self.source.refused("an attribute in it is described in a way that is not known")
        sizes = [fields.number(2) for _ in range(3)]
        fields.skip(1 if version == 3 else 0)
        parts = []
        for size in sizes:
            parts.append(fields.part(size))
            fields.skip(-size % 8 if version == 1 else 0)
        name, kind, shape = parts[0].text(), values.kind_of(parts[1]), values.shape_of(parts[2])
        if shape is None:
            return name, None
        inside = values.Layout("compact", inside=fields.bytes(fields.left()))
        found = values.values_of(self.source, kind, shape, inside, [])
        return name, values.texts_of(self.source, kind, found)


class Dataset(_Object):
    """An array that the file holds: its shape and dtype, and with ``[()]`` its numbers."""

    def __init__(self, source: Source, messages: Messages, name: str) -> None:
        super().__init__(source, messages, name)
        if self._first(EXTERNAL) is not None:
            raise source.refused(f"'{name}' is external data: its numbers lie in another file")
        space, kind, layout = (self._first(n) for n in (SPACE, KIND, LAYOUT))
        if space is None or kind is None or layout is None:
            raise source.damaged(f"'{name}' is neither a group nor an array")
        self._kind, self._layout = values.kind_of(kind), values.layout_of(layout)
        shape = values.shape_of(space)
        self.shape: tuple[int, ...] = () if shape is None else shape
        self.dtype = np.dtype(object) if self._kind.is_text else self._kind.dtype

    @property
    def stored(self) -> int:
        """How many bytes its numbers take."""
        size = self._kind.dtype.itemsize
        for length in self.shape:
            size *= length
        return size

    def check(self) -> None:
        """Looks whether the file holds the numbers that it declares, without reading them.

        Raises:
            SerializationError: it holds fewer.
        """
        values.check_held(self.source, self._kind, self.shape, self._layout)

    def __getitem__(self, key: tuple[()]) -> Any:
        filters = self._first(FILTERS)
        found = values.values_of(
            self.source,
            self._kind,
            self.shape,
            self._layout,
            [] if filters is None else values.filters_of(filters),
        )
        return values.texts_of(self.source, self._kind, found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.asarray(self[()], dtype)


class Group(_Object):
    """Names, and the groups and arrays that they stand for."""

    def __init__(self, source: Source, messages: Messages, name: str, file: File) -> None:
        super().__init__(source, messages, name)
        self._file = file
        self._entries: dict[str, tuple[int, int]] | None = None  # name -> kind of link, address

    @property
    def entries(self) -> dict[str, tuple[int, int]]:
        """Of each name what kind of link it is, and where it leads."""
        if self._entries is None:
            self._entries = {}
            for name, kind, address in self._links():
                if name in self._entries:
                    raise self.source.refused(f"'{self.name}' has two entries named {name!r}")
                self._entries[name] = (kind, address)
        return self._entries

    def _links(self) -> Iterator[tuple[str, int, int]]:
        for table in self._all(SYMBOLS):
            tree, heap = table.number(8), table.number(8)
            for name, address, cached in symbol_entries(self.source, tree, heap):
                yield name, SOFT if cached == 2 or address == NOWHERE else HARD, address
        yield from map(_link, self._described(LINK, LINKS, counter=8, skipped=4, tree=5))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.entries))

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def get(self, name: str) -> Any:
        """The group or array of a name; None where there is no such name.

        Raises:
            SerializationError: the name is a link to somewhere else.
        """
        if name not in self.entries:
            return None
        kind, address = self.entries[name]
        if kind != HARD:
            what = {SOFT: "SoftLink", ELSEWHERE: "ExternalLink"}.get(kind, "of another kind")
            raise self.source.refused(
                f"'{self.name.rstrip('/')}/{name}' is a link to somewhere else ({what}), which is "
                "not followed"
            )
        return self._file.object_at(address, f"{self.name.rstrip('/')}/{name}")

    def __getitem__(self, name: str) -> Any:
        found = self.get(name)
        if found is None:
            raise self.source.damaged(f"'{self.name}' has no entry {name!r}")
        return found


def _link(fields: Fields) -> tuple[str, int, int]:
    version, flags = fields.number(1), fields.number(1)
    if version != 1:
        raise fields.source.damaged("a link in it is described in a way that is not known")
    kind = fields.number(1) if flags & 8 else HARD
    fields.skip(8 if flags & 4 else 0)
    fields.skip(1 if flags & 16 else 0)
    name = fields.decode(fields.bytes(fields.number(1 << (flags & 3))))
    return name, kind, fields.number(8) if kind == HARD else NOWHERE


class File(Group):
    """A file of HDF5, open to be read; to be used with ``with``.

    Args:
        origin: the bytes, or the path; or a `Source`.
        name: what it is called in messages.

    Raises:
        SerializationError: it is no such file, or one that is not read here.
    """

    def __init__(self, origin: Any, name: str) -> None:
        source = origin if isinstance(origin, Source) else Source(origin, name)
        self.filename = name
        self._objects: dict[int, _Object] = {}
        try:
            messages = _messages(source, _root(source))
            super().__init__(source, messages, "/", self)
        except BaseException:
            source.close()
            raise

    def __enter__(self) -> File:
        return self

    def __exit__(self, *exception: object) -> None:
        self.source.close()

    def object_at(self, address: int, name: str) -> Any:
        """The group or array at an address."""
        found = self._objects.get(address)
        if found is None:
            messages = _messages(self.source, address)
            kinds = {kind for kind, _ in messages}
            if kinds & {SYMBOLS, LINKS, LINK}:
                found = Group(self.source, messages, name, self)
            else:
                found = Dataset(self.source, messages, name)
            self._objects[address] = found
        return found


def _root(source: Source) -> int:
    """The address of the group that holds all others."""
    fields = source.fields(0, 128)
    if bytes(fields.data[:8]) != SIGNATURE:
        raise source.damaged("it is no HDF5 file: it begins otherwise")
    fields.skip(8)
    version = fields.number(1)
    if version in (0, 1):
        fields.skip(4)
        sizes = fields.number(2)
        fields.skip(9 if version == 0 else 13)
        base, _, end, _, _, root = (fields.number(8) for _ in range(6))
    elif version in (2, 3):
        sizes = fields.number(2)
        fields.skip(1)
        base, _, end, root = (fields.number(8) for _ in range(4))
    else:
        raise source.refused(f"it is of version {version} of HDF5")
    if sizes != 0x0808 or base:
        raise source.refused("it is an HDF5 file with addresses of another size, or inside another")
    if end > source.size:
        raise source.damaged(f"of its {end} bytes it has only {source.size}")
    return root


def _messages(source: Source, address: int) -> Messages:
    """What the header of an object says, part by part."""
    start = source.fields(address, 16)
    found: Messages = []
    if bytes(start.data[:4]) == b"OHDR":
        _new_messages(source, address, found)
    elif start.number(1) == 1:
        start.skip(1)
        count = start.number(2)
        start.skip(4)
        _old_messages(source, address + 16, start.number(4), count, found)
    else:
        raise source.damaged("where an object should be described there is something else")
    for _, fields in found:
        fields.position = 0
    return found


def _old_messages(source: Source, address: int, size: int, count: int, found: Messages) -> None:
    blocks = [(address, size)]
    while blocks and count > 0:
        fields = source.fields(*blocks.pop(0))
        while fields.left() >= 8 and count > 0:
            kind, length, flags = fields.number(2), fields.number(2), fields.number(1)
            fields.skip(3)
            _note(kind, flags, fields.part(length), found, blocks)
            count -= 1


def _new_messages(source: Source, address: int, found: Messages) -> None:
    head = source.fields(address, 64)
    head.skip(4)
    if head.number(1) != 2:
        raise source.damaged("an object is described in a way that is not known")
    flags = head.number(1)
    head.skip((16 if flags & 32 else 0) + (4 if flags & 16 else 0))
    size = head.number(1 << (flags & 3))
    blocks, is_first = [(address + head.position, size)], True
    while blocks:
        fields = source.fields(*blocks.pop(0))
        if not is_first:
            fields.expect(b"OCHK", "more of a description")
            fields = fields.part(max(fields.left() - 4, 0))
        is_first = False
        while fields.left() >= 4:
            kind, length, shared = fields.number(1), fields.number(2), fields.number(1)
            fields.skip(2 if flags & 4 else 0)
            _note(kind, shared, fields.part(length), found, blocks)


def _note(
    kind: int, flags: int, fields: Fields, found: Messages, blocks: list[tuple[int, int]]
) -> None:
    if flags & 2 and kind in (SPACE, KIND, ATTRIBUTE, FILTERS):
        raise fields.source.refused("a description in it is shared between objects")
    if kind == CONTINUED:
        blocks.append((fields.number(8), fields.number(8)))
    elif kind:
        found.append((kind, fields))
    if len(found) > MAX_MESSAGES:
        raise fields.source.damaged("an object in it is described without end")
