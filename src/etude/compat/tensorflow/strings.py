"""`tf.strings`: text, one string at a time, over tensors of any shape."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from etude import ops
from etude.compat.missing import lacks
from etude.compat.tensorflow.tensors import convert_to_tensor
from etude.compat.tensorflow.text import StringTensor, as_text
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError, ShapeError


def _mapped(value: Any, function: Any) -> StringTensor:
    return StringTensor(as_text(value).map(function))


def lower(input: Any, encoding: str = "", name: str | None = None) -> StringTensor:
    """Small letters.

    >>> lower(["To Be"]).numpy().tolist()
    [b'to be']
    """
    return _mapped(input, str.lower)


def upper(input: Any, encoding: str = "", name: str | None = None) -> StringTensor:
    """Capital letters.

    >>> upper("to be").numpy()
    b'TO BE'
    """
    return _mapped(input, str.upper)


def strip(input: Any, name: str | None = None) -> StringTensor:
    """Without white space at both ends.

    >>> strip(" a ").numpy()
    b'a'
    """
    return _mapped(input, str.strip)


def regex_replace(
    input: Any, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None
) -> StringTensor:
    r"""What matches a pattern, replaced; ``\1`` in the replacement is the first group.

    >>> regex_replace("a-b-c", "-", "+").numpy()
    b'a+b+c'
    """
    compiled = re.compile(str(as_text(pattern)))
    new, count = str(as_text(rewrite)).replace("\\0", "\\g<0>"), 0 if replace_global else 1
    return _mapped(input, lambda s: compiled.sub(new, s, count=count))


def regex_full_match(input: Any, pattern: str, name: str | None = None) -> Any:
    """Whether all of the string matches a pattern.

    >>> regex_full_match(["ab", "abc"], "ab").numpy().tolist()
    [True, False]
    """
    compiled = re.compile(pattern)
    hits = as_text(input).map(lambda s: compiled.fullmatch(s) is not None)
    return ops.convert_to_tensor(hits.astype(bool))


def split(
    input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None
) -> StringTensor:
    """The parts of a string between separators, white space by default.

    Rows of several strings must have the same number of parts: tensors here are dense.

    >>> split("to be or", " ").numpy().tolist()
    [b'to', b'be', b'or']
    """
    text = as_text(input)
    separator = None if sep is None or str(sep) == "" else str(as_text(sep))
    return _rows(text, [s.split(separator, maxsplit) for s in text.array.ravel().tolist()], "split")


def _rows(text: StringTensor, parts: list[list[str]], what: str) -> StringTensor:
    """Lists of strings, one for each element, as a new last axis."""
    lengths = {len(p) for p in parts}
    if len(lengths) > 1:
        raise ShapeError(
            f"tf.strings.{what}() gave rows of {min(lengths)} to {max(lengths)} parts, and etude's "
            "tensors are dense. Treat one string at a time, e.g. with `Dataset.map` before "
            "`batch`, or use `keras.layers.TextVectorization`, which pads."
        )
    width = lengths.pop() if lengths else 0
    values = np.array([p for row in parts for p in row], dtype=object)
    return StringTensor(values.reshape(*text.array.shape, width))


def bytes_split(input: Any, name: str | None = None) -> StringTensor:
    """The characters of a string.

    >>> bytes_split("abc").numpy().tolist()
    [b'a', b'b', b'c']
    """
    text = as_text(input)
    return _rows(text, [list(s) for s in text.array.ravel().tolist()], "bytes_split")


def unicode_split(
    input: Any, input_encoding: str = "UTF-8", errors: str = "replace", **_: Any
) -> StringTensor:
    """The characters of a string.

    >>> len(unicode_split("één"))
    3
    """
    return bytes_split(input)


def unicode_decode(input: Any, input_encoding: str = "UTF-8", **_: Any) -> Any:
    """The code points of a string's characters.

    >>> unicode_decode("AB").numpy().tolist()
    [65, 66]
    """
    characters = bytes_split(input)
    return ops.convert_to_tensor(characters.map(ord).astype("int32"))


def unicode_encode(input: Any, output_encoding: str = "UTF-8", **_: Any) -> StringTensor:
    """A string from the code points of its characters, which stand on the last axis.

    >>> unicode_encode([72, 105]).numpy()
    b'Hi'
    """
    points = np.asarray(input)
    joined = ["".join(map(chr, row)) for row in points.reshape(-1, points.shape[-1]).tolist()]
    return StringTensor(np.array(joined, dtype=object).reshape(points.shape[:-1]))


def join(inputs: Sequence[Any], separator: str = "", name: str | None = None) -> StringTensor:
    """Strings from several tensors, one after the other.

    >>> join(["a", ["b", "c"]], separator="-").numpy().tolist()
    [b'a-b', b'a-c']
    """
    parts: Any = np.broadcast_arrays(*[as_text(v).array for v in inputs])
    made = np.empty(parts[0].shape, dtype=object)
    for index in np.ndindex(made.shape):
        made[index] = separator.join(part[index] for part in parts)
    return StringTensor(made)


def reduce_join(
    inputs: Any,
    axis: Any = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> StringTensor:
    """The strings along an axis (by default all of them) as one.

    >>> reduce_join([["a", "b"], ["c", "d"]], axis=1).numpy().tolist()
    [b'ab', b'cd']
    """
    text = as_text(inputs).array
    rows = text.reshape(-1) if axis is None else np.moveaxis(text, int(np.ravel(axis)[0]), -1)
    flat = rows.reshape(-1, rows.shape[-1]).tolist()
    made = np.array([separator.join(row) for row in flat], dtype=object).reshape(rows.shape[:-1])
    return StringTensor(np.expand_dims(made, axis) if keepdims and axis is not None else made)


def length(input: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """How long the strings are, in bytes, or in characters (``unit="UTF8_CHAR"``).

    >>> length(["é", "ab"]).numpy().tolist(), length("é", unit="UTF8_CHAR").numpy()
    ([2, 2], np.int32(1))
    """
    count = len if unit == "UTF8_CHAR" else (lambda s: len(s.encode()))
    return ops.convert_to_tensor(as_text(input).map(count).astype("int32"))


def substr(input: Any, pos: Any, len: Any, unit: str = "BYTE", name: str | None = None) -> Any:
    """The part of each string from a position on, so long.

    >>> substr("abcdef", 1, 3).numpy()
    b'bcd'
    """
    start, size = int(np.asarray(pos)), int(np.asarray(len))
    return _mapped(input, lambda s: s[start:][:size])


def to_number(input: Any, out_type: Any = "float32", name: str | None = None) -> Any:
    """The numbers that strings show.

    Raises:
        ArgumentError: a string shows no number.

    >>> to_number(["1", "2.5"]).numpy().tolist()
    [1.0, 2.5]
    """
    read = float if is_float_dtype(out_type) else int
    try:
        return ops.convert_to_tensor(as_text(input).map(read).astype(str(out_type)))
    except ValueError as error:
        raise ArgumentError(f"tf.strings.to_number() expects numbers: {error}.") from None


def as_string(input: Any, precision: int = -1, name: str | None = None, **_: Any) -> StringTensor:
    """Numbers as text.

    >>> as_string([1, 2]).numpy().tolist()
    [b'1', b'2']
    """
    values = np.asarray(convert_to_tensor(input))
    float_digits = "f" if precision < 0 else f".{precision}f"
    spec = float_digits if values.dtype.kind == "f" else ""
    made = np.empty(values.shape, dtype=object)
    for index in np.ndindex(values.shape):
        made[index] = f"{values[index]:{spec}}".lower()
    return StringTensor(made)


def format_(template: str, inputs: Any, placeholder: str = "{}", **_: Any) -> StringTensor:
    """A template with tensors in its places.

    >>> format_("x = {}", 3).numpy()
    b'x = 3'
    """
    for value in inputs if isinstance(inputs, (list, tuple)) else [inputs]:
        template = template.replace(placeholder, str(np.asarray(value)), 1)
    return StringTensor(template)


format = format_


def to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Any:
    """A number below ``num_buckets`` for each string, the same for the same string.

    >>> int(to_hash_bucket_fast("a", 10)) == int(to_hash_bucket_fast("a", 10))
    True
    """
    numbers = as_text(input).map(lambda s: zlib.crc32(s.encode()) % num_buckets)
    return ops.convert_to_tensor(numbers.astype("int64"))


to_hash_bucket = to_hash_bucket_strong = to_hash_bucket_fast

__getattr__ = lacks("tf.strings", __name__)
