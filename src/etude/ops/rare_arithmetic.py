"""Rarer arithmetic, element by element: cube roots, remainders, divisors, neighbours, sinc.

Broadcasting and choices at kinks are as in `etude.ops.elementwise`.
"""

from __future__ import annotations

import math
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import is_int_dtype
from etude.engine import shapes_only, xp
from etude.errors import DtypeError
from etude.ops.comparison import BITS, isnan
from etude.ops.core import cast
from etude.ops.elementwise import (
    STEPS,
    absolute,
    in_one_dtype,
    maximum,
    minimum,
    not_bool,
    trunc,
    where,
)
from etude.ops.trigonometry import cos

__all__ = [
    "cbrt",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "lcm",
    "ldexp",
    "nextafter",
    "sinc",
]

Array = Any


@primitive(cast="float")
def cbrt(x: Array) -> Array:
    """The cube root, of the sign of x. The derivative at 0 is infinite.

    >>> cbrt([-8.0, 27.0]).numpy().tolist()
    [-2.0, 3.0]
    """
    if x.dtype.itemsize == 2:  # NumPy has none for bfloat16
        return xp().astype(xp().cbrt(xp().astype(x, "float32")), str(x.dtype))
    return xp().cbrt(x)


@cbrt.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (3 * out * out),)


@composite
def fmax(x1: Any, x2: Any) -> Tensor:
    """The greater of x1 and x2, and the other where one is NaN.

    >>> fmax([1.0, math.nan], [0.0, 2.0]).numpy().tolist()
    [1.0, 2.0]
    """
    x1, x2 = in_one_dtype(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, maximum(x1, x2)))


@composite
def fmin(x1: Any, x2: Any) -> Tensor:
    """The lesser of x1 and x2, and the other where one is NaN.

    >>> fmin([1.0, math.nan], [0.0, 2.0]).numpy().tolist()
    [0.0, 2.0]
    """
    x1, x2 = in_one_dtype(x1, x2)
    return where(isnan(x1), x2, where(isnan(x2), x1, minimum(x1, x2)))


@primitive(cast="same")
def fmod(x1: Array, x2: Array) -> Array:
    """x1 - x2 trunc(x1 / x2): the remainder, with the sign of x1.

    >>> fmod([7, -7], 3).numpy().tolist()
    [1, -1]
    """
    return xp().fmod(*not_bool(x1, x2))


@fmod.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return g, lambda: -g * trunc(x1 / x2)


@primitive(cast="same")
def gcd(x1: Array, x2: Array) -> Array:
    """The greatest common divisor of integers.

    >>> gcd([12, 7], [18, 3]).numpy().tolist()
    [6, 1]
    """
    return xp().gcd(*_whole("gcd", x1, x2))


gcd.no_gradient(BITS)


@primitive(cast="same")
def lcm(x1: Array, x2: Array) -> Array:
    """The least common multiple of integers.

    >>> lcm([4, 7], [6, 3]).numpy().tolist()
    [12, 21]
    """
    return xp().lcm(*_whole("lcm", x1, x2))


lcm.no_gradient(BITS)


def _whole(name: str, *arrays: Array) -> tuple[Array, ...]:
    """Integers, with truth values as such."""
    found = not_bool(*arrays)
    if not all(is_int_dtype(a.dtype) for a in found):
        if shapes_only():
            return tuple(xp().astype(a, "int32") for a in found)
        raise DtypeError(f"{name}() expects integers; got dtype {found[0].dtype}.")
    return found


@primitive(cast="float")
def heaviside(x1: Array, x2: Array) -> Array:
    """0 for x1 < 0, x2 at 0, 1 beyond. By x2 the derivative is 1 where x1 is 0.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    one = xp().ones_like(x1)
    found = xp().where(x1 == 0, x2, xp().where(x1 < 0, xp().zeros_like(x1), one))
    return xp().where(xp().isnan(x1), x1, found)


@heaviside.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return None, lambda: where(x1 == 0, g, 0)


@composite
def ldexp(x1: Any, x2: Any) -> Tensor:
    """x1 · 2^x2.

    Args:
        x1: any numbers.
        x2: integers.

    >>> ldexp([1.0, 0.5], [3, 1]).numpy().tolist()
    [8.0, 1.0]
    """
    x1, x2 = as_tensor(x1), as_tensor(x2)
    if not is_int_dtype(x2.dtype) and not shapes_only():
        raise DtypeError(f"ldexp exponent must be an integer type; got dtype {x2.dtype}.")
    x1, _ = in_one_dtype(x1, 1.0)
    half = cast(x2 // 2, "int32")  # 2^x2 itself may overflow where the product does not
    return x1 * _power_of_two(half, x1) * _power_of_two(cast(x2, "int32") - half, x1)


def _power_of_two(n: Tensor, like: Tensor) -> Tensor:
    """2ⁿ, exactly, in the dtype of a tensor."""
    two = xp().asarray(2, dtype=like.dtype)
    return Tensor(two ** xp().astype(n.array, str(like.dtype)))


@primitive(cast="float")
def nextafter(x1: Array, x2: Array) -> Array:
    """The next number of the dtype from x1 on towards x2. No derivative.

    >>> float(nextafter(1.0, 2.0)) > 1.0
    True
    """
    return xp().nextafter(x1, x2)


nextafter.no_gradient(STEPS)


_NEAR = 0.1  # below, the slope of sinc is taken from its series


@primitive(cast="float")
def sinc(x: Array) -> Array:
    """sin(πx) / (πx), and 1 at 0.

    >>> print(sinc([0.0, 0.5]).numpy().round(4))
    [1. 0.6366]
    """
    y = xp().asarray(math.pi, dtype=x.dtype) * xp().where(x == 0, xp().ones_like(x), x)
    return xp().where(x == 0, xp().ones_like(x), xp().sin(y) / y)


@sinc.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    y = math.pi * x
    near = absolute(y) < _NEAR
    y2 = y * y  # (cos y - sinc y)/y, which cancels at 0: -y/3 + y³/30 - y⁵/840 + y⁷/45360 - ...
    series = y * (-1 / 3 + y2 * (1 / 30 + y2 * (-1 / 840 + y2 * (1 / 45360 - y2 / 3991680))))
    slope = (cos(y) - out) / where(near, 1, y)
    return (g * (math.pi * where(near, series, slope)),)
