"""Tensors from sizes and numbers: constants, ranges, identity and triangles."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import is_float_dtype, result_type, standardize_dtype
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError
from etude.ops.core import cast
from etude.ops.elementwise import where
from etude.ops.repetition import pad
from etude.ops.shape import axis_index, broadcast_to, expand_dims, moveaxis, reshape

__all__ = [
    "arange",
    "array",
    "diag",
    "diagflat",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "linspace",
    "logspace",
    "ones",
    "ones_like",
    "tri",
    "tril",
    "triu",
    "vander",
    "zeros",
    "zeros_like",
]

Array = Any
CONSTANT = "it does not depend on the values"


# --- constants --------------------------------------------------------------------------------


@composite
def array(x: Any, dtype: Any = None) -> Tensor:
    """A Tensor of values: another name of `convert_to_tensor`.

    >>> array([1, 2]).shape
    (2,)
    """
    return as_tensor(x, dtype)


def _sizes(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if not hasattr(shape, "__len__") else tuple(int(n) for n in shape)


@composite
def zeros(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of zeros; of the dtype `config.floatx` by default.

    >>> zeros((1, 2)).numpy().tolist()
    [[0.0, 0.0]]
    """
    return Tensor(xp().zeros(_sizes(shape), standardize_dtype(dtype)))


@composite
def ones(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor of ones; of the dtype `config.floatx` by default.

    >>> ones((1, 2)).numpy().tolist()
    [[1.0, 1.0]]
    """
    return Tensor(xp().ones(_sizes(shape), standardize_dtype(dtype)))


@composite
def full(shape: int | Sequence[int], fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor that repeats a value; of the dtype `config.floatx` by default.

    >>> full((2,), 7, "int32").numpy().tolist()
    [7, 7]
    """
    return broadcast_to(as_tensor(fill_value, standardize_dtype(dtype)), _sizes(shape))


@composite
def empty(shape: int | Sequence[int], dtype: Any = None) -> Tensor:
    """A tensor to be replaced: zeros, since no tensor is ever written to.

    >>> empty((2,)).shape
    (2,)
    """
    return zeros(shape, dtype)


@primitive(arity=1)
def zeros_like(x: Array, dtype: Any = None) -> Array:
    """Zeros of the shape of x, and of its dtype by default.

    >>> zeros_like([1, 2]).numpy().tolist()
    [0, 0]
    """
    return xp().zeros(x.shape, str(x.dtype) if dtype is None else standardize_dtype(dtype))


zeros_like.no_gradient(CONSTANT)


@primitive(arity=1)
def ones_like(x: Array, dtype: Any = None) -> Array:
    """Ones of the shape of x, and of its dtype by default.

    >>> ones_like([1.5, 2.0]).numpy().tolist()
    [1.0, 1.0]
    """
    return xp().ones(x.shape, str(x.dtype) if dtype is None else standardize_dtype(dtype))


ones_like.no_gradient(CONSTANT)


@composite
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A value repeated in the shape of x, and in its dtype by default.

    >>> full_like([1, 2], 7).numpy().tolist()
    [7, 7]
    """
    x = as_tensor(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


@composite
def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """A tensor to be replaced, of the shape of x: zeros.

    >>> empty_like([1, 2]).shape
    (2,)
    """
    return zeros_like(x, dtype)


# --- ranges -----------------------------------------------------------------------------------


@composite
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """start, start + step, ..., below stop.

    Args:
        start: the first number; or the end, where there is no ``stop``: then it begins at 0.
        stop: the end, which is not reached.
        step: 1 by default.
        dtype: that of the arguments by default: int32 for integers, `config.floatx` for floats.

    >>> arange(3).numpy().tolist(), arange(1.0, 2.0, 0.25).numpy().tolist()
    ([0, 1, 2], [1.0, 1.25, 1.5, 1.75])
    """
    given = [v for v in (start, stop, step) if v is not None]
    if dtype is None:
        dtype = result_type(*(v.dtype if hasattr(v, "dtype") else type(v) for v in given))
    numbers = [v.item() if hasattr(v, "item") else v for v in (start, stop, step)]
    first, end = (0, numbers[0]) if stop is None else (numbers[0], numbers[1])
    values = xp().arange(first, end, 1 if step is None else numbers[2])
    return Tensor(xp().astype(values, standardize_dtype(dtype)))


@composite
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Numbers at equal distances: (1 - t) start + t stop for t = 0, 1/n, 2/n, ...

    Args:
        start: the first; a number or a tensor.
        stop: the last, broadcast with ``start``.
        num: how many.
        endpoint: whether the last is ``stop`` (n = num - 1), or one step before it (n = num).
        retstep: whether to return the step, too.
        dtype: that of start and stop by default, as a float.
        axis: where the new axis stands.

    >>> linspace(0.0, 1.0, 5).numpy().tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    if num < 0:
        raise ArgumentError(f"linspace: num must not be negative; got {num}.")
    first, last = _as_floats(start, stop)
    steps = num - 1 if endpoint else num
    t = cast(arange(num, dtype="int32"), first.dtype) / max(steps, 1)
    rank = max(first.ndim, last.ndim)
    t = reshape(t, (num,) + (1,) * rank)  # (T, 1, ...)
    values = (1 - t) * first + t * last
    values = moveaxis(values, 0, axis) if axis_index(axis, rank + 1) else values
    if dtype is not None:
        name = standardize_dtype(dtype)
        if not is_float_dtype(name):
            values = Tensor(xp().floor(values.array))
        values = cast(values, name)
    step = (last - first) / steps if steps else full_like(first, math.nan)
    return (values, step) if retstep else values


def _as_floats(*values: Any) -> list[Tensor]:
    kinds = [type(v) if isinstance(v, (bool, int, float)) else as_tensor(v).dtype for v in values]
    dtype = result_type(*(k if isinstance(k, type) else str(k) for k in kinds), float)
    return [as_tensor(v, dtype) for v in values]


@composite
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Numbers at equal ratios: base to the powers of `linspace`.

    >>> logspace(0.0, 2.0, 3).numpy().round(3).tolist()
    [1.0, 10.0, 100.0]
    """
    values = base ** linspace(start, stop, num, endpoint, axis=axis)
    return values if dtype is None else cast(values, dtype)


@composite
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Numbers at equal ratios from start to stop: start · (stop / start)^t for t from 0 to 1.

    Args:
        start: the first; a number or a tensor, not 0.
        stop: the last, of the same sign.
        num: how many.
        endpoint: whether the last is ``stop``, or one ratio before it.
        dtype: that of start and stop by default, as a float.
        axis: where the new axis stands.

    >>> geomspace(1.0, 100.0, 3).numpy().round(3).tolist()
    [1.0, 10.0, 100.0]
    """
    first, last = _as_floats(start, stop)
    t = linspace(zeros_like(last * first), 1.0, num, endpoint, axis=axis)
    place = axis_index(axis, t.ndim)
    values = expand_dims(broadcast_to(first, t.shape[:place] + t.shape[place + 1 :]), place)
    values = values * expand_dims(last / first, place if last.ndim or first.ndim else 0) ** t
    return values if dtype is None else cast(values, dtype)


@composite
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of each element, in a row: x^(N-1), ..., x, 1. Also called Vandermonde matrix.

    Args:
        x: (L,).
        N: how many powers; L by default.
        increasing: whether they begin with 1.

    Returns:
        (L, N).

    >>> vander([2, 3], 3).numpy().tolist()
    [[4, 2, 1], [9, 3, 1]]
    """
    x = as_tensor(x)
    if x.ndim != 1:
        raise ArgumentError(f"vander expects numbers with one axis; got shape {x.shape}.")
    n = x.shape[0] if N is None else int(N)
    powers = arange(n, dtype="int32")
    return expand_dims(x, 1) ** (powers if increasing else n - 1 - powers)


# --- identity, triangles, diagonals -----------------------------------------------------------


def _offsets(n: int, m: int) -> Tensor:
    """Column minus row, (n, m): the number of the diagonal on which each element lies."""
    rows, columns = xp().arange(n, dtype="int32"), xp().arange(m, dtype="int32")
    return Tensor(columns[None, :] - rows[:, None])


@composite
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the k-th diagonal, (N, M).

    Args:
        N: how many rows.
        M: how many columns; as many as rows by default.
        k: which diagonal: 0 the main one, above it positive.
        dtype: `config.floatx` by default.

    Raises:
        DtypeError: a size is no integer.

    >>> eye(2).numpy().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    rows, columns = (operator.index(_size("eye", n)) for n in (N, N if M is None else M))
    return cast(_offsets(rows, columns) == k, dtype or config.floatx())


def _size(name: str, n: Any) -> Any:
    """A number of rows or columns: an integer, or a Tensor of one."""
    kind = str(n.dtype) if hasattr(n, "dtype") else type(n).__name__
    if not kind.startswith(("int", "uint")):
        raise DtypeError(f"{name}() expects integers as sizes; got {n!r}.")
    return n


@composite
def identity(n: int, dtype: Any = None) -> Tensor:
    """The identity matrix, (n, n).

    >>> identity(1).numpy().tolist()
    [[1.0]]
    """
    return eye(n, dtype=dtype)


@composite
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below the k-th diagonal, (N, M).

    >>> tri(2).numpy().tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return cast(_offsets(int(N), int(N if M is None else M)) <= k, dtype or config.floatx())


@composite
def tril(x: Any, k: int = 0) -> Tensor:
    """The lower triangle: zeros above the k-th diagonal of the last two axes.

    >>> tril([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 0], [3, 4]]
    """
    x = as_tensor(x)
    return where(_offsets(*x.shape[-2:]) <= k, x, zeros_like(x))


@composite
def triu(x: Any, k: int = 0) -> Tensor:
    """The upper triangle: zeros below the k-th diagonal of the last two axes.

    >>> triu([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 2], [0, 4]]
    """
    x = as_tensor(x)
    return where(_offsets(*x.shape[-2:]) >= k, x, zeros_like(x))


@composite
def diag(x: Any, k: int = 0) -> Tensor:
    """A vector on the k-th diagonal of a square matrix; or that diagonal of a matrix.

    >>> diag([1, 2]).numpy().tolist(), diag([[1, 2], [3, 4]]).numpy().tolist()
    ([[1, 0], [0, 2]], [1, 4])
    """
    x = as_tensor(x)
    if x.ndim == 2:
        return diagonal_of(x, k)
    if x.ndim != 1:
        raise ArgumentError(f"diag expects a vector or a matrix; got shape {x.shape}.")
    n = x.shape[0] + (k if k > 0 else -k)
    rows = pad(x, (0, k) if k > 0 else (-k, 0))  # row i of the matrix holds rows[i]
    return where(_offsets(n, n) == k, expand_dims(rows, 1), zeros_like(rows))


@composite
def diagflat(x: Any, k: int = 0) -> Tensor:
    """All elements on the k-th diagonal of a square matrix.

    >>> diagflat([[1, 2]]).numpy().tolist()
    [[1, 0], [0, 2]]
    """
    return diag(reshape(x, (-1,)), k)


def diagonal_of(x: Tensor, k: int) -> Tensor:
    """The k-th diagonal of the last two axes: (..., N, M) -> (..., D).

    >>> diagonal_of(as_tensor([[1, 2], [3, 4]]), 1).numpy().tolist()
    [2]
    """
    n, m = x.shape[-2:]
    first_row, first_column = max(-k, 0), max(k, 0)
    length = max(min(n - first_row, m - first_column), 0)
    steps = xp().arange(length, dtype="int32")
    return x[..., Tensor(steps + first_row), Tensor(steps + first_column)]
