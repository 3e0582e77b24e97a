"""Kernels of short-time Fourier transforms: values of Keras, windows of SciPy, the transform."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from scipy import signal

from etude import initializers
from etude.errors import ArgumentError, ShapeError, UnknownNameError
from etude.initializers.stft import WINDOWS, window_of


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_are_those_of_scipy(engine: str, name: str):
    for periodic in (True, False):
        for length in (1, 2, 7, 8):
            expected = signal.get_window(name, length, periodic)
            found = window_of(name, length, periodic).numpy()
            np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"side": "imag", "window": "hamming", "scaling": "spectrum", "periodic": True},
        {"window": None, "scaling": None},
        {"window": [1.0, 2.0, 3.0, 2.0, 1.0, 0.5], "scaling": None},
    ],
)
def test_kernels_equal_keras(engine: str, options: dict[str, Any]):
    ours, theirs = initializers.STFT(**options), keras.initializers.STFT(**options)
    found = ours((6, 1, 5))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.numpy(), np.asarray(theirs((6, 1, 5))), atol=1e-5)
    again = initializers.deserialize(initializers.serialize(ours))
    assert again.get_config() == ours.get_config() == theirs.get_config()


def test_a_kernel_transforms():
    """Without a window, the sum over a frame is the transform that NumPy computes."""
    x = np.random.default_rng(0).normal(size=8)
    parts = [
        np.tensordot(x, initializers.STFT(side, None)((8, 1, 5), "float64").numpy()[:, 0], 1)
        for side in ("real", "imag")
    ]
    np.testing.assert_allclose(parts[0] + 1j * parts[1], np.fft.rfft(x), atol=1e-12)


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="side should be"):
        initializers.STFT("left")
    with pytest.raises(UnknownNameError, match="Did you mean 'hann'"):
        initializers.STFT(window="han")
    with pytest.raises(ArgumentError, match="Scaling is invalid"):
        initializers.STFT(scaling="loud")
    with pytest.raises(ShapeError, match=r"must be equal to \[frame_length\]"):
        initializers.STFT(window=[1.0, 2.0])((3, 1, 2))
