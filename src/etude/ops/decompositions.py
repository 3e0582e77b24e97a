"""Factorizations of matrices: Cholesky, LU, QR, eigenvalues, singular values; and what needs them.

All take stacks of matrices, (..., N, M). A symmetric argument is symmetrized first, so that both
triangles count, and each gets half of the gradient. Where eigenvalues or singular values are
equal, their vectors are not determined, and their derivatives are infinite or NaN.

Sources: Giles, An extended collection of matrix derivative results, 2008 (eigenvalues, singular
values); Murray, Differentiation of the Cholesky decomposition, 2016; Walter and Lehmann,
Algorithmic differentiation of linear algebra functions, 2010, and Seeger et al.,
Auto-differentiating linear algebra, 2017 (QR, LU); Golub and Pereyra, The differentiation of
pseudo-inverses, 1973.
"""

from __future__ import annotations

import functools
from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.dtypes import COMPLEX
from etude.engine import xp
from etude.errors import ArgumentError, GradientError, ShapeError
from etude.ops.complex_numbers import conjugate, real
from etude.ops.core import cast
from etude.ops.creation import eye, tril, triu
from etude.ops.elementwise import in_one_dtype
from etude.ops.indexing import take_along_axis
from etude.ops.joining import concatenate
from etude.ops.linear_systems import (
    float_matrix,
    in_single,
    solve,
    solve_triangular,
    spacing,
    square_matrix,
    transposed,
)
from etude.ops.products import diagonal, matmul
from etude.ops.reduction import amax, sum
from etude.ops.shape import expand_dims

__all__ = ["cholesky", "eig", "eigh", "lstsq", "lu_factor", "matrix_rank", "pinv", "qr", "svd"]

Array = Any


def _symmetric(x: Tensor) -> Tensor:
    """½ (A + Aᵀ)."""
    return 0.5 * (x + transposed(x))


def _on_diagonal(values: Tensor) -> Tensor:
    """Vectors as diagonal matrices: (..., N) -> (..., N, N)."""
    return expand_dims(values, -1) * eye(values.shape[-1], dtype=values.dtype)


def _below(x: Tensor) -> Tensor:
    """The lower triangle, with half of the diagonal: Φ of Murray 2016."""
    return tril(x) - 0.5 * _on_diagonal(diagonal(x, 0, -2, -1))


def _columns(scale: Tensor) -> Tensor:
    """A factor for each column: (..., N) -> (..., 1, N)."""
    return expand_dims(scale, -2)


# --- Cholesky ---------------------------------------------------------------------------------


@composite
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The lower triangle L with L Lᵀ = x, of symmetric positive definite matrices.

    Args:
        x: (..., N, N), symmetric and positive definite.
        upper: whether to return the upper triangle U = Lᵀ, with Uᵀ U = x.

    Raises:
        ArgumentError: a matrix is not positive definite.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]]).numpy().tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    lower = _cholesky(_symmetric(square_matrix("cholesky", x)))
    return transposed(lower) if upper else lower


@primitive
def _cholesky(x: Array) -> Array:
    """The lower Cholesky factor of float matrices."""
    return in_single(xp().cholesky, x)


@_cholesky.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    # Ā = ½ L⁻ᵀ (P + Pᵀ) L⁻¹ with P = Φ(Lᵀ L̄)
    p = _below(matmul(transposed(out), tril(g)))
    left = solve_triangular(transposed(out), p + transposed(p))
    return (0.5 * transposed(solve_triangular(transposed(out), transposed(left))),)


# --- LU and QR --------------------------------------------------------------------------------


@composite
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """The triangles L and U of P x = L U, with exchanged rows P.

    Args:
        x: (..., N, M).

    Returns:
        L and U in one (..., N, M): L below the diagonal, where it has ones, U above; and the
        pivots, int32 (..., min(N, M)): row i was exchanged with row pivots[i], one after another.

    >>> lu, pivots = lu_factor([[1.0, 2.0], [4.0, 4.0]])
    >>> lu.numpy().tolist(), pivots.numpy().tolist()
    ([[4.0, 4.0], [0.25, 1.0]], [1, 1])
    """
    return _lu_factor(float_matrix("lu_factor", x))


@primitive
def _lu_factor(x: Array) -> tuple[Array, Array]:
    """`lu_factor` of float matrices."""
    return in_single(xp().lu_factor, x)


@_lu_factor.gradient
def _(g: Any, out: Any, x: Tensor):
    # Ā = Pᵀ L⁻ᵀ [tril(Lᵀ L̄, -1) + triu(Ū Uᵀ)] U⁻ᵀ
    lu, pivots = out
    n = x.shape[-1]
    if x.shape[-2] != n:
        raise GradientError(f"lu_factor has a gradient for square matrices only; got {x.shape}.")
    lower, upper = tril(lu, -1) + eye(n, dtype=lu.dtype), triu(lu)
    inner = tril(matmul(transposed(lower), tril(g[0], -1)), -1)
    inner = inner + triu(matmul(triu(g[0]), transposed(upper)))
    left = solve_triangular(transposed(lower), inner)
    permuted = transposed(solve_triangular(upper, transposed(left), lower=False))
    order = Tensor(xp().pivots_to_permutation(pivots.array, n))  # (P A)[i] = A[order[i]]
    back = Tensor(xp().argsort(order.array, axis=-1))
    return (take_along_axis(permuted, expand_dims(back, -1), -2),)


@composite
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """x = Q R: orthonormal columns, and an upper triangle.

    Args:
        x: (..., N, M), K = min(N, M).
        mode: ``"reduced"``: Q (..., N, K) and R (..., K, M); ``"complete"``: Q (..., N, N) and R
            (..., N, M). The columns that complete Q have no gradient of their own.

    >>> q, r = qr([[0.0, 2.0], [1.0, 3.0]])
    >>> print(abs(r.numpy()))
    [[1. 3.]
     [0. 2.]]
    """
    if mode not in ("reduced", "complete"):
        raise ArgumentError(
            "qr: `mode` argument value not supported. Expected one of {'reduced', 'complete'}. "
            f"Received: mode={mode}"
        )
    return _qr(float_matrix("qr", x), mode=mode)


@qr.symbolic_check
def _(x: Any, mode: str = "reduced") -> None:
    if None in x.shape[-2:]:
        raise ShapeError(
            "qr: Input should have its last 2 dimensions fully-defined. Received: "
            f"x.shape = {x.shape}"
        )


@primitive(arity=1)
def _qr(x: Array, mode: str) -> tuple[Array, Array]:
    """`qr` of float matrices."""
    return in_single(functools.partial(xp().linalg.qr, mode=mode), x)


@_qr.gradient
def _(g: Any, out: Any, x: Tensor, mode: str):
    (g_q, g_r), (q, r) = g, out
    n, m = x.shape[-2:]
    if mode == "complete" and n > m:
        raise GradientError(
            "qr(mode='complete') of a matrix with more rows than columns has no gradient: the "
            "columns that complete Q are not determined. Use mode='reduced'."
        )
    if n >= m:
        return (_qr_rule(g_q, g_r, q, r),)
    # A wide matrix is [X Y] with X = Q U square; then Y = Q V gives Ȳ = Q V̄ and Q̄ += Y V̄ᵀ.
    y, g_v = x[..., n:], g_r[..., n:]
    dx = _qr_rule(g_q + matmul(y, transposed(g_v)), g_r[..., :n], q, r[..., :n])
    return (concatenate([dx, matmul(q, g_v)], -1),)


def _qr_rule(g_q: Tensor, g_r: Tensor, q: Tensor, r: Tensor) -> Tensor:
    """Ā = (Q̄ + Q sym(M)) R⁻ᵀ with M = R R̄ᵀ - Q̄ᵀ Q, of which sym copies the lower triangle."""
    m = matmul(r, transposed(triu(g_r))) - matmul(transposed(g_q), q)
    inner = g_q + matmul(q, tril(m) + transposed(tril(m, -1)))
    return transposed(solve_triangular(r, transposed(inner)))


# --- eigenvalues ------------------------------------------------------------------------------


@composite
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and eigenvectors of symmetric matrices: x V = V diag(w).

    Args:
        x: (..., N, N), symmetric.

    Returns:
        w, (..., N), and V, (..., N, N), with the eigenvectors in its columns, of length 1.

    >>> values, vectors = eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.numpy().tolist()
    [1.0, 2.0]
    """
    return _eigh(_symmetric(square_matrix("eigh", x)))


@primitive
def _eigh(x: Array) -> tuple[Array, Array]:
    """`eigh` of symmetric float matrices."""
    return in_single(xp().linalg.eigh, x)


@_eigh.gradient
def _(g: Any, out: Any, x: Tensor):
    # Ā = V (diag(w̄) + F ∘ Vᵀ V̄) Vᵀ with F_ij = 1 / (w_j - w_i) off the diagonal
    (g_w, g_v), (w, v) = g, out
    inner = _on_diagonal(g_w) + _over_gaps(w) * matmul(transposed(v), g_v)
    return (_symmetric(matmul(matmul(v, inner), transposed(v))),)


def _over_gaps(w: Tensor) -> Tensor:
    """F_ij = 1 / (w_j - w_i), and 0 on the diagonal: (..., N) -> (..., N, N)."""
    one = eye(w.shape[-1], dtype=w.dtype)
    return (1 - one) / (expand_dims(w, -2) - expand_dims(w, -1) + one)


@composite
def eig(x: Any) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors of any square matrices, as complex numbers: x V = V diag(w).

    The gradient holds for what does not depend on the phases of the eigenvectors, which are open.

    Args:
        x: (..., N, N).

    Returns:
        w, (..., N), and V, (..., N, N), with the eigenvectors in its columns, of length 1.

    >>> values, vectors = eig([[0.0, 1.0], [-1.0, 0.0]])
    >>> sorted(values.numpy().imag.round(4).tolist())
    [-1.0, 1.0]
    """
    return _eig(square_matrix("eig", x))


@primitive
def _eig(x: Array) -> tuple[Array, Array]:
    """`eig` of float matrices; 16-bit floats give complex64."""
    wide = xp().astype(x, "float32") if x.dtype.itemsize == 2 else x
    return tuple(xp().eig(wide))


@_eig.gradient
def _(g: Any, out: Any, x: Tensor):
    # Ā = V⁻ᴴ (diag(w̄) + E ∘ (Vᴴ V̄ - Vᴴ V Re diag(Vᴴ V̄))) Vᴴ, E_ij = 1 / conj(w_j - w_i) off the
    # diagonal: the columns of V keep length 1. Gradients here are ∂x + i∂y, the conjugates of g.
    (g_w, g_v), (w, v) = g, out
    adjoint = conjugate(transposed(v))
    along = matmul(adjoint, conjugate(g_v))
    lengths = cast(real(diagonal(along, 0, -2, -1)), v.dtype)
    turned = along - matmul(adjoint, v) * _columns(lengths)
    inner = _on_diagonal(conjugate(g_w)) + conjugate(_over_gaps(w)) * turned
    dx = solve(adjoint, matmul(inner, adjoint))
    return (dx if str(x.dtype) in COMPLEX else real(dx),)


# --- singular values --------------------------------------------------------------------------


@composite
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """x = U diag(s) Vᵀ: orthonormal columns, and singular values s ≥ 0, descending.

    Args:
        x: (..., N, M), K = min(N, M).
        full_matrices: whether U is (..., N, N) and Vᵀ (..., M, M); else (..., N, K) and
            (..., K, M). The columns that complete them are not determined, and constants to the
            gradient.
        compute_uv: whether to return U, s, Vᵀ; else s alone.

    Returns:
        U, s (..., K) and Vᵀ; or s.

    >>> svd([[0.0, 3.0], [2.0, 0.0]], compute_uv=False).numpy().tolist()
    [3.0, 2.0]
    """
    x = float_matrix("svd", x)
    if not compute_uv:
        return _singular_values(x)
    return _svd(x, full_matrices=full_matrices)


@primitive(arity=1)
def _svd(x: Array, full_matrices: bool) -> tuple[Array, ...]:
    """`svd` of float matrices."""
    return in_single(functools.partial(xp().linalg.svd, full_matrices=full_matrices), x)


@_svd.gradient
def _(g: Any, out: Any, x: Tensor):
    # Ā = U [F∘(UᵀŪ - ŪᵀU) S + S F∘(VᵀV̄ - V̄ᵀV) + S̄] Vᵀ + (1 - UUᵀ) Ū S⁻¹ Vᵀ + U S⁻¹ V̄ᵀ (1 - VVᵀ)
    # with F_ij = 1 / (s_j² - s_i²) off the diagonal
    s, k = out[1], out[1].shape[-1]
    u, g_u = out[0][..., :k], g[0][..., :k]
    vt, g_vt = out[2][..., :k, :], g[2][..., :k, :]
    gaps, size = _over_gaps(s * s), _columns(s)
    from_u, from_v = matmul(transposed(u), g_u), matmul(vt, transposed(g_vt))
    inner = _on_diagonal(g[1]) + gaps * (from_u - transposed(from_u)) * size
    inner = inner + expand_dims(s, -1) * (gaps * (from_v - transposed(from_v)))
    outside = (g_u - matmul(u, from_u)) / size  # (1 - UUᵀ) Ū S⁻¹
    across = (g_vt - matmul(transposed(from_v), vt)) / expand_dims(s, -1)  # S⁻¹ V̄ᵀ (1 - VVᵀ)
    return (matmul(matmul(u, inner) + outside, vt) + matmul(u, across),)


@primitive
def _singular_values(x: Array) -> Array:
    """The singular values of float matrices."""
    return in_single(functools.partial(xp().linalg.svd, compute_uv=False), x)


@_singular_values.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    u, _, vt = _svd(x, full_matrices=False)
    return (matmul(u * _columns(g), vt),)  # Ā = U diag(s̄) Vᵀ


# --- pseudo-inverse, least squares, rank --------------------------------------------------------


@composite
def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The pseudo-inverse V diag(1/s) Uᵀ, of a matrix of any shape: (..., N, M) -> (..., M, N).

    Args:
        x: any matrices.
        rcond: singular values up to rcond · max s count as 0; 10 max(N, M) ε by default, with ε
            the spacing of the dtype at 1. The gradient holds where the rank stays the same.

    >>> pinv([[2.0], [0.0]]).numpy().tolist()
    [[0.5, 0.0]]
    """
    x = float_matrix("pinv", x)
    if rcond is None:
        rcond = 10 * max(*x.shape[-2:]) * spacing(x)
    return _pinv(x, rcond=rcond)


@primitive(arity=1)
def _pinv(x: Array, rcond: float) -> Array:
    """`pinv` of float matrices."""

    def compute(x: Array) -> Array:
        m = xp()
        u, s, vt = m.linalg.svd(x, full_matrices=False)
        kept = s > rcond * m.max(s, axis=-1, keepdims=True, initial=0)
        scale = m.where(kept, 1 / m.where(kept, s, 1), 0)
        return m.swapaxes(vt, -1, -2) @ (scale[..., None] * m.swapaxes(u, -1, -2))

    return in_single(compute, x)


@_pinv.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    # With P the pseudo-inverse: Ā = -Pᵀ Ḡ Pᵀ + (1 - A P) Ḡᵀ P Pᵀ + Pᵀ P Ḡᵀ (1 - P A)
    n, m = x.shape[-2:]
    p, gt = transposed(out), transposed(g)
    outside = eye(n, dtype=x.dtype) - matmul(x, out)
    across = eye(m, dtype=x.dtype) - matmul(out, x)
    dx = matmul(matmul(outside, gt), matmul(out, p)) + matmul(matmul(p, out), matmul(gt, across))
    return (dx - matmul(matmul(p, g), p),)


@composite
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The x of least length among those with the least |a x - b|: pinv(a) b.

    Args:
        a: (N, M).
        b: (N,) or (N, K).
        rcond: as in `pinv`; max(N, M) ε by default.

    Returns:
        (M,) or (M, K).

    >>> lstsq([[1.0], [1.0]], [1.0, 3.0]).numpy().round(4).tolist()
    [2.0]
    """
    a = float_matrix("lstsq", a, "a")
    a, b = in_one_dtype(a, b)
    if b.ndim == 0 or b.shape[0 if b.ndim == 1 else -2] != a.shape[-2]:
        raise ShapeError(
            f"lstsq() expects as many rows in b as in a; got shapes {a.shape} and {b.shape}."
        )
    if rcond is None:
        rcond = max(*a.shape[-2:]) * spacing(a)
    return matmul(pinv(a, rcond), b)


@composite
def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """How many singular values are not 0: (..., N, M) -> (...), int32.

    Args:
        x: any matrices.
        tol: singular values up to it count as 0; max s · max(N, M) ε by default.

    >>> int(matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
    1
    """
    x = float_matrix("matrix_rank", x)
    s = _singular_values(x)
    if tol is None:
        least = max(*x.shape[-2:]) * spacing(x)
        tol = amax(s, -1, keepdims=True) * least
    return sum(cast(s > tol, "int32"), -1)
