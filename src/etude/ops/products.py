"""Products of vectors, matrices and tensors; diagonals.

A product costs as much in the gradient as in the forward, for each operand: the rules return
functions, so that only what is asked for is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ShapeError
from etude.ops.core import cast
from etude.ops.creation import diagonal_of
from etude.ops.elementwise import in_one_dtype
from etude.ops.joining import stack
from etude.ops.reduction import sum
from etude.ops.shape import axes_indices, expand_dims, moveaxis, ravel, reshape, swapaxes, transpose

__all__ = [
    "cross",
    "diagonal",
    "dot",
    "inner",
    "kron",
    "matmul",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]

Array = Any


# --- products ---------------------------------------------------------------------------------


@primitive(cast="same")
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product: out[..., i, j] = Σ_k x1[..., i, k] x2[..., k, j].

    Args:
        x1: (*A, N, K), or a vector (K,), which is a row.
        x2: (*B, K, M), or a vector (K,), which is a column. A and B broadcast.

    Returns:
        (*A∪B, N, M), without the axis that a vector lacks. Products of int8 are summed in int32.

    Raises:
        ShapeError: K differs, or there are no axes.

    >>> matmul([[1, 2], [3, 4]], [1, 1]).numpy().tolist()
    [3, 7]
    """
    _check_product(x1.shape, x2.shape)
    return in_wider(xp().matmul, x1, x2)


def in_wider(product: Callable[..., Array], *arrays: Array) -> Array:
    """A product of arrays of one dtype, summed in a wider one where that is due.

    Products of int8 are int32. NumPy has no fast products of 16-bit floats: there they are taken
    in 32 bits, and rounded once.
    """
    name = str(arrays[0].dtype)
    if name == "int8":
        return product(*(xp().astype(a, "int32") for a in arrays))
    if name in ("float16", "bfloat16") and xp().name == "numpy":
        return xp().astype(product(*(xp().astype(a, "float32") for a in arrays)), name)
    return product(*arrays)


def _check_product(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    if not a or not b or a[-1] != b[_summed_axis(b)]:
        raise ShapeError(
            "matmul expects the last axis of x1 to be as long as the last but one of x2 (the "
            f"only one, of a vector); got shapes {tuple(a)} and {tuple(b)}."
        )


def _summed_axis(shape: tuple[int, ...]) -> int:
    """The axis of a right operand over which a product sums."""
    return -2 if len(shape) > 1 else -1


@matmul.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    if x1.ndim == 1 and x2.ndim == 1:
        return lambda: g * x2, lambda: g * x1
    # Vectors become matrices with one row or column; then dA = G Bᵀ, dB = Aᵀ G.
    a = expand_dims(x1, 0) if x1.ndim == 1 else x1
    b = expand_dims(x2, 1) if x2.ndim == 1 else x2
    if x1.ndim == 1:
        g = expand_dims(g, -2)
    if x2.ndim == 1:
        g = expand_dims(g, -1)
    return lambda: _left(g, a, b, x1), lambda: _right(g, a, b, x2)


def _left(g: Tensor, a: Tensor, b: Tensor, x1: Tensor) -> Tensor:
    """G Bᵀ: (*C, N, M), (*B, K, M) -> (*C, N, K)."""
    da = matmul(g, swapaxes(b, -1, -2))
    return da[..., 0, :] if x1.ndim == 1 else da


def _right(g: Tensor, a: Tensor, b: Tensor, x2: Tensor) -> Tensor:
    """Aᵀ G: (*A, N, K), (*C, N, M) -> (*C, K, M); one product where B has no batch axes."""
    if b.ndim == 2 and a.ndim > 2 and a.shape[:-1] == g.shape[:-1]:
        a, g = reshape(a, (-1, a.shape[-1])), reshape(g, (-1, g.shape[-1]))
    db = matmul(swapaxes(a, -1, -2), g)
    return db[..., 0] if x2.ndim == 1 else db


@composite
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """Products summed over pairs of axes.

    Args:
        x1: any.
        x2: any.
        axes: over how many: the last of x1 with the first of x2; or which: (those of x1, those of
            x2), integers or sequences.

    Returns:
        The other axes of x1, then the other axes of x2.

    >>> tensordot([[1, 2], [3, 4]], [[1, 0], [0, 1]]).numpy().tolist()
    5
    """
    x1, x2 = in_one_dtype(x1, x2)
    if isinstance(axes, int):
        ours, theirs = tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes))
    else:
        ours, theirs = (axes_indices(a, t.ndim) for a, t in zip(axes, (x1, x2), strict=True))
    sizes = tuple(x1.shape[i] for i in ours)
    if sizes != tuple(x2.shape[i] for i in theirs):
        raise ShapeError(
            f"tensordot expects paired axes of equal sizes; got axes={axes} for shapes "
            f"{x1.shape} and {x2.shape}."
        )
    left = tuple(i for i in range(x1.ndim) if i not in ours)
    right = tuple(i for i in range(x2.ndim) if i not in theirs)
    a = reshape(transpose(x1, (*left, *ours)), (-1, math.prod(sizes)))  # (N, K)
    b = reshape(transpose(x2, (*theirs, *right)), (math.prod(sizes), -1))  # (K, M)
    shape = (*(x1.shape[i] for i in left), *(x2.shape[i] for i in right))
    return cast(reshape(matmul(a, b), shape), x1.dtype)


@composite
def dot(x1: Any, x2: Any) -> Tensor:
    """Products summed over the last axis of x1 and the last but one of x2.

    A vector's only axis is summed over; scalars multiply. For two matrices it is `matmul`.

    >>> int(dot([1, 2], [3, 4]))
    11
    """
    x1, x2 = in_one_dtype(x1, x2)
    if not x1.ndim or not x2.ndim:
        return x1 * x2
    return tensordot(x1, x2, ((-1,), (_summed_axis(x2.shape),)))


@composite
def inner(x1: Any, x2: Any) -> Tensor:
    """Products summed over the last axis of both; scalars multiply.

    >>> int(inner([1, 2], [3, 4]))
    11
    """
    x1, x2 = in_one_dtype(x1, x2)
    if not x1.ndim or not x2.ndim:
        return x1 * x2
    if x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"inner expects a last dimension of one size; got shapes {x1.shape} and {x2.shape}."
        )
    return tensordot(x1, x2, ((-1,), (-1,)))


@composite
def outer(x1: Any, x2: Any) -> Tensor:
    """All products of an element of x1 and one of x2: (N, M), for the flat tensors.

    >>> outer([1, 2], [3, 4]).numpy().tolist()
    [[3, 4], [6, 8]]
    """
    x1, x2 = in_one_dtype(x1, x2)
    return expand_dims(ravel(x1), 1) * expand_dims(ravel(x2), 0)


@composite
def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of all elements, for the flat tensors.

    >>> int(vdot([[1, 2]], [[3], [4]]))
    11
    """
    return dot(ravel(x1), ravel(x2))


@composite
def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: each element of x1 times the whole of x2, in its place.

    >>> kron([1, 10], [1, 2]).numpy().tolist()
    [1, 2, 10, 20]
    """
    x1, x2 = in_one_dtype(x1, x2)
    rank = x1.ndim if x1.ndim > x2.ndim else x2.ndim
    a, b = ((1,) * (rank - t.ndim) + t.shape for t in (x1, x2))
    wide = reshape(x1, tuple(n for s in a for n in (s, 1)))  # (a0, 1, a1, 1, ...)
    narrow = reshape(x2, tuple(n for s in b for n in (1, s)))  # (1, b0, 1, b1, ...)
    return reshape(wide * narrow, tuple(m * n for m, n in zip(a, b, strict=True)))


@composite
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """The vector product x1 × x2, at right angles to both.

    Args:
        x1: vectors of 3 (or 2) components along ``axisa``.
        x2: likewise, along ``axisb``. Two vectors of 2 components give the third component only.
        axisa: the axis of components in x1.
        axisb: the axis of components in x2.
        axisc: the axis of components in the result.
        axis: all three of them.

    >>> cross([1, 0, 0], [0, 1, 0]).numpy().tolist()
    [0, 0, 1]
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = in_one_dtype(x1, x2)
    a, b = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ShapeError(
            f"cross expects vectors of 2 or 3 components; got shapes {x1.shape} and {x2.shape}."
        )
    third = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if a.shape[-1] == b.shape[-1] == 2:
        return third
    a2, b2 = (t[..., 2] if t.shape[-1] == 3 else None for t in (a, b))
    first = _difference(a[..., 1], b2, a2, b[..., 1])
    second = _difference(a2, b[..., 0], a[..., 0], b2)
    return moveaxis(stack([first, second, third], -1), -1, axisc)


def _difference(a: Tensor | None, b: Tensor | None, c: Tensor | None, d: Tensor | None) -> Any:
    """Returns a b - c d, where a component that is missing is 0."""
    ab = None if a is None or b is None else a * b
    cd = None if c is None or d is None else c * d
    if ab is None:
        return -cd if cd is not None else 0
    return ab if cd is None else ab - cd


# --- diagonals --------------------------------------------------------------------------------


@composite
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of the matrices in two axes; it comes last in the result.

    Args:
        x: any, of two axes or more.
        offset: which diagonal: 0 the main one, above it positive.
        axis1: the axis of rows.
        axis2: the axis of columns.

    >>> diagonal([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"diagonal expects two axes or more; got shape {x.shape}.")
    return diagonal_of(moveaxis(x, (axis1, axis2), (-2, -1)), offset)


@composite
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal of the matrices in two axes; see `diagonal`.

    >>> int(trace([[1, 2], [3, 4]]))
    5
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)
