"""Conversion to and from Tensors, dtypes and shapes, and what stops a gradient."""

from __future__ import annotations

from typing import Any

from etude.autodiff import (
    OPS,
    KerasTensor,
    Tensor,
    as_tensor,
    composite,
    is_tensor,
    primitive,
)
from etude.dtypes import COMPLEX, GREATEST, is_float_dtype, standardize_dtype
from etude.engine import xp
from etude.errors import ArgumentError

__all__ = [
    "cast",
    "convert_to_numpy",
    "convert_to_tensor",
    "dtype",
    "is_tensor",
    "saturate_cast",
    "shape",
    "stop_gradient",
]

Array = Any


@primitive(arity=1)
def cast(x: Array, dtype: Any) -> Array:
    """The same values in another dtype. Shape in: any; out: the same.

    Args:
        x: any values.
        dtype: a dtype's name, e.g. ``"float16"``. From float to integer values are truncated;
            from complex to real the imaginary part is left out.

    >>> cast(2.7, "int32").numpy().tolist()
    2
    """
    name = standardize_dtype(dtype)
    if x.dtype.kind == "c" and name not in COMPLEX and name != "bool":
        x = xp().real(x)
    return xp().astype(x, name)


@cast.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (cast(g, x.dtype),)


@composite
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """Like `cast`, with values outside of the new dtype's range brought to its ends.

    >>> saturate_cast([-3.0, 300.0], "uint8").numpy().tolist()
    [0, 255]
    """
    name = standardize_dtype(dtype)
    tensor = as_tensor(x)
    if name == "bool" or name in COMPLEX:
        return cast(tensor, name)
    if is_float_dtype(name):
        tensor = tensor if str(tensor.dtype) in GREATEST else cast(tensor, "float32")
        greatest = GREATEST[name]
        if GREATEST[str(tensor.dtype)] > greatest:
            tensor = OPS["clip"](tensor, -greatest, greatest)
        return cast(tensor, name)
    info = xp().iinfo(name)
    return cast(OPS["clip"](tensor, int(info.min), int(info.max)), name)


@primitive
def stop_gradient(variable: Array) -> Array:
    """The same values, as a constant to every tape.

    >>> float(stop_gradient(2.0))
    2.0
    """
    return variable


stop_gradient.no_gradient("it is asked to be a constant")


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Any:
    """A Tensor from a Tensor, a Variable, an array, numbers or nested lists of numbers.

    Args:
        x: what to convert; symbolic tensors stay as they are.
        dtype: the dtype of the result; by default that of ``x``, `config.floatx` for Python floats
            and int32 for Python ints.
        sparse: accepted for Keras; etude has dense tensors only.
        ragged: likewise.

    Raises:
        DtypeError: it holds something that is no number.

    >>> convert_to_tensor([1.0, 2.0]).dtype == "float32"
    True
    """
    if isinstance(x, KerasTensor):
        return x if dtype is None or x.dtype == standardize_dtype(dtype) else cast(x, dtype)
    return as_tensor(x, dtype)


def convert_to_numpy(x: Any) -> Any:
    """The values as a NumPy array.

    >>> convert_to_numpy(convert_to_tensor([1, 2])).tolist()
    [1, 2]
    """
    if isinstance(x, KerasTensor):
        raise ArgumentError(
            f"A symbolic tensor has no values: {x!r}. Call the finished model on data to get some."
        )
    return as_tensor(x).__array__().copy()


def shape(x: Any) -> tuple[int | None, ...]:
    """The shape, a tuple; None where a symbolic tensor's size is not known.

    >>> shape([[1, 2, 3]])
    (1, 3)
    """
    return tuple(x.shape) if isinstance(x, KerasTensor) else as_tensor(x).shape


def dtype(x: Any) -> str:
    """The name of the dtype.

    >>> dtype([1.0])
    'float32'
    """
    return standardize_dtype(x.dtype if hasattr(x, "dtype") else as_tensor(x).dtype)
