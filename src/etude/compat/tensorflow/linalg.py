"""`tf.linalg`: products, norms, decompositions, diagonals, under TensorFlow's names."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from etude import ops
from etude.compat.adoption import adopt
from etude.compat.missing import lacks
from etude.compat.tensorflow.clipping import global_norm as global_norm
from etude.compat.tensorflow.making import eye as eye
from etude.compat.tensorflow.math import l2_normalize as l2_normalize

cholesky = adopt("ops.cholesky", "input")
det = adopt("ops.det", "input")
eigh = adopt("ops.eigh", "tensor")
inv = adopt("ops.inv", "input")
logdet = adopt("ops.logdet", "matrix")
matrix_rank = adopt("ops.matrix_rank", "a")
pinv = adopt("ops.pinv", "a rcond")
qr = adopt("ops.qr", "input")
slogdet = adopt("ops.slogdet", "input")
solve = adopt("ops.solve", "matrix rhs")
tensordot = adopt("ops.tensordot", "a b axes")
trace = adopt("ops.trace", "x")
cross = adopt("ops.cross", "a b")


def _turned(a: Any, turn: bool) -> Any:
    return ops.swapaxes(a, -1, -2) if turn else a


def matmul(
    a: Any,
    b: Any,
    transpose_a: bool = False,
    transpose_b: bool = False,
    adjoint_a: bool = False,
    adjoint_b: bool = False,
    name: str | None = None,
    **_: Any,
) -> Any:
    """The matrix product over the last two axes.

    >>> matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy().tolist()
    [[11.0]]
    """
    return ops.matmul(_turned(a, transpose_a or adjoint_a), _turned(b, transpose_b or adjoint_b))


def matvec(a: Any, b: Any, transpose_a: bool = False, name: str | None = None, **_: Any) -> Any:
    """A matrix times a vector.

    >>> matvec([[1.0, 2.0]], [3.0, 4.0]).numpy().tolist()
    [11.0]
    """
    return ops.squeeze(ops.matmul(_turned(a, transpose_a), ops.expand_dims(b, -1)), -1)


def matrix_transpose(a: Any, name: str | None = None, conjugate: bool = False) -> Any:
    """The last two axes exchanged.

    >>> matrix_transpose([[1, 2]]).shape
    (2, 1)
    """
    return ops.swapaxes(a, -1, -2)


adjoint = matrix_transpose


def einsum(equation: str, *inputs: Any, **_: Any) -> Any:
    """Sums of products by an equation of indices.

    >>> einsum("ij->ji", [[1, 2]]).shape
    (2, 1)
    """
    return ops.einsum(equation, *inputs)


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool = False, name: Any = None
) -> Any:
    """A norm over axes; of all elements as one vector by default.

    >>> float(norm([[3.0, 4.0]])), float(norm([3.0, -4.0], ord=1))
    (5.0, 7.0)
    """
    order = None if ord == "euclidean" else ord
    if axis is None:
        flat = ops.norm(ops.reshape(tensor, (-1,)), ord=order)
        return ops.reshape(flat, (1,) * np.ndim(tensor)) if keepdims else flat
    return ops.norm(tensor, ord=order, axis=axis, keepdims=keepdims)


class _Normalized(NamedTuple):
    normalized: Any
    norm: Any


def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: Any = None) -> Any:
    """The tensor divided by its norm, and the norm.

    >>> [f"{v:.1f}" for v in normalize([3.0, 4.0])[0]]
    ['0.6', '0.8']
    """
    size = norm(tensor, ord, axis, keepdims=True)
    return _Normalized(ops.divide(tensor, size), size)


def svd(
    tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None
) -> Any:
    """Singular values s, then u and v: the tensor is u diag(s) vᵀ.

    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).numpy().tolist()
    [4.0, 3.0]
    """
    if not compute_uv:
        return ops.svd(tensor, full_matrices, compute_uv=False)
    u, s, vh = ops.svd(tensor, full_matrices)
    return s, u, ops.swapaxes(vh, -1, -2)


def lstsq(
    matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None
) -> Any:
    """The least-squares solution of a system of equations.

    >>> lstsq([[1.0], [1.0]], [[1.0], [3.0]]).numpy().round(3).tolist()
    [[2.0]]
    """
    return ops.lstsq(matrix, rhs)


def triangular_solve(
    matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None
) -> Any:
    """The solution of a system with a triangular matrix.

    >>> triangular_solve([[2.0, 0.0], [1.0, 1.0]], [[2.0], [3.0]]).numpy().tolist()
    [[1.0], [2.0]]
    """
    return ops.solve_triangular(_turned(matrix, adjoint), rhs, lower=lower is not adjoint)


def diag(diagonal: Any, name: str = "diag", **_: Any) -> Any:
    """Matrices with these diagonals.

    >>> diag([1, 2]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    diagonal = ops.convert_to_tensor(diagonal)
    n = diagonal.shape[-1]
    return ops.multiply(ops.expand_dims(diagonal, -1), ops.eye(n, dtype=str(diagonal.dtype)))


tensor_diag = diag


def diag_part(input: Any, name: str = "diag_part", k: int = 0, **_: Any) -> Any:
    """The diagonals of matrices.

    >>> diag_part([[1, 2], [3, 4]]).numpy().tolist()
    [1, 4]
    """
    return ops.diagonal(input, offset=k, axis1=-2, axis2=-1)


tensor_diag_part = diag_part


def set_diag(input: Any, diagonal: Any, name: str = "set_diag", **_: Any) -> Any:
    """Matrices with other diagonals.

    >>> set_diag([[1, 2], [3, 4]], [9, 9]).numpy().tolist()
    [[9, 2], [3, 9]]
    """
    input = ops.convert_to_tensor(input)
    rows, columns = input.shape[-2:]
    return ops.where(ops.eye(rows, columns, dtype="bool"), ops.expand_dims(diagonal, -1), input)


def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Any:
    """Matrices with zeros outside of a band around the diagonal; -1 keeps a whole side.

    >>> band_part([[1, 2], [3, 4]], -1, 0).numpy().tolist()
    [[1, 0], [3, 4]]
    """
    input = ops.convert_to_tensor(input)
    low, high = int(num_lower), int(num_upper)
    input = input if low < 0 else ops.triu(input, -low)
    return input if high < 0 else ops.tril(input, high)


__getattr__ = lacks("tf.linalg", __name__)
