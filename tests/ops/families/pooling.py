"""Pooling. Reference: each window by itself, in plain loops."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.ops.case import Case
from tests.ops.families._rows import at, kink


def windows(
    shape: Any, window: Any, strides: Any, padding: Any
) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """For each window: its place in the output, and the places of the image that it sees."""
    sizes = [
        (n + lo + hi - k) // s + 1
        for n, k, s, (lo, hi) in zip(shape, window, strides, padding, strict=True)
    ]
    for o in itertools.product(*map(range, sizes)):
        seen = []
        for k in itertools.product(*map(range, window)):
            at = tuple(
                a * s + b - lo for a, s, b, (lo, _) in zip(o, strides, k, padding, strict=True)
            )
            if all(0 <= i < n for i, n in zip(at, shape, strict=True)):
                seen.append(at)
        yield o, seen


def _how(x: Any, pool_size: Any, strides: Any, padding: str) -> tuple[Any, Any, Any]:
    rank = x.ndim - 2
    window = (pool_size,) * rank if isinstance(pool_size, int) else tuple(pool_size)
    steps = window if strides is None else strides
    steps = (steps,) * rank if isinstance(steps, int) else tuple(steps)
    pairs = [(0, 0)] * rank
    if padding == "same":
        totals = [
            max((math.ceil(n / s) - 1) * s + k - n, 0)
            for n, k, s in zip(x.shape[1:-1], window, steps, strict=True)
        ]
        pairs = [(t // 2, t - t // 2) for t in totals]
    return window, steps, pairs


def pooled(reduce: Callable[..., Any]) -> Callable[..., Any]:
    def reference(
        x: Any,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
    ) -> Any:
        first = data_format == "channels_first"
        x = np.moveaxis(x, 1, -1) if first else x
        window, steps, pairs = _how(x, pool_size, strides, padding)
        found = {
            o: reduce(np.stack([x[(slice(None), *at)] for at in seen]), axis=0)
            for o, seen in windows(x.shape[1:-1], window, steps, pairs)
        }
        sizes = tuple(n + 1 for n in max(found))
        y = np.zeros((len(x), *sizes, x.shape[-1]))
        for o, value in found.items():
            y[(slice(None), *o)] = value
        return np.moveaxis(y, -1, 1) if first else y

    return reference


def distinct(*shape: int) -> Callable[[Any], tuple[Any, ...]]:
    """No two values closer than 0.1: moving one by 1e-6 changes no maximum."""

    def build(r: Any) -> tuple[Any, ...]:
        return (0.1 * r.permutation(math.prod(shape)).reshape(shape) - 1.0,)

    return build


def _pool(op: str, *shape: int, **options: Any) -> Case:
    return Case(op, distinct(*shape), pooled(np.max if op == "max_pool" else np.mean), options)


HOW = {"window": (2,), "strides": (1,), "padding": ((0, 1),)}


def spread_inputs(r: Any) -> tuple[Any, ...]:
    (x,) = distinct(1, 5, 2)(r)
    padded = np.pad(x, [(0, 0), (0, 1), (0, 0)], constant_values=-np.inf)
    out = np.maximum(padded[:, :-1], padded[:, 1:])
    return r.standard_normal(out.shape), out, x


def collect_inputs(r: Any) -> tuple[Any, ...]:
    _, out, x = spread_inputs(r)
    return r.standard_normal(x.shape), out, x


def spread(g: Any, out: Any, x: Any, **_: Any) -> Any:
    dx = np.zeros_like(x)
    for (o,), seen in windows(x.shape[1:-1], (2,), (1,), ((0, 1),)):
        for c in range(x.shape[-1]):
            values = [x[(0, *at, c)] for at in seen]
            dx[(0, *seen[int(np.argmax(values))], c)] += g[0, o, c]
    return dx


def collect(v: Any, out: Any, x: Any, **_: Any) -> Any:
    y = np.zeros_like(out)
    for (o,), seen in windows(x.shape[1:-1], (2,), (1,), ((0, 1),)):
        for c in range(x.shape[-1]):
            values = [x[(0, *at, c)] for at in seen]
            y[0, o, c] = v[(0, *seen[int(np.argmax(values))], c)]
    return y


CASES: list[Case] = [
    _pool("max_pool", 1, 4, 2, pool_size=2),
    _pool("max_pool", 2, 5, 2, pool_size=3, strides=1, padding="same"),
    _pool("max_pool", 2, 4, 4, 2, pool_size=2),
    _pool("max_pool", 1, 5, 4, 2, pool_size=(3, 2), strides=(2, 1)),
    _pool("max_pool", 2, 5, 5, 2, pool_size=3, strides=2, padding="same"),
    _pool("max_pool", 2, 2, 4, 4, pool_size=2, data_format="channels_first"),
    _pool("max_pool", 1, 2, 4, 2, 2, pool_size=2, padding="same"),
    Case(
        "max_pool",
        distinct(1, 4, 1),
        pooled(np.max),
        {"pool_size": 2},
        special=(
            at([[[-np.inf], [-np.inf], [np.inf], [0.0]]], [[[-np.inf], [np.inf]]]),
            at([[[np.nan], [0.0], [1.0], [0.0]]], [[[np.nan], [1.0]]]),
        ),
        # Of equal maxima the first gets the gradient.
        kinks=(kink([[[[3.0], [3.0], [1.0], [1.0]]]], [[[[1.0], [0.0], [1.0], [0.0]]]]),),
    ),
    _pool("average_pool", 1, 4, 2, pool_size=2),
    _pool("average_pool", 2, 5, 2, pool_size=3, strides=1, padding="same"),
    _pool("average_pool", 2, 5, 4, 2, pool_size=(2, 3), strides=(2, 1)),
    _pool("average_pool", 2, 5, 5, 2, pool_size=3, strides=2, padding="same"),
    _pool("average_pool", 2, 2, 4, 4, pool_size=2, data_format="channels_first"),
    _pool("average_pool", 1, 2, 4, 3, 2, pool_size=2, padding="same"),
    Case("_max_pool_scatter", spread_inputs, spread, HOW, differentiable=(0,)),
    Case("_max_pool_gather", collect_inputs, collect, HOW, differentiable=(0,)),
    Case(
        "_window_spread",
        lambda r: (r.standard_normal((1, 4, 2)),),
        lambda g, **_: np.pad(g, [(0, 0), (0, 1), (0, 0)]) + np.pad(g, [(0, 0), (1, 0), (0, 0)]),
        {"input_shape": (1, 5, 2), "window": (2,), "strides": (1,), "padding": ((0, 0),)},
    ),
]
