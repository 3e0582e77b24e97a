"""Event files, which TensorBoard reads: records of protocol buffers, written by hand.

A file is a row of records (the format of TFRecord):

    length (8 bytes), checksum of these, content, checksum of the content

with numbers in little endian, and checksums CRC-32C, rotated and shifted. The content is an `Event`
in the wire format of protocol buffers, in which a message is a row of fields, each a key
(number of the field · 8 + type) and a value:

    type 0: an integer, 7 bits a byte, the lowest first     type 1: 8 bytes
    type 2: a length, and so many bytes                     type 5: 4 bytes

The numbers of the fields are those of event.proto, summary.proto and tensor.proto.

Reference:
    https://protobuf.dev/programming-guides/encoding/,
    https://www.tensorflow.org/tutorials/load_data/tfrecord,
    https://github.com/tensorflow/tensorboard/tree/master/tensorboard/compat/proto
"""

from __future__ import annotations

import itertools
import os
import platform
import struct
import time
import weakref
import zlib
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["EventFile", "crc32c", "histogram", "png"]

Array = np.ndarray[Any, Any]

BUCKETS = 30  # of a histogram, as TensorBoard shows it
MOST_IMAGES = 3  # of one summary, likewise

# TensorProto.dtype, SummaryMetadata.data_class
FLOAT, DOUBLE, STRING = 1, 2, 7
SCALAR, TENSOR, BLOBS = 1, 2, 3


# ---- checksums and records ----------------------------------------------------------------------


def _crc_table() -> list[int]:
    table: list[int] = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_TABLE = _crc_table()


def crc32c(content: bytes) -> int:
    """The checksum CRC-32C (Castagnoli, 1993; RFC 3720).

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    crc = 0xFFFFFFFF
    for byte in content:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _masked(content: bytes) -> bytes:
    """The checksum as records hold it: a checksum over checksums would be 0 otherwise."""
    crc = crc32c(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def record(content: bytes) -> bytes:
    """A record with this content."""
    length = struct.pack("<Q", len(content))
    return length + _masked(length) + content + _masked(content)


# ---- fields of messages -------------------------------------------------------------------------


def _integer(value: int) -> bytes:
    value &= 0xFFFFFFFFFFFFFFFF  # negative numbers take ten bytes
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field that holds an integer.

    >>> number(1, 300).hex()
    '08ac02'
    """
    return _integer(field << 3) + _integer(value)


def double(field: int, value: float) -> bytes:
    """A field that holds a float of 64 bits."""
    return _integer(field << 3 | 1) + struct.pack("<d", value)


def content(field: int, value: bytes | str) -> bytes:
    """A field that holds bytes, text, or a message.

    >>> content(2, "hi").hex()
    '12026869'
    """
    value = value.encode() if isinstance(value, str) else value
    return _integer(field << 3 | 2) + _integer(len(value)) + value


# ---- summaries ----------------------------------------------------------------------------------


def _summary(tag: str, tensor: bytes, plugin: str, kind: int, settings: bytes = b"") -> bytes:
    """A Summary with one value: a tensor, and which part of TensorBoard shows it."""
    plugin_data = content(1, plugin) + content(2, settings)
    metadata = content(1, plugin_data) + number(4, kind)
    return content(1, content(1, tag) + content(9, metadata) + content(8, tensor))


def _numbers(values: Array) -> bytes:
    """A TensorProto of float32 or float64 numbers."""
    kind = DOUBLE if values.dtype == np.float64 else FLOAT
    little = values.astype(values.dtype.newbyteorder("<"))
    return number(1, kind) + content(2, _shape(values.shape)) + content(4, little.tobytes())


def _strings(values: list[bytes], shape: tuple[int, ...]) -> bytes:
    """A TensorProto of strings."""
    strings = b"".join(content(8, value) for value in values)
    return number(1, STRING) + content(2, _shape(shape)) + strings


def _shape(shape: tuple[int, ...]) -> bytes:
    return b"".join(content(2, number(1, size)) for size in shape)


def histogram(values: Any) -> Array:
    """Counts in buckets of equal width: float64, (buckets, 3) with left edge, right edge, count.

    >>> histogram([1.0, 1.0])
    array([[0.5, 1.5, 2. ]])
    """
    flat = np.asarray(values, "float64").ravel()
    flat = flat[np.isfinite(flat)]
    if not flat.size:
        return np.zeros((0, 3))
    if flat.min() == flat.max():
        return np.array([[flat[0] - 0.5, flat[0] + 0.5, flat.size]])
    counts, edges = np.histogram(flat, BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)  # (buckets, 3)


def png(image: Array) -> bytes:
    """A PNG file of an image (height, width, channels) of bytes, with 1, 3 or 4 channels."""
    height, width, channels = image.shape
    colours = {1: 0, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(image))

    def chunk(kind: bytes, inside: bytes) -> bytes:
        checked = kind + inside
        return struct.pack(">I", len(inside)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


# ---- files --------------------------------------------------------------------------------------

_serial = itertools.count()


class EventFile:
    """A file of events in a folder, which is made if it does not exist.

    Args:
        directory: the folder; TensorBoard shows each as a run.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = EventFile(folder)
        ...     file.scalar("loss", 0.5, step=1)
        ...     file.close()
        ...     print(file.path.read_bytes()[23:36])
        b'brain.Event:2'
    """

    def __init__(self, directory: Any) -> None:
        folder = Path(os.fspath(directory))
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{platform.node()}.{os.getpid()}"
        self.path = folder / f"{name}.{next(_serial)}.v2"
        self._file = self.path.open("wb")
        weakref.finalize(self, self._file.close)  # after an error nobody else does
        self._write(double(1, now) + content(3, "brain.Event:2"))

    def _write(self, event: bytes) -> None:
        self._file.write(record(event))

    def _add(self, step: Any, summary: bytes) -> None:
        self._write(double(1, time.time()) + number(2, int(step)) + content(5, summary))

    def scalar(self, tag: str, value: Any, step: Any) -> None:
        """Adds a number."""
        tensor = _numbers(np.asarray(value, "float32").reshape(()))
        self._add(step, _summary(tag, tensor, "scalars", SCALAR))

    def histogram(self, tag: str, values: Any, step: Any) -> None:
        """Adds the distribution of some values."""
        self._add(step, _summary(tag, _numbers(histogram(values)), "histograms", TENSOR))

    def image(self, tag: str, images: Any, step: Any) -> None:
        """Adds images: floats in [0, 1] or bytes, (images, height, width, channels)."""
        images = np.asarray(images)
        if images.dtype != np.uint8:
            images = np.clip(np.nan_to_num(images.astype("float64")) * 255.5, 0, 255)
            images = images.astype("uint8")
        _, height, width, _ = images.shape
        strings = [str(width).encode(), str(height).encode()]
        strings += [png(image) for image in images[:MOST_IMAGES]]
        tensor = _strings(strings, (len(strings),))
        self._add(step, _summary(tag, tensor, "images", BLOBS))

    def text(self, tag: str, text: str, step: Any) -> None:
        """Adds a text, which is shown as Markdown."""
        tensor = _strings([text.encode()], ())
        self._add(step, _summary(tag, tensor, "text", TENSOR))

    def keras_graph(self, tag: str, json_text: str, step: Any) -> None:
        """Adds a model, as `Model.to_json` writes it, which is shown as a graph of layers."""
        tensor = _strings([json_text.encode()], ())
        self._add(step, _summary(tag, tensor, "graph_keras_model", BLOBS, settings=b"1"))

    def flush(self) -> None:
        """Hands what was added to the system, so that TensorBoard sees it."""
        self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
