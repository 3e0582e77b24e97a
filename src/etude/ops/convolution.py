"""Convolution in one, two and three dimensions: dense, grouped, depthwise, separable, transposed.

What the field calls convolution is a correlation,

    y[n, o, f] = Σ_k Σ_c x[n, o·s + k·d - p, c] w[k, c, f],

with stride s, dilation d and padding p. ⟨h, y⟩ is linear in h, x and w, so three operations
(convolution, its input gradient, its filter gradient) are each other's derivatives, and any order
of derivative is there. Arrays are channels-last, (N, *S, C), filters (*K, C / groups, F).

Source: Dumoulin and Visin, A guide to convolution arithmetic, arXiv:1603.07285.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.config import standardize_data_format
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.core import cast
from etude.ops.shape import reshape, transpose

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]


# --- three primitives, each other's derivatives -------------------------------------------------


@primitive
def _conv(
    x: Array,
    w: Array,
    *,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """y = x ⋆ w. Shapes: x (N, *S, C), w (*K, C / groups, F), out (N, *O, F)."""
    return xp().conv(x, w, strides, padding, dilation, groups)


@_conv.gradient
def _(g: Tensor, out: Tensor, x: Tensor, w: Tensor, **how: Any):
    return (
        lambda: _conv_input_gradient(g, w, input_shape=x.shape, **how),
        lambda: _conv_filter_gradient(x, g, kernel_shape=w.shape, **how),
    )


@primitive
def _conv_input_gradient(
    g: Array,
    w: Array,
    *,
    input_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The x for which ⟨g, x ⋆ w⟩ grows fastest. Shapes: g (N, *O, F), out (N, *S, C)."""
    return xp().conv_input_gradient(g, w, input_shape, strides, padding, dilation, groups)


@_conv_input_gradient.gradient
def _(h: Tensor, out: Tensor, g: Tensor, w: Tensor, **how: Any):
    del how["input_shape"]
    return (
        lambda: _conv(h, w, **how),
        lambda: _conv_filter_gradient(h, g, kernel_shape=w.shape, **how),
    )


@primitive
def _conv_filter_gradient(
    x: Array,
    g: Array,
    *,
    kernel_shape: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int = 1,
) -> Array:
    """The w for which ⟨g, x ⋆ w⟩ grows fastest. Shapes: x (N, *S, C), g (N, *O, F)."""
    return xp().conv_filter_gradient(x, g, kernel_shape, strides, padding, dilation, groups)


@_conv_filter_gradient.gradient
def _(h: Tensor, out: Tensor, x: Tensor, g: Tensor, **how: Any):
    del how["kernel_shape"]
    return (
        lambda: _conv_input_gradient(g, h, input_shape=x.shape, **how),
        lambda: _conv(x, h, **how),
    )


# --- arguments of Keras -------------------------------------------------------------------------


def spatial_tuple(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """One number per spatial axis, from an int or a sequence of them.

    >>> spatial_tuple(2, 3, "strides")
    (2, 2, 2)
    """
    numbers = (value,) * rank if isinstance(value, int) else tuple(int(v) for v in value)
    if len(numbers) != rank or any(n < 1 for n in numbers):
        raise ArgumentError(
            f"The `{name}` argument must be a positive int, or {rank} of them for {rank} spatial "
            f"dimensions; got {value!r}."
        )
    return numbers


def explicit_padding(
    padding: str, sizes: Ints, window: Ints, strides: Ints, dilation: Ints
) -> tuple[tuple[int, int], ...]:
    """How many zeros "same" or "valid" put before and after each spatial axis.

    "same" gives ceil(size / stride) windows, the odd zero at the end.

    >>> explicit_padding("same", (5,), (3,), (2,), (1,))
    ((1, 1),)
    """
    if padding not in ("same", "valid"):
        raise ArgumentError(f"The `padding` argument must be 'same' or 'valid'; got {padding!r}.")
    if padding == "valid":
        return ((0, 0),) * len(sizes)
    pairs: list[tuple[int, int]] = []
    for size, k, s, d in zip(sizes, window, strides, dilation, strict=True):
        total = max((math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def to_channels_last(x: Tensor, data_format: str) -> Tensor:
    """(N, C, *S) -> (N, *S, C) where the format is channels_first."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, *range(2, x.ndim), 1))


def from_channels_last(x: Tensor, data_format: str) -> Tensor:
    """(N, *S, C) -> (N, C, *S) where the format is channels_first."""
    if data_format == "channels_last":
        return x
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def _images_and_kernel(
    name: str, inputs: Any, kernel: Any, data_format: str
) -> tuple[Tensor, Tensor]:
    """Both as Tensors of the kernel's dtype, images channels-last, ranks checked."""
    w = as_tensor(kernel)
    x = cast(as_tensor(inputs), w.dtype)
    if x.ndim not in (3, 4, 5) or w.ndim != x.ndim:
        raise ShapeError(
            f"{name}() expects inputs of rank 3, 4 or 5 (batch, one to three spatial dimensions, "
            f"channels) and a kernel of the same rank; got inputs {x.shape} and kernel {w.shape}."
        )
    return to_channels_last(x, data_format), w


def _check_channels(name: str, x: Tensor, expected: int, kernel: Tensor, data_format: str) -> None:
    if x.shape[-1] != expected:
        raise ShapeError(
            f"{name}(): the input channels must match the kernel; got {x.shape[-1]} channels with "
            f"data_format={data_format!r}, and a kernel of shape {kernel.shape} for {expected}."
        )


def _convolve(
    name: str,
    x: Tensor,
    w: Tensor,
    strides: Any,
    padding: str,
    dilation_rate: Any,
    groups: int,
) -> Tensor:
    """Convolves channels-last images, with the arguments of Keras."""
    rank, window = x.ndim - 2, w.shape[:-2]
    steps = spatial_tuple(strides, rank, "strides")
    dilation = spatial_tuple(dilation_rate, rank, "dilation_rate")
    pairs = explicit_padding(padding.lower(), x.shape[1:-1], window, steps, dilation)
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    if any(s + lo + hi < r for s, (lo, hi), r in zip(x.shape[1:-1], pairs, reach, strict=True)):
        raise ShapeError(
            f"{name}(): the output would be empty: images of size {x.shape[1:-1]} are smaller than "
            f"the kernel {window} with dilation {dilation}. Use padding='same', a smaller kernel, "
            "or larger images."
        )
    return _conv(x, w, strides=steps, padding=pairs, dilation=dilation, groups=groups)


# --- public operations --------------------------------------------------------------------------


@composite
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution: y[n, o, f] = Σ_k Σ_c x[n, o·s + k·d, c] w[k, c, f].

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first; one to three dimensions.
        kernel: filters (*K, C / groups, F); fewer channels than the images have make groups.
        strides: the distance between windows.
        padding: "valid" (none), or "same": ceil(S / s) windows.
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: the distance between the taps of a filter.

    Returns:
        (N, *O, F), or (N, F, *O) with channels_first.

    Raises:
        ShapeError: channels do not fit, or the output would be empty.

    >>> conv([[[1.0], [2.0], [4.0]]], [[[1.0]], [[-1.0]]]).numpy().tolist()
    [[[-1.0], [-2.0]]]
    """
    data_format = standardize_data_format(data_format)
    x, w = _images_and_kernel("conv", inputs, kernel, data_format)
    channels, expected = x.shape[-1], w.shape[-2]
    if expected == 0 or channels % expected or w.shape[-1] % (channels // expected):
        raise ShapeError(
            "conv(): the input channels must match the kernel: their number is a multiple of the "
            "kernel's, and the number of filters a multiple of the number of groups; got "
            f"{channels} input channels with data_format={data_format!r}, and a kernel of shape "
            f"{w.shape}."
        )
    y = _convolve("conv", x, w, strides, padding, dilation_rate, channels // expected)
    return from_channels_last(y, data_format)


@composite
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution of each channel with M filters of its own.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first.
        kernel: filters (*K, C, M).
        strides: as in `conv`, like the arguments after it.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: the distance between the taps of a filter.

    Returns:
        (N, *O, C·M), the M outputs of a channel beside each other.

    >>> depthwise_conv([[[1.0, 10.0], [2.0, 20.0]]], [[[1.0], [3.0]]]).numpy().tolist()
    [[[1.0, 30.0], [2.0, 60.0]]]
    """
    data_format = standardize_data_format(data_format)
    x, w = _images_and_kernel("depthwise_conv", inputs, kernel, data_format)
    *window, channels, multiplier = w.shape
    _check_channels("depthwise_conv", x, channels, w, data_format)
    w = reshape(w, (*window, 1, channels * multiplier))
    y = _convolve("depthwise_conv", x, w, strides, padding, dilation_rate, channels)
    return from_channels_last(y, data_format)


@composite
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A depthwise convolution, then a mix of the channels at each place.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first.
        depthwise_kernel: (*K, C, M).
        pointwise_kernel: (*1, C·M, F).
        strides: of the depthwise convolution, like the arguments after it.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: the distance between the taps of a filter.

    Returns:
        (N, *O, F), or (N, F, *O) with channels_first.

    >>> separable_conv([[[1.0], [2.0]]], [[[1.0, 2.0]]], [[[1.0], [1.0]]]).numpy().tolist()
    [[[3.0], [6.0]]]
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, 1, "valid", data_format)


@composite
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Transposed convolution: each pixel adds its multiple of the filter to the output.

        y[n, o·s + k·d, f] += Σ_c x[n, o, c] w[k, f, c]

    It is the input gradient of a convolution. With reach r = (K - 1) d + 1, the output size is
    (S - 1) s + max(r, s) for "valid", S s for "same"; an ``output_padding`` p makes it
    (S - 1) s + r + p, or (S - 1) s + r mod 2 + p.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first.
        kernel: filters (*K, F, C).
        strides: s, the distance at which pixels are placed in the output.
        padding: "valid" or "same".
        output_padding: p, extra places at the end; None for the default size.
        data_format: "channels_last", "channels_first", or None for the configured one.
        dilation_rate: d, the distance between the taps of a filter.

    Returns:
        (N, *O, F), or (N, F, *O) with channels_first.

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=2).numpy().ravel().tolist()
    [1.0, 10.0, 2.0, 20.0]
    """
    data_format = standardize_data_format(data_format)
    x, w = _images_and_kernel("conv_transpose", inputs, kernel, data_format)
    *window, filters, channels = w.shape
    _check_channels("conv_transpose", x, channels, w, data_format)
    rank = x.ndim - 2
    steps = spatial_tuple(strides, rank, "strides")
    dilation = spatial_tuple(dilation_rate, rank, "dilation_rate")
    extra = (output_padding,) * rank
    if output_padding is not None and not isinstance(output_padding, int):
        extra = tuple(output_padding)
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    around = [
        transposed_padding(padding.lower(), *by_axis)
        for by_axis in zip(reach, steps, extra, strict=True)
    ]
    sizes = [
        (size - 1) * s + r - lo - hi
        for size, s, r, (lo, hi) in zip(x.shape[1:-1], steps, reach, around, strict=True)
    ]
    y = _conv_input_gradient(
        x,
        w,
        input_shape=(x.shape[0], *sizes, filters),
        strides=steps,
        padding=tuple(around),
        dilation=dilation,
    )
    return from_channels_last(y, data_format)


def transposed_padding(
    padding: str, reach: int, stride: int, output_padding: int | None
) -> tuple[int, int]:
    """How much of the full output, (S - 1) s + r, a transposed convolution cuts off at the ends.

    The rules are those of Keras; a negative number adds zeros.

    >>> transposed_padding("same", 3, 2, None)
    (0, 1)
    """
    if padding not in ("same", "valid"):
        raise ArgumentError(f"The `padding` argument must be 'same' or 'valid'; got {padding!r}.")
    if padding == "valid":
        extra = max(reach, stride) - reach if output_padding is None else output_padding
        return 0, -extra
    if output_padding is None:
        length = stride + reach - 2
    else:
        length = reach + reach % 2 - 2 + output_padding
    left = min(length // 2 + length % 2, reach - 1)
    return reach - 1 - left, reach - 1 - (length - left)
