"""Operations that move elements and leave their values: reshape, transpose, join, split, pad.

All of them are linear, so each rule is the movement backwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError

__all__ = [
    "append",
    "array_split",
    "broadcast_to",
    "concatenate",
    "copy",
    "dsplit",
    "dstack",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "meshgrid",
    "moveaxis",
    "ndim",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "size",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "unstack",
    "vsplit",
    "vstack",
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
            f"There is no axis {axis} in a tensor with {rank} axes: expected {-rank} to {rank - 1}."
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


# --- shape ------------------------------------------------------------------------------------


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
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1 or (x.size != known if -1 not in shape else x.size % max(known, 1)):
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
    if axes is not None and sorted(axes_indices(axes, x.ndim)) != list(range(x.ndim)):
        raise ArgumentError(
            f"transpose expects `axes` to name each of the {x.ndim} axes of shape "
            f"{tuple(x.shape)} once; got {tuple(axes)}."
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


# --- joining and splitting --------------------------------------------------------------------


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


@primitive(cast="same")
def _concatenate(*xs: Array, axis: int) -> Array:
    """`concatenate`, with the tensors as inputs."""
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


# --- repetition -------------------------------------------------------------------------------


@composite
def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """The whole tensor again and again along its axes.

    Args:
        x: any.
        repeats: how often, for each axis; for the last ones where there are fewer.

    >>> tile([1, 2], 2).numpy().tolist()
    [1, 2, 1, 2]
    """
    x = as_tensor(x)
    counts = (repeats,) if isinstance(repeats, int) else tuple(int(r) for r in repeats)
    rank = max(x.ndim, len(counts))
    shape = (1,) * (rank - x.ndim) + x.shape
    counts = (1,) * (rank - len(counts)) + counts
    x = reshape(x, _interleaved((1,) * rank, shape))  # (1, n0, 1, n1, ...)
    x = broadcast_to(x, _interleaved(counts, shape))  # (r0, n0, r1, n1, ...)
    return reshape(x, tuple(r * n for r, n in zip(counts, shape, strict=True)))


def _interleaved(a: Sequence[int], b: Sequence[int]) -> tuple[int, ...]:
    return tuple(n for pair in zip(a, b, strict=True) for n in pair)


@composite
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Each element again and again.

    Args:
        x: any.
        repeats: how often; one number, or one for each element of the axis.
        axis: along which axis; of the flat tensor by default.

    >>> repeat([1, 2], 2).numpy().tolist(), repeat([1, 2], [1, 2]).numpy().tolist()
    ([1, 1, 2, 2], [1, 2, 2])
    """
    x = ravel(x) if axis is None else as_tensor(x)
    axis = axis_index(0 if axis is None else axis, x.ndim)
    if not isinstance(repeats, int):
        scalar = getattr(repeats, "shape", None) == ()
        counts = [int(r) for r in ([repeats] if scalar else repeats)]
        if len(counts) != 1:
            if len(counts) != x.shape[axis]:
                raise ArgumentError(
                    f"repeat expects one number, or one for each of the {x.shape[axis]} elements "
                    f"of axis {axis}; got {len(counts)}."
                )
            places = [i for i, r in enumerate(counts) for _ in range(r)]
            return OPS["take"](x, as_tensor(places, "int32"), axis)
        repeats = counts[0]
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    wide = broadcast_to(expand_dims(x, axis + 1), (*before, repeats, *after))
    return reshape(wide, (*before[:-1], before[-1] * repeats, *after))


@composite
def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid: one tensor for each axis, with all of its shape.

    Args:
        *x: coordinates along each axis, 1-D.
        indexing: ``"ij"``: the i-th tensor varies along axis i; ``"xy"``: the first two exchanged.

    >>> [t.numpy().tolist() for t in meshgrid([1, 2], [3, 4], indexing="ij")]
    [[[1, 1], [2, 2]], [[3, 4], [3, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ArgumentError(f"meshgrid: indexing must be 'xy' or 'ij'; got {indexing!r}.")
    vectors = [ravel(v) for v in x]
    shape = tuple(v.shape[0] for v in vectors)
    grid: list[Tensor] = []
    for i, v in enumerate(vectors):
        place = tuple(v.shape[0] if j == i else 1 for j in range(len(vectors)))
        full = broadcast_to(reshape(v, place), shape)
        grid.append(swapaxes(full, 0, 1) if indexing == "xy" and len(vectors) > 1 else full)
    return grid


# --- mirrors and turns ------------------------------------------------------------------------


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


# --- padding ----------------------------------------------------------------------------------


@composite
def pad(
    x: Any, pad_width: Any, mode: str = "constant", constant_values: float | None = None
) -> Tensor:
    """Elements added at the edges.

    Args:
        x: any.
        pad_width: how many, ((before, after), ...) for each axis; one pair, or one number, for all.
        mode: what to add: ``"constant"``; ``"edge"`` the last value; ``"reflect"`` and
            ``"symmetric"`` the mirrored values, without and with the last; ``"wrap"`` those of
            the other end.
        constant_values: with the mode ``"constant"``; 0 by default.

    >>> pad([1, 2, 3], (1, 2)).numpy().tolist(), pad([1, 2, 3], 2, "reflect").numpy().tolist()
    ([0, 1, 2, 3, 0, 0], [3, 2, 1, 2, 3, 2, 1])
    """
    x = as_tensor(x)
    widths = _pairs(pad_width, x.ndim)
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise ArgumentError(
            f"pad: mode must be 'constant', 'edge', 'reflect', 'symmetric' or 'wrap'; got {mode!r}."
        )
    if constant_values is not None and mode != "constant":
        raise ArgumentError(f"pad: constant_values goes with mode='constant'; got mode={mode!r}.")
    if mode == "constant":
        value: Any = 0 if constant_values is None else constant_values
        return _pad_constant(
            x, widths=widths, value=value.item() if hasattr(value, "item") else value
        )
    for axis, width in enumerate(widths):
        if width != (0, 0):
            places = xp().pad(xp().arange(x.shape[axis], dtype="int32"), width, mode=mode)
            x = OPS["take"](x, Tensor(places), axis)
    return x


def _pairs(pad_width: Any, rank: int) -> tuple[tuple[int, int], ...]:
    """Padding spelled out for each axis."""
    if isinstance(pad_width, int):
        return ((pad_width, pad_width),) * rank
    items = [tuple(p) if hasattr(p, "__len__") else int(p) for p in pad_width]
    if items and all(isinstance(p, int) for p in items):
        items = [tuple(items) * (2 if len(items) == 1 else 1)]
    pairs = [p * (2 if len(p) == 1 else 1) for p in items if isinstance(p, tuple)]
    pairs = pairs * rank if len(pairs) == 1 else pairs
    if len(pairs) != rank or any(len(p) != 2 for p in pairs):
        raise ArgumentError(
            f"pad expects a pair (before, after) for each of {rank} axes; got {pad_width!r}."
        )
    return tuple((int(a), int(b)) for a, b in pairs)


@primitive
def _pad_constant(x: Array, *, widths: tuple[tuple[int, int], ...], value: float) -> Array:
    """`pad` with one value."""
    return xp().pad(x, widths, constant_values=value) if widths else x


@_pad_constant.gradient
def _(g: Tensor, out: Tensor, x: Tensor, widths: tuple[tuple[int, int], ...]):
    inside = tuple(slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True))
    return (g[inside],)
