"""Reductions and running sums. References: loops in Python, and NumPy on explicit copies."""

from __future__ import annotations

import functools
import itertools
import math
import operator
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import INF, NAN, at, integers, kink, normal, signed, truths, within

AXES: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (2, 0), "keepdims": True},
]


def over(f: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    """A function of a list of numbers, applied to what is reduced together."""

    def reference(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        gone = range(x.ndim) if axis is None else [axis] if isinstance(axis, int) else axis
        gone = sorted(a % x.ndim for a in gone)
        moved = np.moveaxis(x, gone, range(x.ndim - len(gone), x.ndim))
        rest = moved.shape[: x.ndim - len(gone)]
        found = np.array(
            [f(row.ravel().tolist()) for row in moved.reshape(-1, *moved.shape[len(rest) :])]
        )
        kept = tuple(1 if i in gone else n for i, n in enumerate(x.shape))
        return found.reshape(kept if keepdims else rest)

    return reference


def along(f: Callable[[list[Any]], list[Any]]) -> Callable[..., Any]:
    """A function from list to list, applied along an axis."""

    def reference(x: Any, axis: int | None = None, **_: Any) -> Any:
        x, axis = (x.ravel(), 0) if axis is None else (x, axis)
        return np.apply_along_axis(lambda row: np.array(f(row.tolist())), axis, x)

    return reference


def place(pick: Callable[..., Any]) -> Callable[..., Any]:
    return over(lambda row: row.index(pick(row)))


def running(op: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def sums(row: list[Any]) -> list[Any]:
        return [functools.reduce(op, row[: i + 1]) for i in range(len(row))]

    return along(sums)


def log_sum_exp(row: list[float]) -> float:
    return math.log(math.fsum(map(math.exp, row)))


def rows(name: str, inputs: Any, reference: Any, **more: Any) -> list[Case]:
    first, *others = AXES
    return [
        Case(name, inputs, reference, first, **more),
        *(Case(name, inputs, reference, options) for options in others),
    ]


X = (2, 3, 2)

CASES = [
    *rows("sum", normal(X), over(math.fsum), special=(at([INF, 1.0], INF), at([[NAN, 1.0]], NAN))),
    Case("sum", integers((2, 3)), over(sum), differentiable=()),
    Case("sum", truths((2, 3)), over(sum), {"axis": 0}, differentiable=()),
    *rows("mean", normal(X), over(statistics.fmean), special=(at([INF, 1.0], INF),)),
    Case(
        "mean", integers((2, 3)), over(statistics.fmean), {"axis": 0}, differentiable=(), rtol=1e-6
    ),
    *rows("var", normal(X), over(statistics.pvariance), special=(at([2.0, 2.0], 0.0),)),
    *rows(
        "std",
        normal(X),
        over(statistics.pstdev),
        special=(at([2.0, 2.0], 0.0),),
        kinks=(kink(([2.0, 2.0],), ([0.0, 0.0],)),),
    ),
    *rows("prod", signed(*X), over(math.prod)),
    Case(
        "prod",
        lambda r: (np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]),),
        over(math.prod),
        {"axis": 1},
        kinks=(
            kink(
                ([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]],),
                ([[6.0, 0.0, 0.0], [0.0, 0.0, 0.0], [6.0, 3.0, 2.0]],),
            ),
        ),
    ),
    Case("prod", truths((4,)), over(math.prod), differentiable=()),
    *rows(
        "max",
        normal(X),
        over(max),
        special=(at([INF, 1.0], INF), at([NAN, 1.0], NAN)),
        kinks=(kink(([3.0, 1.0, 3.0],), ([0.5, 0.0, 0.5],)),),
    ),
    Case(
        "max",
        normal((2, 3)),
        lambda x, initial: max(*x.ravel(), initial),
        {"initial": 5.0},
        kinks=(kink(([3.0, 1.0],), ([0.0, 0.0],)),),
        special=(at(np.zeros((0,)), 5.0),),
    ),
    *rows(
        "min",
        normal(X),
        over(min),
        special=(at([-INF, 1.0], -INF), at([NAN, 1.0], NAN)),
        kinks=(kink(([1.0, 3.0, 1.0],), ([0.5, 0.0, 0.5],)),),
    ),
    Case("min", normal((2, 3)), lambda x, initial: min(*x.ravel(), initial), {"initial": -5.0}),
    Case("amax", normal(X), over(max), {"axis": (0, 1)}),
    Case("amin", normal(X), over(min), {"axis": (0, 1)}),
    Case("ptp", normal(X), over(lambda row: max(row) - min(row)), {"axis": 1}),
    Case("argmax", normal(X), place(max), differentiable=(), special=(at([1.0, 3.0, 3.0], 1),)),
    Case("argmax", normal(X), place(max), {"axis": 1}, differentiable=()),
    Case("argmax", normal(X), place(max), {"axis": -1, "keepdims": True}, differentiable=()),
    Case("argmin", normal(X), place(min), differentiable=(), special=(at([1.0, 3.0, 1.0], 0),)),
    Case("argmin", normal(X), place(min), {"axis": 1}, differentiable=()),
    Case("all", truths(X), over(all), {"axis": 1}, differentiable=()),
    Case("all", truths(X), over(all), {"axis": (0, 2), "keepdims": True}, differentiable=()),
    Case("any", truths(X), over(any), {"axis": 1}, differentiable=()),
    Case("any", integers(X, high=2), over(any), differentiable=()),
    Case(
        "count_nonzero",
        integers(X, high=2),
        over(lambda row: sum(v != 0 for v in row)),
        {"axis": 1},
        differentiable=(),
    ),
    *rows(
        "logsumexp",
        normal(X),
        over(log_sum_exp),
        special=(
            at([1000.0, 1000.0], 1000 + math.log(2)),
            at([-1000.0, -1000.0], -1000 + math.log(2)),
            at([-INF, -INF], -INF),
            at([INF, 1.0], INF),
        ),
        kinks=(
            kink(([1000.0, 1000.0],), ([0.5, 0.5],)),
            kink(([-INF, -INF],), ([0.0, 0.0],)),
            kink(([-INF, 2.0],), ([0.0, 1.0],)),
        ),
    ),
    Case("cumsum", normal(X), running(operator.add), {"axis": 1}),
    Case("cumsum", normal((2, 3)), running(operator.add)),
    Case("cumprod", signed(*X), running(operator.mul), {"axis": 1}),
    Case("cumprod", signed(2, 3), running(operator.mul)),
    Case(
        "cumprod",
        lambda r: (np.array([[2.0, 0.0, 3.0, 0.0, 5.0]]),),
        running(operator.mul),
        {"axis": -1},
        kinks=(
            # out = (a, ab, abc, abcd, abcde) at a=2, b=0, c=3, d=0, e=5
            kink(([[2.0, 0.0, 3.0, 0.0, 5.0]],), ([[1.0, 2.0 + 6.0, 0.0, 0.0, 0.0]],)),
        ),
    ),
    Case("average", normal(X), over(statistics.fmean), {"axis": 1}),
    Case(
        "average",
        lambda r: (r.standard_normal((2, 3)), r.uniform(0.5, 2, 3)),
        lambda x, w: (
            np.array([math.fsum(v * u for v, u in zip(row, w, strict=True)) for row in x]) / sum(w)
        ),
        call=lambda x, w: op("average")(x, axis=1, weights=w),
    ),
    Case(
        "average",
        lambda r: (r.standard_normal((2, 3)), r.uniform(0.5, 2, (2, 3))),
        lambda x, w: np.array(math.fsum((x * w).ravel()) / math.fsum(w.ravel())),
        call=lambda x, w: op("average")(x, weights=w),
    ),
    Case(
        "diff",
        normal((2, 4)),
        along(lambda r: [b - a for a, b in itertools.pairwise(r)]),
        {"axis": 1},
    ),
    Case(
        "diff",
        normal((4,)),
        lambda x, n: np.array([x[i + 2] - 2 * x[i + 1] + x[i] for i in range(2)]),
        {"n": 2},
    ),
    Case(
        "trapezoid",
        normal((4,)),
        lambda y, dx: np.array(dx * (y[0] / 2 + y[1] + y[2] + y[3] / 2)),
        {"dx": 0.5},
    ),
    Case(
        "trapezoid",
        lambda r: (r.standard_normal((2, 3)), np.array([0.0, 1.0, 3.0])),
        lambda y, x: np.array([(a + b) / 2 + (b + c) for a, b, c in y]),
    ),
    *(
        Case(
            "quantile",
            normal((2, 5)),
            lambda x, q, axis, method, keepdims=False: np.quantile(
                x, q, axis=axis, method=method, keepdims=keepdims
            ),
            {"q": 0.3, "axis": 1, "method": method},
        )
        for method in ("linear", "lower", "higher", "midpoint", "nearest")
    ),
    Case(
        "quantile",
        normal((2, 3, 2)),
        lambda x, q, axis, keepdims: np.quantile(x, q, axis=axis, keepdims=keepdims),
        {"q": [0.25, 0.5, 0.9], "axis": (0, 2), "keepdims": True},
    ),
    Case("percentile", normal((7,)), lambda x, q: np.percentile(x, q), {"q": 40.0}),
    Case(
        "median",
        normal(X),
        over(statistics.median),
        {"axis": 1},
        special=(at([[NAN, 1.0, 2.0]], [NAN]), at(np.zeros((2, 0)), [NAN, NAN])),
    ),
    Case("median", within(0, 1, 2, 4), over(statistics.median), {"axis": 1, "keepdims": True}),
]


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]
