"""Complex numbers, rarer arithmetic, windows. References: Python's numbers, one by one."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import INF, NAN, at, each, integers, kink, normal, signed


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def through(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of complex numbers, as one of their parts: x, y -> real and imaginary part."""

    def call(x: Any, y: Any) -> Any:
        z = op("view_as_complex")(op("stack")([x, y], -1))
        return op("view_as_real")(f(z))

    return call


def parts(f: Callable[[complex], complex]) -> Callable[..., Any]:
    def reference(x: Any, y: Any) -> Any:
        found = [f(complex(a, b)) for a, b in zip(x.ravel(), y.ravel(), strict=True)]
        return np.array([[w.real, w.imag] for w in found]).reshape(*x.shape, 2)

    return reference


PAIR = normal((2, 3), (2, 3))

COMPLEX = [
    Case("conjugate", PAIR, parts(lambda z: z.conjugate()), call=through(lambda z: op("conj")(z))),
    Case("multiply", PAIR, parts(lambda z: z * z * 2j), call=through(lambda z: z * z * 2j)),
    Case("exp", PAIR, parts(cmath.exp), call=through(lambda z: op("exp")(z))),
    Case("divide", PAIR, parts(lambda z: (1 + 1j) / z), call=through(lambda z: (1 + 1j) / z)),
    Case(
        "absolute",
        PAIR,
        lambda x, y: np.hypot(x, y),
        call=lambda x, y: op("absolute")(op("view_as_complex")(op("stack")([x, y], -1))),
        special=(at([0.0], [0.0], [0.0]),),
    ),
    Case("real", PAIR, parts(lambda z: z.real), call=through(lambda z: op("real")(z) + 0j)),
    Case("imag", PAIR, parts(lambda z: z.imag), call=through(lambda z: op("imag")(z) + 0j)),
    Case("imag", normal((3,)), lambda x: np.zeros(3), differentiable=()),
    Case(
        "angle",
        PAIR,
        each(lambda x, y: cmath.phase(complex(x, y))),
        call=lambda x, y: op("angle")(op("view_as_complex")(op("stack")([x, y], -1))),
    ),
    Case(
        "polar",
        PAIR,
        lambda r, a: np.stack([r * np.cos(a), r * np.sin(a)], -1),
        call=lambda r, a: op("view_as_real")(op("polar")(r, a)),
    ),
    Case("isreal", normal((2,)), lambda x: np.array([True, True]), differentiable=()),
    Case(
        "view",
        lambda r: (np.array([[1.0, -2.0]]),),
        lambda x, dtype: x.view(dtype),
        {"dtype": "int32"},
        differentiable=(),
        special=(at([0.0], [0, 0]),),
    ),
]

ARITHMETIC = [
    Case("cbrt", signed(), each(lambda x: math.copysign(abs(x) ** (1 / 3), x))),
    Case(
        "fmax",
        normal((2, 3), (3,)),
        each(max),
        special=(at([NAN, 1.0, NAN], [1.0, NAN, NAN], [1.0, 1.0, NAN]),),
    ),
    Case(
        "fmin",
        normal((2, 3), (3,)),
        each(min),
        special=(at([NAN, 1.0, NAN], [1.0, NAN, NAN], [1.0, 1.0, NAN]),),
    ),
    Case(
        "fmod",
        lambda r: (np.array([5.3, -7.1, 2.2]), np.array([2.0, 3.3, -0.9])),
        each(math.fmod),
    ),
    Case("gcd", integers((5,), (5,), low=1, high=30), each(math.gcd), differentiable=()),
    Case("lcm", integers((5,), (5,), low=1, high=30), each(math.lcm), differentiable=()),
    Case(
        "heaviside",
        signed(4),
        each(lambda x: float(x > 0)),
        call=lambda x: op("heaviside")(x, 0.5),
        special=(at([0.0, NAN, INF], [0.5, NAN, 1.0]),),
    ),
    Case(
        "ldexp",
        lambda r: (r.standard_normal(3), np.array([3, -2, 0], "int32")),
        each(lambda x, n: math.ldexp(x, int(n))),
    ),
    Case("nextafter", normal((3,), (3,)), each(math.nextafter), differentiable=()),
    Case(
        "sinc",
        lambda r: (np.array([0.01, -0.03, 0.5, 2.2]),),
        each(lambda x: math.sin(math.pi * x) / (math.pi * x)),
        special=(at([0.0, 1.0], [1.0, 0.0]),),
        kinks=(kink(([0.0],), ([0.0],)),),
    ),
    Case(
        "i0",
        lambda r: (np.array([0.3, -2.0, 8.0]),),
        each(lambda x: sum((x * x / 4) ** k / math.factorial(k) ** 2 for k in range(60))),
        special=(at([50.0, 0.0], [2.932553783849336e20, 1.0]),),
    ),
]

WINDOWS = [
    Case(
        name,
        lambda r: (np.array(1.0),),
        lambda one, n, f=reference, **more: one + f(n, **more),
        {"n": 7, **more},
        call=lambda one, n, name=name, **more: one + op("cast")(op(name)(n, **more), one.dtype),
        rtol=1e-6,
    )
    for name, reference, more in (
        ("bartlett", np.bartlett, {}),
        ("hanning", np.hanning, {}),
        ("hamming", np.hamming, {}),
        ("blackman", np.blackman, {}),
        ("kaiser", np.kaiser, {"beta": 3.0}),
    )
]

CASES = [*COMPLEX, *ARITHMETIC, *WINDOWS]
