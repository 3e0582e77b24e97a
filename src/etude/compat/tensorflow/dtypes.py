"""Dtypes: names that compare equal to etude's and NumPy's, with TensorFlow's attributes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from etude.compat.adoption import adopt
from etude.compat.missing import lacks
from etude.dtypes import is_float_dtype, is_int_dtype, standardize_dtype

cast = adopt("ops.cast", "x dtype")
saturate_cast = adopt("ops.saturate_cast", "value dtype")


class DType(str):
    """A dtype: its name, which NumPy and etude take for a dtype too.

    >>> float32.is_floating, float32 == np.dtype("float32"), np.zeros(2, float32).dtype == float32
    (True, True, True)
    """

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name, e.g. ``"float32"``."""
        return str(self)

    @property
    def as_numpy_dtype(self) -> Any:
        """The type of NumPy's scalars; ``object`` for strings."""
        return np.object_ if self == "string" else np.dtype(str(self)).type

    @property
    def is_floating(self) -> builtins.bool:
        """Whether it is a floating-point type."""
        return is_float_dtype(self)

    @property
    def is_integer(self) -> builtins.bool:
        """Whether it is an integer type."""
        return is_int_dtype(self)

    @property
    def is_bool(self) -> builtins.bool:
        """Whether it is the type of truth values."""
        return self == "bool"

    @property
    def is_complex(self) -> builtins.bool:
        """Whether it is a complex type."""
        return self.startswith("complex")

    @property
    def size(self) -> int:
        """Bytes of one value."""
        return np.dtype(str(self)).itemsize

    @property
    def max(self) -> Any:
        """The largest value."""
        return np.finfo(self).max if self.is_floating else np.iinfo(self).max

    @property
    def min(self) -> Any:
        """The smallest value."""
        return np.finfo(self).min if self.is_floating else np.iinfo(self).min

    def __repr__(self) -> str:
        return f"tf.{self}"


bool = DType("bool")
int8, int16, int32, int64 = map(DType, ("int8", "int16", "int32", "int64"))
uint8, uint16, uint32, uint64 = map(DType, ("uint8", "uint16", "uint32", "uint64"))
bfloat16, float16, float32, float64 = map(DType, ("bfloat16", "float16", "float32", "float64"))
half, double = float16, float64
complex64, complex128 = DType("complex64"), DType("complex128")
string = DType("string")


def as_dtype(type_value: Any) -> DType:
    """The dtype of a name, a type of Python or NumPy, or a dtype.

    >>> as_dtype("float32"), as_dtype(np.int64), as_dtype(str)
    (tf.float32, tf.int64, tf.string)
    """
    if type_value in (str, bytes, object) or getattr(type_value, "kind", "") in ("O", "U", "S"):
        return string
    return DType(standardize_dtype(type_value))


__getattr__ = lacks("tf.dtypes", __name__)
