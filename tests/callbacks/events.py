"""Reads event files: a parser of its own, which shares nothing with the writer."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Summary(NamedTuple):
    tag: str
    step: int
    plugin: str
    value: Any


def crc(data: bytes) -> int:
    """CRC-32C bit by bit: division of polynomials over two elements, by 0x1EDC6F41, reflected."""
    remainder = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            top = (remainder ^ (byte >> bit)) & 1
            remainder = (remainder >> 1) ^ (0x82F63B78 if top else 0)
    return remainder ^ 0xFFFFFFFF


def check(data: bytes, stored: bytes) -> None:
    value = crc(data)
    rotated = ((value >> 15) | (value << 17)) & 0xFFFFFFFF
    assert struct.unpack("<I", stored)[0] == (rotated + 0xA282EAD8) % 2**32


def records(data: bytes) -> list[bytes]:
    found = []
    while data:
        check(data[:8], data[8:12])
        (size,) = struct.unpack("<Q", data[:8])
        found.append(data[12 : 12 + size])
        check(found[-1], data[12 + size : 16 + size])
        data = data[16 + size :]
    return found


def varint(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    while True:
        value |= (data[0] & 0x7F) << shift
        shift += 7
        last, data = data[0] < 0x80, data[1:]
        if last:
            return value, data


def fields(data: bytes) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    while data:
        key, data = varint(data)
        if key & 7 == 0:
            value, data = varint(data)
        else:
            size = {1: 8, 5: 4}.get(key & 7)
            if size is None:
                assert key & 7 == 2
                size, data = varint(data)
            value, data = data[:size], data[size:]
        found.setdefault(key >> 3, []).append(value)
    return found


def tensor(data: bytes) -> Any:
    message = fields(data)
    dims = fields(message.get(2, [b""])[0]).get(2, [])
    shape = [fields(dim).get(1, [0])[0] for dim in dims]
    kind = message[1][0]
    if kind == 7:
        return message.get(8, [])
    return np.frombuffer(message[4][0], {1: "<f4", 2: "<f8"}[kind]).reshape(shape)


def read(folder: Path) -> list[Summary]:
    """All summaries of the event files in a folder."""
    found = []
    for path in sorted(folder.glob("events.out.tfevents.*")):
        first, *events = map(fields, records(path.read_bytes()))
        assert first[3] == [b"brain.Event:2"]
        for event in events:
            assert struct.unpack("<d", event[1][0])[0] > 1e9  # seconds since 1970
            for data in fields(event[5][0])[1]:
                value = fields(data)
                plugin = fields(fields(value[9][0])[1][0])
                step = event.get(2, [0])[0]
                found.append(
                    Summary(value[1][0].decode(), step, plugin[1][0].decode(), tensor(value[8][0]))
                )
    return found


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Pairs of step and value by tag."""
    found: dict[str, list[tuple[int, float]]] = {}
    for summary in read(folder):
        if summary.plugin == "scalars":
            found.setdefault(summary.tag, []).append((summary.step, float(summary.value)))
    return found
