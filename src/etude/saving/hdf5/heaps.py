"""Where HDF5 keeps small things of many sizes, and the trees that find them.

Old groups have their names in a *local heap* and their entries in a tree of *symbol tables*. New
groups with many entries keep each as an object of a *fractal heap*, found by a second kind of
tree. Texts of any length stand in *global heaps*.
"""

from __future__ import annotations

from collections.abc import Iterator

from etude.saving.hdf5.source import NOWHERE, Fields, Source

__all__ = ["FractalHeap", "global_object", "heap_objects", "symbol_entries", "tree_leaves"]

DEPTH = 16  # of a tree; each level holds at least twice as many as the one below


# ---- old groups -------------------------------------------------------------------------------


def symbol_entries(source: Source, tree: int, heap: int) -> Iterator[tuple[str, int, int]]:
    """The entries of an old group: name, address, and what kind they are (2: a soft link).

    Args:
        source: the file.
        tree: the address of the tree.
        heap: the address of the local heap.
    """
    head = source.fields(heap, 32)
    head.expect(b"HEAP", "a heap of names")
    head.skip(4)
    size = head.number(8)
    head.skip(8)
    names = source.fields(head.number(8), min(size, source.size))
    for _, table in tree_leaves(source, tree, 0, 8):
        fields = source.fields(table, 8)
        fields.expect(b"SNOD", "a table of names")
        fields.skip(2)
        count = fields.number(2)
        entries = source.fields(table + 8, 40 * count)
        for _ in range(count):
            names.position = entries.number(8)
            if names.left() < 0:
                raise source.damaged("a name lies outside of its heap")
            address, kind = entries.number(8), entries.number(4)
            entries.skip(20)
            yield names.text(), address, kind


def tree_leaves(
    source: Source, address: int, kind: int, key_size: int, depth: int = DEPTH
) -> Iterator[tuple[Fields, int]]:
    """The entries of a tree of the first kind: the key before each, and where it leads.

    Args:
        source: the file.
        address: of the tree.
        kind: 0 of names, 1 of chunks.
        key_size: bytes of a key.
        depth: how many levels there may be.
    """
    head = source.fields(address, 24)
    head.expect(b"TREE", "a tree")
    found, level, count = head.number(1), head.number(1), head.number(2)
    if found != kind or level >= depth:
        raise source.damaged("a tree in it is of another kind, or too high")
    body = source.fields(address + 24, count * (key_size + 8))
    for _ in range(count):
        key, child = body.part(key_size), body.number(8)
        if level:
            yield from tree_leaves(source, child, kind, key_size, level)
        else:
            yield key, child


# ---- new groups -------------------------------------------------------------------------------


def _width(largest: int) -> int:
    """How many bytes a number takes that may be as large as this."""
    return (max(largest, 1).bit_length() - 1) // 8 + 1


class FractalHeap:
    """Objects in blocks of doubling sizes, in the numbering of one long row of bytes."""

    def __init__(self, source: Source, address: int) -> None:
        self.source = source
        head = source.fields(address, 160)
        head.expect(b"FRHP", "a heap of objects")
        head.skip(1)
        self.id_size, filters = head.number(2), head.number(2)
        self.has_checksums = bool(head.number(1) & 2)
        largest = head.number(4)
        head.skip(96)  # what is counted of its use
        self.columns, self.block, self.largest_block = (head.number(n) for n in (2, 8, 8))
        bits = head.number(2)
        head.skip(2)
        self.root, self.rows = head.number(8), head.number(2)
        sizes = (self.block, self.largest_block)
        if filters or not self.columns or any(n < 1 or n & (n - 1) for n in sizes) or bits > 64:
            raise source.refused("its groups are kept in a way that is not known")
        self.offset_size = (bits + 7) // 8
        self.length_size = min((self.largest_block.bit_length() + 6) // 8, _width(largest))

    def object(self, identity: Fields) -> Fields:
        """The object with an identity, as a tree has it."""
        if identity.number(1) & 0xF0:
            raise self.source.refused("an entry of a group is kept apart from the others")
        offset = identity.number(self.offset_size)
        length = identity.number(self.length_size)
        start, block, size = self._block_of(offset)
        if offset + length > start + size:
            raise self.source.damaged("an object is larger than its heap")
        return self.source.fields(block + offset - start, length)

    def _block_of(self, offset: int) -> tuple[int, int, int]:
        """The block that holds an offset: where it begins, its address, its size."""
        if self.rows == 0:
            return 0, self.root, self.block if self.block > offset else self.largest_block
        start = 0
        for row in range(self.rows):
            size = self.block << max(row - 1, 0)
            if size > self.largest_block:
                break
            if offset < start + self.columns * size:
                column = (offset - start) // size
                entry = 13 + self.offset_size + 8 * (row * self.columns + column)
                head = self.source.fields(self.root, 4)
                head.expect(b"FHIB", "a heap of objects")
                address = self.source.fields(self.root + entry, 8).number(8)
                return start + column * size, address, size
            start += self.columns * size
        raise self.source.refused("a group has more entries than any model")


def heap_objects(source: Source, heap: int, tree: int, skipped: int, kind: int) -> Iterator[Fields]:
    """The objects of a fractal heap that a tree of the second kind names.

    Args:
        source: the file.
        heap: the address of the heap.
        tree: the address of the tree.
        skipped: how many bytes of a record stand before the identity of its object.
        kind: the type of the tree.
    """
    if NOWHERE in (heap, tree):
        return
    objects = FractalHeap(source, heap)
    head = source.fields(tree, 38)
    head.expect(b"BTHD", "a tree")
    head.skip(1)
    found, node, size, depth = (head.number(n) for n in (1, 4, 2, 2))
    head.skip(2)
    root, count = head.number(8), head.number(2)
    if found != kind or depth >= DEPTH or node < 64 or size < skipped + objects.id_size:
        raise source.damaged("a tree in it is of another kind, or too high")
    for record in _Records(source, node, size).below(root, count, depth):
        record.skip(skipped)
        yield objects.object(record.part(objects.id_size))


class _Records:
    """The records of a tree of the second kind."""

    def __init__(self, source: Source, node: int, size: int) -> None:
        self.source, self.node, self.size = source, node, size
        self.most = [(node - 10) // size]  # records of a node of each level
        self.in_all = [self.most[0]]  # and in it and below
        self.widths = [0]  # bytes of that number
        self.count_size = _width(self.most[0])

    def _pointer(self, depth: int) -> int:
        """Bytes of a pointer in a node so high above the leaves."""
        while len(self.most) <= depth:
            pointer = 8 + self.count_size + self.widths[-1]
            self.most.append(max((self.node - 10 - pointer) // (self.size + pointer), 0))
            self.in_all.append((self.most[-1] + 1) * self.in_all[-1] + self.most[-1])
            self.widths.append(_width(self.in_all[-1]))
        return 8 + self.count_size + self.widths[depth - 1]

    def below(self, address: int, count: int, depth: int) -> Iterator[Fields]:
        if address == NOWHERE or not count:
            return
        node = self.source.fields(address, self.node)
        node.expect(b"BTIN" if depth else b"BTLF", "a node of a tree")
        node.skip(2)
        records = [node.part(self.size) for _ in range(count)]
        yield from records
        for _ in range(count + 1 if depth else 0):
            pointer = node.part(self._pointer(depth))
            child, inside = pointer.number(8), pointer.number(self.count_size)
            yield from self.below(child, inside, depth - 1)


# ---- texts ------------------------------------------------------------------------------------


def global_object(source: Source, address: int, index: int, length: int) -> bytes:
    """An object of a global heap, such as a text of any length."""
    head = source.fields(address, 16)
    head.expect(b"GCOL", "a heap of texts")
    head.skip(4)
    place, end = address + 16, address + head.number(8)
    while place + 16 <= end:
        entry = source.fields(place, 16)
        found = entry.number(2)
        entry.skip(6)
        size = entry.number(8)
        if found == index and found:
            if length > size:
                raise source.damaged("a text is shorter than it says")
            return bytes(source.fields(place + 16, length).bytes(length)) if length else b""
        if not found:
            break
        place += 16 + -(-size // 8) * 8
    raise source.damaged("a text is missing")
