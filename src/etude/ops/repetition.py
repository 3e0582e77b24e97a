"""Tensors made larger: repeated, spread over a grid, padded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError
from etude.ops.shape import axis_index, broadcast_to, expand_dims, ravel, reshape, swapaxes

__all__ = [
    "meshgrid",
    "pad",
    "repeat",
    "tile",
]

Array = Any


# --- repetition ------------------------------------------------------------------------------


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
    counts = _counts(repeats)
    rank = max(x.ndim, len(counts))
    shape = (1,) * (rank - x.ndim) + x.shape
    counts = (1,) * (rank - len(counts)) + counts
    x = reshape(x, _interleaved((1,) * rank, shape))  # (1, n0, 1, n1, ...)
    x = broadcast_to(x, _interleaved(counts, shape))  # (r0, n0, r1, n1, ...)
    return reshape(x, tuple(r * n for r, n in zip(counts, shape, strict=True)))


def _counts(repeats: Any) -> tuple[int, ...]:
    """How often, from a number (NumPy's, or a Tensor, too) or a sequence of them."""
    if isinstance(repeats, int) or getattr(repeats, "shape", None) == ():
        return (int(repeats),)
    return tuple(int(r) for r in repeats)


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
    counts = _counts(repeats)
    if len(counts) != 1:
        if len(counts) != x.shape[axis]:
            raise ArgumentError(
                f"repeat expects one number, or one for each of the {x.shape[axis]} elements of "
                f"axis {axis}; got {len(counts)}."
            )
        places = [i for i, r in enumerate(counts) for _ in range(r)]
        return OPS["take"](x, as_tensor(places, "int32"), axis)
    before, after = x.shape[: axis + 1], x.shape[axis + 1 :]
    wide = broadcast_to(expand_dims(x, axis + 1), (*before, counts[0], *after))
    return reshape(wide, (*before[:-1], before[-1] * counts[0], *after))


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


# --- padding ---------------------------------------------------------------------------------


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
        raise ArgumentError(
            "pad: Argument `constant_values` can only be provided when `mode == 'constant'`. "
            f"Received: mode={mode!r}, constant_values={constant_values}"
        )
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
    items: list[Any] = list(pad_width)
    if items and not any(hasattr(p, "__len__") for p in items):
        items = [items]  # one pair, or one number, for all axes
    pairs = [tuple(p) * (2 if len(p) == 1 else 1) for p in items if hasattr(p, "__len__")]
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
