"""Activation functions. References: their textbook formulas on Python floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import INF, NAN, at, each, integers, kink, normal, signed, within


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def distribution(x: float) -> float:
    """Of the standard normal."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def gelu_by_tanh(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def hard(x: float) -> float:
    return min(max(x / 6 + 0.5, 0.0), 1.0)


def exponential_unit(alpha: float) -> Callable[[float], float]:
    return lambda x: x if x > 0 else alpha * (math.exp(x) - 1)


FAR = [-1000.0, 0.0, 1000.0]

UNITS = [
    Case(
        "relu",
        signed(),
        each(lambda x: max(x, 0.0)),
        special=(at([*FAR, NAN, -INF], [0.0, 0.0, 1000.0, NAN, 0.0]),),
        kinks=(kink(([0.0, -1.0, 1.0],), ([0.0, 0.0, 1.0],)),),
    ),
    Case("relu", integers((3,), low=-4), each(lambda x: max(x, 0)), differentiable=()),
    Case(
        "relu6",
        within(-2, 8, 3, 4),
        each(lambda x: min(max(x, 0.0), 6.0)),
        kinks=(kink(([0.0, 6.0, 3.0, 7.0],), ([0.5, 0.5, 1.0, 0.0],)),),
    ),
    Case(
        "leaky_relu",
        signed(),
        each(lambda x: x if x > 0 else 0.2 * x),
        special=(at(FAR, [-200.0, 0.0, 1000.0]),),
        kinks=(kink(([0.0, -1.0],), ([1.0, 0.2],)),),
    ),
    Case(
        "leaky_relu", signed(), each(lambda x: x if x > 0 else 0.01 * x), {"negative_slope": 0.01}
    ),
    Case(
        "elu",
        signed(),
        each(exponential_unit(1.0)),
        special=(at(FAR, [-1.0, 0.0, 1000.0]),),
        kinks=(kink(([0.0, -1000.0, 1000.0],), ([1.0, 0.0, 1.0],)),),
    ),
    Case(
        "elu",
        signed(),
        each(exponential_unit(0.5)),
        {"alpha": 0.5},
        kinks=(kink(([0.0],), ([0.5],)),),
    ),
    Case(
        "selu",
        signed(),
        each(lambda x: 1.0507009873554805 * exponential_unit(1.6732632423543772)(x)),
        special=(at(FAR, [-1.7580993408473766, 0.0, 1050.7009873554805]),),
    ),
    Case(
        "celu",
        signed(),
        each(lambda x: max(x, 0.0) + min(0.0, 0.7 * (math.exp(x / 0.7) - 1))),
        {"alpha": 0.7},
        special=(at(FAR, [-0.7, 0.0, 1000.0]),),
        kinks=(kink(([0.0, -1000.0, 1000.0],), ([1.0, 0.0, 1.0],)),),
    ),
    Case(
        "threshold",
        signed(),
        each(lambda x: x if x > 0.1 else -7.0),
        call=lambda x: op("threshold")(x, 0.1, -7.0),
    ),
    Case("soft_shrink", signed(), each(lambda x: math.copysign(max(abs(x) - 0.5, 0.0), x))),
    Case("hard_shrink", signed(), each(lambda x: x if abs(x) > 0.5 else 0.0)),
    Case(
        "sigmoid",
        normal((2, 3)),
        each(logistic),
        special=(at([*FAR, -700.0, NAN], [0.0, 0.5, 1.0, math.exp(-700), NAN]),),
        kinks=(kink((FAR,), ([0.0, 0.25, 0.0],)),),
    ),
    Case("sigmoid", integers((3,), low=-4), each(logistic), differentiable=(), rtol=1e-6),
    Case(
        "log_sigmoid",
        normal((2, 3)),
        each(lambda x: math.log(logistic(x))),
        special=(at(FAR, [-1000.0, -math.log(2), 0.0]),),
        kinks=(kink((FAR,), ([1.0, 0.5, 0.0],)),),
    ),
    Case(
        "softplus",
        normal((2, 3)),
        each(lambda x: math.log(1 + math.exp(x))),
        special=(at([*FAR, -50.0], [0.0, math.log(2), 1000.0, math.exp(-50)]),),
        kinks=(kink((FAR,), ([0.0, 0.5, 1.0],)),),
    ),
    Case(
        "silu",
        normal((2, 3)),
        each(lambda x: x * logistic(x)),
        special=(at(FAR, [0.0, 0.0, 1000.0]),),
        kinks=(kink((FAR,), ([0.0, 0.5, 1.0],)),),
    ),
    Case("swish", normal((2, 3)), each(lambda x: x * logistic(x))),
    Case(
        "gelu",
        normal((2, 3)),
        each(gelu_by_tanh),
        special=(at(FAR, [0.0, 0.0, 1000.0]),),
        kinks=(kink((FAR,), ([0.0, 0.5, 1.0],)),),
    ),
    Case(
        "gelu",
        normal((2, 3)),
        each(lambda x: x * distribution(x)),
        {"approximate": False},
        special=(at(FAR, [0.0, 0.0, 1000.0]),),
        kinks=(kink((FAR,), ([0.0, 0.5, 1.0],)),),
    ),
    Case(
        "softsign",
        signed(),
        each(lambda x: x / (1 + abs(x))),
        kinks=(kink(([0.0, 1.0],), ([1.0, 0.25],)),),
    ),
    Case("squareplus", normal((2, 3)), each(lambda x: (x + math.sqrt(x * x + 4)) / 2)),
    Case("squareplus", normal((2, 3)), each(lambda x: (x + math.sqrt(x * x + 2)) / 2), {"b": 2}),
    Case("tanh_shrink", normal((2, 3)), each(lambda x: x - math.tanh(x))),
    Case(
        "hard_tanh",
        signed(),
        each(lambda x: min(max(x, -1.0), 1.0)),
        kinks=(kink(([-1.0, 1.0, 2.0],), ([1.0, 1.0, 0.0],)),),
    ),
    Case(
        "hard_sigmoid",
        within(-5, 5, 3, 4),
        each(hard),
        special=(at(FAR, [0.0, 0.5, 1.0]),),
        kinks=(kink(([-3.0, 3.0, 0.0],), ([1 / 12, 1 / 12, 1 / 6],)),),
    ),
    Case(
        "hard_silu",
        within(-5, 5, 3, 4),
        each(lambda x: x * hard(x)),
        special=(at(FAR, [0.0, 0.0, 1000.0]),),
    ),
    Case("hard_swish", within(-5, 5), each(lambda x: x * hard(x))),
    Case(
        "sparse_plus",
        within(-2, 2, 3, 4),
        each(lambda x: 0.0 if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4),
        kinks=(kink(([-1.0, 1.0],), ([0.0, 1.0],)),),
    ),
    Case("sparse_sigmoid", within(-2, 2, 3, 4), each(lambda x: min(max((x + 1) / 2, 0.0), 1.0))),
    Case("glu", normal((2, 4)), lambda x: each(lambda a, b: a * logistic(b))(x[:, :2], x[:, 2:])),
    Case(
        "glu",
        normal((2, 3)),
        lambda x, axis: each(lambda a, b: a * logistic(b))(x[:1], x[1:]),
        {"axis": 0},
    ),
]


def shares(x: Any, axis: Any = -1) -> Any:
    """Softmax, by its definition."""
    e = each(math.exp)(x)
    axes = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
    total = e
    for a in axes:
        total = np.add.reduce(total, axis=a, keepdims=True)
    return e / total


def nearest_on_simplex(x: Any) -> Any:
    """By bisection for τ with Σ max(x - τ, 0) = 1."""
    low, high = min(x) - 1.0, max(x)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(max(v - middle, 0.0) for v in x) > 1 else (low, middle)
    return np.array([max(v - low, 0.0) for v in x])


SOFTMAX = [
    Case(
        "softmax",
        normal((2, 3)),
        shares,
        special=(
            at([1000.0, 1000.0], [0.5, 0.5]),
            at([-1000.0, -1000.0, -INF], [0.5, 0.5, 0.0]),
            at([1000.0, 0.0], [1.0, 0.0]),
        ),
    ),
    Case("softmax", normal((2, 3)), shares, {"axis": 0}),
    Case("softmax", normal((2, 3)), shares, {"axis": None}),
    Case("softmax", normal((2, 3, 2)), shares, {"axis": (0, 2)}),
    Case(
        "log_softmax",
        normal((2, 3)),
        lambda x: each(math.log)(shares(x)),
        special=(at([1000.0, 0.0], [0.0, -1000.0]), at([0.0, -INF], [0.0, -INF])),
        kinks=(kink(([1000.0, 0.0],), ([-1.0, 1.0],)),),
    ),
    Case(
        "log_softmax",
        normal((2, 3)),
        lambda x, axis: each(math.log)(shares(x, axis)),
        {"axis": (0, 1)},
    ),
    Case("sparsemax", normal((2, 4)), lambda x: np.array([nearest_on_simplex(row) for row in x])),
    Case(
        "sparsemax",
        normal((3, 2)),
        lambda x, axis: np.array([nearest_on_simplex(c) for c in x.T]).T,
        {"axis": 0},
    ),
]

CASES = [*UNITS, *SOFTMAX]
