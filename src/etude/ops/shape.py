"""The same elements in another shape or order: reshape, transpose, broadcast, mirrors, turns.

All of them are linear, so each rule is the movement backwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError

__all__ = [
    "broadcast_to",
    "copy",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "ndim",
    "ravel",
    "reshape",
    "roll",
    "rot90",
    "size",
    "squeeze",
    "swapaxes",
    "transpose",
]

Array = Any
Axes = int | Sequence[int] | None


def axis_index(axis: int, rank: int) -> int:
    """The axis counted from the front.

    Raises:
        ArgumentError: there is no such axis.

    >>> axis_index(-1, 3)
    2
    """
    if not -rank <= axis < rank:
        raise ArgumentError(
            f"axis {axis} is out of bounds for a tensor with {rank} axes: expected {-rank} to "
            f"{rank - 1}."
        )
    return axis % rank


def axes_indices(axis: Axes, rank: int) -> tuple[int, ...]:
    """Axes counted from the front; None means all of them.

    >>> axes_indices(None, 2), axes_indices(-1, 2), axes_indices((0, -1), 3)
    ((0, 1), (1,), (0, 2))
    """
    if axis is None:
        return tuple(range(rank))
    if isinstance(axis, (tuple, list)):
        return tuple(axis_index(int(a), rank) for a in axis)
    return (axis_index(int(axis), rank),)  # type: ignore[arg-type]


# --- shape -----------------------------------------------------------------------------------


@primitive(arity=1)
def reshape(x: Array, newshape: Any) -> Array:
    """The same elements, row by row, in another shape.

    Args:
        x: any.
        newshape: sizes; one of them may be -1, which is worked out from the others.

    >>> reshape([1, 2, 3, 4], (2, -1)).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    shape = (newshape,) if isinstance(newshape, int) else tuple(int(n) for n in newshape)
    if any(n < -1 for n in shape) or shape.count(-1) > 1:
        raise ShapeError(
            "reshape: sizes are non-negative integers or -1, with at most one unknown dimension "
            f"(-1). Received: newshape={shape}"
        )
    known = math.prod(n for n in shape if n != -1)
    if x.size != known if -1 not in shape else x.size % max(known, 1):
        raise ShapeError(
            f"Cannot reshape a tensor of shape {tuple(x.shape)}, which has {x.size} elements, "
            f"to {shape}."
        )
    return x.reshape(shape)


@reshape.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (reshape(g, x.shape),)


@composite
def ravel(x: Any) -> Tensor:
    """All elements, row by row, along one axis.

    >>> ravel([[1, 2], [3, 4]]).numpy().tolist()
    [1, 2, 3, 4]
    """
    return reshape(x, (-1,))


@composite
def copy(x: Any) -> Tensor:
    """The same values in a Tensor of its own.

    >>> copy([1, 2]).numpy().tolist()
    [1, 2]
    """
    x = as_tensor(x)
    return reshape(x, x.shape)


@primitive(arity=1)
def transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order: out[i_axes[0], i_axes[1], ...] = x[i_0, i_1, ...].

    Args:
        x: any.
        axes: for each axis of the result, which axis of x it is; reversed by default.

    >>> transpose([[1, 2, 3]]).shape
    (3, 1)
    """
    if axes is not None and any(not -x.ndim <= a < x.ndim for a in axes):
        raise ArgumentError(
            f"transpose: Each axis in `axes` must be an integer in [{-x.ndim}, {x.ndim}). "
            f"Received: axes={list(axes)}"
        )
    if axes is not None and sorted(axes_indices(axes, x.ndim)) != list(range(x.ndim)):
        raise ArgumentError(
            "transpose: `axes` must be a list of the same length as the input shape, a valid "
            f"permutation of the {x.ndim} axes of shape {tuple(x.shape)}. Received: "
            f"axes={list(axes)}"
        )
    return xp().transpose(x, None if axes is None else tuple(axes))


@transpose.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axes: Sequence[int] | None):
    if axes is None:
        return (transpose(g),)
    order = axes_indices(axes, x.ndim)
    return (transpose(g, tuple(order.index(i) for i in range(x.ndim))),)


@composite
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two axes exchanged.

    >>> swapaxes([[[1, 2, 3]]], 0, 2).shape
    (3, 1, 1)
    """
    x = as_tensor(x)
    order = list(range(x.ndim))
    a, b = axis_index(axis1, x.ndim), axis_index(axis2, x.ndim)
    order[a], order[b] = order[b], order[a]
    return transpose(x, tuple(order))


@composite
def moveaxis(x: Any, source: Axes, destination: Axes) -> Tensor:
    """Axes moved to other places; the others keep their order.

    Args:
        x: any.
        source: which axes, an integer or a sequence.
        destination: where to; one place for each.

    >>> moveaxis([[[1, 2, 3]]], -1, 0).shape
    (3, 1, 1)
    """
    x = as_tensor(x)
    sources, places = axes_indices(source, x.ndim), axes_indices(destination, x.ndim)
    if len(sources) != len(places):
        raise ArgumentError(f"moveaxis got {len(sources)} sources, {len(places)} destinations.")
    order = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


@primitive(arity=1)
def expand_dims(x: Array, axis: Axes) -> Array:
    """New axes of size 1.

    Args:
        x: any.
        axis: where they stand in the result, an integer or a sequence.

    >>> expand_dims([1, 2], -1).shape
    (2, 1)
    """
    return xp().expand_dims(x, tuple(axis) if isinstance(axis, list) else axis)


@expand_dims.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (reshape(g, x.shape),)


@primitive(arity=1)
def squeeze(x: Array, axis: Axes = None) -> Array:
    """Without axes of size 1.

    Args:
        x: any.
        axis: which ones; all of size 1 by default.

    Raises:
        ShapeError: a named axis has another size.

    >>> squeeze([[1], [2]], -1).shape
    (2,)
    """
    if axis is not None and any(x.shape[a] != 1 for a in axes_indices(axis, x.ndim)):
        raise ShapeError(
            f"squeeze can only leave out axes of size 1; got axis={axis} for shape "
            f"{tuple(x.shape)}."
        )
    return xp().squeeze(x, tuple(axis) if isinstance(axis, list) else axis)


@squeeze.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (reshape(g, x.shape),)


@primitive(arity=1)
def broadcast_to(x: Array, shape: Sequence[int]) -> Array:
    """Repeated along new axes in front, and along axes of size 1. The tape sums its gradient.

    >>> broadcast_to([1, 2], (2, 2)).numpy().tolist()
    [[1, 2], [1, 2]]
    """
    return xp().broadcast_to(x, tuple(shape))


@broadcast_to.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g,)


@composite
def ndim(x: Any) -> int:
    """How many axes there are.

    >>> ndim([[1, 2]])
    2
    """
    return as_tensor(x).ndim


@composite
def size(x: Any) -> int:
    """How many elements there are.

    >>> size([[1, 2, 3]])
    3
    """
    return as_tensor(x).size


# --- mirrors and turns -----------------------------------------------------------------------


@primitive(arity=1)
def flip(x: Array, axis: Axes = None) -> Array:
    """The elements in reverse order along axes; along all by default.

    >>> flip([1, 2, 3]).numpy().tolist()
    [3, 2, 1]
    """
    return xp().flip(x, tuple(axis) if isinstance(axis, list) else axis)


@flip.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    return (flip(g, axis),)


@composite
def fliplr(x: Any) -> Tensor:
    """`flip` along axis 1.

    >>> fliplr([[1, 2]]).numpy().tolist()
    [[2, 1]]
    """
    return flip(x, 1)


@composite
def flipud(x: Any) -> Tensor:
    """`flip` along axis 0.

    >>> flipud([[1], [2]]).numpy().tolist()
    [[2], [1]]
    """
    return flip(x, 0)


@primitive(arity=1)
def roll(x: Array, shift: Any, axis: Axes = None) -> Array:
    """The elements moved on by some places; those that leave come in at the other end.

    Args:
        x: any.
        shift: by how many places; one number, or one for each axis.
        axis: along which axes; of the flat tensor by default.

    >>> roll([1, 2, 3], 1).numpy().tolist()
    [3, 1, 2]
    """
    return xp().roll(x, shift, axis)


@roll.gradient
def _(g: Tensor, out: Tensor, x: Tensor, shift: Any, axis: Axes):
    back = -shift if isinstance(shift, int) else tuple(-s for s in shift)
    return (roll(g, back, axis),)


@composite
def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """A quarter turn, k times, from the first of two axes towards the second.

    >>> rot90([[1, 2], [3, 4]]).numpy().tolist()
    [[2, 4], [1, 3]]
    """
    x = as_tensor(array)
    if x.ndim < 2 or len(axes) != 2 or len(set(axes_indices(axes, x.ndim))) != 2:
        raise ArgumentError(
            f"rot90 expects two different axes of a tensor of shape {x.shape}; got {axes}."
        )
    a, b = axes
    if k % 4 == 2:
        return flip(x, (a, b))
    if k % 4 == 1:
        return swapaxes(flip(x, b), a, b)
    return flip(swapaxes(x, a, b), b) if k % 4 == 3 else x
