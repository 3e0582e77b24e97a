"""Etude's own kernels inside of XLA's programs, on the CPU.

They are C++ in ``etude/engine/kernels``, built on first use. Where they cannot be had, or do not
serve (other dtypes than 32-bit floats, other devices), the callers take XLA's own operations.
"""

# Jax leaves many of its types open:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import ctypes
import functools
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.ffi
import numpy as np
from jax.version import __version__ as version

from etude.engine.kernels import build

Array = Any
Ints = Sequence[int]
Pairs = Sequence[tuple[int, int]]

__all__ = ["conv", "conv_filter_gradient", "conv_input_gradient", "loaded", "serves"]

_SYMBOLS = ("etude_conv", "etude_conv_input_gradient", "etude_conv_filter_gradient")
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
    if built.path is None and "off" not in built.reason:
        print(f"etude: no native kernels, XLA's serve: {built.reason}", file=sys.stderr)
    return built


def serves(images: Ints, filters: Ints, outputs: Ints, dtype: Any) -> bool:
    """Whether the kernels are the ones to take for a convolution of these shapes."""
    rank = len(filters) - 2
    reach = [a + 2 * k + b for a, k, b in zip(images[1:-1], filters, outputs[1:-1], strict=False)]
    return (
        str(dtype) == "float32"
        and rank <= _MOST_RANK
        and math.prod(images) > 0
        and math.prod(outputs) > 0
        and math.prod(reach) * max(images[-1], outputs[-1]) < _MOST_FLOATS
        and jax.default_backend() == "cpu"
        and loaded().path is not None
    )


def conv(x: Array, w: Array, outputs: Ints, *how: Any) -> Array:
    """The outputs of a convolution, of the given shape."""
    return _call("etude_conv", outputs, x, w, x.shape, w.shape, outputs, *how)


def conv_input_gradient(g: Array, w: Array, images: Ints, *how: Any) -> Array:
    """The gradient of its images, of the given shape."""
    return _call("etude_conv_input_gradient", images, g, w, images, w.shape, g.shape, *how)


def conv_filter_gradient(x: Array, g: Array, filters: Ints, *how: Any) -> Array:
    """The gradient of its filters, of the given shape."""
    return _call("etude_conv_filter_gradient", filters, x, g, x.shape, filters, g.shape, *how)


def _call(
    symbol: str,
    result: Ints,
    a: Array,
    b: Array,
    images: Ints,
    filters: Ints,
    outputs: Ints,
    strides: Ints,
    padding: Pairs,
    dilation: Ints,
    groups: int,
) -> Array:
    kernel = jax.ffi.ffi_call(
        f"{symbol}_{loaded().key}", jax.ShapeDtypeStruct(tuple(result), np.float32)
    )
    return kernel(
        a,
        b,
        images=np.array(images),
        filters=np.array(filters),
        outputs=np.array(outputs),
        strides=np.array(strides),
        low=np.array([low for low, _ in padding]),
        dilation=np.array(dilation),
        groups=np.int64(groups),
    )
