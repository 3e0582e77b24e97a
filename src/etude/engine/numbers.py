"""What users pass as numbers, as NumPy arrays of numbers; and which of them are short floats."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude.errors import DtypeError


def as_numbers(value: Any) -> np.ndarray[Any, Any]:
    """A NumPy array of numbers or truth values.

    Raises:
        DtypeError: the value holds text, Python objects, or lists of different lengths.
    """
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise DtypeError(
            f"Expected numbers, in lists of equal lengths; got {shown(value)}. If lists differ in "
            "length, pad them first."
        ) from error
    if array.dtype.kind in "OUSMm":
        raise DtypeError(
            f"Expected numbers; got {shown(value)} of type {type(value).__name__}"
            f"{', an array of Python objects' if array.dtype.kind == 'O' else ''}. Text and "
            "categories must be encoded as numbers first, missing values filled in."
        )
    return array


def shown(value: Any) -> str:
    """A value as it is shown in a message: short.

    >>> shown([1, 2])
    '[1, 2]'
    """
    text = repr(value)
    return text if len(text) < 80 else text[:77] + "..."


def is_half(dtype: Any) -> bool:
    """Whether a dtype is a float of 16 bits.

    >>> is_half(np.dtype("float16")), is_half(np.dtype("int16"))
    (True, False)
    """
    return dtype.itemsize == 2 and dtype.kind not in "iu"
