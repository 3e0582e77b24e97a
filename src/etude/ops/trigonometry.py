"""Trigonometric and hyperbolic functions, and their inverses. Angles are in radians."""

from __future__ import annotations

import math
from typing import Any

from etude.autodiff import Tensor, primitive
from etude.engine import xp
from etude.ops.elementwise import constant, divide_no_nan, sqrt

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

Array = Any


# --- angles -----------------------------------------------------------------------------------


@primitive(cast="float")
def sin(x: Array) -> Array:
    """sin x.

    >>> float(sin(0.0))
    0.0
    """
    return xp().sin(x)


@sin.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * cos(x),)


@primitive(cast="float")
def cos(x: Array) -> Array:
    """cos x.

    >>> float(cos(0.0))
    1.0
    """
    return xp().cos(x)


@cos.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (-g * sin(x),)


@primitive(cast="float")
def tan(x: Array) -> Array:
    """tan x = sin x / cos x.

    >>> float(tan(0.0))
    0.0
    """
    return xp().tan(x)


@tan.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (1 + out * out),)


@primitive(cast="float")
def arcsin(x: Array) -> Array:
    """The angle in [-π/2, π/2] whose sine is x; NaN outside of [-1, 1].

    >>> round(float(arcsin(1.0)), 6)
    1.570796
    """
    return xp().arcsin(x)


@arcsin.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / sqrt((1 - x) * (1 + x)),)


@primitive(cast="float")
def arccos(x: Array) -> Array:
    """The angle in [0, π] whose cosine is x; NaN outside of [-1, 1].

    >>> float(arccos(1.0))
    0.0
    """
    return xp().arccos(x)


@arccos.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (-g / sqrt((1 - x) * (1 + x)),)


@primitive(cast="float")
def arctan(x: Array) -> Array:
    """The angle in (-π/2, π/2) whose tangent is x.

    >>> round(float(arctan(1.0)), 6)
    0.785398
    """
    return xp().arctan(x)


@arctan.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (1 + x * x),)


@primitive(cast="float")
def arctan2(x1: Array, x2: Array) -> Array:
    """The angle in (-π, π] of the point with ordinate x1 and abscissa x2.

    At the origin, where the angle is anything, both derivatives are 0.

    >>> round(float(arctan2(1.0, -1.0)), 6)
    2.356194
    """
    return xp().arctan2(x1, x2)


@arctan2.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    scaled = divide_no_nan(g, x1 * x1 + x2 * x2)
    return scaled * x2, -scaled * x1


@primitive(cast="float")
def hypot(x1: Array, x2: Array) -> Array:
    """√(x1² + x2²) without overflow. At the origin both derivatives are 0.

    >>> float(hypot(3.0, 4.0))
    5.0
    """
    return xp().hypot(x1, x2)


@hypot.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return g * divide_no_nan(x1, out), g * divide_no_nan(x2, out)


@primitive(cast="float")
def deg2rad(x: Array) -> Array:
    """Degrees to radians: x π / 180.

    >>> round(float(deg2rad(180.0)), 6)
    3.141593
    """
    return x * constant(math.pi / 180, x)


@deg2rad.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (math.pi / 180),)


@primitive(cast="float")
def rad2deg(x: Array) -> Array:
    """Radians to degrees: x 180 / π.

    >>> round(float(rad2deg(math.pi)), 3)
    180.0
    """
    return x * constant(180 / math.pi, x)


@rad2deg.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (180 / math.pi),)


# --- hyperbolic -------------------------------------------------------------------------------


@primitive(cast="float")
def sinh(x: Array) -> Array:
    """sinh x = (e^x - e^(-x)) / 2.

    >>> float(sinh(0.0))
    0.0
    """
    return xp().sinh(x)


@sinh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * cosh(x),)


@primitive(cast="float")
def cosh(x: Array) -> Array:
    """cosh x = (e^x + e^(-x)) / 2.

    >>> float(cosh(0.0))
    1.0
    """
    return xp().cosh(x)


@cosh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * sinh(x),)


@primitive(cast="float")
def tanh(x: Array) -> Array:
    """tanh x = (e^x - e^(-x)) / (e^x + e^(-x)), between -1 and 1.

    >>> tanh([0.0, 1000.0]).numpy().tolist()
    [0.0, 1.0]
    """
    return xp().tanh(x)


@tanh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (1 - out * out),)


@primitive(cast="float")
def arcsinh(x: Array) -> Array:
    """The inverse of `sinh`: ln(x + √(x² + 1)).

    >>> float(arcsinh(0.0))
    0.0
    """
    return xp().arcsinh(x)


@arcsinh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / hypot(x, 1),)


@primitive(cast="float")
def arccosh(x: Array) -> Array:
    """The inverse of `cosh` on [1, ∞): ln(x + √(x² - 1)); NaN below 1.

    >>> float(arccosh(1.0))
    0.0
    """
    return xp().arccosh(x)


@arccosh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (sqrt(x - 1) * sqrt(x + 1)),)


@primitive(cast="float")
def arctanh(x: Array) -> Array:
    """The inverse of `tanh` on (-1, 1): ½ ln((1 + x) / (1 - x)).

    >>> float(arctanh(0.0))
    0.0
    """
    return xp().arctanh(x)


@arctanh.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / ((1 - x) * (1 + x)),)
