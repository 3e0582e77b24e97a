"""Convolution for the engine ``xla``: by our own kernels on the CPU, else by XLA's operations.

The names, signatures and results are those of `etude.engine.numpy_convolution`, which documents
them.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from etude.engine import xla_depthwise, xla_native
from etude.engine.cell import note
from etude.engine.xla_windows import around_gradient, output_sizes, placed

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["conv", "conv_filter_gradient", "conv_input_gradient"]


def _layout(rank: int) -> lax.ConvDimensionNumbers:
    """Images (N, *S, C), filters (*K, C, F), output (N, *O, F)."""
    spatial = tuple(range(1, rank + 1))
    images = (0, rank + 1, *spatial)
    return lax.ConvDimensionNumbers(images, (rank + 1, rank, *range(rank)), images)


def _output_shape(
    images: Ints, filters: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> tuple[int, ...]:
    padded = [size + low + high for size, (low, high) in zip(images[1:-1], padding, strict=True)]
    reach = [(k - 1) * d + 1 for k, d in zip(filters, dilation, strict=False)]
    sizes = output_sizes((images[0], *padded, images[-1]), reach, strides)
    return (images[0], *(max(size, 0) for size in sizes), filters[-1])


def conv(
    x: Array, w: Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int = 1
) -> Array:
    """Convolution: y[n, o] = Σ_k x[n, o·s + k·d] w[k]."""
    if xla_depthwise.serves(w.shape[:-2], w.shape[-2], groups):
        return xla_depthwise.conv(x, w, strides, padding, dilation).astype(x.dtype)
    outputs = _output_shape(x.shape, w.shape, strides, padding, dilation)
    how = (strides, padding, dilation, groups)
    if xla_native.serves(x, w, x.shape, w.shape, outputs, how):
        return xla_native.conv(x, w, outputs, how)
    note("convolution")
    return lax.conv_general_dilated(
        x,
        w,
        tuple(strides),
        tuple(padding),
        rhs_dilation=tuple(dilation),
        dimension_numbers=_layout(len(strides)),
        feature_group_count=groups,
    )


def conv_input_gradient(
    g: Array,
    w: Array,
    input_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The images' gradient of `conv`: a convolution of the spread gradient with flipped filters."""
    if xla_depthwise.serves(w.shape[:-2], w.shape[-2], groups):
        dx = xla_depthwise.input_gradient(g, w, input_shape, strides, padding, dilation)
        return dx.astype(g.dtype)
    how = (strides, padding, dilation, groups)
    if xla_native.serves(g, w, input_shape, w.shape, g.shape, how):
        return xla_native.conv_input_gradient(g, w, input_shape, how)
    if groups == 1 and input_shape[-1] <= 3 and jax.default_backend() == "cpu":
        return _input_gradient_by_columns(g, w, input_shape, strides, padding, dilation)
    note("convolution")
    *window, channels, filters = w.shape
    rank = len(window)
    # (*K, C/G, G, F/G) -> (*K, F/G, G, C/G): what came out of a group goes back into it.
    flipped = jnp.flip(w, tuple(range(rank)))
    flipped = flipped.reshape(*window, channels, groups, filters // groups).swapaxes(-1, -3)
    flipped = flipped.reshape(*window, filters // groups, groups * channels)
    around = around_gradient(input_shape[1:-1], g.shape[1:-1], window, strides, padding, dilation)
    return lax.conv_general_dilated(
        g,
        flipped,
        (1,) * rank,
        around,
        lhs_dilation=tuple(strides),
        rhs_dilation=tuple(dilation),
        dimension_numbers=_layout(rank),
        feature_group_count=groups,
    )


def _input_gradient_by_columns(
    g: Array, w: Array, input_shape: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> Array:
    """One matrix product, then each tap added in its place: faster for one to three channels."""
    *window, channels, filters = w.shape
    columns = jnp.einsum("...f,tcf->...tc", g, w.reshape(-1, channels, filters))  # (N, *O, K, C)
    total = jnp.zeros(input_shape, g.dtype)
    for tap, position in enumerate(itertools.product(*map(range, window))):
        starts = [p * d for p, d in zip(position, dilation, strict=True)]
        total = total + placed(columns[..., tap, :], input_shape, starts, strides, padding)
    return total


def conv_filter_gradient(
    x: Array,
    g: Array,
    kernel_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The filters' gradient of `conv`: a convolution over the batch, strides as dilation."""
    window = kernel_shape[:-2]
    if xla_depthwise.serves(window, kernel_shape[-2], groups):
        dw = xla_depthwise.filter_gradient(x, g, kernel_shape, strides, padding, dilation)
        return dw.astype(g.dtype)
    how = (strides, padding, dilation, groups)
    if xla_native.serves(x, g, x.shape, kernel_shape, g.shape, how):
        return xla_native.conv_filter_gradient(x, g, kernel_shape, how)
    note("convolution")
    rank = len(window)
    around: list[tuple[int, int]] = []
    for i in range(rank):
        reach = (window[i] - 1) * dilation[i] + (g.shape[1 + i] - 1) * strides[i] + 1
        around.append((padding[i][0], reach - x.shape[1 + i] - padding[i][0]))
    spatial = tuple(range(1, rank + 1))
    layout = lax.ConvDimensionNumbers(
        (rank + 1, 0, *spatial), (rank + 1, 0, *spatial), (rank, rank + 1, *range(rank))
    )
    return lax.conv_general_dilated(
        x,
        g,
        tuple(dilation),
        around,
        rhs_dilation=tuple(strides),
        dimension_numbers=layout,
        batch_group_count=groups,
    )
