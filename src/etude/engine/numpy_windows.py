"""Windows over images for the engine ``numpy``: sizes, padding, and what all windows see."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from etude.engine.numbers import is_half

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["framed", "in_float32", "output_size", "padded", "windows"]


def output_size(
    size: int, window: int, stride: int, padding: tuple[int, int], dilation: int
) -> int:
    """How many windows fit into one padded axis.

    >>> output_size(28, 3, 2, (0, 1), 1)
    14
    """
    return max((size + sum(padding) - (window - 1) * dilation - 1) // stride + 1, 0)


def framed(shape: Ints, padding: Pairs, dtype: Any, value: Any = 0) -> tuple[Array, Array]:
    """Room for images of a shape (N, *S, C): the padded images, and in them the images.

    Both are views of one array. Negative padding cuts off: windows do not see the whole image.
    """
    around = [(max(lo, 0), max(hi, 0)) for lo, hi in padding]
    sizes = [s + lo + hi for s, (lo, hi) in zip(shape[1:-1], around, strict=True)]
    whole = np.full((shape[0], *sizes, shape[-1]), value, dtype)
    seen = [slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(sizes, padding, strict=True)]
    own = [slice(lo, lo + s) for s, (lo, _) in zip(shape[1:-1], around, strict=True)]
    return whole[(slice(None), *seen)], whole[(slice(None), *own)]


def padded(x: Array, padding: Pairs, value: Any = 0) -> Array:
    """Pads the spatial axes of images (N, *S, C)."""
    if all(tuple(pair) == (0, 0) for pair in padding):
        return x
    room, image = framed(x.shape, padding, x.dtype, value)
    image[...] = x
    return room


def windows(
    window: Ints, sizes: Ints, strides: Ints, dilation: Ints
) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
    """For each position in the window: the position, and what all windows see there.

    The slices select, from a padded image, one element of each of the ``sizes`` windows.
    """
    for position in itertools.product(*map(range, window)):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        stops = [b + (n - 1) * s + 1 for b, n, s in zip(starts, sizes, strides, strict=True)]
        yield position, (slice(None), *map(slice, starts, stops, strides))


def in_float32(*arrays: Array) -> tuple[list[Array], Any]:
    """Half-precision inputs as float32, and the dtype that the result goes back to."""
    dtype = arrays[0].dtype
    if is_half(dtype):
        return [a.astype(np.float32) for a in arrays], dtype
    return list(arrays), dtype
