"""`tf.signal`: Fourier transforms, under TensorFlow's names."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from etude.compat.missing import lacks


def hann_window(
    window_length: Any, periodic: bool = True, dtype: Any = "float32", name: str | None = None
) -> Any:
    """Half a period of a cosine, from 0 over 1 to 0: 0.5 - 0.5 cos(2πn / N).

    >>> hann_window(4).numpy().tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    n = int(window_length)
    period = n if periodic or n == 1 else n - 1
    steps = np.arange(n) * (2 * math.pi / period)
    return ops.convert_to_tensor(0.5 - 0.5 * np.cos(steps), dtype)


def frame(
    signal: Any,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Any:
    """Overlapping pieces of the last axis.

    >>> frame([1, 2, 3, 4], 2, 1).numpy().tolist()
    [[1, 2], [2, 3], [3, 4]]
    """
    signal = ops.convert_to_tensor(signal)
    length, step = int(frame_length), int(frame_step)
    if pad_end:
        count = -(-signal.shape[-1] // step)
        missing = max(0, (count - 1) * step + length - signal.shape[-1])
        widths = ((0, 0),) * (signal.ndim - 1) + ((0, missing),)
        signal = ops.pad(signal, widths, constant_values=pad_value)
    return ops.extract_sequences(signal, length, step)


def stft(
    signals: Any,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Callable[..., Any] | None = hann_window,
    pad_end: bool = False,
    name: str | None = None,
) -> Any:
    """The spectrum of each of overlapping pieces, (..., frames, fft_length / 2 + 1), complex.

    >>> abs(stft(np.ones(8, "float32"), 4, 2)).shape
    (3, 3)
    """
    pieces = frame(signals, frame_length, frame_step, pad_end)  # (..., frames, frame_length)
    length = int(frame_length)
    size = 2 ** math.ceil(math.log2(length)) if fft_length is None else int(fft_length)
    if window_fn is not None:
        pieces = ops.multiply(pieces, window_fn(length, dtype=str(pieces.dtype)))
    real, imaginary = ops.rfft(pieces, size)
    return _complex(real, imaginary)


def _complex(real: Any, imaginary: Any) -> Any:
    return ops.add(ops.cast(real, "complex64"), ops.multiply(ops.cast(imaginary, "complex64"), 1j))


__getattr__ = lacks("tf.signal", __name__)
