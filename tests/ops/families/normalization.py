"""Normalisation. Reference: the formulas in NumPy, statistics by `mean` and `var`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from tests.ops.case import Case
from tests.ops.families._rows import at, kink


def arrays(*shapes: tuple[int, ...]) -> Callable[[Any], tuple[Any, ...]]:
    return lambda r: tuple(r.standard_normal(s) for s in shapes)


def shaped(v: Any, x: Any, axis: int) -> Any:
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return np.reshape(v, shape)


def with_variance(*shapes: tuple[int, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """x, mean, a positive variance, and more."""

    def build(r: Any) -> tuple[Any, ...]:
        x, mean, variance, *rest = (r.standard_normal(s) for s in shapes)
        return x, mean, 0.5 + variance * variance, *rest

    return build


def given(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any = 0.0,
    scale: Any = 1.0,
    *,
    axis: int,
    epsilon: float,
) -> Any:
    mean, variance = shaped(mean, x, axis), shaped(variance, x, axis)
    offset = shaped(offset, x, axis) if np.ndim(offset) else offset
    scale = shaped(scale, x, axis) if np.ndim(scale) else scale
    return (x - mean) / np.sqrt(variance + epsilon) * scale + offset


def call_given(x: Any, mean: Any, variance: Any, *parameters: Any, **options: Any) -> Any:
    names = dict(zip(("offset", "scale"), parameters, strict=False))
    return ops.batch_normalization(x, mean, variance, **names, **options)


def of_batch(x: Any, offset: Any = None, scale: Any = None, *, axis: int, epsilon: float) -> Any:
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    mean, variance = x.mean(axes), x.var(axes)
    zero, one = np.zeros_like(mean), np.ones_like(mean)
    offset, scale = zero if offset is None else offset, one if scale is None else scale
    return given(x, mean, variance, offset, scale, axis=axis, epsilon=epsilon), mean, variance


def call_of_batch(x: Any, *parameters: Any, axis: int, epsilon: float) -> Any:
    return ops.batch_standardization(x, axis, *parameters, epsilon=epsilon)


def layer(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float = 1e-7
) -> Any:
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    axes = tuple(a % x.ndim for a in axes)
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    y = y if gamma is None else y * np.reshape(gamma, shape)
    return y if beta is None else y + np.reshape(beta, shape)


def group(
    x: Any,
    offset: Any = None,
    scale: Any = None,
    *,
    groups: int,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Any:
    y = np.moveaxis(x, axis, -1).copy()
    size = y.shape[-1] // groups
    for n in range(len(y)):
        for g in range(groups):
            part = y[n, ..., g * size : (g + 1) * size]
            part[...] = (part - part.mean()) / np.sqrt(part.var() + epsilon)
    y = y if scale is None else y * scale
    y = y if offset is None else y + offset
    return np.moveaxis(y, -1, axis)


def call_group(x: Any, *parameters: Any, groups: int, **options: Any) -> Any:
    names = dict(zip(("offset", "scale"), parameters, strict=False))
    return ops.group_normalization(x, groups, **names, **options)


def rms(x: Any, scale: Any = 1.0, axis: Any = -1, epsilon: float = 1e-7) -> Any:
    return x / np.sqrt(np.mean(x * x, axis=axis, keepdims=True) + epsilon) * scale


def normalized(x: Any, axis: Any = -1, order: int = 2, epsilon: float = 1e-7) -> Any:
    norm = np.sum(np.abs(x) ** order, axis=axis, keepdims=True) ** (1 / order)
    return x / np.maximum(norm, epsilon)


def statistics(x: Any, axes: Any, keepdims: bool = False) -> Any:
    return x.mean(tuple(axes), keepdims=keepdims), x.var(tuple(axes), keepdims=keepdims)


STEP = (1 + 1e-3) ** -0.5  # one standard deviation of 1, with epsilon


CASES: list[Case] = [
    Case("moments", arrays((3, 4)), statistics, {"axes": [0]}),
    Case("moments", arrays((2, 3, 2)), statistics, {"axes": [0, 2], "keepdims": True}),
    Case(
        "batch_normalization", with_variance((3, 2), (2,), (2,)), given,
        {"axis": -1, "epsilon": 1e-3}, call=call_given,
    ),
    Case(
        "batch_normalization", with_variance((2, 3, 2), (3,), (3,), (3,), (3,)), given,
        {"axis": 1, "epsilon": 0.1}, call=call_given,
    ),
    Case(
        "batch_standardization", arrays((5, 2), (2,), (2,)), of_batch,
        {"axis": -1, "epsilon": 1e-3}, call=call_of_batch,
    ),
    Case(
        "batch_standardization", arrays((3, 2, 2, 2), (2,), (2,)), of_batch,
        {"axis": 3, "epsilon": 0.1}, call=call_of_batch,
    ),
    Case(
        "batch_standardization", arrays((3, 2, 4), (2,), (2,)), of_batch,
        {"axis": 1, "epsilon": 1e-3}, call=call_of_batch,
    ),
    Case(
        "batch_standardization", arrays((4, 2)), of_batch,
        {"axis": -1, "epsilon": 1e-3}, call=call_of_batch,
        special=(
            (
                (np.array([[1.0, 5.0], [1.0, 7.0]]),),
                tuple(map(np.array, ([[0.0, -STEP], [0.0, STEP]], [1.0, 6.0], [0.0, 1.0]))),
            ),
        ),
    ),
    Case("layer_normalization", arrays((3, 4)), layer),
    Case("layer_normalization", arrays((3, 4), (4,), (4,)), layer, {"epsilon": 1e-3}),
    Case(
        "layer_normalization", arrays((2, 2, 3), (2, 3), (2, 3)), layer,
        {"axis": [1, 2], "epsilon": 1e-3},
        call=ops.layer_normalization,
    ),
    Case("layer_normalization", arrays((2, 3, 2), (3,)), layer, {"axis": 1, "epsilon": 0.1},
         call=ops.layer_normalization),
    Case(
        "group_normalization", arrays((2, 3, 4), (4,), (4,)), group, {"groups": 2}, call=call_group
    ),
    Case(
        "group_normalization", arrays((2, 4, 2)), group, {"groups": 4, "axis": 1}, call=call_group
    ),
    Case("rms_normalization", arrays((3, 4)), rms),
    Case("rms_normalization", arrays((3, 4), (4,)), rms, {"epsilon": 0.1}),
    Case(
        "normalize", arrays((3, 4)), normalized,
        special=(at([[0.0, 0.0]], [[0.0, 0.0]]),),
        # At 0 the divisor is epsilon: a gradient of 1 / epsilon, not NaN.
        kinks=(kink([[[0.0, 0.0]]], [[[1e7, 1e7]]]),),
    ),
    Case("normalize", arrays((3, 4)), normalized, {"axis": 0, "order": 3}),
    Case("normalize", arrays((3, 4)), normalized, {"order": 1}),
]  # fmt: skip
