"""Systems, factorizations, norms. References: `numpy.linalg`, and what defines them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import at, by_index, normal


def op(name: str) -> Callable[..., Any]:
    from etude.autodiff import OPS

    return OPS[name]


def transposed(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def definite(*shape: int) -> Callable[[Any], tuple[Any, ...]]:
    def build(r: Any) -> tuple[Any, ...]:
        a = r.standard_normal(shape)
        return (a @ transposed(a) + np.eye(shape[-1]),)

    return build


def regular(*shapes: tuple[int, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """The first far from singular."""

    def build(r: Any) -> tuple[Any, ...]:
        first, *rest = (r.standard_normal(s) for s in shapes)
        return (first + 3 * np.eye(first.shape[-1]), *rest)

    return build


SYSTEMS = [
    Case("inv", regular((2, 3, 3)), np.linalg.inv),
    Case("solve", regular((3, 3), (3,)), np.linalg.solve),
    Case("solve", regular((2, 3, 3), (2, 3, 2)), np.linalg.solve),
    Case(
        "solve_triangular",
        regular((3, 3), (3, 2)),
        lambda a, b, lower: np.linalg.solve(np.tril(a), b),
        {"lower": True},
    ),
    Case(
        "solve_triangular",
        regular((2, 2, 2), (2, 2)),
        lambda a, b: np.linalg.solve(np.triu(a), b[..., None])[..., 0],
    ),
    Case("det", regular((2, 3, 3)), np.linalg.det),
    Case("slogdet", regular((2, 3, 3)), lambda x: tuple(np.linalg.slogdet(x))),
    Case("logdet", regular((3, 3)), lambda x: np.linalg.slogdet(x)[1]),
    Case("cholesky_inverse", regular((3, 3)), lambda x: np.linalg.inv(np.tril(x) @ np.tril(x).T)),
    Case(
        "cholesky_inverse",
        regular((2, 2)),
        lambda x, upper: np.linalg.inv(np.triu(x).T @ np.triu(x)),
        {"upper": True},
    ),
]


def lu_of(x: Any) -> Any:
    """Gaussian elimination with the greatest pivot, by its definition."""
    a, n = x.copy(), len(x)
    pivots = np.zeros(n, "int32")
    for k in range(n):
        pivots[k] = p = k + int(np.argmax([abs(v) for v in a[k:, k]]))
        a[[k, p]] = a[[p, k]]
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    return a, pivots


def triangles(x: Any, mode: str = "reduced") -> Any:
    """Q R and Qᵀ Q, which do not depend on the signs of the columns."""
    q, r = op("qr")(x, mode=mode)
    return q @ r, op("matmul")(op("swapaxes")(q, -1, -2), q), op("absolute")(r)


def triangles_of(x: Any, mode: str = "reduced") -> Any:
    q, r = np.linalg.qr(x, mode)
    return x, np.eye(q.shape[-1]), np.abs(r)


def eigen(x: Any) -> Any:
    w, v = op("eigh")(x)
    return w, op("square")(v)


def eigen_of(x: Any) -> Any:
    w, v = np.linalg.eigh((x + transposed(x)) / 2)
    return w, v**2


def general_eigen(x: Any) -> Any:
    """Sums over all eigenvalues, whose order is open, and lengths of the components."""
    w, v = op("eig")(x)
    mixed = op("matmul")(op("view_as_real")(w)[..., 0], op("transpose")(op("absolute")(v)))
    return op("sum")(op("real")(w * w * w)), mixed


def general_eigen_of(x: Any) -> Any:
    w, v = np.linalg.eig(x)
    return (w**3).sum().real, np.abs(v) @ w.real


def singular(x: Any, **options: Any) -> Any:
    u, s, vt = op("svd")(x, **options)
    k = s.shape[-1]
    return op("square")(u[..., :k]), s, op("square")(vt[..., :k, :])


def singular_of(x: Any, **_: Any) -> Any:
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    return u**2, s, vt**2


DECOMPOSITIONS = [
    Case("cholesky", definite(3, 3), np.linalg.cholesky),
    Case(
        "cholesky",
        definite(2, 2, 2),
        lambda x, upper: transposed(np.linalg.cholesky(x)),
        {"upper": True},
    ),
    Case("lu_factor", normal((3, 3)), lu_of),
    *(
        Case("qr", normal(s), triangles_of, {"mode": m}, call=triangles)
        for s, m in (((4, 2), "reduced"), ((2, 3), "reduced"), ((2, 3), "complete"))
    ),
    Case("eigh", definite(3, 3), eigen_of, call=eigen),
    Case("eig", normal((3, 3)), general_eigen_of, call=general_eigen, rtol=1e-8),
    Case("svd", normal((3, 2)), singular_of, {"full_matrices": False}, call=singular),
    Case("svd", normal((2, 3)), singular_of, {"full_matrices": True}, call=singular),
    Case(
        "svd",
        normal((2, 3)),
        lambda x, compute_uv: np.linalg.svd(x, compute_uv=False),
        {"compute_uv": False},
    ),
    Case("pinv", normal((3, 2)), np.linalg.pinv),
    Case("pinv", normal((2, 2, 3)), np.linalg.pinv),
    Case("lstsq", normal((4, 2), (4,)), lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0]),
    Case(
        "matrix_rank",
        lambda r: (np.outer(r.standard_normal(3), r.standard_normal(3)),),
        np.linalg.matrix_rank,
        differentiable=(),
        special=(at([[0.0, 0.0], [0.0, 0.0]], 0), at([[1.0, 0.0], [0.0, 2.0]], 2)),
    ),
]


def norm_of(x: Any, ord: Any, axis: Any, keepdims: bool = False) -> Any:
    return np.linalg.norm(x, ord, axis, keepdims)


NORMS = [
    *(
        Case("norm", normal((2, 3, 2)), norm_of, {"ord": o, "axis": (0, 2), "keepdims": True})
        for o in (2, -2, "nuc")
    ),
    Case(
        "cdist",
        normal((2, 3), (4, 3)),
        lambda x, y: by_index((2, 4), lambda i, j: np.sqrt(((x[i] - y[j]) ** 2).sum())),
    ),
]

CASES = [*SYSTEMS, *DECOMPOSITIONS, *NORMS]
