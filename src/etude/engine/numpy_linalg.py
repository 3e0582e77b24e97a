"""Matrices on the engine ``numpy``: what NumPy lacks, and what it cannot do in shapes alone.

Functions take stacks of matrices, (..., N, M). NumPy's own factorizations refuse the zeros with
which shapes are found, and say of a bad matrix no more than "singular"; here the first give zeros,
and the second says what to do. Products leave most of their arithmetic out there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude.engine.cell import shapes_only
from etude.errors import ArgumentError

Array = Any

__all__ = [
    "cholesky",
    "det",
    "eig",
    "inv",
    "lu_factor",
    "matmul",
    "pivots_to_permutation",
    "slogdet",
    "solve",
    "solve_triangular",
]


def _try(f: Callable[..., Array], what: str, *arrays: Array) -> Array:
    """The result of a function of `numpy.linalg`, or what its refusal means."""
    try:
        return f(*arrays)
    except np.linalg.LinAlgError as error:
        raise ArgumentError(f"{what} Shape: {arrays[0].shape}. ({error})") from None


def matmul(a: Array, b: Array) -> Array:
    """The matrix product; for shapes alone one of the K products in each sum is enough."""
    if shapes_only():
        a, b = a[..., :1], b[..., :1, :] if b.ndim > 1 else b[:1]
    return np.matmul(a, b)


def cholesky(a: Array) -> Array:
    """Lower triangles L with L Lᵀ = a, of symmetric positive definite matrices."""
    if shapes_only():
        return np.zeros_like(a)
    return _try(
        np.linalg.cholesky,
        "Cholesky decomposition failed: the matrix is not positive definite. Add a small multiple "
        "of the identity, or check that it is a covariance or a product A Aᵀ.",
        a,
    )


_SINGULAR = "The matrix is singular: it has no inverse. Use `pinv` or `lstsq`."


def inv(a: Array) -> Array:
    """Inverses."""
    return np.zeros_like(a) if shapes_only() else _try(np.linalg.inv, _SINGULAR, a)


def solve(a: Array, b: Array) -> Array:
    """x with a x = b, for right sides (..., N, K)."""
    if shapes_only():
        return np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + b.shape[-2:], b.dtype)
    return _try(np.linalg.solve, _SINGULAR, a, b)


def solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    """x with a x = b, where only one triangle of a counts: by substitution, row by row."""
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = np.zeros(batch + b.shape[-2:], np.result_type(a, b))
    n = a.shape[-1]
    for i in range(n) if lower else reversed(range(n)):
        known = slice(0, i) if lower else slice(i + 1, n)
        rest = b[..., i : i + 1, :] - a[..., i : i + 1, known] @ x[..., known, :]
        x[..., i : i + 1, :] = rest / a[..., i : i + 1, i : i + 1]
    return x


def det(a: Array) -> Array:
    """Determinants."""
    return np.linalg.det(a)


def slogdet(a: Array) -> tuple[Array, Array]:
    """Signs of determinants, and logarithms of their sizes."""
    sign, size = np.linalg.slogdet(a)
    return sign, size


def eig(a: Array) -> tuple[Array, Array]:
    """Eigenvalues and eigenvectors, complex also where they happen to be real."""
    values, vectors = np.linalg.eig(a)
    wide = np.result_type(a.dtype, np.complex64)
    return values.astype(wide), vectors.astype(wide)


def lu_factor(a: Array) -> tuple[Array, Array]:
    """L and U of P a = L U in one matrix, and with which row each row was exchanged (int32)."""
    lu = np.array(a)
    n, m = lu.shape[-2:]
    stack = lu.reshape(-1, n, m)
    pivots = np.zeros((len(stack), min(n, m)), np.int32)
    for matrix, exchanged in zip(stack, pivots, strict=True):
        for k in range(min(n, m)):
            p = k + int(np.argmax(np.abs(matrix[k:, k])))
            exchanged[k] = p
            matrix[[k, p]] = matrix[[p, k]]
            if matrix[k, k] != 0:
                matrix[k + 1 :, k] /= matrix[k, k]
                matrix[k + 1 :, k + 1 :] -= np.outer(matrix[k + 1 :, k], matrix[k, k + 1 :])
    return stack.reshape(lu.shape), pivots.reshape(*lu.shape[:-2], min(n, m))


def pivots_to_permutation(pivots: Array, rows: int) -> Array:
    """The order of rows that the exchanges of `lu_factor` lead to: (P a)[i] = a[order[i]]."""
    order = np.broadcast_to(np.arange(rows, dtype=np.int32), (*pivots.shape[:-1], rows)).copy()
    flat, exchanges = order.reshape(-1, rows), pivots.reshape(-1, pivots.shape[-1])
    for row, exchanged in zip(flat, exchanges, strict=True):
        for k, p in enumerate(exchanged):
            row[[k, p]] = row[[p, k]]
    return flat.reshape(order.shape)
