"""Norms of vectors and matrices, and distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import COMPLEX, FLOATS, result_type
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.complex_numbers import conjugate, is_complex
from etude.ops.core import cast
from etude.ops.decompositions import svd
from etude.ops.elementwise import absolute, divide_no_nan, in_one_dtype
from etude.ops.reduction import max, min, sum
from etude.ops.shape import axes_indices, expand_dims, moveaxis, reshape

__all__ = ["cdist", "norm"]

Array = Any
Axes = int | Sequence[int] | None


@primitive(cast="float")
def _euclidean(x: Array, *, axis: Any, keepdims: bool) -> Array:
    """√ Σ |x|² over axes. The derivative at 0, where every slope is as good, is 0."""
    squares = xp().real(x * xp().conj(x)) if x.dtype.kind == "c" else x * x
    return xp().sqrt(xp().sum(squares, axis=axis, keepdims=keepdims))


@_euclidean.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Any):
    gone = axes_indices(axis, x.ndim)
    shape = tuple(1 if i in gone else n for i, n in enumerate(x.shape))
    towards = conjugate(x) if is_complex(x) else x
    return (reshape(g, shape) * divide_no_nan(towards, reshape(out, shape)),)


@composite
def norm(x: Any, ord: Any = None, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """The size of vectors or matrices.

    Args:
        x: any numbers.
        ord: for vectors: 2 (default), any p > 0 for (Σ |x|^p)^(1/p), 0 for the number of elements
            that are not 0, ±inf for the greatest or least |x|. For matrices: ``"fro"`` (default),
            1 and inf for the greatest sum of a column or row, -1 and -inf for the least; 2 and -2
            for the greatest and least singular value, ``"nuc"`` for their sum.
        axis: an integer: vectors along it; a pair: matrices in them; None: the whole tensor.
        keepdims: whether the axes stay, with size 1.

    >>> float(norm([3.0, 4.0]))
    5.0
    """
    x = as_tensor(x)
    if str(x.dtype) not in (*FLOATS, *COMPLEX):
        wide = config.floatx() if x.dtype == "int64" else result_type(str(x.dtype), float)
        x = cast(x, wide)
    if isinstance(ord, str) and ord not in ("fro", "nuc"):
        raise ArgumentError(
            "norm: Invalid `ord` argument. Expected one of 'fro', 'nuc' when using string. "
            f"Received: ord={ord!r}"
        )
    axes = axes_indices(axis, x.ndim)
    if ord is None:
        return _euclidean(x, axis=axes, keepdims=keepdims)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ArgumentError(
        f"norm: ord={ord!r} is for vectors and matrices; got axis={axis} for shape {x.shape}."
    )


def _vector_norm(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    size = absolute(x)
    if ord == 2:
        return _euclidean(x, axis=(axis,), keepdims=keepdims)
    if ord == math.inf:
        return max(size, axis, keepdims)
    if ord == -math.inf:
        return min(size, axis, keepdims)
    if ord == 0:
        return sum(cast(x != 0, x.dtype), axis, keepdims)
    if ord == 1:
        return sum(size, axis, keepdims)
    if not isinstance(ord, (int, float)):
        raise ArgumentError(
            f"norm: Invalid `ord` argument for vector norm. Received: ord={ord!r}. "
            "Use a number, or a pair of axes for a norm of matrices."
        )
    return sum(size**ord, axis, keepdims) ** (1 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    if ord == "fro":
        return _euclidean(x, axis=axes, keepdims=keepdims)
    if ord in (2, -2, "nuc"):
        s = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        found = sum(s, -1) if ord == "nuc" else max(s, -1) if ord == 2 else min(s, -1)
        return expand_dims(found, tuple(sorted(axes))) if keepdims else found
    if ord not in (1, -1, math.inf, -math.inf):
        raise ArgumentError(
            f"norm: Invalid `ord` argument for matrix norm. Received: ord={ord!r}. Expected "
            "'fro', 'nuc', 1, -1, 2, -2, inf or -inf."
        )
    summed, compared = axes if ord in (1, -1) else axes[::-1]
    sums = sum(absolute(x), summed, keepdims=True)
    found = max(sums, compared, keepdims=True) if ord > 0 else min(sums, compared, keepdims=True)
    return found if keepdims else reshape(found, _without(found.shape, axes))


def _without(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(shape) if i not in axes)


# --- distances --------------------------------------------------------------------------------


@composite
def cdist(x: Any, y: Any) -> Tensor:
    """Euclidean distances of all pairs: out_ij = |x_i - y_j|.

    Where two points are the same, the derivative is taken as 0.

    Args:
        x: points, (..., N, D).
        y: points, (..., M, D).

    Returns:
        (..., N, M).

    >>> cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).numpy().tolist()
    [[5.0, 1.0]]
    """
    x, y = in_one_dtype(x, y)
    if x.ndim < 2 or y.ndim < 2:
        raise ShapeError(
            f"`cdist` inputs must have rank >= 2, (..., N, D); got shapes {x.shape} and {y.shape}."
        )
    if x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            "Last dimension of inputs to `cdist` must match: as many coordinates; got shapes "
            f"{x.shape} and {y.shape}."
        )
    between = expand_dims(x, -2) - expand_dims(y, -3)  # (..., N, M, D)
    return norm(between, axis=-1)
