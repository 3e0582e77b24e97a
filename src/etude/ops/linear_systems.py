"""Systems of linear equations: triangles, inverses, determinants.

All take stacks of matrices, (..., N, N). 16-bit floats are worked on in 32 bits and rounded once.
Written A for a matrix and Ā for the gradient of the loss by it, the rules follow from
d(A⁻¹) = -A⁻¹ dA A⁻¹.

Source: Giles, An extended collection of matrix derivative results, 2008.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import COMPLEX, FLOATS
from etude.engine import xp
from etude.errors import DtypeError, ShapeError
from etude.ops.core import cast
from etude.ops.creation import eye, tril, triu
from etude.ops.elementwise import in_one_dtype
from etude.ops.products import matmul
from etude.ops.shape import expand_dims, squeeze, swapaxes

__all__ = ["cholesky_inverse", "det", "inv", "logdet", "slogdet", "solve", "solve_triangular"]

Array = Any


# --- what is asked of the arguments -------------------------------------------------------------


def float_matrix(name: str, x: Any, argument: str = "x") -> Tensor:
    """A Tensor of floats with two axes or more; integers become `config.floatx`."""
    t = as_tensor(x)
    if t.ndim < 2:
        raise ShapeError(
            f"{name}(): Input should have rank >= 2. Received: {argument}.shape = {t.shape}, which "
            "is no matrix, nor a stack of them."
        )
    return t if str(t.dtype) in (*FLOATS, *COMPLEX) else cast(t, config.floatx())


def square_matrix(name: str, x: Any, argument: str = "x") -> Tensor:
    """Like `float_matrix`, and as many rows as columns."""
    t = float_matrix(name, x, argument)
    if t.shape[-1] != t.shape[-2]:
        raise ShapeError(
            f"{name}() expects a square matrix: as many rows as columns in the last two axes; got "
            f"shape {t.shape}."
        )
    return t


def in_single(f: Callable[..., Any], *arrays: Array) -> Any:
    """A function of arrays, computed in 32 bits where they have 16."""
    name = str(arrays[0].dtype)
    if arrays[0].dtype.itemsize != 2:
        return f(*arrays)
    found: Any = f(*(xp().astype(a, "float32") for a in arrays))
    if isinstance(found, tuple):
        return tuple(_narrow(a, name) for a in found)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return _narrow(found, name)


def _narrow(a: Array, dtype: str) -> Array:
    return xp().astype(a, dtype) if str(a.dtype) == "float32" else a


_SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "complex64": 2.0**-23}


def spacing(x: Tensor) -> float:
    """ε: how far the next number of the dtype is from 1.

    >>> spacing(as_tensor(1.0, "float16"))
    0.0009765625
    """
    return _SPACING.get(str(x.dtype), 2.0**-52)


def transposed(x: Tensor) -> Tensor:
    """The last two axes exchanged.

    >>> transposed(as_tensor([[1, 2]])).shape
    (2, 1)
    """
    return swapaxes(x, -1, -2)


# --- systems ----------------------------------------------------------------------------------


def _system(name: str, a: Any, b: Any) -> tuple[Tensor, Tensor, bool]:
    """Matrix and right sides (..., N, K) in one dtype, and whether b was (..., N)."""
    a = square_matrix(name, a, "a")
    a, b = in_one_dtype(a, b)
    if str(a.dtype) not in (*FLOATS, *COMPLEX):
        raise DtypeError(f"{name}() expects numbers; got dtype {a.dtype}.")
    vector = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    b = expand_dims(b, -1) if vector else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"{name}() expects as many rows in b as a has: (..., N, N) and (..., N) or "
            f"(..., N, K); got shapes {a.shape} and {b.shape[:-1] if vector else b.shape}."
        )
    return a, b, vector


@composite
def solve(a: Any, b: Any) -> Tensor:
    """x with a x = b.

    Args:
        a: matrices, (..., N, N).
        b: right sides, (..., N) or (..., N, K).

    Returns:
        A tensor of the shape of b.

    Raises:
        ArgumentError: a matrix is singular (on the engine numpy; xla gives infinities or NaN).

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).numpy().tolist()
    [1.0, 0.5]
    """
    a, b, vector = _system("solve", a, b)
    x = _solve(a, b)
    return squeeze(x, -1) if vector else x


def _known_system(a: Any, b: Any, lower: bool = False) -> None:
    """Sizes that are not known must not be left to chance: they are the same unknown, or misfit."""
    if len(b.shape) < 1:
        raise ShapeError(f"solve() expects right sides (..., N) or (..., N, K); got {b.shape}.")
    rows = b.shape[-1] if len(b.shape) == len(a.shape) - 1 else b.shape[-2]
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2] or a.shape[-1] != rows:
        raise ShapeError(
            "solve() expects a square matrix and as many right sides as it has rows; got shapes "
            f"{a.shape} and {b.shape}."
        )


solve.symbolic_check(_known_system)


@primitive
def _solve(a: Array, b: Array) -> Array:
    """x with a x = b, for right sides (..., N, K)."""
    return in_single(xp().solve, a, b)


@_solve.gradient
def _(g: Tensor, out: Tensor, a: Tensor, b: Tensor):
    db = _solve(transposed(a), g)  # b̄ = A⁻ᵀ ḡ
    return lambda: -matmul(db, transposed(out)), db  # Ā = -b̄ xᵀ


@composite
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """x with a x = b, where a is a triangle: by substitution.

    Args:
        a: matrices, (..., N, N); what stands in the other triangle does not count.
        b: right sides, (..., N) or (..., N, K).
        lower: whether it is the lower triangle.

    Returns:
        A tensor of the shape of b.

    >>> solve_triangular([[2.0, 0.0], [1.0, 4.0]], [2.0, 5.0], lower=True).numpy().tolist()
    [1.0, 1.0]
    """
    a, b, vector = _system("solve_triangular", a, b)
    x = _solve_triangular(a, b, lower=lower)
    return squeeze(x, -1) if vector else x


solve_triangular.symbolic_check(_known_system)


@primitive(arity=2)
def _solve_triangular(a: Array, b: Array, lower: bool) -> Array:
    """x with a x = b, for triangles a and right sides (..., N, K)."""
    return in_single(functools.partial(xp().solve_triangular, lower=lower), a, b)


@_solve_triangular.gradient
def _(g: Tensor, out: Tensor, a: Tensor, b: Tensor, lower: bool):
    db = _solve_triangular(transposed(a), g, lower=not lower)
    triangle = tril if lower else triu
    return lambda: -triangle(matmul(db, transposed(out))), db


# --- inverses and determinants ------------------------------------------------------------------


@composite
def inv(x: Any) -> Tensor:
    """The inverse: x⁻¹ with x x⁻¹ = 1.

    Raises:
        ArgumentError: a matrix is singular (on the engine numpy; xla gives infinities or NaN).

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).numpy().tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return _inv(square_matrix("inv", x))


@primitive
def _inv(x: Array) -> Array:
    """The inverse of float matrices."""
    return in_single(xp().inv, x)


@_inv.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    back = transposed(out)
    return (-matmul(matmul(back, g), back),)  # Ā = -A⁻ᵀ ḡ A⁻ᵀ


@composite
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of A = L Lᵀ, from its Cholesky factor: L⁻ᵀ L⁻¹.

    Args:
        x: the factor, a lower triangle (..., N, N).
        upper: whether it is an upper triangle U with A = Uᵀ U.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).numpy().tolist()
    [[0.25, 0.0], [0.0, 1.0]]
    """
    factor = square_matrix("cholesky_inverse", x)
    back = solve_triangular(factor, eye(factor.shape[-1], dtype=factor.dtype), lower=not upper)
    return matmul(back, transposed(back)) if upper else matmul(transposed(back), back)


@composite
def det(x: Any) -> Tensor:
    """The determinant, (..., N, N) -> (...).

    The derivative, det(A) A⁻ᵀ, is computed by the inverse: there is none where A is singular.

    >>> float(det([[1.0, 2.0], [3.0, 4.0]]))
    -2.0
    """
    return _det(square_matrix("det", x))


@primitive
def _det(x: Array) -> Array:
    """The determinant of float matrices."""
    return in_single(xp().det, x)


@_det.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (expand_dims(g * out, (-1, -2)) * transposed(_inv(x)),)  # d det A = det A tr(A⁻¹ dA)


@composite
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant and the logarithm of its size, where itself would overflow.

    Returns:
        sign (-1, 0 or 1; without derivative) and ln |det x|, (...) each.

    >>> sign, size = slogdet([[1.0, 2.0], [3.0, 4.0]])
    >>> float(sign), round(float(size), 4)
    (-1.0, 0.6931)
    """
    return _slogdet(square_matrix("slogdet", x))


@primitive
def _slogdet(x: Array) -> tuple[Array, Array]:
    """Sign and logarithm of the determinants of float matrices."""
    return in_single(xp().slogdet, x)


@_slogdet.gradient
def _(g: Any, out: Any, x: Tensor):
    return (expand_dims(g[1], (-1, -2)) * transposed(_inv(x)),)  # d ln|det A| = tr(A⁻¹ dA)


@composite
def logdet(x: Any) -> Tensor:
    """ln |det x|: the logarithm of the size of the determinant.

    >>> round(float(logdet([[1.0, 2.0], [3.0, 4.0]])), 4)
    0.6931
    """
    return slogdet(x)[1]
