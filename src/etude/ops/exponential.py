"""Exponentials, logarithms, and the error function."""

from __future__ import annotations

import math
from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.engine import xp
from etude.ops.trigonometry import tanh

__all__ = [
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
]

Array = Any


@primitive(cast="float")
def exp(x: Array) -> Array:
    """e^x.

    >>> exp([0.0, -float("inf")]).numpy().tolist()
    [1.0, 0.0]
    """
    return xp().exp(x)


@exp.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * out,)


@primitive(cast="float")
def exp2(x: Array) -> Array:
    """2^x.

    >>> exp2([3.0, -1.0]).numpy().tolist()
    [8.0, 0.5]
    """
    return xp().exp2(x)


@exp2.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * out * math.log(2),)


@primitive(cast="float")
def expm1(x: Array) -> Array:
    """e^x - 1, exact also for small x.

    >>> float(expm1(1e-20)) > 0
    True
    """
    return xp().expm1(x)


@expm1.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (out + 1),)


@primitive(cast="float")
def log(x: Array) -> Array:
    """ln x; -∞ at 0, NaN below.

    >>> log([1.0, 0.0]).numpy().tolist()
    [0.0, -inf]
    """
    return xp().log(x)


@log.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / x,)


@primitive(cast="float")
def log1p(x: Array) -> Array:
    """ln(1 + x), exact also for small x.

    >>> float(log1p(1e-20)) > 0
    True
    """
    return xp().log1p(x)


@log1p.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (1 + x),)


@primitive(cast="float")
def log2(x: Array) -> Array:
    """The logarithm to base 2.

    >>> log2([8.0, 0.5]).numpy().tolist()
    [3.0, -1.0]
    """
    return xp().log2(x)


@log2.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (x * math.log(2)),)


@primitive(cast="float")
def log10(x: Array) -> Array:
    """The logarithm to base 10.

    >>> log10([100.0, 0.1]).numpy().round(6).tolist()
    [2.0, -1.0]
    """
    return xp().log10(x)


@log10.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / (x * math.log(10)),)


@primitive(cast="float")
def logaddexp(x1: Array, x2: Array) -> Array:
    """ln(e^x1 + e^x2), without overflow.

    The derivative by x1 is e^x1 / (e^x1 + e^x2) = ½(1 + tanh((x1 - x2)/2)).

    >>> round(float(logaddexp(1000.0, 1000.0)), 2)
    1000.69
    """
    return xp().logaddexp(x1, x2)


@logaddexp.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    half = 0.5 * g
    tilt = half * tanh(0.5 * (x1 - x2))
    return half + tilt, half - tilt


@primitive(cast="float")
def logaddexp2(x1: Array, x2: Array) -> Array:
    """log₂(2^x1 + 2^x2), without overflow.

    >>> float(logaddexp2(3.0, 3.0))
    4.0
    """
    return xp().logaddexp2(x1, x2)


@logaddexp2.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    half = 0.5 * g
    tilt = half * tanh((0.5 * math.log(2)) * (x1 - x2))
    return half + tilt, half - tilt


@primitive(cast="float")
def erf(x: Array) -> Array:
    """The error function 2/√π ∫₀ˣ e^(-t²) dt.

    >>> round(float(erf(1.0)), 6)
    0.842701
    """
    return xp().erf(x)


@erf.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (2 / math.sqrt(math.pi)) * exp(-x * x),)


@composite
def erfc(x: Any) -> Tensor:
    """1 - erf x. For x beyond about 4 the digits are lost; there take `erf` of a wider dtype.

    >>> float(erfc(0.0))
    1.0
    """
    return 1 - erf(x)


@primitive(cast="float")
def erfinv(x: Array) -> Array:
    """The inverse of `erf`, on (-1, 1); ∓∞ at its ends, NaN outside.

    >>> round(float(erfinv(erf(0.5))), 6)
    0.5
    """
    return xp().erfinv(x)


@erfinv.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (math.sqrt(math.pi) / 2) * exp(out * out),)  # 1 / erf'(out)
