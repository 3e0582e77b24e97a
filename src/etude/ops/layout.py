"""Images taken apart into blocks and put together, and axes rearranged by a pattern.

`unfold` and `fold` are each other's transposes: the rule of each is the other.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.shape import reshape, transpose

__all__ = ["depth_to_space", "fold", "rearrange", "space_to_depth", "unfold"]

Array = Any
Ints = int | tuple[int, int]


# --- blocks as columns ------------------------------------------------------------------------


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _taps(
    size: tuple[int, int], kernel: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> tuple[tuple[int, int], Iterator[tuple[slice, slice]]]:
    """How many windows a padded image has, and what they all see at each of their places."""
    k, d, p, s = (_two(v) for v in (kernel, dilation, padding, stride))
    counts = tuple((size[i] + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i in (0, 1))
    if min(counts) < 1:
        raise ShapeError(
            f"Windows of size {k}, dilation {d} do not fit images of size {size}, padding {p}."
        )
    seen = (
        tuple(slice(at[i] * d[i], at[i] * d[i] + (counts[i] - 1) * s[i] + 1, s[i]) for i in (0, 1))
        for at in itertools.product(range(k[0]), range(k[1]))
    )
    return (counts[0], counts[1]), seen  # type: ignore[return-value]


@primitive(arity=1)
def unfold(
    x: Array, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Array:
    """The windows of an image as columns, as a convolution sees them.

    Args:
        x: images, (N, C, H, W): channels first in any case.
        kernel_size: the size (K, L) of the windows, or one number.
        dilation: the distance of neighbours in a window.
        padding: how many zeros are set around the image.
        stride: the distance of windows.

    Returns:
        (N, C · K · L, how many windows).

    >>> unfold([[[[1.0, 2.0, 3.0]]]], (1, 2)).numpy().tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    if x.ndim != 4:
        raise ShapeError(f"unfold expects 4D images (N, C, H, W); got shape {tuple(x.shape)}.")
    p = _two(padding)
    counts, seen = _taps(x.shape[2:], kernel_size, dilation, padding, stride)
    padded = xp().pad(x, ((0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])))
    columns = xp().stack([padded[(slice(None), slice(None), *at)] for at in seen], axis=2)
    return columns.reshape(x.shape[0], -1, math.prod(counts))  # (N, C, KL, oH, oW) before


@unfold.gradient
def _(
    g: Tensor, out: Tensor, x: Tensor,
    kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints,
):  # fmt: skip
    return (fold(g, x.shape[2:], kernel_size, dilation, padding, stride),)


@primitive(arity=1)
def fold(
    x: Array,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Array:
    """Columns added up to an image, each where `unfold` would take it from.

    Args:
        x: (N, C · K · L, how many windows).
        output_size: the size (H, W) of the image.
        kernel_size: as in `unfold`, like the arguments after it.
        dilation: the distance of neighbours in a window.
        padding: how many zeros are set around the image.
        stride: the distance of windows.

    Returns:
        (N, C, H, W).

    >>> fold([[[1.0, 2.0], [2.0, 3.0]]], (1, 3), (1, 2)).numpy().tolist()
    [[[[1.0, 4.0, 3.0]]]]
    """
    size, k, p = _two(output_size), _two(kernel_size), _two(padding)
    counts, seen = _taps(size, kernel_size, dilation, padding, stride)
    if x.ndim != 3 or x.shape[1] % math.prod(k) or x.shape[2] != math.prod(counts):
        raise ShapeError(
            f"fold expects a 3D tensor (N, C · {math.prod(k)}, {math.prod(counts)}) for images of "
            f"size {size} and windows of size {k}; got shape {tuple(x.shape)}."
        )
    columns = x.reshape(x.shape[0], -1, math.prod(k), *counts)
    whole = (x.shape[0], columns.shape[1], size[0] + 2 * p[0], size[1] + 2 * p[1])
    image = xp().zeros(whole, x.dtype)
    for i, at in enumerate(seen):
        image = xp().scatter_add(image, (slice(None), slice(None), *at), columns[:, :, i])
    return image[:, :, p[0] : whole[2] - p[0], p[1] : whole[3] - p[1]]


@fold.gradient
def _(
    g: Tensor, out: Tensor, x: Tensor,
    kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints,
):  # fmt: skip
    return (unfold(g, kernel_size, dilation, padding, stride),)


# --- blocks as channels -----------------------------------------------------------------------


def _check_block_size(name: str, size: int) -> None:
    if size < 2:
        raise ArgumentError(f"{name}: `block_size` must be at least 2. Received: {size}")


def _check_blocks(name: str, x: Tensor, divided: dict[str, int], by: int) -> None:
    if x.ndim != 4 or any(n % by for n in divided.values()):
        shown = ", ".join(divided)
        raise ShapeError(
            f"{name} expects four axes, of which {shown} can be divided by {by}; got shape "
            f"{x.shape}."
        )


@composite
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Channels as blocks of places ("pixel shuffle").

    Args:
        x: (N, H, W, C b²), or (N, C b², H, W) with channels_first.
        block_size: b.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        (N, H b, W b, C), or (N, C, H b, W b).

    Source: Shi et al., Real-time single image super-resolution, 2016.

    >>> depth_to_space([[[[1, 2, 3, 4]]]], 2).numpy()[0, ..., 0].tolist()
    [[1, 2], [3, 4]]
    """
    x, b = as_tensor(x), int(block_size)
    _check_block_size("depth_to_space", b)
    if x.ndim != 4:
        raise ShapeError(f"depth_to_space expects a 4D tensor; got shape {x.shape}.")
    if data_format == "channels_last":
        _check_blocks("depth_to_space", x, {"the channels": x.shape[-1]}, b * b)
        n, h, w, c = x.shape
        split = transpose(reshape(x, (n, h, w, b, b, c // b**2)), (0, 1, 3, 2, 4, 5))
        return reshape(split, (n, h * b, w * b, c // b**2))
    _check_blocks("depth_to_space", x, {"the channels": x.shape[1]}, b * b)
    n, c, h, w = x.shape
    split = transpose(reshape(x, (n, c // b**2, b, b, h, w)), (0, 1, 4, 2, 5, 3))
    return reshape(split, (n, c // b**2, h * b, w * b))


@composite
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Blocks of places as channels: the inverse of `depth_to_space`.

    Args:
        x: (N, H b, W b, C), or (N, C, H b, W b) with channels_first.
        block_size: b.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        (N, H, W, C b²), or (N, C b², H, W).

    >>> space_to_depth([[[[1], [2]], [[3], [4]]]], 2).numpy().tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x, b = as_tensor(x), int(block_size)
    _check_block_size("space_to_depth", b)
    if x.ndim != 4:
        raise ShapeError(f"space_to_depth expects a 4D tensor; got shape {x.shape}.")
    if data_format == "channels_last":
        _check_blocks("space_to_depth", x, {"height": x.shape[1], "width": x.shape[2]}, b)
        n, h, w, c = x.shape
        split = transpose(reshape(x, (n, h // b, b, w // b, b, c)), (0, 1, 3, 2, 4, 5))
        return reshape(split, (n, h // b, w // b, c * b**2))
    _check_blocks("space_to_depth", x, {"height": x.shape[2], "width": x.shape[3]}, b)
    n, c, h, w = x.shape
    split = transpose(reshape(x, (n, c, h // b, b, w // b, b)), (0, 1, 3, 5, 2, 4))
    return reshape(split, (n, c * b**2, h // b, w // b))


# --- patterns ---------------------------------------------------------------------------------


def _groups(side: str) -> list[list[str]]:
    """The axes of one side of a pattern: "b (h w)" -> [["b"], ["h", "w"]]."""
    found = re.findall(r"\([^()]*\)|\w+", side)
    if "".join(found).replace(" ", "") != side.replace(" ", ""):
        raise ArgumentError(f"rearrange: {side!r} is no list of axes such as 'b (h w) c'.")
    return [group.strip("()").split() for group in found]


@composite
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Axes split, reordered and joined as a pattern says.

    Args:
        tensor: any.
        pattern: "from -> to", with a name for each axis. Names in parentheses on the left split an
            axis, on the right they join axes.
        **axes_lengths: sizes of the parts of an axis that is split; one of each may be left out.

    Source: Rogozhnikov, Einops: clear and reliable tensor manipulations, 2022.

    >>> rearrange([[1, 2, 3, 4]], "a (b c) -> (a c) b", b=2).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    x = as_tensor(tensor)
    sides = [_groups(side) for side in pattern.split("->")]
    if len(sides) != 2 or len(sides[0]) != x.ndim:
        raise ArgumentError(
            f"rearrange: the left side of {pattern!r} must name the {x.ndim} axes of shape "
            f"{x.shape}."
        )
    size: dict[str, int] = dict(axes_lengths)
    for group, n in zip(sides[0], x.shape, strict=True):
        open_ = [name for name in group if name not in size]
        known = math.prod(size[name] for name in group if name in size)
        if len(open_) > 1 or n % known or (not open_ and known != n):
            raise ArgumentError(
                f"rearrange: an axis of size {n} cannot be split into {group} with {axes_lengths}."
            )
        size |= dict.fromkeys(open_, n // known)
    left, right = ([name for group in side for name in group] for side in sides)
    if sorted(left) != sorted(right) or len(set(left)) != len(left):
        raise ArgumentError(f"rearrange: both sides of {pattern!r} must name the same axes, once.")
    split = transpose(reshape(x, [size[name] for name in left]), [left.index(n) for n in right])
    return reshape(split, [math.prod(size[name] for name in group) for group in sides[1]])
