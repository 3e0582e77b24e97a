"""Nested values as bytes: what a checkpoint keeps beside the weights.

The form is a line that names it, the length of a header (8 bytes, the lowest first), the header,
and the numbers of all arrays one after another. The header is JSON; in it an array is a dictionary
of its dtype, its shape and the place of its numbers. Nothing in it is ever run.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from etude.errors import SerializationError
from etude.tracebacks import warn

__all__ = ["pack", "unpack"]

MAGIC = b"etude state 1\n"
ARRAY = "an array"  # the key that tells arrays from dictionaries
DTYPES = frozenset(
    (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
)


def pack(value: Any) -> bytes:
    """Nested dictionaries, lists, numbers, texts and arrays as bytes.

    What else is in it is left out, with None in its place, and a warning says so: what a user put
    into the logs of training must not cost the checkpoint.

    Args:
        value: keys of dictionaries are texts. Tuples become lists, NumPy's scalars numbers.

    >>> unpack(pack({"best": np.float32(0.5), "weights": [np.zeros(2)], "wait": None}))
    {'best': 0.5, 'weights': [array([0., 0.])], 'wait': None}
    """
    numbers: list[bytes] = []
    header = json.dumps(_plain(value, numbers)).encode()
    return b"".join((MAGIC, len(header).to_bytes(8, "little"), header, *numbers))


def _plain(value: Any, numbers: list[bytes]) -> Any:
    """The value with arrays replaced by where their numbers are."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    if isinstance(value, dict) and all(isinstance(key, str) and key != ARRAY for key in value):
        return {key: _plain(item, numbers) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, numbers) for item in value]
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        dtype, data = array.dtype.name, array
        if dtype == "bfloat16":  # NumPy does not know it by itself
            data = array.view("uint16")
        if dtype in DTYPES or dtype == "bfloat16":
            start = sum(map(len, numbers))
            numbers.append(np.ascontiguousarray(data).tobytes())
            return {ARRAY: [dtype, list(array.shape), start]}
    warn(
        "A checkpoint keeps numbers, texts, arrays of numbers, and lists and dictionaries (by "
        f"texts) of them. It does not keep this {type(value).__name__}, which a callback remembers "
        f"or has put into the logs: {str(value)[:60]!r}."
    )
    return None


def unpack(content: bytes) -> Any:
    """What `pack` was given.

    Raises:
        SerializationError: these are no bytes of `pack`, or not all of them.
    """
    start = len(MAGIC) + 8
    if content[: len(MAGIC)] != MAGIC or len(content) < start:
        raise SerializationError("This is no state that etude wrote.")
    end = start + int.from_bytes(content[len(MAGIC) : start], "little")
    try:
        return _restored(json.loads(content[start:end]), memoryview(content)[end:])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SerializationError(f"This state is damaged: {error}.") from error


def _restored(value: Any, numbers: memoryview) -> Any:
    if isinstance(value, list):
        return [_restored(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    if ARRAY not in value:
        return {key: _restored(item, numbers) for key, item in value.items()}
    dtype, shape, start = value[ARRAY]
    if dtype not in DTYPES and dtype != "bfloat16":
        raise SerializationError(f"This state is damaged: it has an array of dtype {dtype!r}.")
    form = np.dtype("uint16" if dtype == "bfloat16" else dtype)
    size = math.prod(shape) * form.itemsize
    if min((start, *shape)) < 0 or start + size > len(numbers):
        raise SerializationError("This state is damaged: numbers are missing.")
    array = np.frombuffer(numbers[start : start + size], form).reshape(shape).copy()
    if dtype == "bfloat16":  # each is a float32 without the last 16 bits
        return (array.astype("uint32") << 16).view("float32")
    return array
