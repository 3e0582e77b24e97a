"""`tf.io`: files, pictures, records, under TensorFlow's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude.compat.missing import lacks
from etude.compat.tensorflow.files import decode_bmp as decode_bmp
from etude.compat.tensorflow.files import decode_gif as decode_gif
from etude.compat.tensorflow.files import decode_image as decode_image
from etude.compat.tensorflow.files import decode_jpeg as decode_jpeg
from etude.compat.tensorflow.files import decode_png as decode_png
from etude.compat.tensorflow.files import decode_raw as decode_raw
from etude.compat.tensorflow.files import encode_jpeg as encode_jpeg
from etude.compat.tensorflow.files import encode_png as encode_png
from etude.compat.tensorflow.files import gfile as gfile
from etude.compat.tensorflow.files import parse_tensor as parse_tensor
from etude.compat.tensorflow.files import read_file as read_file
from etude.compat.tensorflow.files import serialize_tensor as serialize_tensor
from etude.compat.tensorflow.files import write_file as write_file
from etude.compat.tensorflow.records import FixedLenFeature as FixedLenFeature
from etude.compat.tensorflow.records import TFRecordOptions as TFRecordOptions
from etude.compat.tensorflow.records import TFRecordWriter as TFRecordWriter
from etude.compat.tensorflow.records import VarLenFeature as VarLenFeature
from etude.compat.tensorflow.records import parse_example as parse_example
from etude.compat.tensorflow.records import parse_single_example as parse_single_example
from etude.compat.tensorflow.strings import to_number
from etude.compat.tensorflow.tensors import convert_to_tensor
from etude.compat.tensorflow.text import as_text
from etude.errors import ArgumentError


def decode_csv(
    records: Any, record_defaults: list[Any], field_delim: str = ",", **_: Any
) -> list[Any]:
    """The fields of a line, each a tensor of the dtype of its default.

    >>> [t.numpy().tolist() for t in decode_csv("1,,x", [[0], [2.5], [""]])[:2]]
    [1, 2.5]
    """
    fields = str(as_text(records)).split(field_delim)
    if len(fields) != len(record_defaults):
        raise ArgumentError(f"Expected {len(record_defaults)} fields; the line has {len(fields)}.")
    return [_field(f, d) for f, d in zip(fields, record_defaults, strict=True)]


def _field(field: str, default: Any) -> Any:
    kind = default if isinstance(default, str) and default else None  # a dtype: it must be there
    value = convert_to_tensor(np.ravel(np.asarray(default))) if kind is None else None
    dtype = kind or str(getattr(value, "dtype", "float32"))
    if not field and value is not None and len(value):
        return value[0]
    return as_text(field) if dtype == "string" else to_number(field, dtype)


def matching_files(pattern: Any, name: str | None = None) -> Any:
    """The names of files that match a pattern.

    >>> matching_files("no such file").shape
    (0,)
    """
    return as_text(np.array(gfile.glob(pattern), dtype=object))


__getattr__ = lacks("tf.io", __name__)
