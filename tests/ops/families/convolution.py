"""Convolution. Reference: the sum in the definition, window by window, in plain loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from tests.ops.case import Case
from tests.ops.families._rows import at


def naive(
    x: Any, w: Any, strides: Any, padding: Any, dilation: Any, groups: int = 1
) -> np.ndarray[Any, Any]:
    """Channels-last convolution with explicit (or negative) padding, by its definition."""
    *window, channels, filters = w.shape
    crop = tuple(
        slice(max(-lo, 0), n - max(-hi, 0))
        for n, (lo, hi) in zip(x.shape[1:-1], padding, strict=True)
    )
    around = [(max(lo, 0), max(hi, 0)) for lo, hi in padding]
    x = np.pad(x[(slice(None), *crop)], [(0, 0), *around, (0, 0)])
    sizes = [
        (n - (k - 1) * d - 1) // s + 1
        for n, k, s, d in zip(x.shape[1:-1], window, strides, dilation, strict=True)
    ]
    y = np.zeros((len(x), *sizes, filters))
    per_group = filters // groups
    for o in itertools.product(*map(range, sizes)):
        for k in itertools.product(*map(range, window)):
            at = tuple(a * s + b * d for a, s, b, d in zip(o, strides, k, dilation, strict=True))
            for g in range(groups):
                to = slice(g * per_group, (g + 1) * per_group)
                seen = x[(slice(None), *at, slice(g * channels, (g + 1) * channels))]
                y[(slice(None), *o, to)] += seen @ w[k][:, to]
    return y


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def _same(sizes: Any, window: Any, strides: Any, dilation: Any) -> list[tuple[int, int]]:
    pairs = []
    for n, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        total = max((math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pairs.append((total // 2, total - total // 2))
    return pairs


def conv_reference(
    x: Any,
    w: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    groups: int | None = None,
) -> np.ndarray[Any, Any]:
    first = data_format == "channels_first"
    x = np.moveaxis(x, 1, -1) if first else x
    rank = x.ndim - 2
    steps, dilation = _each(strides, rank), _each(dilation_rate, rank)
    pairs = (
        _same(x.shape[1:-1], w.shape[:-2], steps, dilation)
        if padding == "same"
        else [(0, 0)] * rank
    )
    y = naive(x, w, steps, pairs, dilation, groups or x.shape[-1] // w.shape[-2])
    return np.moveaxis(y, -1, 1) if first else y


def depthwise_reference(x: Any, w: Any, **options: Any) -> np.ndarray[Any, Any]:
    *window, channels, multiplier = w.shape
    return conv_reference(x, w.reshape(*window, 1, channels * multiplier), **options)


def separable_reference(x: Any, depthwise: Any, pointwise: Any, **options: Any) -> Any:
    y = depthwise_reference(x, depthwise, **options)
    return conv_reference(y, pointwise, data_format=options.get("data_format"))


def transposed_reference(
    x: Any,
    w: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> np.ndarray[Any, Any]:
    """Each pixel adds its multiple of the filter; then the ends are cut off by Keras's rules."""
    first = data_format == "channels_first"
    x = np.moveaxis(x, 1, -1) if first else x
    rank, window, filters = x.ndim - 2, w.shape[:-2], w.shape[-2]
    s, d = _each(strides, rank), _each(dilation_rate, rank)
    extra = (None,) * rank if output_padding is None else _each(output_padding, rank)
    reach = [(k - 1) * b + 1 for k, b in zip(window, d, strict=True)]
    sizes = []
    for n, step, r, p in zip(x.shape[1:-1], s, reach, extra, strict=True):
        if padding == "valid":
            sizes.append((n - 1) * step + r + (max(r, step) - r if p is None else p))
        else:
            sizes.append(n * step if p is None else (n - 1) * step + r % 2 + p)
    room = [
        max((n - 1) * b + r, m) + 9
        for n, b, r, m in zip(x.shape[1:-1], s, reach, sizes, strict=True)
    ]
    full = np.zeros((len(x), *room, filters))
    for o in itertools.product(*map(range, x.shape[1:-1])):
        for k in itertools.product(*map(range, window)):
            at = tuple(a * b + c * e for a, b, c, e in zip(o, s, k, d, strict=True))
            full[(slice(None), *at)] += x[(slice(None), *o)] @ w[k].T
    starts = []
    for step, r, p in zip(s, reach, extra, strict=True):
        if padding == "valid":
            starts.append(0)
        else:
            length = step + r - 2 if p is None else r + r % 2 - 2 + p
            starts.append(r - 1 - min(length // 2 + length % 2, r - 1))
    cut = tuple(slice(a, a + n) for a, n in zip(starts, sizes, strict=True))
    y = full[(slice(None), *cut)]
    return np.moveaxis(y, -1, 1) if first else y


def arrays(*shapes: tuple[int, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda r: tuple(r.standard_normal(s) for s in shapes)


def _conv(x_shape: Any, w_shape: Any, **options: Any) -> Case:
    return Case("conv", arrays(x_shape, w_shape), conv_reference, options)


def _transposed(x_shape: Any, w_shape: Any, **options: Any) -> Case:
    return Case("conv_transpose", arrays(x_shape, w_shape), transposed_reference, options)


CASES: list[Case] = [
    _conv((1, 4, 2), (2, 2, 2)),
    _conv((2, 5, 2), (3, 2, 3), strides=2, padding="same"),
    _conv((1, 6, 2), (2, 2, 1), dilation_rate=2, padding="same"),
    _conv((2, 4, 5, 2), (3, 2, 2, 3)),
    _conv((2, 5, 5, 2), (3, 3, 2, 3), strides=2, padding="same"),
    _conv((1, 6, 5, 1), (2, 3, 1, 2), strides=(2, 1), dilation_rate=(1, 2)),
    _conv((2, 4, 4, 4), (2, 2, 2, 6)),  # two groups
    _conv((2, 4, 4, 3), (2, 2, 1, 6), padding="same"),  # three groups of one channel
    _conv((2, 2, 4, 4), (3, 3, 2, 3), padding="same", data_format="channels_first"),
    _conv((2, 3, 3, 2), (1, 1, 2, 3)),
    _conv((2, 4, 3, 2), (1, 1, 2, 3), strides=2),
    _conv((1, 3, 4, 3, 2), (2, 2, 2, 2, 2), padding="same", strides=(1, 2, 1)),
    Case(
        "conv",
        arrays((1, 3, 1), (2, 1, 1)),
        conv_reference,
        special=(
            at([[[1.0], [2.0], [4.0]]], [[[1.0]], [[-1.0]]], [[[-1.0], [-2.0]]]),
            at([[[0.0], [0.0], [np.inf]]], [[[1.0]], [[1.0]]], [[[0.0], [np.inf]]]),
        ),
    ),
    Case(
        "depthwise_conv", arrays((2, 4, 4, 3), (2, 3, 3, 1)), depthwise_reference,
        {"padding": "same"},
    ),
    Case(
        "depthwise_conv", arrays((1, 5, 4, 2), (3, 2, 2, 2)), depthwise_reference, {"strides": 2}
    ),
    Case(
        "depthwise_conv", arrays((1, 2, 6), (2, 2, 1)), depthwise_reference,
        {"data_format": "channels_first", "dilation_rate": 2},
    ),
    Case(
        "separable_conv", arrays((1, 4, 4, 2), (2, 2, 2, 2), (1, 1, 4, 3)), separable_reference,
        {"strides": 2, "padding": "same"},
    ),
    Case("separable_conv", arrays((1, 5, 2), (3, 2, 1), (1, 2, 2)), separable_reference),
    _transposed((1, 3, 2), (2, 3, 2)),
    _transposed((1, 3, 2), (2, 3, 2), strides=3),  # holes between the filters
    _transposed((2, 3, 3, 2), (3, 3, 2, 2), strides=2, padding="same"),
    _transposed((1, 3, 2, 1), (2, 3, 2, 1), strides=(2, 1), output_padding=(1, 0)),
    _transposed((1, 3, 3, 2), (3, 3, 1, 2), strides=2, padding="same", output_padding=1),
    _transposed((1, 4, 2), (3, 2, 2), padding="same", dilation_rate=2),
    _transposed((1, 2, 2, 3), (2, 2, 2, 2), strides=2, data_format="channels_first"),
    _transposed((1, 2, 2, 2, 1), (2, 2, 2, 2, 1), strides=(2, 1, 2), padding="same"),
]  # fmt: skip


def pointwise_twice(x: Any, w: Any) -> Any:
    """A function whose second derivative is not zero in any pair of arguments."""
    return ops.conv(x, w) ** 2


CASES.append(
    Case(
        "_conv",
        arrays((1, 4, 2), (2, 2, 2)),
        lambda x, w, **_: conv_reference(x, w) ** 2,
        call=pointwise_twice,
    )
)
