"""Products and norms. References: sums over places."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import INF, at, by_index, integers, kink, normal, signed


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def product(a: Any, b: Any) -> Any:
    """The matrix product, by its definition."""
    left = a[None, :] if a.ndim == 1 else a
    right = b[:, None] if b.ndim == 1 else b
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = np.broadcast_to(left, (*batch, *left.shape[-2:]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    k = left.shape[-1]
    out = by_index(
        (*batch, left.shape[-2], right.shape[-1]),
        lambda *p: sum(left[(*p[:-2], p[-2], i)] * right[(*p[:-2], i, p[-1])] for i in range(k)),
    )
    if a.ndim == 1:
        out = out[..., 0, :]
    return out[..., 0] if b.ndim == 1 else out


MATMUL = [
    Case("matmul", normal(a, b), product)
    for a, b in (
        ((2, 3), (3, 4)),
        ((3,), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3,)),
        ((3,), (2, 3, 2)),
        ((2, 2, 3), (3,)),
        ((2, 2, 3), (3, 2)),
        ((2, 3), (2, 3, 2)),
        ((2, 1, 2, 3), (3, 3, 2)),
    )
] + [
    Case("matmul", integers((2, 3), (3, 2)), product, differentiable=()),
    Case(
        "matmul",
        lambda r: (np.full((1, 4), 100, "int8"), np.full((4, 1), 100, "int8")),
        lambda a, b: np.array([[40000]]),
        differentiable=(),
    ),
]

PRODUCTS = [
    Case(
        "dot",
        normal((3,), (3,)),
        lambda a, b: np.array(math.sumprod(a, b) if hasattr(math, "sumprod") else sum(a * b)),
    ),
    Case("dot", normal((2, 3), (3, 2)), product),
    Case("dot", normal((2, 3), (3,)), product),
    Case(
        "dot",
        normal((2, 3), (2, 3, 2)),
        lambda a, b: by_index(
            (2, 2, 2), lambda i, j, k: sum(a[i, m] * b[j, m, k] for m in range(3))
        ),
    ),
    Case("dot", normal((), (2,)), lambda a, b: np.array([a * v for v in b])),
    Case(
        "inner",
        normal((2, 3), (4, 3)),
        lambda a, b: by_index((2, 4), lambda i, j: sum(a[i, m] * b[j, m] for m in range(3))),
    ),
    Case("outer", normal((2,), (1, 3)), lambda a, b: by_index((2, 3), lambda i, j: a[i] * b[0, j])),
    Case(
        "vdot",
        normal((2, 2), (4,)),
        lambda a, b: np.array(sum(u * v for u, v in zip(a.ravel(), b, strict=True))),
    ),
    Case(
        "tensordot",
        normal((2, 3, 2), (3, 2, 2)),
        lambda a, b: by_index(
            (2, 2), lambda i, j: sum(a[i, k, m] * b[k, m, j] for k in range(3) for m in range(2))
        ),
    ),
    Case(
        "tensordot",
        normal((2, 3), (4, 2)),
        lambda a, b, axes: by_index((3, 4), lambda i, j: sum(a[m, i] * b[j, m] for m in range(2))),
        {"axes": ((0,), (1,))},
    ),
    Case(
        "tensordot",
        normal((2, 3), (3,)),
        lambda a, b, axes: by_index((2, 3, 3), lambda i, j, k: a[i, j] * b[k]),
        {"axes": 0},
    ),
    Case(
        "tensordot",
        normal((2, 3), (2, 3)),
        lambda a, b, axes: by_index((3, 3), lambda i, j: a[0, i] * b[0, j] + a[1, i] * b[1, j]),
        {"axes": [0, 0]},
    ),
    Case(
        "kron",
        normal((2, 2), (1, 3)),
        lambda a, b: by_index((2, 6), lambda i, j: a[i, j // 3] * b[0, j % 3]),
    ),
    Case("kron", normal((2,), (2, 1)), lambda a, b: by_index((2, 2), lambda i, j: a[j] * b[i, 0])),
    Case("cross", normal((2, 3), (3,)), lambda a, b: np.array([vector_product(u, b) for u in a])),
    Case(
        "cross",
        normal((3, 2), (3, 2)),
        lambda a, b, axis: (
            np.array([vector_product(u, v) for u, v in zip(a.T, b.T, strict=True)]).T
        ),
        {"axis": 0},
    ),
    Case("cross", normal((2,), (3,)), lambda a, b: vector_product([*a, 0.0], b)),
    Case("cross", normal((3,), (2,)), lambda a, b: vector_product(a, [*b, 0.0])),
    Case("cross", normal((4, 2), (4, 2)), lambda a, b: a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]),
    Case("diagonal", normal((3, 3)), lambda x: np.array([x[i, i] for i in range(3)])),
    Case(
        "diagonal",
        normal((2, 3, 4)),
        lambda x, **_: by_index((3, 2), lambda j, i: x[i, j, i + 1]),
        {"offset": 1, "axis1": 0, "axis2": 2},
    ),
    Case(
        "diagonal", normal((3, 2)), lambda x, offset: np.array([x[1, 0], x[2, 1]]), {"offset": -1}
    ),
    Case("trace", normal((3, 3)), lambda x: np.array(x[0, 0] + x[1, 1] + x[2, 2])),
    Case(
        "trace",
        normal((2, 3, 2)),
        lambda x, **_: np.array([x[0, j, 0] + x[1, j, 1] for j in range(3)]),
        {"axis1": 0, "axis2": 2},
    ),
]


def vector_product(a: Any, b: Any) -> Any:
    return np.array(
        [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    )


def summed(subscripts: str) -> Callable[..., Any]:
    """Einstein's summation, by its definition: a loop over all values of all letters."""

    def reference(*xs: Any) -> Any:
        left, right = subscripts.split("->")
        terms = left.split(",")
        size: dict[str, int] = {}
        for term, x in zip(terms, xs, strict=True):
            for c, n in zip(term, x.shape, strict=True):
                size[c] = max(size.get(c, 1), n)
        letters = list(size)
        out = np.zeros([size[c] for c in right])
        for place in np.ndindex(*size.values()):
            at = dict(zip(letters, place, strict=True))
            factors = (
                x[tuple(min(at[c], n - 1) for c, n in zip(term, x.shape, strict=True))]
                for term, x in zip(terms, xs, strict=True)
            )
            out[tuple(at[c] for c in right)] += math.prod(factors)
        return out

    return reference


def summation(subscripts: str, *shapes: tuple[int, ...], explicit: str | None = None) -> Case:
    return Case(
        "einsum",
        normal(*shapes),
        summed(explicit or subscripts),
        call=lambda *xs: op("einsum")(subscripts, *xs),
    )


EINSUM = [
    summation("ij,jk->ik", (2, 3), (3, 2)),
    summation("ij,jk", (2, 3), (3, 2), explicit="ij,jk->ik"),
    summation("bqhd,bkhd->bhqk", (2, 2, 1, 3), (2, 3, 1, 3)),
    summation("bij,bjk,kl->bil", (2, 2, 2), (2, 2, 3), (3, 2)),
    summation("ij->", (2, 3)),
    summation("ij->j", (2, 3)),
    summation("ii->i", (3, 3)),
    summation("ii", (3, 3), explicit="ii->"),
    summation("iji,i->j", (2, 3, 2), (2,)),
    summation("ij,k->i", (2, 3), (2,)),
    summation("...ij,...jk->...ik", (2, 2, 3), (2, 3, 2), explicit="aij,ajk->aik"),
    summation("...i,i", (2, 3), (3,), explicit="ai,i->a"),
    summation("...i,...->...", (2, 3), (2,), explicit="ai,a->a"),
    summation("i,j->ij", (2,), (3,)),
]


def norm_of(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    return np.linalg.norm(x, ord, axis, keepdims)


NORMS = [
    Case(
        "norm",
        signed(2, 3),
        lambda x: np.array(math.hypot(*x.ravel())),
        kinks=(kink(([0.0, 0.0],), ([0.0, 0.0],)), kink(([3.0, 4.0],), ([0.6, 0.8],))),
        special=(at([INF, 1.0], INF),),
    ),
    Case("norm", signed(2, 3), norm_of, {"axis": -1, "keepdims": True}),
    *(
        Case("norm", signed(2, 3), norm_of, {"ord": o, "axis": 1})
        for o in (2, 1, 3, 0.5, INF, -INF)
    ),
    Case("norm", signed(2, 3), norm_of, {"ord": 0, "axis": 1}, differentiable=()),
    *(Case("norm", normal((3, 3)), norm_of, {"ord": o}) for o in ("fro", 1, -1, INF, -INF)),
    Case("norm", normal((2, 3, 2)), norm_of, {"ord": 1, "axis": (0, 2), "keepdims": True}),
    Case("norm", normal((2, 3, 2)), norm_of, {"ord": INF, "axis": (-1, 0)}),
]

CASES = [*MATMUL, *PRODUCTS, *EINSUM, *NORMS]
