"""What the rows are built of: inputs, references element by element, special values, kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

INF, NAN = math.inf, math.nan

Build = Callable[[Any], tuple[Any, ...]]


def each(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of Python numbers, applied element by element; options are ignored."""

    def reference(*xs: Any, **_: Any) -> Any:
        xs = np.broadcast_arrays(*xs)
        return np.array(
            [f(*v) for v in zip(*(x.ravel().tolist() for x in xs), strict=True)]
        ).reshape(xs[0].shape)

    return reference


def by_index(shape: tuple[int, ...], f: Callable[..., Any]) -> Any:
    """The array of a shape whose element at (i, j, ...) is f(i, j, ...)."""
    return np.array([f(*i) for i in np.ndindex(*shape)]).reshape(shape)


def within(low: float, high: float, *shape: int) -> Build:
    return lambda r: (r.uniform(low, high, shape or (2, 3)),)


def normal(*shapes: tuple[int, ...]) -> Build:
    return lambda r: tuple(r.standard_normal(s) for s in shapes)


def signed(*shape: int) -> Build:
    """Away from 0, on both sides of it."""

    def build(r: Any) -> tuple[Any, ...]:
        size = r.uniform(0.2, 1.9, shape or (2, 3))
        return (size * np.resize([1.0, -1.0], size.shape),)

    return build


def integers(*shapes: tuple[int, ...], low: int = 0, high: int = 9) -> Build:
    return lambda r: tuple(r.integers(low, high, s).astype("int32") for s in shapes)


def truths(*shapes: tuple[int, ...]) -> Build:
    return lambda r: tuple(r.random(s) > 0.5 for s in shapes)


def at(*given: Any) -> tuple[tuple[Any, ...], Any]:
    """Special values: the inputs, and last what is expected."""
    *inputs, expected = (np.asarray(v) for v in given)
    return tuple(inputs), expected


def kink(inputs: tuple[Any, ...], gradients: tuple[Any, ...]) -> tuple[Any, Any]:
    """Inputs, and the gradient of the sum of the output by each."""
    return tuple(map(np.asarray, inputs)), tuple(map(np.asarray, gradients))
