"""TFRecord files and `tf.train.Example`: the formats of protocol buffers that data come in.

A TFRecord is the length of its data (uint64), a checksum of the length, the data, and a checksum
of the data. The checksums are CRC-32C, masked. An Example is a message with a map from names to
features, each a list of bytes, floats or whole numbers.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecord_files_format;
https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from etude import ops
from etude.compat.tensorflow.text import StringTensor, as_text
from etude.errors import ArgumentError, DataError

__all__ = [
    "BytesList",
    "Example",
    "Feature",
    "Features",
    "FixedLenFeature",
    "FloatList",
    "Int64List",
    "TFRecordOptions",
    "TFRecordWriter",
    "VarLenFeature",
    "parse_example",
    "parse_single_example",
    "read_records",
]

# --- checksums ----------------------------------------------------------------------------------


def _crc_table() -> list[int]:
    table: list[int] = []
    for n in range(256):
        crc = n
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc_table()


def _checksum(data: bytes) -> int:
    """The masked CRC-32C of data."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# --- files --------------------------------------------------------------------------------------


class TFRecordOptions(NamedTuple):
    """How a file of records is compressed: ``"GZIP"`` or not at all."""

    compression_type: str | None = None


class TFRecordWriter:
    """Writes records to a file.

    Args:
        path: of the file.
        options: `TFRecordOptions`, or ``"GZIP"``.
    """

    def __init__(self, path: Any, options: Any = None):
        compression = getattr(options, "compression_type", options) or ""
        if compression not in ("", "GZIP"):
            raise ArgumentError(f"Records are compressed by 'GZIP' or not; got {compression!r}.")
        name = str(as_text(str(path)))
        self._file = gzip.open(name, "wb") if compression else open(name, "wb")  # noqa: SIM115

    def write(self, record: Any) -> None:
        """Writes bytes as a record."""
        data = record if isinstance(record, bytes) else as_text(record).numpy()
        length = struct.pack("<Q", len(data))
        self._file.write(length + struct.pack("<I", _checksum(length)))
        self._file.write(data + struct.pack("<I", _checksum(data)))

    def flush(self) -> None:
        """Writes what is waiting."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def __enter__(self) -> TFRecordWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_records(path: str, compression_type: str | None = None) -> Iterator[bytes]:
    """The records of a file.

    Raises:
        DataError: the file ends amid a record, or a length does not have its checksum.
    """
    with gzip.open(path) if compression_type == "GZIP" else Path(path).open("rb") as file:
        while head := file.read(12):
            if len(head) < 12 or _checksum(head[:8]) != struct.unpack("<I", head[8:])[0]:
                raise DataError(f"{path} is damaged, or no file of TFRecords.")
            length = struct.unpack("<Q", head[:8])[0]
            data = file.read(length)
            if len(data) < length or len(file.read(4)) < 4:
                raise DataError(f"{path} ends amid a record: it is not complete.")
            yield data


# --- messages -----------------------------------------------------------------------------------


def _varint(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _field(number: int, data: bytes) -> bytes:
    """A field of bytes: its number, its length, its content."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Numbers and contents of the fields of a message."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        if tag & 7 == 0:
            value, at = _read_varint(data, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, at = _read_varint(data, at)
            yield tag >> 3, data[at : at + length]
            at += length
        elif tag & 7 in (1, 5):
            size = 8 if tag & 7 == 1 else 4
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise DataError("The bytes are no message of a known kind.")


class _List:
    def __init__(self, value: Sequence[Any] = ()):
        self.value = list(value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value})"


class BytesList(_List):
    """Bytes in a feature."""

    def encode(self) -> bytes:
        """The message."""
        texts = [v if isinstance(v, bytes) else as_text(v).numpy() for v in self.value]
        return b"".join(_field(1, v) for v in texts)

    @classmethod
    def decode(cls, data: bytes) -> BytesList:
        """The list of a message."""
        return cls([value for _, value in _fields(data)])


class FloatList(_List):
    """Floats in a feature."""

    def encode(self) -> bytes:
        """The message."""
        return _field(1, np.asarray(self.value, "<f4").tobytes())

    @classmethod
    def decode(cls, data: bytes) -> FloatList:
        """The list of a message."""
        parts = [np.frombuffer(value, "<f4") for _, value in _fields(data)]
        return cls(np.concatenate(parts).tolist() if parts else [])


class Int64List(_List):
    """Whole numbers in a feature."""

    def encode(self) -> bytes:
        """The message."""
        return _field(1, b"".join(_varint(int(v)) for v in self.value))

    @classmethod
    def decode(cls, data: bytes) -> Int64List:
        """The list of a message."""
        values: list[int] = []
        for _, part in _fields(data):
            if isinstance(part, int):
                values.append(part)
                continue
            at = 0
            while at < len(part):
                value, at = _read_varint(part, at)
                values.append(value)
        return cls([v - 2**64 if v >= 2**63 else v for v in values])


_KINDS = {1: ("bytes_list", BytesList), 2: ("float_list", FloatList), 3: ("int64_list", Int64List)}


class Feature:
    """One of the three kinds of lists."""

    def __init__(
        self,
        bytes_list: BytesList | None = None,
        float_list: FloatList | None = None,
        int64_list: Int64List | None = None,
    ):
        self.bytes_list = bytes_list or BytesList()
        self.float_list = float_list or FloatList()
        self.int64_list = int64_list or Int64List()
        given = {1: bytes_list, 2: float_list, 3: int64_list}
        self.kind = next((k for k, v in given.items() if v is not None), 0)

    @property
    def values(self) -> list[Any]:
        """The values of the list that it has."""
        return getattr(self, _KINDS[self.kind][0]).value if self.kind else []

    def encode(self) -> bytes:
        """The message."""
        return _field(self.kind, getattr(self, _KINDS[self.kind][0]).encode()) if self.kind else b""

    @classmethod
    def decode(cls, data: bytes) -> Feature:
        """The feature of a message."""
        return cls(**{_KINDS[n][0]: _KINDS[n][1].decode(part) for n, part in _fields(data)})


class Features:
    """Features by name."""

    def __init__(self, feature: dict[str, Feature] | None = None):
        self.feature = dict(feature or {})


class Example:
    """A sample as a message: features by name.

    >>> number = Feature(int64_list=Int64List([-3, 5]))
    >>> example = Example(features=Features(feature={"n": number}))
    >>> Example.FromString(example.SerializeToString()).features.feature["n"].int64_list.value
    [-3, 5]
    """

    def __init__(self, features: Features | None = None):
        self.features = features or Features()

    def SerializeToString(self) -> bytes:
        """The message."""
        entries = [
            _field(1, _field(1, name.encode()) + _field(2, feature.encode()))
            for name, feature in self.features.feature.items()
        ]
        return _field(1, b"".join(entries))

    def ParseFromString(self, data: Any) -> None:
        """Takes the features of a message in the place of its own."""
        self.features = Example.FromString(data).features

    @classmethod
    def FromString(cls, data: Any) -> Example:
        """The example of a message."""
        raw = data if isinstance(data, bytes) else as_text(data).numpy()
        found: dict[str, Feature] = {}
        for _, features in _fields(raw):
            for _, entry in _fields(features):
                parts = dict(_fields(entry))
                found[parts[1].decode()] = Feature.decode(parts.get(2, b""))
        return cls(Features(found))


# --- parsing ------------------------------------------------------------------------------------


class FixedLenFeature(NamedTuple):
    """A feature with a known number of values."""

    shape: Any
    dtype: Any
    default_value: Any = None


class VarLenFeature(NamedTuple):
    """A feature with any number of values; it becomes a vector."""

    dtype: Any


def parse_single_example(
    serialized: Any, features: dict[str, Any], example_names: Any = None, name: Any = None
) -> dict[str, Any]:
    """The features of an Example as tensors.

    Args:
        serialized: the message.
        features: name to `FixedLenFeature` or `VarLenFeature`.
        example_names: accepted.
        name: accepted.

    Raises:
        DataError: a feature is missing, or has another number of values.
    """
    found = Example.FromString(serialized).features.feature
    return {key: _parsed(key, found.get(key), spec) for key, spec in features.items()}


def _parsed(key: str, feature: Feature | None, spec: Any) -> Any:
    values = feature.values if feature is not None else []
    if isinstance(spec, VarLenFeature):
        return _tensor(values, spec.dtype, (len(values),))
    shape = tuple(spec.shape)
    if not values:
        if spec.default_value is None:
            raise DataError(f"The example has no feature {key!r}, and it has no default value.")
        values = np.broadcast_to(np.asarray(spec.default_value), shape).ravel().tolist()
    if len(values) != int(np.prod(shape)):
        raise DataError(f"Feature {key!r}: expected values of shape {shape}; got {len(values)}.")
    return _tensor(values, spec.dtype, shape)


def _tensor(values: list[Any], dtype: Any, shape: tuple[int, ...]) -> Any:
    if dtype == "string":
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return StringTensor(array.reshape(shape))
    return ops.convert_to_tensor(np.asarray(values, dtype=str(dtype)).reshape(shape))


def parse_example(serialized: Any, features: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
    """The features of several Examples as tensors with one row for each."""
    rows = [parse_single_example(s, features) for s in as_text(serialized)]
    stacked: dict[str, Any] = {}
    for key in features:
        column = [row[key] for row in rows]
        if isinstance(column[0], StringTensor):
            stacked[key] = StringTensor(np.stack([c.array for c in column]))
        else:
            stacked[key] = ops.stack(column)
    return stacked
