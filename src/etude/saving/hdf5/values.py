"""What values in an HDF5 file are: their types, their shapes, and where their bytes lie."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from etude.saving.hdf5.heaps import global_object, tree_leaves
from etude.saving.hdf5.source import NOWHERE, Fields, Source

__all__ = ["Kind", "Layout", "filters_of", "kind_of", "layout_of", "shape_of", "values_of"]

MAX_AXES = 32
EXPANSION = 1032  # the most that deflate can make of a byte
DEFLATE, SHUFFLE, CHECKSUM = 1, 2, 3


@dataclass(frozen=True)
class Kind:
    """The type of a value: its dtype in NumPy; texts of any length have none."""

    dtype: np.dtype[Any]
    is_text: bool = False  # of any length, in a global heap
    is_padded_text: bool = False


@dataclass
class Layout:
    """Where the bytes of an array are."""

    name: str  # "compact", "contiguous" or "chunked"
    address: int = NOWHERE
    size: int = 0
    chunk: tuple[int, ...] = ()
    inside: memoryview = field(default_factory=lambda: memoryview(b""))


def shape_of(fields: Fields) -> tuple[int, ...] | None:
    """The shape that a description says; None where there is no value at all."""
    version, rank, flags = (fields.number(1) for _ in range(3))
    if version not in (1, 2) or rank > MAX_AXES:
        raise fields.source.damaged(f"an array has {rank} axes, or is described in a new way")
    if version == 2:
        if fields.number(1) == 2:
            return None
    else:
        fields.skip(5)
    del flags  # whether the largest shape follows, which nothing here depends on
    return tuple(fields.number(8) for _ in range(rank))


def kind_of(fields: Fields) -> Kind:
    """The type that a description says.

    Raises:
        SerializationError: it is no number, truth value or text.
    """
    first, bits, size = fields.number(1), fields.number(3), fields.number(4)
    kind, order = first & 15, ">" if bits & 1 else "<"
    if kind == 0 and size in (1, 2, 4, 8) and fields.number(4) == 8 * size << 16:
        return Kind(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == 1 and size in _FLOATS and bytes(fields.bytes(12)) == _FLOATS[size]:
        return Kind(np.dtype(f"{order}f{size}"))
    if kind == 3 and size <= fields.source.size:
        return Kind(np.dtype(f"S{max(size, 1)}"), is_padded_text=True)
    if kind == 8 and size == 1 and bits & 0xFFFF == 2 and _names_truth(bytes(fields.data)):
        return Kind(np.dtype("?"))
    if kind == 9 and bits & 15 == 1 and size == 16:
        return Kind(np.dtype("V16"), is_text=True)
    raise fields.source.refused(
        "it holds values that are neither numbers, truth values nor texts (or numbers of another "
        "machine)"
    )


def _names_truth(described: bytes) -> bool:
    """Whether a list of named values is that of h5py for truth values."""
    return b"FALSE\0" in described and b"TRUE\0" in described


def _float(size: int, exponent: int, mantissa: int, bias: int) -> bytes:
    """How HDF5 describes a float of IEEE 754."""
    numbers = bytes([mantissa, exponent, 0, mantissa])
    return b"\0\0" + (8 * size).to_bytes(2, "little") + numbers + bias.to_bytes(4, "little")


_FLOATS = {2: _float(2, 5, 10, 15), 4: _float(4, 8, 23, 127), 8: _float(8, 11, 52, 1023)}


def layout_of(fields: Fields) -> Layout:
    """Where the bytes of an array are.

    Raises:
        SerializationError: in other files, or kept in a way that no writer of models uses.
    """
    version, kind = fields.number(1), fields.number(1)
    if kind == 3:
        raise fields.source.refused(
            "an array in it is virtual: its numbers would be read from other files"
        )
    if kind == 0 and version in (3, 4):
        size = fields.number(2)
        return Layout("compact", size=size, inside=fields.bytes(size))
    if kind == 1 and version in (3, 4):
        return Layout("contiguous", fields.number(8), fields.number(8))
    if kind == 2 and version == 3:
        axes = fields.number(1)
        if not 1 < axes <= MAX_AXES + 1:
            raise fields.source.damaged("an array in pieces has no axes, or too many")
        address = fields.number(8)
        *chunk, _ = (fields.number(4) for _ in range(axes))
        return Layout("chunked", address, chunk=tuple(chunk))
    raise fields.source.refused("an array in it is kept in a form that models do not have")


def filters_of(fields: Fields) -> list[int]:
    """How the pieces of an array were packed.

    Raises:
        SerializationError: by a filter that HDF5 does not bring along.
    """
    version, count = fields.number(1), fields.number(1)
    fields.skip(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        number = fields.number(2)
        length = fields.number(2) if version == 1 or number >= 256 else 0
        fields.skip(2)
        values = fields.number(2)
        if number not in (DEFLATE, SHUFFLE, CHECKSUM):
            raise fields.source.refused(f"an array in it is packed by the filter {number}")
        fields.skip(-(-length // 8) * 8 if version == 1 else length)
        fields.skip(4 * (values + (values % 2 if version == 1 else 0)))
        found.append(number)
    return found


# ---- reading ----------------------------------------------------------------------------------


def values_of(
    source: Source, kind: Kind, shape: tuple[int, ...], layout: Layout, filters: list[int]
) -> np.ndarray[Any, Any]:
    """The numbers of an array.

    Raises:
        SerializationError: the file has fewer of them than the shape says.
    """
    count = math.prod(shape)
    size = count * kind.dtype.itemsize
    if not size:
        return np.zeros(shape, kind.dtype)
    if layout.name == "chunked":
        return _joined(source, kind.dtype, shape, layout, filters)
    check_held(source, kind, shape, layout)
    data = layout.inside if layout.name == "compact" else source.data(layout.address, size)
    return np.frombuffer(data, kind.dtype, count).reshape(shape)


def check_held(source: Source, kind: Kind, shape: tuple[int, ...], layout: Layout) -> None:
    """Looks whether a file has as many bytes for an array as its shape says.

    Raises:
        SerializationError: it has fewer.
    """
    size = math.prod(shape) * kind.dtype.itemsize
    if layout.name == "chunked":
        pieces, wanted = len(_pieces(source, shape, layout)), math.prod(_grid(shape, layout))
        held = size if pieces == wanted else min(pieces * math.prod(layout.chunk), size - 1)
    elif layout.name == "compact":
        held = len(layout.inside)
    else:
        is_inside = layout.address != NOWHERE and layout.address + size <= source.size
        held = layout.size if is_inside else 0
    if held < size:
        raise _declared_only(source, shape, kind, held)


def _declared_only(source: Source, shape: tuple[int, ...], kind: Kind, found: int) -> Exception:
    return source.refused(
        f"it declares an array of shape {shape}, {math.prod(shape) * kind.dtype.itemsize} bytes, "
        f"and holds {found} bytes of it"
    )


def _joined(
    source: Source, dtype: np.dtype[Any], shape: tuple[int, ...], layout: Layout, filters: list[int]
) -> np.ndarray[Any, Any]:
    """An array from its pieces; all of them must be there."""
    chunk = layout.chunk
    size = math.prod(chunk) * dtype.itemsize
    most = source.size * (EXPANSION if DEFLATE in filters else 1)
    if size > most or math.prod(shape) * dtype.itemsize > most:
        raise _declared_only(source, shape, Kind(dtype), 0)
    check_held(source, Kind(dtype), shape, layout)
    found = _pieces(source, shape, layout)
    result = np.empty(shape, dtype)
    for place, (address, length, mask) in found.items():
        raw = _unpacked(source, source.data(address, length), filters, mask, size, dtype.itemsize)
        piece = np.frombuffer(raw, dtype, math.prod(chunk)).reshape(chunk)
        at = tuple(slice(p * c, (p + 1) * c) for p, c in zip(place, chunk, strict=True))
        target = result[at]
        target[...] = piece[tuple(slice(n) for n in target.shape)]
    return result


def _grid(shape: tuple[int, ...], layout: Layout) -> tuple[int, ...]:
    """How many pieces an array has along each axis."""
    return tuple(-(-n // c) for n, c in zip(shape, layout.chunk, strict=True))


def _pieces(
    source: Source, shape: tuple[int, ...], layout: Layout
) -> dict[tuple[int, ...], tuple[int, int, int]]:
    """The pieces of an array by their places: address, length, and which filters were left out."""
    chunk = layout.chunk
    if len(chunk) != len(shape) or not all(chunk):
        raise source.damaged("the pieces of an array have other axes than the array")
    grid = _grid(shape, layout)
    found: dict[tuple[int, ...], tuple[int, int, int]] = {}
    if layout.address == NOWHERE:
        return found
    for key, address in tree_leaves(source, layout.address, 1, 8 + 8 * (len(shape) + 1)):
        length, mask = key.number(4), key.number(4)
        place = tuple(key.number(8) // c for c in chunk)
        if all(p < n for p, n in zip(place, grid, strict=True)):
            found[place] = (address, length, mask)
    return found


def _unpacked(
    source: Source, data: memoryview, filters: list[int], mask: int, size: int, item: int
) -> Any:
    raw: Any = data
    for i, number in reversed(list(enumerate(filters))):
        if mask >> i & 1:
            continue
        if number == CHECKSUM:
            raw = raw[:-4]
        elif number == DEFLATE:
            packed = zlib.decompressobj()
            try:
                raw = packed.decompress(bytes(raw), size + 4)
            except zlib.error as error:
                raise source.damaged(f"a packed piece of an array is damaged ({error})") from error
        elif len(raw) % item == 0:
            raw = np.frombuffer(raw, "u1").reshape(item, -1).T.tobytes()
    if len(raw) != size:
        raise source.damaged("a piece of an array has another size than its shape says")
    return raw


def texts_of(source: Source, kind: Kind, values: np.ndarray[Any, Any]) -> Any:
    """Values as they are met in Python: texts, lists of texts, numbers, arrays."""
    if kind.is_text:
        found = [_text(source, bytes(value)) for value in values.reshape(-1)]
    elif kind.is_padded_text:
        found = [bytes(v).partition(b"\0")[0].decode("utf-8", "replace") for v in values.flat]
    else:
        return values[()] if values.ndim == 0 else values
    return found if values.ndim else found[0]


def _text(source: Source, reference: bytes) -> str:
    fields = Fields(source, memoryview(reference))
    length, address, index = fields.number(4), fields.number(8), fields.number(4)
    if not length or not address:
        return ""
    return fields.decode(global_object(source, address, index, length))
