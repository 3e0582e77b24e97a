"""Pooling: the maximum or the average of each window of an image.

Both are linear in what flows through them once it is known where the maxima are, so their rules
come in pairs: spreading gradients over windows and collecting values from windows are each
other's derivative. Arrays are channels-last inside, (N, *S, C).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import (
    RecordedCall,
    Tensor,
    as_tensor,
    composite,
    primitive,
    records_for_variables_only,
)
from etude.config import standardize_data_format
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.errors import ShapeError
from etude.ops.activation import relu
from etude.ops.convolution import (
    explicit_padding,
    from_channels_last,
    spatial_tuple,
    to_channels_last,
)
from etude.ops.core import cast
from etude.ops.elementwise import add

__all__ = ["average_pool", "max_pool"]

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]


# --- maximum ------------------------------------------------------------------------------------


@primitive
def _max_pool(x: Array, *, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The maximum of each window. Shapes: x (N, *S, C), out (N, *O, C).

    Of equal maxima the first in row-major order gets the gradient.
    """
    return xp().max_pool(x, window, strides, padding)


@_max_pool.gradient
def _(g: Tensor, out: Tensor, x: Tensor, **how: Any):
    return (lambda: _max_pool_scatter(g, out, x, **how),)


@primitive
def _max_pool_scatter(
    g: Array, out: Array, x: Array, *, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g where its window has its maximum. Shapes: g, out (N, *O, C), x (N, *S, C).

    Where the maxima are does not change with small changes of x: no gradient for out and x.
    """
    return xp().max_pool_scatter(g, out, x, window, strides, padding)


@_max_pool_scatter.gradient
def _(v: Tensor, dx: Tensor, g: Tensor, out: Tensor, x: Tensor, **how: Any):
    return lambda: _max_pool_gather(v, out, x, **how), None, None


@primitive
def _max_pool_gather(
    v: Array, out: Array, x: Array, *, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Reads v where each window of x has its maximum. Shapes: v, x (N, *S, C), out (N, *O, C)."""
    return xp().max_pool_gather(v, out, x, window, strides, padding)


@_max_pool_gather.gradient
def _(g: Tensor, y: Tensor, v: Tensor, out: Tensor, x: Tensor, **how: Any):
    return lambda: _max_pool_scatter(g, out, x, **how), None, None


def _max_pool_early(x: Tensor, how: dict[str, Any]) -> Tensor:
    """`_max_pool`, before what made x where that keeps the order: relu, adding a bias.

    max(relu(z)) = relu(max(z)) and max(z + b) = max(z) + b with one b for each channel, gradients
    included: a maximum stays where it is. After pooling there are fewer numbers, and what was
    computed before it drops out of a compiled program.
    """
    call = x.origin
    if records_for_variables_only() and isinstance(call, RecordedCall):
        z, *others = call.inputs
        if z is not None and call.primitive is relu:
            return relu(_max_pool_early(z, how))
        if z is not None and call.primitive is add:
            (b,) = others
            if b is not None and b.shape == (x.shape[-1],) and z.shape == x.shape:
                return add(_max_pool_early(z, how), b)
    return _max_pool(x, **how)


# --- sums ---------------------------------------------------------------------------------------


@primitive
def _window_sum(x: Array, *, window: Ints, strides: Ints, padding: Pairs) -> Array:
    """The sum of each window. Shapes: x (N, *S, C), out (N, *O, C)."""
    return xp().window_sum(x, window, strides, padding)


@_window_sum.gradient
def _(g: Tensor, out: Tensor, x: Tensor, **how: Any):
    return (_window_spread(g, input_shape=x.shape, **how),)


@primitive
def _window_spread(
    g: Array, *, input_shape: Ints, window: Ints, strides: Ints, padding: Pairs
) -> Array:
    """Adds each g to all places of its window. Shapes: g (N, *O, C), out (N, *S, C)."""
    return xp().window_spread(g, input_shape, window, strides, padding)


@_window_spread.gradient
def _(h: Tensor, out: Tensor, g: Tensor, **how: Any):
    del how["input_shape"]
    return (_window_sum(h, **how),)


# --- public operations --------------------------------------------------------------------------


def _windows(
    name: str, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str
) -> tuple[Tensor, dict[str, Any]]:
    """Channels-last images, and the windows over them."""
    x = as_tensor(inputs)
    rank = x.ndim - 2
    if rank not in (1, 2, 3):
        raise ShapeError(
            f"{name}() expects inputs of rank 3, 4 or 5: batch, one to three spatial dimensions "
            f"and channels; got the shape {x.shape}."
        )
    x = to_channels_last(x, data_format)
    window = spatial_tuple(pool_size, rank, "pool_size")
    steps = window if strides is None else spatial_tuple(strides, rank, "strides")
    pairs = explicit_padding(padding.lower(), x.shape[1:-1], window, steps, (1,) * rank)
    if any(s + lo + hi < k for s, (lo, hi), k in zip(x.shape[1:-1], pairs, window, strict=True)):
        raise ShapeError(
            f"{name}(): the output would be empty: images of size {x.shape[1:-1]} are smaller than "
            f"the window {window}. Use padding='same', a smaller window, or larger images."
        )
    return x, {"window": window, "strides": steps, "padding": pairs}


@composite
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The maximum of each window: y[n, o, c] = max_k x[n, o·s + k, c].

    Of equal maxima the first in row-major order gets the gradient.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first; one to three dimensions.
        pool_size: the size of the windows.
        strides: the distance between them; None for ``pool_size``.
        padding: "valid": only whole windows; "same": ceil(S / s) windows, padded with -∞.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, *O, C), or (N, C, *O) with channels_first.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).numpy().tolist()
    [[[3.0], [2.0]]]
    """
    data_format = standardize_data_format(data_format)
    x, how = _windows("max_pool", inputs, pool_size, strides, padding, data_format)
    return from_channels_last(_max_pool_early(x, how), data_format)


@composite
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The average of each window; padding does not count.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first; one to three dimensions.
        pool_size: the size of the windows.
        strides: the distance between them; None for ``pool_size``.
        padding: "valid": only whole windows; "same": ceil(S / s) windows.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, *O, C), or (N, C, *O) with channels_first.

    >>> average_pool([[[1.0], [3.0], [5.0]]], 2, padding="same").numpy().tolist()
    [[[2.0], [5.0]]]
    """
    data_format = standardize_data_format(data_format)
    x, how = _windows("average_pool", inputs, pool_size, strides, padding, data_format)
    if not is_float_dtype(x.dtype):
        x = cast(x, "float32")
    sums = _window_sum(x, **how)
    if all(pair == (0, 0) for pair in how["padding"]):
        return from_channels_last(sums * (1 / math.prod(how["window"])), data_format)
    return from_channels_last(sums / _places(x, **how), data_format)


def _places(x: Tensor, window: Ints, strides: Ints, padding: Pairs) -> Tensor:
    """How many places of each window lie in the image: (1, *O, 1)."""
    one_image = xp().ones((1, *x.shape[1:-1], 1), x.dtype)
    return Tensor(xp().window_sum(one_image, window, strides, padding))
