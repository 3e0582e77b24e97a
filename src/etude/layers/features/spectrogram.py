"""Sound as pictures: which frequencies it holds at which time."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from etude import config, initializers, ops
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, DtypeError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.input_spec import InputSpec

__all__ = ["MelSpectrogram", "STFTSpectrogram"]

MEL_BREAK, MEL_FACTOR = 700.0, 1127.0  # of the mel scale, in Hz and in mel


class MelSpectrogram(ConfiguredLayer):
    """Sound as a spectrogram whose frequencies are spaced as the ear hears them.

    ``S = |STFT(x)|^mag_exp M``, with triangular bands M between frequencies that are equally far
    apart on the mel scale, ``mel(f) = 1127 log(1 + f / 700)``; in decibel
    ``10 log10(max(S, min_power) / ref_power)``, not further than ``top_db`` below the maximum.

    Args:
        fft_length: length of a Fourier transform.
        sequence_stride: samples between two of them.
        sequence_length: length of the window; None: ``fft_length``.
        window: ``"hann"``, ``"hamming"``, weights, or None.
        sampling_rate: samples per second.
        num_mel_bins: number of bands.
        min_freq: the lowest frequency, in Hz.
        max_freq: the highest; None: half of the sampling rate.
        power_to_db: whether the result is in decibel.
        top_db: how far below the maximum the smallest number is.
        mag_exp: 1 for magnitudes, 2 for power.
        min_power: the smallest power before the logarithm.
        ref_power: the power of 0 decibel.

    Shapes:
        x: (samples,) or (batch, samples); y: (num_mel_bins, frames) or (batch, num_mel_bins,
        frames).

    Raises:
        ArgumentError: the window is longer than the transform.

    Example:
        >>> import numpy as np
        >>> layer = MelSpectrogram(num_mel_bins=20, sampling_rate=8000, fft_length=256)
        >>> layer(np.zeros((1, 4096))).shape
        (1, 20, 9)

    Source:
        Davis, Mermelstein (1980); the mel scale is that of HTK.
    """

    config_names = (
        "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate",
        "num_mel_bins", "min_freq", "max_freq", "power_to_db", "top_db", "mag_exp", "min_power",
        "ref_power",
    )  # fmt: skip

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: Any = "hann",
        sampling_rate: int = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fft_length = fft_length
        self.sequence_stride = sequence_stride
        self.sequence_length = sequence_length or fft_length
        if fft_length < self.sequence_length:
            raise ArgumentError(
                "MelSpectrogram: `fft_length` must be greater than or equal to `sequence_length`; "
                f"got fft_length={fft_length} and sequence_length={self.sequence_length}."
            )
        self.window = window
        self.sampling_rate, self.num_mel_bins = sampling_rate, num_mel_bins
        self.min_freq, self.max_freq = min_freq, max_freq or int(sampling_rate / 2)
        self.power_to_db, self.top_db, self.mag_exp = power_to_db, top_db, mag_exp
        self.min_power, self.ref_power = min_power, ref_power
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The spectrogram."""
        dtype = self.compute_dtype if self.compute_dtype in ("float32", "float64") else "float32"
        x = ops.cast(ops.convert_to_tensor(inputs), dtype)
        real, imag = ops.stft(
            x,
            self.sequence_length,
            self.sequence_stride,
            self.fft_length,
            window=self.window,
            center=True,
        )  # (..., frames, frequencies)
        magnitude = ops.sqrt(ops.square(real) + ops.square(imag))
        bands = self.linear_to_mel_weight_matrix(
            self.num_mel_bins,
            magnitude.shape[-1],
            self.sampling_rate,
            self.min_freq,
            self.max_freq,
            dtype,
        )
        y = ops.matmul(ops.power(magnitude, self.mag_exp), bands)
        y = self._decibel(y) if self.power_to_db else y
        return ops.cast(ops.swapaxes(y, -1, -2), self.compute_dtype)

    def _decibel(self, power: Any) -> Any:
        y = 10.0 * ops.log10(ops.maximum(power, self.min_power))
        y = y - 10.0 * math.log10(max(abs(self.ref_power), self.min_power))
        return ops.maximum(y, ops.max(y) - self.top_db)

    def linear_to_mel_weight_matrix(
        self,
        num_mel_bins: int = 20,
        num_spectrogram_bins: int = 129,
        sampling_rate: float = 8000,
        lower_edge_hertz: float = 125.0,
        upper_edge_hertz: float = 3800.0,
        dtype: str = "float32",
    ) -> Any:
        """The triangular bands M, (num_spectrogram_bins, num_mel_bins); each has a peak of 1.

        Args:
            num_mel_bins: number of bands.
            num_spectrogram_bins: number of frequencies, from 0 to half of the sampling rate.
            sampling_rate: samples per second.
            lower_edge_hertz: where the lowest band begins.
            upper_edge_hertz: where the highest band ends.
            dtype: of the result.
        """
        frequencies = np.linspace(0.0, sampling_rate / 2, num_spectrogram_bins)
        mel = _mel(frequencies)[:, None]
        edges = np.linspace(_mel(lower_edge_hertz), _mel(upper_edge_hertz), num_mel_bins + 2)
        low, center, high = edges[:-2], edges[1:-1], edges[2:]
        rising, falling = (mel - low) / (center - low), (high - mel) / (high - center)
        bands = np.maximum(0.0, np.minimum(rising, falling))
        bands[0] = 0.0  # a constant is no sound
        return ops.convert_to_tensor(bands, dtype=dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Bands by frames, behind the batch axis."""
        samples, stride = input_shape[-1], self.sequence_stride
        frames = None if samples is None else (samples + stride + 1) // stride
        return (*input_shape[:-1], self.num_mel_bins, frames)


def _mel(frequency: Any) -> Any:
    return MEL_FACTOR * np.log(1.0 + frequency / MEL_BREAK)


MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


class STFTSpectrogram(ConfiguredLayer):
    """Sound as its short-time Fourier transform, computed by a convolution that can be trained.

    ``R_tf = sum_n x_{t s + n} w_n cos(2 pi f n / N)``, I with ``-sin``; from these
    ``log sqrt(R² + I²)`` (``"log"``), ``sqrt(R² + I²)`` (``"magnitude"``), the power spectral
    density (``"psd"``), R, I, the angle, or both R and I (``"stft"``).

    Args:
        mode: what is computed.
        frame_length: length of the window w.
        frame_step: the step s between two frames; None: half of the window.
        fft_length: the length N; None: the next power of two.
        window: the name of a window, its values, or None.
        periodic: whether the window is that of a periodic signal.
        scaling: ``"density"``, ``"spectrum"`` or None.
        padding: ``"valid"`` or ``"same"``.
        expand_dims: whether the frequencies of each channel have an axis of their own.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, samples, channels); y: (batch, frames, channels frequencies), or with
        ``expand_dims`` (batch, frames, frequencies, channels).

    Raises:
        ArgumentError: a length or a name cannot be used.

    Example:
        >>> import numpy as np
        >>> STFTSpectrogram(frame_length=64)(np.zeros((1, 256, 1), "float32")).shape
        (1, 7, 33)
    """

    config_names = (
        "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling",
        "padding", "data_format", "expand_dims",
    )  # fmt: skip
    real_kernel: Any
    imag_kernel: Any

    def __init__(
        self,
        mode: str = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: Any = "hann",
        periodic: bool = False,
        scaling: str | None = "density",
        padding: str = "valid",
        expand_dims: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode, self.scaling, self.padding = mode, scaling, padding
        self.frame_length, self.frame_step, self.fft_length = frame_length, frame_step, fft_length
        self.window, self.periodic, self.expand_dims = window, periodic, expand_dims
        self._check_arguments()
        initializers.STFT("real", window, scaling, periodic)  # refuses an unknown window
        self._frame_step = frame_step or frame_length // 2
        self._fft_length = fft_length or 2 ** math.ceil(math.log2(frame_length))
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=3)

    def _check_arguments(self) -> None:
        step, length, frame = self.frame_step, self.fft_length, self.frame_length
        if step is not None and not 1 <= step <= frame:
            raise ArgumentError(
                "STFTSpectrogram: `frame_step` should be a positive integer not greater than "
                f"`frame_length`; got frame_step={step}, frame_length={frame}."
            )
        if length is not None and length < frame:
            raise ArgumentError(
                "STFTSpectrogram: `fft_length` should be not less than `frame_length`; got "
                f"fft_length={length}, frame_length={frame}."
            )
        if length is not None and length & -length != length:
            warnings.warn(
                f"`fft_length` is recommended to be a power of two; got {length}.", stacklevel=4
            )
        if self.mode not in MODES:
            raise ArgumentError(
                "STFTSpectrogram: Output mode is invalid, it must be one of "
                f"{', '.join(MODES)}; got {self.mode!r}."
            )
        if self.scaling not in (None, "density", "spectrum"):
            raise ArgumentError(
                "STFTSpectrogram: Scaling is invalid, it must be `None`, 'density' or 'spectrum'; "
                f"got {self.scaling!r}."
            )
        if self.padding not in ("valid", "same"):
            raise ArgumentError(
                "STFTSpectrogram: Padding is invalid, it should be 'valid', 'same'; got "
                f"{self.padding!r}."
            )

    def build(self, input_shape: Shape) -> None:
        """Makes the kernels of the real and of the imaginary part, as far as they are needed."""
        shape = (self.frame_length, 1, self._fft_length // 2 + 1)
        for side, other in (("real", "imag"), ("imag", "real")):
            if self.mode != other:
                start = initializers.STFT(side, self.window, self.scaling, self.periodic)
                kernel = self.add_weight(shape=shape, initializer=start, name=f"{side}_kernel")
                setattr(self, f"{side}_kernel", kernel)

    def call(self, inputs: Any) -> Any:
        """What ``mode`` says."""
        if standardize_dtype(inputs.dtype) not in ("float16", "float32", "float64"):
            raise DtypeError(
                "STFTSpectrogram: Invalid input type. Expected `float16`, `float32` or `float64`; "
                f"got {inputs.dtype}."
            )
        real = self._convolved(inputs, self.real_kernel) if self.mode != "imag" else None
        imag = self._convolved(inputs, self.imag_kernel) if self.mode != "real" else None
        if real is None or imag is None:
            return self._arranged(imag if real is None else real)
        if self.mode == "angle":
            return self._arranged(ops.arctan2(imag, real))
        if self.mode == "stft":
            return self._arranged(ops.concatenate([real, imag], axis=-1))
        power = ops.square(real) + ops.square(imag)
        if self.mode == "psd":  # all frequencies but the first and the last are there twice
            twice = ops.pad(power[..., 1:-1], [[0, 0], [0, 0], [0, 0], [1, 1]])
            return self._arranged(power + twice)
        small = config.epsilon()
        magnitude = ops.sqrt(ops.maximum(power, small))
        if self.mode == "log":
            magnitude = ops.log(ops.maximum(magnitude, small))
        return self._arranged(magnitude)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Frames by frequencies of all channels, or with an axis for the channels."""
        last = self.data_format == "channels_last"
        batch, samples, channels = (input_shape[i] for i in ((0, 1, 2) if last else (0, 2, 1)))
        span = self.frame_length - 1 if self.padding == "valid" else 0
        frames = None if samples is None else -(-(samples - span) // self._frame_step)
        frequencies = (self._fft_length // 2 + 1) * (2 if self.mode == "stft" else 1)
        if self.expand_dims:
            both = (frames, frequencies)
            return (batch, *both, channels) if last else (batch, channels, *both)
        merged = None if channels is None else channels * frequencies
        return (batch, frames, merged) if last else (batch, merged, frames)

    def _convolved(self, inputs: Any, kernel: Any) -> Any:
        """(batch, channels, frames, frequencies), each channel by itself."""
        last = self.data_format == "channels_last"
        x = ops.transpose(inputs, (0, 2, 1)) if last else inputs  # (batch, channels, samples)
        channels, samples = x.shape[1:]
        y = ops.conv(
            ops.reshape(x, (-1, samples, 1)),
            ops.cast(kernel, x.dtype),
            strides=self._frame_step,
            padding=self.padding,
            data_format="channels_last",
        )
        return ops.reshape(y, (-1, channels, *y.shape[1:]))

    def _arranged(self, y: Any) -> Any:
        """(batch, channels, frames, frequencies) as the data format wants it."""
        last = self.data_format == "channels_last"
        if self.expand_dims:
            return ops.transpose(y, (0, 2, 3, 1)) if last else y
        _, channels, frames, frequencies = y.shape
        if last:
            y = ops.transpose(y, (0, 2, 1, 3))
            return ops.reshape(y, (-1, frames, channels * frequencies))
        y = ops.transpose(y, (0, 1, 3, 2))
        return ops.reshape(y, (-1, channels * frequencies, frames))
