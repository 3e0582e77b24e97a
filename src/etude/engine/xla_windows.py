"""Windows over images for the engine ``xla``: padding, what all windows see, the way back."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from etude.engine.numbers import is_half

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["around_gradient", "output_sizes", "padded", "placed", "seen_at", "wide"]


def wide(x: Array) -> Array:
    """At least 32 bits per number, in which sums are made."""
    return x.astype(jnp.float32) if is_half(x.dtype) else x


def output_sizes(shape: Ints, window: Ints, strides: Ints) -> tuple[int, ...]:
    """How many windows fit into each spatial axis of padded images (N, *S, C)."""
    triples = zip(shape[1:-1], window, strides, strict=True)
    return tuple((size - k) // s + 1 for size, k, s in triples)


def padded(x: Array, padding: Pairs, value: Any = 0) -> Array:
    """Pads the spatial axes of images (N, *S, C); negative padding cuts off."""
    if all(pair == (0, 0) for pair in padding):
        return x
    edges = [(0, 0), *padding, (0, 0)]
    return lax.pad(x, jnp.asarray(value, x.dtype), [(lo, hi, 0) for lo, hi in edges])


def seen_at(x: Array, starts: Ints, sizes: Ints, strides: Ints) -> Array:
    """What all windows of a padded image see at one window position: (N, *O, C)."""
    stops = [b + (n - 1) * s + 1 for b, n, s in zip(starts, sizes, strides, strict=True)]
    return lax.slice(x, (0, *starts, 0), (x.shape[0], *stops, x.shape[-1]), (1, *strides, 1))


def placed(x: Array, input_shape: Ints, starts: Ints, strides: Ints, padding: Pairs) -> Array:
    """Zeros of the input's shape, with x at the places that window position ``starts`` sees."""
    spatial = [
        (start - lo, size + lo - start - (n - 1) * stride - 1, stride - 1)
        for start, (lo, _), size, n, stride in zip(
            starts, padding, input_shape[1:-1], x.shape[1:-1], strides, strict=True
        )
    ]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *spatial, (0, 0, 0)])


def around_gradient(
    sizes: Ints, outputs: Ints, window: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> list[tuple[int, int]]:
    """The padding of an output's gradient with which flipped filters give that of the input.

    Args:
        sizes: of the input's spatial axes.
        outputs: of the output's.
        window: of the filters.
        strides: by which the gradient is spread.
        padding: of the input in the forward pass.
        dilation: the distance between taps.
    """
    found: list[tuple[int, int]] = []
    for i, (low, _) in enumerate(padding):
        reach = (window[i] - 1) * dilation[i]
        spread = (outputs[i] - 1) * strides[i] + 1
        found.append((reach - low, sizes[i] + low - spread))
    return found
