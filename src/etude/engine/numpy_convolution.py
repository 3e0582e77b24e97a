"""Convolution for the engine ``numpy``: patches as rows of a matrix, then one matrix product."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from etude.engine.cell import shapes_only
from etude.engine.numpy_windows import framed, in_float32, output_size, padded, windows

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["conv", "conv_filter_gradient", "conv_input_gradient"]

_COLUMN_BYTES = 1 << 22
"""Columns of patches are made for so many bytes of images at a time: they stay in the cache."""


def _patches(x: Array, window: Ints, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    """A view of a padded image as patches: (N, *S, C) -> (N, *O, *K, C)."""
    n, *spatial_strides, c = x.strides
    by_output = [b * s for b, s in zip(spatial_strides, strides, strict=True)]
    by_window = [b * d for b, d in zip(spatial_strides, dilation, strict=True)]
    return np.lib.stride_tricks.as_strided(
        x,
        (x.shape[0], *sizes, *window, x.shape[-1]),
        (n, *by_output, *by_window, c),
        writeable=False,
    )


def _chunks(images: int, bytes_per_image: int) -> Iterator[slice]:
    """Stretches of the batch whose columns fit into the cache together."""
    step = max(1, _COLUMN_BYTES // max(bytes_per_image, 1))
    for start in range(0, images, step):
        yield slice(start, min(start + step, images))


def _is_pointwise(window: Ints, strides: Ints, padding: Pairs) -> bool:
    return math.prod(window) == 1 and set(strides) == {1} and all(p == (0, 0) for p in padding)


def conv(
    x: Array, w: Array, strides: Ints, padding: Pairs, dilation: Ints, groups: int = 1
) -> Array:
    """Convolution (as the field calls correlation): y[n, o] = Σ_k x[n, o·s + k·d] w[k].

    Args:
        x: images, (N, *S, C).
        w: filters, (*K, C / groups, F).
        strides: s, one per spatial axis.
        padding: zeros before and after each spatial axis.
        dilation: d, the distance between the taps of the filter.
        groups: channels and filters are split into so many groups that do not mix.

    Returns:
        (N, *O, F).
    """
    *window, _, filters = w.shape
    sizes = _sizes(x.shape, window, strides, padding, dilation)
    out = np.zeros((x.shape[0], *sizes, filters), x.dtype)
    if shapes_only() or out.size == 0:
        return out
    (x, w), dtype = in_float32(x, w)
    x = padded(x, padding)
    if groups == 1:
        out = _conv_dense(x, w, sizes, strides, dilation)
    elif w.shape[-2] == 1:
        out = _conv_depthwise(x, w, sizes, strides, dilation)
    else:
        out = _conv_grouped(x, w, sizes, strides, dilation, groups)
    return out.astype(dtype, copy=False)


def _sizes(
    shape: Ints, window: Ints, strides: Ints, padding: Pairs, dilation: Ints
) -> tuple[int, ...]:
    return tuple(map(output_size, shape[1:-1], window, strides, padding, dilation))


def _conv_dense(x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    *window, channels, filters = w.shape
    taps = math.prod(window) * channels
    matrix = w.reshape(taps, filters)
    if math.prod(window) == 1:
        at = (
            slice(None),
            *(slice(None, (n - 1) * s + 1, s) for n, s in zip(sizes, strides, strict=True)),
        )
        return (x[at].reshape(-1, channels) @ matrix).reshape(x.shape[0], *sizes, filters)
    out = np.empty((x.shape[0], *sizes, filters), x.dtype)
    patches = _patches(x, window, sizes, strides, dilation)
    for part in _chunks(len(x), math.prod(sizes) * taps * x.itemsize):
        columns = patches[part].reshape(-1, taps)  # (P, K C): the copy that im2col is
        np.matmul(columns, matrix, out=out[part].reshape(-1, filters))
    return out


def _conv_depthwise(x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints) -> Array:
    """Each channel has filters of its own: multiply and add, tap by tap."""
    *window, _, filters = w.shape
    channels = x.shape[-1]
    w = w.reshape(*window, channels, filters // channels)  # (*K, C, M)
    out = np.zeros((x.shape[0], *sizes, channels, filters // channels), x.dtype)
    for position, at in windows(window, sizes, strides, dilation):
        out += x[at][..., None] * w[position]
    return out.reshape(x.shape[0], *sizes, filters)


def _conv_grouped(
    x: Array, w: Array, sizes: Ints, strides: Ints, dilation: Ints, groups: int
) -> Array:
    """One matrix product per group, as a batch of them."""
    *window, channels, filters = w.shape
    taps = math.prod(window) * channels
    matrix = np.moveaxis(w.reshape(taps, groups, filters // groups), 1, 0)  # (G, K C/G, F/G)
    out = np.empty((x.shape[0], *sizes, filters), x.dtype)
    patches = _patches(x, window, sizes, strides, dilation)
    for part in _chunks(len(x), math.prod(sizes) * taps * groups * x.itemsize):
        columns = _group_columns(patches[part], len(window), groups)  # (G, P, K C/G)
        product = np.moveaxis(columns @ matrix, 0, 1)  # (P, G, F/G)
        out[part] = product.reshape(-1, *sizes, filters)
    return out


def _group_columns(patches: Array, rank: int, groups: int) -> Array:
    """(N, *O, *K, C) -> (G, N·O, K·C/G)."""
    n, *outer, channels = patches.shape
    split = patches.reshape(n, *outer, groups, channels // groups)
    last = split.ndim
    order = (last - 2, *range(1 + rank), *range(1 + rank, last - 2), last - 1)
    rows = n * math.prod(outer[:rank])
    return split.transpose(order).reshape(groups, rows, -1)


def conv_filter_gradient(
    x: Array,
    g: Array,
    kernel_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The filters' gradient of `conv`: dw[k] = Σ_{n,o} x[n, o·s + k·d] g[n, o].

    Args:
        x: images, (N, *S, C).
        g: gradient of the output, (N, *O, F).
        kernel_shape: (*K, C / groups, F).
        strides: as in `conv`, like the arguments after it.
        padding: zeros before and after each spatial axis.
        dilation: the distance between taps.
        groups: the number of groups.

    Returns:
        An array of the kernel's shape.
    """
    if shapes_only() or x.size == 0 or g.size == 0:
        return np.zeros(kernel_shape, x.dtype)
    *window, channels, _ = kernel_shape
    (x, g), dtype = in_float32(x, g)
    x = padded(x, padding)
    sizes = g.shape[1:-1]
    if groups > 1 and channels == 1:
        dw = _filter_gradient_depthwise(x, g, window, strides, dilation)
    else:
        dw = _filter_gradient(x, g, window, sizes, strides, dilation, groups)
    return dw.reshape(kernel_shape).astype(dtype, copy=False)


def _filter_gradient(
    x: Array, g: Array, window: Ints, sizes: Ints, strides: Ints, dilation: Ints, groups: int
) -> Array:
    """The product of columns and gradient, summed over the chunks of the batch."""
    channels, filters = x.shape[-1], g.shape[-1]
    taps = math.prod(window) * channels
    patches = _patches(x, window, sizes, strides, dilation)
    total = np.zeros((groups, taps // groups, filters // groups), x.dtype)
    for part in _chunks(len(x), math.prod(sizes) * taps * x.itemsize):
        if groups == 1:
            total[0] += patches[part].reshape(-1, taps).T @ g[part].reshape(-1, filters)
        else:
            columns = _group_columns(patches[part], len(window), groups)  # (G, P, K C/G)
            right = np.moveaxis(g[part].reshape(-1, groups, filters // groups), 1, 0)
            total += np.swapaxes(columns, 1, 2) @ right  # (G, K C/G, F/G)
    return np.moveaxis(total, 0, 1)


def _filter_gradient_depthwise(
    x: Array, g: Array, window: Ints, strides: Ints, dilation: Ints
) -> Array:
    sizes, channels = g.shape[1:-1], x.shape[-1]
    g = g.reshape(*g.shape[:-1], channels, -1)  # (N, *O, C, M)
    dw = np.empty((*window, channels, g.shape[-1]), x.dtype)
    outer = tuple(range(g.ndim - 2))
    for position, at in windows(window, sizes, strides, dilation):
        dw[position] = np.sum(x[at][..., None] * g, axis=outer)
    return dw


def conv_input_gradient(
    g: Array,
    w: Array,
    input_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The images' gradient of `conv`: dx[n, o·s + k·d] += g[n, o] w[k]ᵀ.

    Args:
        g: gradient of the output, (N, *O, F).
        w: filters, (*K, C / groups, F).
        input_shape: (N, *S, C).
        strides: as in `conv`, like the arguments after it.
        padding: zeros before and after each spatial axis.
        dilation: the distance between taps.
        groups: the number of groups.

    Returns:
        An array of the input's shape.
    """
    if shapes_only() or g.size == 0 or math.prod(input_shape) == 0:
        return np.zeros(input_shape, g.dtype)
    (g, w), dtype = in_float32(g, w)
    *window, channels, filters = w.shape
    taps, sizes = math.prod(window), g.shape[1:-1]
    if groups == 1 and _is_pointwise(window, strides, padding):
        dx = g.reshape(-1, filters) @ w.reshape(channels, filters).T
        return dx.reshape(input_shape).astype(dtype, copy=False)
    room, dx = framed(input_shape, padding, g.dtype)
    matrix = np.moveaxis(w.reshape(taps * channels, groups, filters // groups), 1, 0)
    for part in _chunks(len(g), math.prod(sizes) * taps * channels * groups * g.itemsize):
        rows = np.moveaxis(g[part].reshape(-1, groups, filters // groups), 1, 0)  # (G, P, F/G)
        if groups > 1 and channels == 1 and filters == groups:
            columns = g[part].reshape(-1, 1, groups) * w.reshape(taps, groups)
        elif groups == 1:
            columns = rows[0] @ matrix[0].T  # (P, K C)
        else:
            columns = np.moveaxis(rows @ np.swapaxes(matrix, 1, 2), 0, 1)  # (P, G, K C/G)
            columns = columns.reshape(-1, groups, taps, channels).swapaxes(1, 2)
        columns = columns.reshape(-1, *sizes, *window, channels * groups)
        for position, at in windows(window, sizes, strides, dilation):
            where = (slice(None),) * (1 + len(sizes))
            room[part][at] += columns[(*where, *position)]
    return dx.astype(dtype, copy=False)
