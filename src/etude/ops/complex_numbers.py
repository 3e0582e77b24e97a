"""Complex numbers: their parts, their conjugates, and tensors seen as other numbers.

The gradient of a real loss by z = x + iy is kept as ∂L/∂x - i ∂L/∂y. With this convention the rule
of a function that has a complex derivative is the one that it has for real numbers, g · f'(z), and
so the rules of products, powers and exponentials serve both. Only what takes a complex number
apart, or conjugates it, says something of its own: that is here.
"""

from __future__ import annotations

from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import COMPLEX, is_float_dtype, result_type, standardize_dtype
from etude.engine import xp
from etude.errors import DtypeError, ShapeError
from etude.ops.core import cast
from etude.ops.creation import zeros_like
from etude.ops.joining import stack
from etude.ops.trigonometry import arctan2, cos, sin

__all__ = [
    "angle",
    "conj",
    "conjugate",
    "imag",
    "isreal",
    "polar",
    "real",
    "view",
    "view_as_complex",
    "view_as_real",
]

Array = Any


def is_complex(x: Any) -> bool:
    """Whether a tensor holds complex numbers.

    >>> is_complex(as_tensor([1.0])), is_complex(as_tensor(1j))
    (False, True)
    """
    return str(x.dtype) in COMPLEX


# --- parts ------------------------------------------------------------------------------------


@primitive
def real(x: Array) -> Array:
    """The real part; of real numbers, the numbers themselves.

    >>> float(real(1 + 2j))
    1.0
    """
    return xp().real(x)


@real.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g,)  # ∂L/∂x = g, ∂L/∂y = 0


@primitive
def imag(x: Array) -> Array:
    """The imaginary part; of real numbers, zeros.

    >>> float(imag(1 + 2j))
    2.0
    """
    return xp().imag(x)


@imag.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * -1j if is_complex(x) else None,)  # ∂L/∂y = g


@primitive
def conjugate(x: Array) -> Array:
    """x - iy for x + iy.

    >>> complex(conjugate(1 + 2j).item())
    (1-2j)
    """
    return xp().conj(x)


@conjugate.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (conjugate(g),)


@composite
def conj(x: Any) -> Tensor:
    """x - iy for x + iy: another name of `conjugate`.

    >>> complex(conj(1 + 2j).item())
    (1-2j)
    """
    return conjugate(x)


@primitive(cast="float")
def _complex(x: Array, y: Array) -> Array:
    """x + iy, of two real tensors."""
    wide = "complex128" if x.dtype == "float64" else "complex64"
    return xp().astype(x, wide) + xp().asarray(1j, dtype=wide) * xp().astype(y, wide)


@_complex.gradient
def _(g: Tensor, out: Tensor, x: Tensor, y: Tensor):
    return lambda: real(g), lambda: -imag(g)


@composite
def angle(x: Any) -> Tensor:
    """The angle of a complex number from the positive real axis, in (-π, π]: atan2(y, x).

    >>> round(float(angle(1j)), 4)
    1.5708
    """
    x = as_tensor(x)
    if is_complex(x):
        return arctan2(imag(x), real(x))
    dtype = config.floatx() if x.dtype == "int64" else result_type(str(x.dtype), float)
    x = cast(x, dtype)
    return arctan2(zeros_like(x), x)


@composite
def polar(abs_: Any, angle: Any) -> Tensor:
    """The complex number of a length and an angle: r cos φ + i r sin φ.

    Args:
        abs_: r, floats.
        angle: φ, in radians.

    >>> polar(2.0, 0.0).item()
    (2+0j)
    """
    r, phi = as_tensor(abs_), as_tensor(angle)
    return _complex(r * cos(phi), r * sin(phi))


@composite
def isreal(x: Any) -> Tensor:
    """Whether the imaginary part is 0.

    >>> isreal([1 + 0j, 1j]).numpy().tolist()
    [True, False]
    """
    return imag(x) == 0


# --- other views ------------------------------------------------------------------------------


@composite
def view_as_complex(x: Any) -> Tensor:
    """Pairs of real numbers as complex ones: (..., 2) -> (...).

    Raises:
        DtypeError: they are no floats.
        ShapeError: the last axis has not size 2.

    >>> view_as_complex([1.0, 2.0]).item()
    (1+2j)
    """
    x = as_tensor(x)
    if not is_float_dtype(x.dtype):
        raise DtypeError(f"view_as_complex expects floats; got dtype {x.dtype}.")
    if not x.ndim or x.shape[-1] != 2:
        raise ShapeError(
            "view_as_complex: Last dimension of input must be size 2, for a real and an imaginary "
            f"part; got shape {x.shape}."
        )
    return _complex(x[..., 0], x[..., 1])


@composite
def view_as_real(x: Any) -> Tensor:
    """Complex numbers as pairs of real ones: (...) -> (..., 2).

    >>> view_as_real(1 + 2j).numpy().tolist()
    [1.0, 2.0]
    """
    return stack([real(x), imag(x)], -1)


@primitive(arity=1)
def view(x: Array, dtype: Any = None) -> Array:
    """The same bits, read as numbers of another dtype.

    Args:
        x: any numbers, (..., n).
        dtype: that dtype. Where it is narrower or wider, the last axis grows or shrinks.

    >>> view([1.0], "int32").numpy().tolist()
    [1065353216]
    """
    if dtype is None:
        return x
    name = standardize_dtype(dtype)
    if not x.ndim and 8 * x.dtype.itemsize != _bits_of(name):
        raise ShapeError(f"view: a single {x.dtype} cannot be read as {name}: sizes differ.")
    return (xp().ascontiguousarray(x) if xp().name == "numpy" else x).view(name)


def _bits_of(dtype: str) -> int:
    return xp().zeros((), dtype).dtype.itemsize * 8


view.no_gradient("bits have no derivative")
