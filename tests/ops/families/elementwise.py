"""Arithmetic, comparison, logic, exponentials, trigonometry. References: Python's `math`."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import (
    INF,
    NAN,
    at,
    each,
    integers,
    kink,
    normal,
    signed,
    truths,
    within,
)


def two(low: float = 0.3, high: float = 1.9) -> Callable[[Any], tuple[Any, ...]]:
    """Two operands that broadcast, with values that are neither near 0 nor near each other."""
    return lambda r: (
        r.uniform(low, high, (2, 3)) * [[1.0], [-1.0]],
        r.uniform(2.1, 3.0, (3,)) * [1.0, -1.0, 1.0],
    )


def positive_pair(r: Any) -> tuple[Any, ...]:
    return r.uniform(0.5, 2.0, (2, 3)), r.uniform(-2.0, 3.0, (3,))


def sign_of(x: float) -> float:
    return x if x != x else float((x > 0) - (x < 0))


def round_half_even(x: float) -> float:
    return float(round(x))


def python_mod(a: float, b: float) -> float:
    return a - b * math.floor(a / b)


def inverse_erf(y: float) -> float:
    low, high = -6.0, 6.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < y else (low, middle)
    return (low + high) / 2


ARITHMETIC = [
    Case("add", two(), each(operator.add), special=(at([INF, 1.0], [-INF, NAN], [NAN, NAN]),)),
    Case("subtract", two(), each(operator.sub), special=(at([INF], [INF], [NAN]),)),
    Case("multiply", two(), each(operator.mul), special=(at([INF, 0.0], [0.0, 5.0], [NAN, 0.0]),)),
    Case(
        "divide",
        two(),
        each(operator.truediv),
        special=(at([1.0, -1.0, 0.0], [0.0, 0.0, 0.0], [INF, -INF, NAN]),),
    ),
    Case(
        "divide", integers((3,), (3,), low=1), each(operator.truediv), differentiable=(), rtol=1e-6
    ),
    Case("true_divide", two(), each(operator.truediv)),
    Case(
        "divide_no_nan",
        two(),
        each(operator.truediv),
        special=(at([1.0, 0.0, 4.0], [0.0, 0.0, 2.0], [0.0, 0.0, 2.0]),),
        kinks=(kink(([3.0, 4.0], [0.0, 2.0]), ([0.0, 0.5], [0.0, -1.0])),),
    ),
    Case("floor_divide", two(), each(lambda a, b: math.floor(a / b)), differentiable=()),
    Case("floor_divide", integers((4,), (4,), low=1), each(operator.floordiv), differentiable=()),
    Case(
        "mod",
        two(),
        each(python_mod),
        second=True,
        special=(
            at([7.0, -7.0], [3.0, 3.0], [1.0, 2.0]),
            at([7.0, -7.0], [-3.0, -3.0], [-2.0, -1.0]),
        ),
    ),
    Case(
        "power",
        positive_pair,
        each(math.pow),
        special=(at([0.0, 0.0, 2.0, -2.0], [0.0, 3.0, -1.0, 3.0], [1.0, 0.0, 0.5, -8.0]),),
        kinks=(
            kink(([0.0, 0.0, 3.0], [0.0, 2.0, 0.0]), ([0.0, 0.0, 0.0], [0.0, 0.0, math.log(3)])),
        ),
    ),
    Case("power", signed(), each(lambda x: x**3), call=lambda x: x**3),
    Case("power", signed(), each(lambda x: x**-2), call=lambda x: x**-2),
    Case("negative", normal((2, 3)), each(operator.neg)),
    Case("reciprocal", signed(), each(lambda x: 1 / x), special=(at([0.0, INF], [INF, 0.0]),)),
    Case("square", normal((2, 3)), each(lambda x: x * x)),
    Case("sqrt", within(0.2, 3), each(math.sqrt), special=(at([0.0, -1.0, INF], [0.0, NAN, INF]),)),
    Case("rsqrt", within(0.2, 3), each(lambda x: x**-0.5), special=(at([0.0, INF], [INF, 0.0]),)),
    Case("abs", signed(), each(abs), kinks=(kink(([0.0, -2.0, 3.0],), ([0.0, -1.0, 1.0],)),)),
    Case("absolute", signed(), each(abs)),
    Case("fabs", signed(), each(math.fabs)),
    Case("fabs", integers((4,), low=-5), each(math.fabs), differentiable=()),
    Case(
        "sign",
        signed(),
        each(sign_of),
        differentiable=(),
        special=(at([0.0, -0.0, NAN, -INF], [0.0, 0.0, NAN, -1.0]),),
    ),
    Case(
        "floor",
        signed(),
        each(math.floor),
        differentiable=(),
        special=(at([2.0, -INF], [2.0, -INF]),),
    ),
    Case(
        "ceil", signed(), each(math.ceil), differentiable=(), special=(at([2.0, INF], [2.0, INF]),)
    ),
    Case(
        "trunc",
        signed(),
        each(math.trunc),
        differentiable=(),
        special=(at([-2.7, 2.7], [-2.0, 2.0]),),
    ),
    Case(
        "round",
        signed(),
        each(round_half_even),
        differentiable=(),
        special=(at([0.5, 1.5, -0.5, 2.5], [0.0, 2.0, 0.0, 2.0]),),
    ),
    Case(
        "round",
        signed(),
        each(lambda x: round(x, 2)),
        {"decimals": 2},
        differentiable=(),
        rtol=1e-9,
    ),
    Case(
        "round",
        integers((5,), low=0, high=99),
        each(lambda n: round(int(n), -1)),
        {"decimals": -1},
        differentiable=(),
    ),
    Case(
        "maximum",
        two(),
        each(max),
        special=(at([NAN, 1.0, -INF], [1.0, NAN, 2.0], [NAN, NAN, 2.0]),),
        kinks=(kink(([1.0, 1.0, 5.0], [1.0, 2.0, 2.0]), ([0.5, 0.0, 1.0], [0.5, 1.0, 0.0])),),
    ),
    Case(
        "minimum",
        two(),
        each(min),
        special=(at([NAN, 1.0, INF], [1.0, NAN, 2.0], [NAN, NAN, 2.0]),),
        kinks=(kink(([1.0, 1.0, 5.0], [1.0, 2.0, 2.0]), ([0.5, 1.0, 0.0], [0.5, 0.0, 1.0])),),
    ),
    Case(
        "clip",
        signed(),
        each(lambda x: min(max(x, -1.0), 0.5)),
        call=lambda x: CLIP(x, -1.0, 0.5),
        kinks=(kink(([-1.0, 0.0, 0.5, 3.0],), ([0.5, 1.0, 0.5, 0.0],)),),
        special=(at([NAN, INF, -INF], [NAN, 0.5, -1.0]),),
    ),
    Case("clip", two(), each(lambda x, low: max(x, low)), call=lambda x, low: CLIP(x, low, None)),
    Case(
        "where",
        lambda r: (r.random((2, 3)) > 0.5, r.standard_normal((2, 3)), r.standard_normal(3)),
        each(lambda c, a, b: a if c else b),
    ),
    Case(
        "nan_to_num",
        normal((2, 3)),
        each(lambda x: x),
        special=(
            at([NAN, INF, -INF, 1.0], [0.0, np.finfo("float64").max, np.finfo("float64").min, 1.0]),
        ),
        kinks=(kink(([NAN, INF, 2.0],), ([0.0, 0.0, 1.0],)),),
    ),
    Case(
        "nan_to_num",
        normal((3,)),
        each(lambda x: x),
        {"nan": 7.0, "posinf": 8.0, "neginf": 9.0},
        special=(at([NAN, INF, -INF], [7.0, 8.0, 9.0]),),
    ),
]


def CLIP(*args: Any) -> Any:
    from etude import ops

    return ops.clip(*args)


def compared(name: str, f: Callable[..., bool]) -> list[Case]:
    ties = ([1.0, 2.0, NAN], [1.0, 3.0, NAN])
    return [
        Case(name, integers((2, 4), (4,), high=3), each(f), differentiable=()),
        Case(
            name,
            normal((2, 3), (3,)),
            each(f),
            differentiable=(),
            special=(at(*ties, [f(a, b) for a, b in zip(*ties, strict=True)]),),
        ),
    ]


LOGIC = [
    *compared("equal", operator.eq),
    *compared("not_equal", operator.ne),
    *compared("less", operator.lt),
    *compared("less_equal", operator.le),
    *compared("greater", operator.gt),
    *compared("greater_equal", operator.ge),
    Case("logical_and", truths((2, 4), (4,)), each(lambda a, b: a and b), differentiable=()),
    Case("logical_or", truths((2, 4), (4,)), each(lambda a, b: a or b), differentiable=()),
    Case("logical_xor", truths((2, 4), (4,)), each(operator.ne), differentiable=()),
    Case("logical_not", truths((2, 4)), each(operator.not_), differentiable=()),
    Case(
        "bitwise_and", integers((2, 4), (4,)), each(lambda a, b: int(a) & int(b)), differentiable=()
    ),
    Case(
        "bitwise_or", integers((2, 4), (4,)), each(lambda a, b: int(a) | int(b)), differentiable=()
    ),
    Case(
        "bitwise_xor", integers((2, 4), (4,)), each(lambda a, b: int(a) ^ int(b)), differentiable=()
    ),
    Case("bitwise_not", integers((4,)), each(lambda a: -int(a) - 1), differentiable=()),
    Case("bitwise_invert", integers((4,)), each(lambda a: -int(a) - 1), differentiable=()),
    Case(
        "left_shift",
        integers((4,), (4,), high=5),
        each(lambda a, b: int(a) * 2 ** int(b)),
        differentiable=(),
    ),
    Case(
        "right_shift",
        integers((4,), (4,), high=5),
        each(lambda a, b: int(a) // 2 ** int(b)),
        differentiable=(),
    ),
    Case(
        "bitwise_left_shift",
        integers((4,), (4,), high=5),
        each(lambda a, b: int(a) * 2 ** int(b)),
        differentiable=(),
    ),
    Case(
        "bitwise_right_shift",
        integers((4,), (4,), high=5),
        each(lambda a, b: int(a) // 2 ** int(b)),
        differentiable=(),
    ),
    *(
        Case(
            name,
            normal((4,)),
            each(f),
            differentiable=(),
            special=(at([NAN, INF, -INF, 0.0], [f(v) for v in (NAN, INF, -INF, 0.0)]),),
        )
        for name, f in (
            ("isnan", math.isnan),
            ("isinf", math.isinf),
            ("isfinite", math.isfinite),
            ("isposinf", lambda x: x == INF),
            ("isneginf", lambda x: x == -INF),
        )
    ),
    Case(
        "signbit",
        normal((4,)),
        each(lambda x: math.copysign(1, x) < 0),
        differentiable=(),
        special=(at([-0.0, 0.0], [True, False]),),
    ),
    Case(
        "isclose",
        normal((4,), (4,)),
        each(lambda a, b: abs(a - b) <= 1e-8 + 1e-5 * abs(b)),
        differentiable=(),
        special=(at([1.0, 1.0, NAN, INF], [1.000001, 1.1, NAN, INF], [True, False, False, True]),),
    ),
    Case(
        "isclose",
        normal((4,), (4,)),
        each(lambda a, b: False),
        {"equal_nan": True},
        differentiable=(),
        special=(at([NAN, 1.0], [NAN, NAN], [True, False]),),
    ),
    Case(
        "allclose",
        normal((4,), (4,)),
        lambda a, b: np.array(False),
        differentiable=(),
        special=(at([1.0, 2.0], [1.0, 2.000001], True),),
    ),
]

EXPONENTIAL = [
    Case(
        "exp",
        normal((2, 3)),
        each(math.exp),
        special=(at([-1000.0, 1000.0, 0.0], [0.0, INF, 1.0]),),
    ),
    Case("exp2", normal((2, 3)), each(lambda x: 2**x)),
    Case("expm1", normal((2, 3)), each(math.expm1), special=(at([1e-18, -1000.0], [1e-18, -1.0]),)),
    Case(
        "log",
        within(0.3, 3),
        each(math.log),
        special=(at([0.0, -1.0, 1.0, INF], [-INF, NAN, 0.0, INF]),),
    ),
    Case("log1p", within(-0.7, 3), each(math.log1p), special=(at([1e-18, -1.0], [1e-18, -INF]),)),
    Case("log2", within(0.3, 3), each(math.log2), special=(at([8.0, 0.0], [3.0, -INF]),)),
    Case("log10", within(0.3, 3), each(math.log10), special=(at([1000.0, 0.0], [3.0, -INF]),)),
    Case(
        "logaddexp",
        normal((2, 3), (3,)),
        each(lambda a, b: math.log(math.exp(a) + math.exp(b))),
        special=(
            at(
                [1000.0, -1000.0, -INF],
                [1000.0, -1000.0, 2.0],
                [1000 + math.log(2), -1000 + math.log(2), 2.0],
            ),
        ),
        kinks=(kink(([1000.0, -1000.0], [0.0, 0.0]), ([1.0, 0.0], [0.0, 1.0])),),
    ),
    Case(
        "logaddexp2",
        normal((2, 3), (3,)),
        each(lambda a, b: math.log2(2**a + 2**b)),
        special=(at([3000.0], [3000.0], [3001.0]),),
    ),
    Case("erf", normal((2, 3)), each(math.erf), special=(at([0.0, INF, -INF], [0.0, 1.0, -1.0]),)),
    Case("erfc", normal((2, 3)), each(math.erfc), rtol=1e-9),
    Case(
        "erfinv",
        within(-0.9, 0.9),
        each(inverse_erf),
        special=(at([0.0, 1.0, -1.0], [0.0, INF, -INF]),),
    ),
]

TRIGONOMETRY = [
    Case("sin", normal((2, 3)), each(math.sin)),
    Case("cos", normal((2, 3)), each(math.cos)),
    Case("tan", within(-1.2, 1.2), each(math.tan)),
    Case(
        "arcsin",
        within(-0.9, 0.9),
        each(math.asin),
        special=(at([1.0, -1.0, 2.0], [math.pi / 2, -math.pi / 2, NAN]),),
    ),
    Case(
        "arccos",
        within(-0.9, 0.9),
        each(math.acos),
        special=(at([1.0, -1.0, 2.0], [0.0, math.pi, NAN]),),
    ),
    Case(
        "arctan",
        normal((2, 3)),
        each(math.atan),
        special=(at([INF, -INF], [math.pi / 2, -math.pi / 2]),),
    ),
    Case(
        "arctan2",
        two(),
        each(math.atan2),
        special=(at([0.0, 0.0, 1.0], [1.0, -1.0, 0.0], [0.0, math.pi, math.pi / 2]),),
        kinks=(kink(([0.0, 3.0], [0.0, 0.0]), ([0.0, 0.0], [0.0, -1 / 3])),),
    ),
    Case(
        "hypot",
        two(),
        each(math.hypot),
        special=(at([3e200, 0.0], [4e200, 0.0], [5e200, 0.0]),),
        kinks=(kink(([0.0, 3.0], [0.0, 4.0]), ([0.0, 0.6], [0.0, 0.8])),),
    ),
    Case("deg2rad", normal((2, 3)), each(math.radians)),
    Case("rad2deg", normal((2, 3)), each(math.degrees)),
    Case("sinh", normal((2, 3)), each(math.sinh)),
    Case("cosh", normal((2, 3)), each(math.cosh)),
    Case(
        "tanh",
        normal((2, 3)),
        each(math.tanh),
        special=(at([1000.0, -1000.0, 0.0, NAN], [1.0, -1.0, 0.0, NAN]),),
        kinks=(kink(([1000.0, -1000.0, 0.0],), ([0.0, 0.0, 1.0],)),),
    ),
    Case("arcsinh", normal((2, 3)), each(math.asinh)),
    Case("arccosh", within(1.3, 3), each(math.acosh), special=(at([1.0, 0.5], [0.0, NAN]),)),
    Case(
        "arctanh",
        within(-0.9, 0.9),
        each(math.atanh),
        special=(at([1.0, -1.0, 2.0], [INF, -INF, NAN]),),
    ),
]

CASES = [*ARITHMETIC, *LOGIC, *EXPONENTIAL, *TRIGONOMETRY]
