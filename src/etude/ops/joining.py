"""Joining tensors, and splitting them: concatenate, stack, split, and their kin.

All of them are linear, so each rule is the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.shape import axis_index, expand_dims, ravel

__all__ = [
    "append",
    "array_split",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]

Array = Any


@composite
def concatenate(xs: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Tensors one behind the other along an axis.

    Args:
        xs: tensors of equal shapes, apart from that axis.
        axis: which axis; None joins them flat.

    >>> concatenate([[1, 2], [3]]).numpy().tolist()
    [1, 2, 3]
    """
    if axis is None:
        return _concatenate(*(ravel(x) for x in xs), axis=0)
    return _concatenate(*xs, axis=axis)


@concatenate.symbolic_check
def _(xs: Sequence[Any], axis: int | None = 0) -> None:
    if axis is None:  # as Keras, which has no shape for it
        raise ArgumentError("concatenate of symbolic tensors takes an axis; `ravel` them first.")


@primitive(cast="same")
def _concatenate(*xs: Array, axis: int) -> Array:
    """`concatenate`, with the tensors as inputs."""
    for x in xs:
        axis_index(axis, x.ndim)
    ranks = {x.ndim for x in xs}
    rest = (
        {x.shape[:axis] + x.shape[axis:][1:] for x in xs}
        if axis != -1
        else {x.shape[:-1] for x in xs}
    )
    if not xs or len(ranks) > 1 or len(rest) > 1:
        raise ShapeError(
            f"concatenate expects tensors of equal shapes apart from axis {axis}; "
            f"got {', '.join(str(tuple(x.shape)) for x in xs) or 'none'}."
        )
    return xp().concatenate(xs, axis)


@_concatenate.gradient
def _(g: Tensor, out: Tensor, *xs: Tensor, axis: int):
    ends: list[int] = []
    for x in xs:
        ends.append(x.shape[axis] + (ends[-1] if ends else 0))
    return _split(g, ends=tuple(ends), axis=axis)


@composite
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape side by side along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    return _stack(*x, axis=axis)


@primitive(cast="same")
def _stack(*xs: Array, axis: int) -> Array:
    """`stack`, with the tensors as inputs."""
    if len({x.shape for x in xs}) != 1:
        raise ShapeError(
            "stack expects tensors of one shape; "
            f"got {', '.join(str(tuple(x.shape)) for x in xs) or 'none'}."
        )
    return xp().stack(xs, axis)


@_stack.gradient
def _(g: Tensor, out: Tensor, *xs: Tensor, axis: int):
    return _unstack(g, axis=axis)


@composite
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, without it: a list of Tensors.

    Args:
        x: any.
        num: how many there are; found from the shape by default.
        axis: along which axis.

    >>> [t.numpy().tolist() for t in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = as_tensor(x)
    if num is not None and x.shape[axis] != num:
        raise ShapeError(f"unstack: axis {axis} of shape {x.shape} does not have size {num}.")
    return list(_unstack(x, axis=axis))


@unstack.symbolic_check
def _(x: Any, num: int | None = None, axis: int = 0) -> None:
    if num is None and x.shape[axis_index(axis, len(x.shape))] is None:
        raise ShapeError(
            f"unstack: Cannot infer argument `num` from shape {x.shape}. Please provide it."
        )


@primitive
def _unstack(x: Array, *, axis: int) -> tuple[Array, ...]:
    """`unstack` as a tuple."""
    before = (slice(None),) * axis_index(axis, x.ndim)
    return tuple(x[(*before, i)] for i in range(x.shape[axis]))


@_unstack.gradient
def _(g: tuple[Tensor, ...], out: tuple[Tensor, ...], x: Tensor, axis: int):
    return (_stack(*g, axis=axis),)


@composite
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Parts of a tensor along an axis: a list of Tensors.

    Args:
        x: any.
        indices_or_sections: how many equal parts; or the places at which to cut.
        axis: along which axis.

    Raises:
        ShapeError: the axis cannot be cut into so many equal parts.

    >>> [t.numpy().tolist() for t in split([1, 2, 3, 4], [1, 3])]
    [[1], [2, 3], [4]]
    """
    x = as_tensor(x)
    n = x.shape[axis_index(axis, x.ndim)]
    if isinstance(indices_or_sections, int):
        if n % indices_or_sections:
            raise ShapeError(
                f"split: axis {axis} of shape {x.shape} cannot be cut into {indices_or_sections} "
                "equal parts. `array_split` makes parts that differ by one."
            )
        step = n // indices_or_sections
        ends = tuple(step * (i + 1) for i in range(indices_or_sections))
    else:
        ends = (*(int(i) for i in indices_or_sections), n)
    return list(_split(x, ends=ends, axis=axis))


@primitive
def _split(x: Array, *, ends: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """`split` as a tuple; ``ends`` are the places behind each part."""
    before = (slice(None),) * axis_index(axis, x.ndim)
    starts = (0, *ends[:-1])
    return tuple(x[(*before, slice(a, b))] for a, b in zip(starts, ends, strict=True))


@_split.gradient
def _(g: tuple[Tensor, ...], out: tuple[Tensor, ...], x: Tensor, axis: int):
    return (_concatenate(*g, axis=axis),)


@composite
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Like `split`, but the parts may differ by one: the first ones are the longer.

    >>> [t.numpy().tolist() for t in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    if not isinstance(indices_or_sections, int):
        return split(x, indices_or_sections, axis)
    n = as_tensor(x).shape[axis]
    small, longer = divmod(n, indices_or_sections)
    ends = [small * i + min(i, longer) for i in range(1, indices_or_sections)]
    return split(x, ends, axis)


@composite
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """x2 behind x1: `concatenate` of two; flat without an axis.

    >>> append([1, 2], 3).numpy().tolist()
    [1, 2, 3]
    """
    return concatenate([x1, x2], axis)


@composite
def vstack(xs: Sequence[Any]) -> Tensor:
    """Rows below each other: joined along axis 0; vectors are rows.

    >>> vstack([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([_at_least(x, 2, front=True) for x in xs], 0)


@composite
def hstack(xs: Sequence[Any]) -> Tensor:
    """Side by side: joined along axis 1; vectors one behind the other.

    >>> hstack([[1, 2], [3, 4]]).numpy().tolist()
    [1, 2, 3, 4]
    """
    tensors = [_at_least(x, 1, front=True) for x in xs]
    return concatenate(tensors, 0 if tensors[0].ndim == 1 else 1)


@composite
def dstack(xs: Sequence[Any]) -> Tensor:
    """Joined along axis 2; vectors are rows, matrices get the axis.

    >>> dstack([[1, 2], [3, 4]]).numpy().tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate([_at_least(x, 3, front=False) for x in xs], 2)


def _at_least(x: Any, rank: int, front: bool) -> Tensor:
    x = as_tensor(x)
    if rank == 3 and x.ndim < 3:
        x = _at_least(x, 2, front=True)
    while x.ndim < rank:
        x = expand_dims(x, 0 if front else -1)
    return x


@composite
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 1; along axis 0 for vectors.

    >>> len(hsplit([[1, 2, 3, 4]], 2))
    2
    """
    return split(x, indices_or_sections, 0 if as_tensor(x).ndim == 1 else 1)


@composite
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 0.

    >>> len(vsplit([[1], [2]], 2))
    2
    """
    return split(x, indices_or_sections, 0)


@composite
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """`split` along axis 2.

    >>> len(dsplit([[[1, 2]]], 2))
    2
    """
    return split(x, indices_or_sections, 2)
