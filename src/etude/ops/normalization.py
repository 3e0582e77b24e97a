"""Normalisation: batch, layer, group, root-mean-square, and to unit length.

All standardise, x̂ = (x - μ) / √(σ² + ε), over some axes. The rule of that step is derived once:
μ and σ depend on x too, which takes out of the gradient its mean and its component along x̂,

    dx = (g - mean(g) - x̂ mean(g x̂)) / √(σ² + ε).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import result_type
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.core import cast, saturate_cast
from etude.ops.elementwise import maximum, rsqrt, square
from etude.ops.norms import norm
from etude.ops.reduction import mean, sum, var
from etude.ops.shape import axes_indices, axis_index, expand_dims, reshape, squeeze

__all__ = [
    "batch_normalization",
    "batch_standardization",
    "group_normalization",
    "layer_normalization",
    "moments",
    "normalize",
    "rms_normalization",
]

Array = Any
Axes = int | Sequence[int]


def _along(x: Tensor, vector: Any, axes: Sequence[int]) -> Tensor | None:
    """A parameter of the sizes of x along some axes, in the shape that broadcasts against x."""
    if vector is None:
        return None
    v = cast(as_tensor(vector), x.dtype)
    if v.ndim == x.ndim:
        return v
    shape = tuple(n if i in axes else 1 for i, n in enumerate(x.shape))
    if v.size != math.prod(shape):
        raise ShapeError(
            f"A parameter of shape {v.shape} does not fit the axes {tuple(axes)} of inputs of "
            f"shape {x.shape}."
        )
    return reshape(v, shape)


def _in_single_precision(x: Any) -> Tensor:
    """At least float32: statistics overflow and lose digits in half precision."""
    t = as_tensor(x)
    return cast(t, result_type(str(t.dtype), "float32"))


# --- statistics ---------------------------------------------------------------------------------


@composite
def moments(
    x: Any, axes: Axes, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes: μ = mean(x), σ² = mean((x - μ)²).

    Args:
        x: any tensor; half precision is worked on in float32.
        axes: the axes to reduce.
        keepdims: whether they stay, with size 1.
        synchronized: accepted for Keras.

    Returns:
        The mean and the variance, in the dtype of x.

    >>> m, v = moments([0.0, 2.0], axes=[0])
    >>> float(m), float(v)
    (1.0, 1.0)
    """
    given = as_tensor(x)
    over = axes_indices(axes, given.ndim)
    half = str(given.dtype) in ("float16", "bfloat16")
    t = cast(given, "float32") if half else given
    statistics = [mean(t, axis=over, keepdims=True), var(t, axis=over, keepdims=True)]
    if half:
        statistics = [saturate_cast(s, given.dtype) for s in statistics]
    if not keepdims:
        statistics = [squeeze(s, over) for s in statistics]
    return statistics[0], statistics[1]


@primitive
def _standardize(x: Array, *, axes: Sequence[int], epsilon: float) -> tuple[Array, Array, Array]:
    """x̂ = (x - μ) / √(σ² + ε), and μ and 1 / √(σ² + ε). Shapes: x; statistics with axes of 1."""
    centre = xp().mean(x, axis=tuple(axes), keepdims=True, dtype=x.dtype)
    centred = x - centre
    variance = xp().mean(centred * centred, axis=tuple(axes), keepdims=True, dtype=x.dtype)
    scale = 1 / xp().sqrt(variance + epsilon)
    return centred * scale, centre, scale


@_standardize.gradient
def _(g: Any, out: Any, x: Tensor, axes: Sequence[int]):
    g_out, g_centre, g_scale = g
    standard, _, scale = out
    count = math.prod(x.shape[a] for a in axes)
    # d scale = -scale³ (x - μ) dx / count = -scale² x̂ dx / count
    along = mean(g_out * standard, axis=axes, keepdims=True) + scale * g_scale * (1 / count)
    dx = scale * (g_out - mean(g_out, axis=axes, keepdims=True) - standard * along)
    return (dx + g_centre * (1 / count),)


# --- batch normalisation ------------------------------------------------------------------------


@composite
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Normalises with given statistics: (x - mean) / √(variance + ε) · scale + offset.

    Args:
        x: any tensor.
        mean: (C,), C being the size of ``axis``.
        variance: (C,).
        axis: the axis of the channels.
        offset: (C,), or None for 0.
        scale: (C,), or None for 1.
        epsilon: ε.

    Returns:
        A tensor like x.

    Source: Ioffe and Szegedy, arXiv:1502.03167.

    >>> batch_normalization([[1.0], [3.0]], [1.0], [4.0], axis=-1, epsilon=0.0).numpy().tolist()
    [[0.0], [1.0]]
    """
    t = as_tensor(x)
    axes = (axis_index(axis, t.ndim),)
    for name, vector in (
        ("mean", mean),
        ("variance", variance),
        ("offset", offset),
        ("scale", scale),
    ):
        if vector is not None and as_tensor(vector).size != t.shape[axes[0]]:
            raise ShapeError(
                f"batch_normalization: Arguments `{name}` must be a vector of length "
                f"`x.shape[axis]`, which is {t.shape[axes[0]]}; got shape "
                f"{as_tensor(vector).shape}."
            )
    m, v = _along(t, mean, axes), _along(t, variance, axes)
    b, a = _along(t, offset, axes), _along(t, scale, axes)
    assert m is not None and v is not None
    factor = rsqrt(v + epsilon) if a is None else rsqrt(v + epsilon) * a
    shift = -m * factor if b is None else b - m * factor
    return t * factor + shift


@composite
def batch_standardization(
    x: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation with the statistics of the batch itself, as in training.

    The same as `moments` and `batch_normalization`, with one rule for both.

    Args:
        x: any tensor.
        axis: the axis of the channels, of size C.
        offset: (C,), or None for 0.
        scale: (C,), or None for 1.
        epsilon: ε.

    Returns:
        The normalised tensor, the mean (C,) and the variance (C,).

    >>> y, m, v = batch_standardization([[1.0], [3.0]], axis=-1, epsilon=0.0)
    >>> y.numpy().tolist(), m.numpy().tolist(), v.numpy().tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
    t = as_tensor(x)
    channel = axis_index(axis, t.ndim)
    ones = xp().ones((t.shape[channel],), t.dtype)
    a = _along(t, Tensor(ones) if scale is None else scale, (channel,))
    b = _along(t, Tensor(xp().zeros_like(ones)) if offset is None else offset, (channel,))
    y, m, v = _batch_standardize(t, a, b, channel=channel, epsilon=epsilon)
    return y, reshape(m, (-1,)), reshape(v, (-1,))


@primitive
def _batch_standardize(
    x: Array, scale: Array, offset: Array, *, channel: int, epsilon: float
) -> tuple[Array, Array, Array]:
    """y = (x - μ) / √(σ² + ε) · scale + offset, μ, σ². Parameters broadcast against x."""
    axes = tuple(i for i in range(x.ndim) if i != channel)
    m = xp().mean(x, axis=axes, keepdims=True, dtype=x.dtype)
    centred = x - m
    v = xp().mean(centred * centred, axis=axes, keepdims=True, dtype=x.dtype)
    return centred * (scale / xp().sqrt(v + epsilon)) + offset, m, v


@_batch_standardize.gradient
def _(g: Any, out: Any, x: Tensor, scale: Tensor, offset: Tensor, channel: int, epsilon: float):
    g_y, g_m, g_v = g
    _, m, v = out
    axes = tuple(i for i in range(x.ndim) if i != channel)
    share = 1 / math.prod(x.shape[a] for a in axes)
    inverse = rsqrt(v + epsilon)
    centred = x - m
    d_offset = sum(g_y, axis=axes, keepdims=True)
    along = sum(g_y * centred, axis=axes, keepdims=True)  # Σ g (x - μ)
    d_scale = along * inverse

    def dx() -> Tensor:
        factor = scale * inverse
        pull = 2 * share * g_v - factor * inverse * inverse * share * along
        return g_y * factor + centred * pull + share * (g_m - factor * d_offset)

    return dx, d_scale, d_offset


# --- layer, group and root-mean-square normalisation --------------------------------------------


@composite
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Axes = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """Normalises each example by its own mean and variance: x̂ γ + β.

    Args:
        x: any tensor; half precision is worked on in float32.
        gamma: γ, of the sizes of x along ``axis``, or None for 1.
        beta: β, likewise, or None for 0.
        axis: the axis or axes to normalise over.
        epsilon: ε, added to the variance; None for `config.epsilon`.
        **kwargs: ``rms_scaling``, deprecated in Keras: divides by the standard deviation without
            subtracting the mean.

    Returns:
        A tensor like x.

    Source: Ba, Kiros and Hinton, arXiv:1607.06450.

    >>> layer_normalization([1.0, 3.0], epsilon=0.0).numpy().tolist()
    [-1.0, 1.0]
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise ArgumentError(f"layer_normalization() has no arguments {sorted(kwargs)}.")
    epsilon = config.epsilon() if epsilon is None else epsilon
    t = _in_single_precision(x)
    axes = tuple(sorted(axes_indices(axis, t.ndim)))
    a, b = _along(t, gamma, axes), _along(t, beta, axes)
    if rms_scaling:
        warnings.warn(
            "You passed `rms_scaling=True`, which is deprecated: it scales by the variance, not "
            "by the root mean square. Use `ops.rms_normalization`.",
            stacklevel=3,
        )
        y, b = t * rsqrt(var(t, axis=axes, keepdims=True) + epsilon), None
    else:
        y = _standardize(t, axes=axes, epsilon=epsilon)[0]
    y = y if a is None else y * a
    y = y if b is None else y + b
    return cast(y, as_tensor(x).dtype)


@composite
def group_normalization(
    x: Any,
    groups: int,
    axis: int = -1,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Normalises each example over groups of channels and all places.

    Args:
        x: (N, ..., C, ...); half precision is worked on in float32.
        groups: how many groups the channels are split into.
        axis: the axis of the channels.
        offset: (C,), or None for 0.
        scale: (C,), or None for 1.
        epsilon: ε, added to the variance.

    Returns:
        A tensor like x.

    Source: Wu and He, arXiv:1803.08494.

    >>> group_normalization([[1.0, 3.0, 10.0, 20.0]], 2, epsilon=0.0).numpy().tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    t = _in_single_precision(x)
    channel = axis_index(axis, t.ndim)
    channels = t.shape[channel]
    if groups < 1 or channels % groups:
        raise ShapeError(
            f"Channels divide into groups of one size; got {channels} channels along axis {axis} "
            f"of inputs {t.shape}, and groups={groups}."
        )
    split = (*t.shape[:channel], groups, channels // groups, *t.shape[channel + 1 :])
    axes = tuple(i for i in range(1, t.ndim + 1) if i != channel)
    y = reshape(_standardize(reshape(t, split), axes=axes, epsilon=epsilon)[0], t.shape)
    a, b = _along(t, scale, (channel,)), _along(t, offset, (channel,))
    y = y if a is None else y * a
    y = y if b is None else y + b
    return cast(y, as_tensor(x).dtype)


@composite
def rms_normalization(
    x: Any, scale: Any = None, axis: Axes = -1, epsilon: float | None = None
) -> Tensor:
    """Divides by the root mean square: x / √(mean(x²) + ε) · scale.

    Args:
        x: any tensor; half precision is worked on in float32.
        scale: broadcasts against x, or None for 1.
        axis: the axis or axes of the mean.
        epsilon: ε; None for `config.epsilon`.

    Returns:
        A tensor like x.

    Source: Zhang and Sennrich, arXiv:1910.07467.

    >>> rms_normalization([3.0, 3.0], epsilon=0.0).numpy().tolist()
    [1.0, 1.0]
    """
    epsilon = config.epsilon() if epsilon is None else epsilon
    t = _in_single_precision(x)
    t = expand_dims(t, 0) if t.ndim == 0 else t
    y = t * rsqrt(mean(square(t), axis=axes_indices(axis, t.ndim), keepdims=True) + epsilon)
    if scale is not None:
        y = y * cast(as_tensor(scale), t.dtype)
    return cast(y, as_tensor(x).dtype)


@composite
def normalize(x: Any, axis: Axes = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """Divides by the norm: x / max(‖x‖, ε).

    Args:
        x: any tensor.
        axis: the axis or axes of the norm.
        order: which norm: the n-th root of Σ|x|ⁿ.
        epsilon: ε, the least divisor; None for `config.epsilon`.

    Returns:
        A tensor like x.

    >>> print(normalize([3.0, 4.0]).numpy().round(4))
    [0.6 0.8]
    """
    if not isinstance(order, int) or order < 1:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(f"Argument `order` must be an int >= 1; got order={order!r}.")
    epsilon = config.epsilon() if epsilon is None else epsilon
    t = as_tensor(x)
    t = cast(t, result_type(str(t.dtype), float))
    t = expand_dims(t, 0) if t.ndim == 0 else t
    if order == 2:
        # max(‖x‖², ε²) under the root: at x = 0 the gradient is that of x / ε.
        return t * rsqrt(maximum(sum(square(t), axis=axis, keepdims=True), epsilon * epsilon))
    return t / maximum(norm(t, ord=order, axis=axis, keepdims=True), epsilon)
