"""Window functions of signals, and the Bessel functions that one of them is made of."""

from __future__ import annotations

import math
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.ops.core import cast
from etude.ops.creation import arange, ones
from etude.ops.elementwise import absolute, divide_no_nan, maximum, sqrt, where
from etude.ops.trigonometry import cos

__all__ = ["bartlett", "blackman", "hamming", "hanning", "i0", "kaiser"]

Array = Any


# --- Bessel functions -------------------------------------------------------------------------


_FAR = 30.0  # beyond, the asymptotic series is exact to rounding


def _bessel_i(order: int, x: Array) -> Array:
    """The modified Bessel function I_ν for ν = 0, 1.

    Near: (x/2)^ν Σ_k (x²/4)^k / (k! (k+ν)!), all terms of one sign. Far: e^x / √(2πx) times
    Σ_k (-1)^k Π_{j≤k} (4ν² - (2j-1)²) / (k! (8x)^k).

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 9.6.10 and 9.7.1.
    """
    m = xp()
    size = m.absolute(x)
    q = m.minimum(size, _FAR) ** 2 / 4
    term = total = m.ones_like(q)
    for k in range(1, 70):
        term = term * q / (k * (k + order))
        total = total + term
    near = total if order == 0 else total * m.minimum(size, _FAR) / 2
    far = m.maximum(size, _FAR)
    term = series = m.ones_like(far)
    for k in range(1, 20):
        term = term * ((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * far)
        series = series + term
    far = m.exp(far) / m.sqrt(2 * math.pi * far) * series
    found = m.where(size < _FAR, near, far)
    return found if order == 0 else m.sign(x) * found


def _in_float(order: int, x: Array) -> Array:
    """`_bessel_i` in 32 bits at least, with the result in the dtype of x."""
    wide = x if x.dtype.itemsize >= 4 else xp().astype(x, "float32")
    return xp().astype(_bessel_i(order, wide), str(x.dtype))


@primitive(cast="float")
def i0(x: Array) -> Array:
    """The modified Bessel function of the first kind and order 0: Σ_k (x²/4)^k / (k!)².

    >>> round(float(i0(1.0)), 6)
    1.266066
    """
    return _in_float(0, x)


@i0.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * _i1(x),)


@primitive(cast="float")
def _i1(x: Array) -> Array:
    """The modified Bessel function of order 1, the derivative of `i0`."""
    return _in_float(1, x)


@_i1.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (i0(x) - where(x == 0, 0.5, divide_no_nan(out, x))),)  # I₁' = I₀ - I₁/x


# --- windows ----------------------------------------------------------------------------------


def _places(x: Any) -> tuple[Tensor, int]:
    """n = 0, 1, ..., N - 1 in the dtype `config.floatx`, and N."""
    n = int(as_tensor(x).array) if not isinstance(x, int) else x
    return cast(arange(n), config.floatx()), n


def _cosines(x: Any, *weights: float) -> Tensor:
    """Σ_k (-1)^k a_k cos(2πkn / (N - 1)); 1 for N = 1."""
    places, n = _places(x)
    if n <= 1:
        return ones((n,))
    total = weights[0] * ones((n,))
    for k, weight in enumerate(weights[1:], start=1):
        total = total + (-1) ** k * weight * cos((2 * math.pi * k / (n - 1)) * places)
    return total


@composite
def bartlett(x: Any) -> Tensor:
    """The triangle that rises from 0 to 1 and falls to 0: 1 - |2n / (N - 1) - 1|.

    Args:
        x: N, how many values.

    >>> bartlett(3).numpy().tolist()
    [0.0, 1.0, 0.0]
    """
    places, n = _places(x)
    return ones((n,)) if n <= 1 else 1 - absolute(2 / (n - 1) * places - 1)


@composite
def hanning(x: Any) -> Tensor:
    """The Hann window ½ - ½ cos(2πn / (N - 1)).

    Args:
        x: N, how many values.

    >>> hanning(3).numpy().tolist()
    [0.0, 1.0, 0.0]
    """
    return _cosines(x, 0.5, 0.5)


@composite
def hamming(x: Any) -> Tensor:
    """The Hamming window 0.54 - 0.46 cos(2πn / (N - 1)).

    Args:
        x: N, how many values.

    >>> print(hamming(3).numpy().round(2))
    [0.08 1. 0.08]
    """
    return _cosines(x, 0.54, 0.46)


@composite
def blackman(x: Any) -> Tensor:
    """The Blackman window 0.42 - ½ cos(2πn / (N - 1)) + 0.08 cos(4πn / (N - 1)).

    Args:
        x: N, how many values.

    >>> round(float(blackman(3)[1]), 4)
    1.0
    """
    return _cosines(x, 0.42, 0.5, 0.08)


@composite
def kaiser(x: Any, beta: float) -> Tensor:
    """The Kaiser window I₀(β √(1 - (2n / (N - 1) - 1)²)) / I₀(β).

    Args:
        x: N, how many values.
        beta: the greater, the narrower.

    >>> round(float(kaiser(3, 14.0)[1]), 4)
    1.0
    """
    places, n = _places(x)
    if n <= 1:
        return ones((n,))
    at = 2 / (n - 1) * places - 1
    b = as_tensor(beta)
    b = b if is_float_dtype(b.dtype) else cast(b, config.floatx())
    return cast(i0(b * sqrt(maximum(1 - at * at, 0))) / i0(b), config.floatx())
