"""Depthwise convolution on the CPU for the engine ``xla``: each channel with filters of its own.

XLA's own grouped convolution goes through such a filter channel by channel: ten times slower.
Here the output is a sum over the taps of the filter, each of which is one product of whole arrays,
and XLA makes one loop of them. The filters' gradient, a sum over places, goes row by row.

Shapes: x (N, *S, C), w (*K, 1, C·M), y (N, *O, C·M), with M filters per channel.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from etude.engine.xla_windows import around_gradient, output_sizes, padded, seen_at, wide

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["conv", "filter_gradient", "input_gradient", "serves"]

MOST_TAPS = 64
"""Every tap is written out; a program of many more would take long to compile."""


def serves(window: Ints, channels: int, groups: int) -> bool:
    """Whether these kernels are the ones to take, by the filter's size and channels per group."""
    few = math.prod(window) <= MOST_TAPS
    return groups > 1 and channels == 1 and few and jax.default_backend() == "cpu"


def _compiled(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """The kernel as one program, also where operations run one by one. Arrays are its first two."""
    program = partial(jax.jit, static_argnums=tuple(range(2, kernel.__code__.co_argcount)))(kernel)

    @wraps(kernel)
    def run(a: Array, b: Array, *how: Any) -> Array:
        return program(a, b, *(tuple(map(_hashable, setting)) for setting in how))

    return run


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, (list, tuple)) else int(value)


@_compiled
def conv(x: Array, w: Array, strides: Ints, padding: Pairs, dilation: Ints) -> Array:
    """y[n, o, f] = Σ_k x[n, o·s + k·d, c(f)] w[k, f]."""
    *window, _, filters = w.shape
    x, w = padded(wide(x), padding), wide(w)
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    sizes = output_sizes(x.shape, reach, strides)
    total: Any = 0
    for position in itertools.product(*map(range, window)):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        seen = seen_at(x, starts, sizes, strides)
        total = total + _repeated(seen, filters) * w[(*position, 0)]
    return total


@_compiled
def input_gradient(
    g: Array, w: Array, input_shape: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> Array:
    """dx[n, i, c] = Σ g[n, o, f] w[k, f] over all o, k with o·s + k·d = i, and f of channel c."""
    *window, _, filters = w.shape
    channels, rank = input_shape[-1], len(window)
    around = around_gradient(input_shape[1:-1], g.shape[1:-1], window, strides, padding, dilation)
    edges = [(low, high, stride - 1) for (low, high), stride in zip(around, strides, strict=True)]
    g = lax.pad(g, jnp.zeros((), g.dtype), [(0, 0, 0), *edges, (0, 0, 0)])
    flipped = jnp.flip(w, tuple(range(rank)))
    dx = conv(g, flipped, (1,) * rank, [(0, 0)] * rank, dilation)
    return dx.reshape(*dx.shape[:-1], channels, filters // channels).sum(-1)


@_compiled
def filter_gradient(
    x: Array, g: Array, kernel_shape: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> Array:
    """dw[k, f] = Σ_n Σ_o x[n, o·s + k·d, c(f)] g[n, o, f].

    A loop over the images and over the first axis of their outputs; each tap has a sum of its own,
    of the shape of one row of outputs. A sequence is one row.
    """
    if len(strides) == 1:
        x, g, kernel_shape = x[:, None], g[:, None], (1, *kernel_shape)
        strides, padding, dilation = (1, *strides), ((0, 0), *padding), (1, *dilation)
        return filter_gradient(x, g, kernel_shape, strides, padding, dilation)[0]
    window, filters = tuple(kernel_shape[:-2]), kernel_shape[-1]
    taps = list(itertools.product(*map(range, window)))
    x, g = padded(wide(x), padding), wide(g)
    rows, sizes = g.shape[1], g.shape[2:-1]
    reach = (window[0] - 1) * dilation[0] + 1

    def add_row(row: Array, sums: tuple[Array, ...], image: Array, gradient: Array) -> Any:
        rows_seen = lax.dynamic_slice_in_dim(image, row * strides[0], reach, 0)
        own = lax.dynamic_index_in_dim(gradient, row, 0, keepdims=False)
        found = []
        for total, (first, *others) in zip(sums, taps, strict=True):
            starts = [p * d for p, d in zip(others, dilation[1:], strict=True)]
            part = seen_at(rows_seen[first * dilation[0]][None], starts, sizes, strides[1:])[0]
            found.append(total + _repeated(part, filters) * own)
        return tuple(found)

    def add_image(sums: tuple[Array, ...], pair: tuple[Array, Array]) -> Any:
        image, gradient = pair
        run = partial(add_row, image=image, gradient=gradient)
        return lax.fori_loop(0, rows, run, sums), None

    zeros = tuple(jnp.zeros((*sizes, filters), x.dtype) for _ in taps)
    sums, _ = lax.scan(add_image, zeros, (x, g))
    axes = tuple(range(len(sizes)))
    return jnp.stack([total.sum(axes) for total in sums]).reshape(*window, 1, filters)


def _repeated(x: Array, filters: int) -> Array:
    """Every channel as often as it has filters."""
    count = filters // x.shape[-1]
    return x if count == 1 else jnp.repeat(x, count, axis=-1)
