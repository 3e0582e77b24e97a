"""Etude's own kernels inside of XLA's programs, on the CPU.

They are C++ in ``etude/engine/kernels``, built on first use, and compute with 32-bit floats, to
which 16-bit ones are widened. Where they cannot be had, or do not serve (64-bit floats, other
devices), the callers take XLA's own operations.
"""

# Jax leaves many of its types open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import ctypes
import functools
import math
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import jax.ffi
import numpy as np
from jax.version import __version__ as version

from etude.engine.kernels import build
from etude.engine.xla_windows import wide

Array = Any
Ints = Sequence[int]
How = tuple[Ints, Sequence[tuple[int, int]], Ints, int]
"""Strides, padding, dilation and groups."""

__all__ = [
    "call",
    "computes",
    "conv",
    "conv_filter_gradient",
    "conv_input_gradient",
    "left_out",
    "loaded",
    "max_pool",
    "max_pool_scatter",
    "serves",
]

_SYMBOLS = (
    *("etude_conv", "etude_conv_input_gradient", "etude_conv_filter_gradient"),
    *("etude_max_pool", "etude_max_pool_scatter"),
    *("etude_simple_rnn", "etude_simple_rnn_back"),
    *("etude_lstm", "etude_lstm_back"),
    *("etude_gru", "etude_gru_back"),
)
_MOST_RANK = 3
_MOST_FLOATS = 2**31  # in one image with its padding: offsets have 32 bits


@functools.cache
def loaded() -> build.Built:
    """The kernels, built if need be and known to XLA; says once why they are missing."""
    built = build.library(Path(jax.ffi.include_dir()), version)
    if built.path is not None:
        try:
            library = ctypes.CDLL(str(built.path))
            for symbol in _SYMBOLS:
                function = jax.ffi.pycapsule(getattr(library, symbol))
                jax.ffi.register_ffi_target(f"{symbol}_{built.key}", function, platform="cpu")
        except (OSError, AttributeError) as error:
            built = build.Built(None, "", f"{built.path} cannot be loaded: {error}")
    if built.path is None and not built.is_off:
        print(f"etude: no native kernels, XLA's serve: {built.reason}", file=sys.stderr)
    return built


class _Here(threading.local):
    left_out = False


_here = _Here()


@contextmanager
def left_out() -> Generator[None]:
    """Inside, XLA's own kernels serve: for a program that runs where there is no etude."""
    before, _here.left_out = _here.left_out, True
    try:
        yield
    finally:
        _here.left_out = before


def computes(*factors: Array) -> bool:
    """Whether there are kernels here, and for the dtypes of these arrays."""
    return (
        not _here.left_out
        and all(str(wide(a).dtype) == "float32" for a in factors)
        and jax.default_backend() == "cpu"
        and loaded().path is not None
    )


def call(symbol: str, results: Sequence[Ints], *inputs: Array, **settings: Any) -> list[Array]:
    """Calls a kernel: inputs of 32 bits to results of these shapes, in 32 bits."""
    kernel = jax.ffi.ffi_call(
        f"{symbol}_{loaded().key}",
        [jax.ShapeDtypeStruct(tuple(shape), np.float32) for shape in results],
    )
    return list(kernel(*map(wide, inputs), **settings))


def serves(a: Array, b: Array, images: Ints, filters: Ints, outputs: Ints, how: How) -> bool:
    """Whether the kernels are the ones to take for windows of these factors and shapes."""
    if not computes(a, b):  # asked first: where they are left out, sizes may be symbols
        return False
    strides, padding, dilation, _ = how
    sizes = zip(images[1:-1], filters, outputs[1:-1], strides, padding, dilation, strict=False)
    # No axis, of images or of their gradient, is longer with all that is put around it.
    longest = [n + k * d + m * s + abs(lo) + abs(hi) for n, k, m, s, (lo, hi), d in sizes]
    return (
        len(strides) <= _MOST_RANK
        and math.prod(images) > 0
        and math.prod(outputs) > 0
        and math.prod(longest) * max(images[-1], outputs[-1]) < _MOST_FLOATS
    )


def conv(x: Array, w: Array, outputs: Ints, how: How) -> Array:
    """The outputs of a convolution, of the given shape."""
    return _call("etude_conv", outputs, (x, w), (x.shape, w.shape, outputs), how)


def conv_input_gradient(g: Array, w: Array, images: Ints, how: How) -> Array:
    """The gradient of its images, of the given shape."""
    return _call("etude_conv_input_gradient", images, (g, w), (images, w.shape, g.shape), how)


def conv_filter_gradient(x: Array, g: Array, filters: Ints, how: How) -> Array:
    """The gradient of its filters, of the given shape."""
    return _call("etude_conv_filter_gradient", filters, (x, g), (x.shape, filters, g.shape), how)


def max_pool(x: Array, window: Ints, outputs: Ints, how: How) -> Array:
    """The maximum of each window, in the given shape."""
    return _call("etude_max_pool", outputs, (x,), (x.shape, (*window, 1, 1), outputs), how)


def max_pool_scatter(g: Array, x: Array, window: Ints, how: How) -> Array:
    """Each g where its window of x has its first maximum, in the shape of x."""
    shapes = x.shape, (*window, 1, 1), g.shape
    return _call("etude_max_pool_scatter", x.shape, (g, x), shapes, how)


def _call(
    symbol: str,
    result: Ints,
    inputs: tuple[Array, ...],
    shapes: tuple[Ints, Ints, Ints],
    how: How,
) -> Array:
    images, filters, outputs = map(np.array, shapes)
    strides, padding, dilation, groups = how
    [found] = call(
        symbol,
        [result],
        *inputs,
        images=images,
        filters=filters,
        outputs=outputs,
        strides=np.array(strides),
        low=np.array([low for low, _ in padding]),
        dilation=np.array(dilation),
        groups=np.int64(groups),
    )
    return found.astype(inputs[0].dtype)
