"""The namespace `keras.backend`: settings of the process, and what Keras code asks of a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etude.autodiff import KerasTensor
from etude.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from etude.dtypes import is_float_dtype, is_int_dtype, result_type, standardize_dtype
from etude.naming import clear_session, get_uid

if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


def is_keras_tensor(x: Any) -> bool:
    """Whether a value is a symbolic tensor, made by `Input` or an operation on one.

    >>> is_keras_tensor(KerasTensor((None, 3)))
    True
    """
    return isinstance(x, KerasTensor)
