"""Special functions that NumPy lacks: erf, its inverse, and the logarithm of the gamma function.

Each is computed by the region of its argument, in the dtype that came in (half precision and
integers in float32 and float64). Errors stay within a few units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any

__all__ = ["digamma", "erf", "erfinv", "lgamma"]


def _horner(x: Array, coefficients: Sequence[float]) -> Array:
    """c0 xⁿ + c1 xⁿ⁻¹ + ... + cn."""
    result = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        result *= x
        result += c
    return result


def _by_region(x: Array, regions: Sequence[tuple[Array, Callable[[Array], Array]]]) -> Array:
    """Applies to each element the function of the first region that holds it; NaN elsewhere."""
    flat = x.ravel()
    result = np.full_like(flat, np.nan)
    left = np.ones(flat.shape, bool)
    for inside, f in regions:
        chosen = inside.ravel() & left
        if chosen.all():
            return f(flat).reshape(x.shape)
        if chosen.any():
            result[chosen] = f(flat[chosen])
            left &= ~chosen
    return result.reshape(x.shape)


def _in_working_precision(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The function in float32 or float64, with its result in the dtype of its argument."""

    def rounded(x: Array) -> Array:
        x = np.asarray(x)
        if x.dtype.kind in "iub":
            x = x.astype(np.float64)
        with np.errstate(all="ignore"):
            if x.dtype.itemsize >= 4:
                return f(x)
            return f(x.astype(np.float32)).astype(x.dtype)

    rounded.__name__, rounded.__doc__ = f.__name__, f.__doc__
    return rounded


# --- erf: W. J. Cody, Rational Chebyshev approximations for the error function, 1969 ------------

# fmt: off
_ERF_SMALL = (
    (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
     3.20937758913846947e3),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
     2.84423683343917062e3),
)
_ERFC_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
     2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
     1.23033935479799725e3),
    (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
     1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3,
     1.23033935480374942e3),
)
_ERFC_LARGE = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)
# fmt: on


def _erf_small(x: Array) -> Array:
    top, bottom = _ERF_SMALL
    y = x * x
    return x * (_horner(y, top) / _horner(y, bottom))


def _erf_middle(x: Array) -> Array:
    top, bottom = _ERFC_MIDDLE
    y = np.abs(x)
    return np.copysign(1 - np.exp(-y * y) * (_horner(y, top) / _horner(y, bottom)), x)


def _erf_large(x: Array) -> Array:
    top, bottom = _ERFC_LARGE
    y = np.minimum(np.abs(x), 10.0)  # erfc(10) = 2e-45 is nothing beside 1
    z = 1 / (y * y)
    tail = (1 / math.sqrt(math.pi) - z * (_horner(z, top) / _horner(z, bottom))) / y
    return np.copysign(1 - np.exp(-y * y) * tail, x)


@_in_working_precision
def erf(x: Array) -> Array:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt, elementwise.

    Source: W. J. Cody, Math. Comp. 23 (1969), 631-637.

    >>> round(float(erf(0.5)), 12)
    0.520499877813
    """
    size = np.abs(x)
    return _by_region(
        x, [(size <= 0.46875, _erf_small), (size <= 4, _erf_middle), (size > 4, _erf_large)]
    )


# --- erfinv: M. J. Wichura, Algorithm AS 241, 1988 ----------------------------------------------

# fmt: off
_QUANTILE_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)
_QUANTILE_SIDE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)
_QUANTILE_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)
# fmt: on


def _erfinv_centre(x: Array) -> Array:
    top, bottom = _QUANTILE_CENTRE
    r = 0.180625 - 0.25 * x * x
    return x * (_horner(r, top) / _horner(r, bottom)) * (0.5 / math.sqrt(2.0))


def _erfinv_outside(table: tuple[Sequence[float], Sequence[float]], shift: float) -> Any:
    top, bottom = table

    def value(x: Array) -> Array:
        r = np.sqrt(-np.log(0.5 * (1 - np.abs(x)))) - shift
        return np.copysign(_horner(r, top) / _horner(r, bottom) / math.sqrt(2.0), x)

    return value


@_in_working_precision
def erfinv(x: Array) -> Array:
    """The inverse of the error function on [-1, 1], elementwise; ±inf at ±1, NaN outside.

    erfinv(x) = Φ⁻¹((1 + x) / 2) / √2, with Wichura's rational approximation of Φ⁻¹.

    Source: M. J. Wichura, Algorithm AS 241, Applied Statistics 37 (1988), 477-484.

    >>> round(float(erfinv(0.5)), 12)
    0.476936276204
    """
    size = np.abs(x)
    tail = np.sqrt(-np.log(0.5 * (1 - size)))
    return _by_region(
        x,
        [
            (size <= 0.85, _erfinv_centre),
            (tail <= 5, _erfinv_outside(_QUANTILE_SIDE, 1.6)),
            (size < 1, _erfinv_outside(_QUANTILE_TAIL, 5.0)),
            (size == 1, lambda x: np.copysign(np.inf, x)),
        ],
    )


# --- lgamma and its derivative ------------------------------------------------------------------

_EULER = 0.577215664901532860607
# Bernoulli numbers B2, B4, ..., B20.
_BERNOULLI = tuple(
    numerator / denominator
    for numerator, denominator in (
        (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66),
        (-691, 2730), (7, 6), (-3617, 510), (43867, 798), (-174611, 330),
    )
)  # fmt: skip


def _zeta_minus_one(s: int, n: int = 12) -> float:
    """ζ(s) - 1 for s >= 2, by the Euler-Maclaurin formula after n terms."""
    value = sum(float(k) ** -s for k in range(n, 1, -1))
    value += float(n) ** (1 - s) / (s - 1) - 0.5 * float(n) ** -s
    factor = float(s) * float(n) ** (-s - 1) / 2
    for j, b in enumerate(_BERNOULLI, start=1):
        value += b * factor
        factor *= (s + 2 * j - 1) * (s + 2 * j) / ((2 * j + 1) * (2 * j + 2) * float(n) ** 2)
    return value


# lgamma(2 + z) = (1 - γ) z + Σ_{k>=2} (-1)^k (ζ(k) - 1) z^k / k, for |z| < 2; highest power first.
_AT_TWO = tuple(
    reversed([0.0, 1 - _EULER] + [(-1) ** k * _zeta_minus_one(k) / k for k in range(2, 30)])
)
_AT_TWO_SLOPE = tuple(c * k for c, k in zip(_AT_TWO, range(len(_AT_TWO) - 1, -1, -1), strict=True))[
    :-1
]
# Stirling's series in 1/x²: B_{2k} / (2k (2k - 1)), and B_{2k} / (2k); highest power first.
_STIRLING = tuple(
    b / (2 * k * (2 * k - 1)) for k, b in reversed(list(enumerate(_BERNOULLI[:8], 1)))
)
_STIRLING_SLOPE = tuple(b / (2 * k) for k, b in reversed(list(enumerate(_BERNOULLI[:8], 1))))


def _lgamma_stirling(x: Array) -> Array:
    x = np.minimum(x, np.finfo(np.float64).max)
    correction = _horner(1 / (x * x), _STIRLING) / x
    return (x - 0.5) * np.log(x) - x + (0.5 * np.log(2 * np.pi) + correction)


def _at_two(x: Array) -> Array:
    """z = x + n - 2 with |z| <= 1/2, for x < 2.5 and n = 0, 1 or 2; exact where z is small."""
    return x - ((x >= 0.5).astype(x.dtype) + (x >= 1.5))


def _lgamma_between(x: Array) -> Array:
    """For 0 < x < 8: by Γ(x + 1) = x Γ(x) to the interval [1.5, 2.5], then the series at 2."""
    up = np.where(x < 1.5, x, 1.0) * np.where(x < 0.5, x + 1, 1.0)
    z, down = _at_two(x), np.ones_like(x)
    for _ in range(6):
        above = z > 0.5
        down *= np.where(above, z + 1, 1.0)
        z -= above
    return _horner(z, _AT_TWO) + np.log(down) - np.log(up)


def _lgamma_negative(x: Array) -> Array:
    """log|Γ(x)| = log(π / |sin πx|) - log Γ(1 - x); infinite at 0, -1, -2, ..."""
    fraction = x - np.rint(x)
    return np.log(np.pi / np.abs(np.sin(np.pi * fraction))) - _lgamma_positive(1 - x)


def _lgamma_positive(x: Array) -> Array:
    return _by_region(x, [(x < 8, _lgamma_between), (x >= 8, _lgamma_stirling)])


@_in_working_precision
def lgamma(x: Array) -> Array:
    """log |Γ(x)|, elementwise; +inf at the poles 0, -1, -2, ...

    Stirling's series from 8 on, the Taylor series at 2 between 0 and 8, reflection below 0.

    Source: Abramowitz and Stegun, 6.1.17, 6.1.33, 6.1.41.

    >>> round(float(lgamma(0.5)), 12)
    0.572364942925
    """
    regions = [
        (np.isinf(x), np.abs),
        (x <= 0, _lgamma_negative),
        (x < 8, _lgamma_between),
        (x >= 8, _lgamma_stirling),
    ]
    return _by_region(x, regions)


def _digamma_stirling(x: Array) -> Array:
    return np.log(x) - 0.5 / x - _horner(1 / (x * x), _STIRLING_SLOPE) / (x * x)


def _digamma_between(x: Array) -> Array:
    """As `_lgamma_between`: ψ(x + 1) = ψ(x) + 1 / x."""
    one, two = np.where(x < 1.5, 1 / x, 0.0), np.where(x < 0.5, 1 / (x + 1), 0.0)
    z, steps = _at_two(x), -one - two
    for _ in range(6):
        above = z > 0.5
        steps += np.where(above, 1 / (z + 1), 0.0)
        z -= above
    return _horner(z, _AT_TWO_SLOPE) + steps


def _digamma_negative(x: Array) -> Array:
    fraction = x - np.rint(x)
    y = 1 - x
    right = _by_region(y, [(y < 8, _digamma_between), (y >= 8, _digamma_stirling)])
    return np.where(fraction == 0, np.nan, right - np.pi / np.tan(np.pi * fraction))


@_in_working_precision
def digamma(x: Array) -> Array:
    """ψ(x) = d/dx log Γ(x), elementwise; NaN at the poles 0, -1, -2, ...

    Source: Abramowitz and Stegun, 6.3.5, 6.3.7, 6.3.14, 6.3.18.

    >>> round(float(digamma(1.0)), 12)
    -0.577215664902
    """
    regions = [
        (x <= 0, _digamma_negative),
        (x < 8, _digamma_between),
        (x >= 8, _digamma_stirling),
    ]
    return _by_region(x, regions)
