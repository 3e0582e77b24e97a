"""Fourier transforms of signals, and of their overlapping stretches.

Complex signals are pairs of real tensors, (real part, imaginary part), as in Keras. The transform
is linear, so its rule is the transform with the sign of the exponent turned over: for
y_k = Σ_n x_n e^(-2πi kn/N) and gradients g = ∂/∂real + i ∂/∂imag, x̄_n = Σ_k ȳ_k e^(+2πi kn/N).
"""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.ops.core import cast
from etude.ops.creation import arange, ones, zeros
from etude.ops.elementwise import square, where
from etude.ops.indexing import take
from etude.ops.joining import concatenate
from etude.ops.repetition import pad
from etude.ops.shape import expand_dims, flip, reshape
from etude.ops.windows import hamming, hanning

__all__ = [
    "extract_sequences",
    "fft",
    "fft2",
    "ifft2",
    "irfft",
    "istft",
    "rfft",
    "stft",
]

Array = Any
Pair = tuple[Tensor, Tensor]


def _check_rank(name: str, shape: Any, rank: int) -> None:
    if len(shape) < rank:
        raise ShapeError(f"{name}: Input should have rank >= {rank}. Received: {tuple(shape)}")


def _check_known(name: str, x: Any, rank: int) -> None:
    """Of symbolic tensors: the axes that are transformed have sizes."""
    parts: Any = x
    if not isinstance(x, (tuple, list)):
        parts = (x,)
    for t in parts:
        _check_rank(name, t.shape, rank)
        if None in t.shape[-rank:]:
            axes = "last dimension" if rank == 1 else "last two axes"
            raise ShapeError(
                f"{name}: Input should have its {axes} fully-defined. Received: {tuple(t.shape)}"
            )


def _pair(name: str, x: Any, rank: int = 1) -> Pair:
    """Real and imaginary part, as floats of one shape."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:  # pyright: ignore[reportUnknownArgumentType]
        raise ArgumentError(
            f"{name}: Input `x` should be a tuple of two tensors - real and imaginary. "
            f"Received: x={x}"
        )
    parts = as_tensor(x[0]), as_tensor(x[1])
    if parts[0].shape != parts[1].shape:
        raise ShapeError(
            f"{name}: Input `x` should be a tuple of two tensors - real and imaginary. Both the "
            "real and imaginary parts should have the same shape. Received: "
            f"x[0].shape = {parts[0].shape}, x[1].shape = {parts[1].shape}"
        )
    _check_rank(name, parts[0].shape, rank)
    if not all(is_float_dtype(t.dtype) for t in parts):
        raise ArgumentError(
            f"{name}: At least one tensor in input `x` is not of type float. Received: "
            f"{parts[0].dtype}, {parts[1].dtype}. Cast them first."
        )
    return parts


# --- transforms -------------------------------------------------------------------------------


@composite
def fft(x: Any) -> Pair:
    """The discrete Fourier transform along the last axis: y_k = Σ_n x_n e^(-2πi kn/N).

    Args:
        x: real and imaginary part, (..., N) each.

    Returns:
        Real and imaginary part, (..., N) each.

    >>> real, imag = fft(([1.0, 0.0], [0.0, 0.0]))
    >>> real.numpy().tolist()
    [1.0, 1.0]
    """
    return _fft(*_pair("fft", x), axes=(-1,))


@fft.symbolic_check
def _(x: Any) -> None:
    _check_known("fft", x, 1)


@composite
def fft2(x: Any) -> Pair:
    """The discrete Fourier transform along the last two axes.

    Args:
        x: real and imaginary part, (..., N, M) each.

    >>> real, imag = fft2(([[1.0, 1.0]], [[0.0, 0.0]]))
    >>> real.numpy().tolist()
    [[2.0, 0.0]]
    """
    return _fft(*_pair("fft2", x, 2), axes=(-2, -1))


@fft2.symbolic_check
def _(x: Any) -> None:
    _check_known("fft2", x, 2)


@composite
def ifft2(x: Any) -> Pair:
    """The inverse of `fft2`: with e^(+2πi kn/N), divided by the number of elements.

    Args:
        x: real and imaginary part, (..., N, M) each.

    >>> real, imag = ifft2(([[2.0, 0.0]], [[0.0, 0.0]]))
    >>> real.numpy().tolist()
    [[1.0, 1.0]]
    """
    real, imag = _pair("ifft2", x, 2)
    size = real.shape[-1] * real.shape[-2]
    back, turned = _fft(real, -imag, axes=(-2, -1))  # conj(F(conj x)) / N
    return back / size, -turned / size


@ifft2.symbolic_check
def _(x: Any) -> None:
    _check_known("ifft2", x, 2)


@primitive(cast="float")
def _fft(real: Array, imag: Array, *, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """The discrete Fourier transform along axes, in real and imaginary part."""
    name = str(real.dtype)
    wide = "complex128" if name == "float64" else "complex64"
    z = xp().astype(real, wide) + xp().asarray(1j, dtype=wide) * xp().astype(imag, wide)
    for axis in axes:
        z = xp().fft.fft(z, axis=axis)
    return xp().astype(xp().real(z), name), xp().astype(xp().imag(z), name)


@_fft.gradient
def _(g: Pair, out: Pair, real: Tensor, imag: Tensor, axes: tuple[int, ...]):
    back, turned = _fft(g[0], -g[1], axes=axes)
    return back, -turned


@composite
def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """The Fourier transform of a real signal: the first N/2 + 1 frequencies, which tell the rest.

    Args:
        x: (..., n).
        fft_length: N, to which the signal is cut off or filled up with zeros; n by default.

    Returns:
        Real and imaginary part, (..., N // 2 + 1) each.

    >>> real, imag = rfft([1.0, 2.0, 3.0, 4.0])
    >>> real.numpy().tolist(), imag.numpy().tolist()
    ([10.0, -2.0, -2.0], [0.0, 2.0, 0.0])
    """
    x = as_tensor(x)
    _check_rank("rfft", x.shape, 1)
    length = x.shape[-1] if fft_length is None else int(fft_length)
    if length < 1:
        raise ArgumentError(f"rfft: fft_length must be 1 or more; got {length}.")
    x = _fit(x, length)
    if not is_float_dtype(x.dtype):
        x = cast(x, "float32")
    real, imag = _fft(x, _zero(x), axes=(-1,))
    return real[..., : length // 2 + 1], imag[..., : length // 2 + 1]


def _zero(x: Tensor) -> Tensor:
    return zeros(x.shape, x.dtype)


def _fit(x: Tensor, length: int) -> Tensor:
    """The last axis cut off or filled up with zeros."""
    x = x[..., :length]
    short = length - x.shape[-1]
    return pad(x, ((0, 0),) * (x.ndim - 1) + ((0, short),)) if short else x


@composite
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """The inverse of `rfft`: the real signal of which the first frequencies are given.

    Args:
        x: real and imaginary part, (..., K) each. The imaginary parts of the first, and of the last
            where N is even, do not count.
        fft_length: N, the length of the signal; 2 (K - 1) by default.

    Returns:
        (..., N).

    >>> irfft(([10.0, -2.0, -2.0], [0.0, 2.0, 0.0])).numpy().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    real, imag = _pair("irfft", x)
    length = 2 * (real.shape[-1] - 1) if fft_length is None else int(fft_length)
    if length < 1:
        raise ArgumentError(f"irfft: there are no signals of length {length}.")
    real, imag = _fit(real, length // 2 + 1), _fit(imag, length // 2 + 1)
    inner = slice(1, (length + 1) // 2)  # those whose conjugates are the other half
    whole = concatenate([real, flip(real[..., inner], -1)], -1)
    middle = imag[..., inner]
    edge = zeros((*imag.shape[:-1], 1), imag.dtype)
    parts = [edge, middle, *([edge] if length % 2 == 0 else []), -flip(middle, -1)]
    return _fft(whole, -concatenate(parts, -1), axes=(-1,))[0] / length


# --- stretches --------------------------------------------------------------------------------


def _stretches(length: int, width: int, stride: int) -> Tensor:
    """The places of each stretch: (S, W)."""
    count = max((length - width) // stride + 1, 0)
    first = expand_dims(arange(count, dtype="int32") * stride, 1)
    return first + arange(width, dtype="int32")


def _check_stride(name: str, stride: Any) -> None:
    if not isinstance(stride, int) or stride < 1:
        raise ArgumentError(
            f"{name}: `sequence_stride` must be a positive integer. Received: {stride}"
        )


@composite
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Overlapping stretches of a signal: out[..., s, i] = x[..., s · stride + i].

    Args:
        x: (..., n).
        sequence_length: the length W of a stretch.
        sequence_stride: how far the next begins.

    Returns:
        (..., (n - W) // stride + 1, W).

    >>> extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1).numpy().tolist()
    [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]
    """
    x = as_tensor(x)
    _check_rank("extract_sequences", x.shape, 1)
    _check_stride("extract_sequences", sequence_stride)
    return take(x, _stretches(x.shape[-1], int(sequence_length), int(sequence_stride)), axis=-1)


_WINDOWS = {"hann": hanning, "hamming": hamming}


def _window(name: str, window: Any, width: int, length: int, dtype: Any) -> Tensor:
    """The weights of a stretch, in the middle of the length of the transform."""
    if fits := isinstance(window, str):
        if window not in _WINDOWS:
            raise ArgumentError(
                f"{name}: If a string is passed to `window`, it must be one of "
                f'`"hann"`, `"hamming"`. Received: window={window}'
            )
        weights = cast(_WINDOWS[window](width + 1)[:width], dtype)  # periodic: without its end
    elif window is None:
        return ones((length,), dtype)
    else:
        weights = as_tensor(window, dtype)
    if not fits and weights.shape != (width,):
        raise ShapeError(
            f"{name}: The shape of `window` must be equal to [sequence_length] = ({width},). "
            f"Received: window shape={weights.shape}"
        )
    before = (length - width) // 2
    return pad(weights, ((before, length - width - before),))


def _check_lengths(name: str, width: int, length: int) -> None:
    if length < width:
        raise ArgumentError(
            f"{name}: `fft_length` must equal or larger than `sequence_length`. Received: "
            f"sequence_length={width}, fft_length={length}"
        )


@composite
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Pair:
    """The short-time Fourier transform: `rfft` of windowed, overlapping stretches.

    Args:
        x: signals, (..., n), float32 or float64.
        sequence_length: the length of a window.
        sequence_stride: how far the next begins.
        fft_length: N, the length of a transform.
        window: ``"hann"``, ``"hamming"``, weights (sequence_length,), or None for ones.
        center: whether the signal is mirrored at its ends, so that stretch s has its middle at
            s · stride.

    Returns:
        Real and imaginary part, (..., S, N // 2 + 1) each.

    >>> real, imag = stft([0.0, 1.0, 0.0, -1.0] * 4, 4, 2, 4)
    >>> real.shape
    (9, 3)
    """
    x = as_tensor(x)
    if str(x.dtype) not in ("float32", "float64"):
        raise DtypeError(
            f"stft: Invalid input type. Expected `float32` or `float64`. Received: {x.dtype}"
        )
    length = int(fft_length)
    _check_stride("stft", sequence_stride)
    _check_lengths("stft", sequence_length, length)
    if center:
        x = pad(x, ((0, 0),) * (x.ndim - 1) + ((length // 2, length // 2),), mode="reflect")
    weights = _window("stft", window, sequence_length, length, x.dtype)
    return rfft(extract_sequences(x, length, sequence_stride) * weights)


@composite
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """The inverse of `stft`: stretches added where they overlap, over the sum of squared windows.

    Args:
        x: real and imaginary part, (..., S, N // 2 + 1) each.
        sequence_length: as in `stft`, like the arguments without a note.
        sequence_stride: as in `stft`.
        fft_length: N.
        length: to which the signal is cut off; by default all that the stretches cover.
        window: that of `stft`. With None the result is fft_length / sequence_stride times the
            signal, as in Keras; give ones as the window to get back the signal itself.
        center: that of `stft`: whether N // 2 mirrored elements at both ends are taken away.

    Returns:
        Signals, (..., n).

    Source: Griffin and Lim, Signal estimation from modified short-time Fourier transform, 1984.

    >>> signal = [0.0, 1.0, 0.0, -1.0] * 4
    >>> print(istft(stft(signal, 4, 2, 4), 4, 2, 4).numpy().round(4)[:4])
    [ 0. 1. 0. -1.]
    """
    real, imag = _pair("istft", x, 2)
    size = int(fft_length)
    _check_stride("istft", sequence_stride)
    _check_lengths("istft", sequence_length, size)
    weights = _window("istft", window, sequence_length, size, real.dtype)
    pieces = irfft((real, imag), size) * weights  # (..., S, N)
    signal = _overlap_add(pieces, sequence_stride)
    total = _overlap_add(square(weights) + zeros(pieces.shape[-2:], pieces.dtype), sequence_stride)
    signal = signal / where(total > 1e-10, total, 1)
    if window is None:  # as Keras: what overlaps is summed up then, not averaged
        signal = signal * (size / sequence_stride)
    start = size // 2 if center else 0
    end = signal.shape[-1] - start if length is None else start + int(length)
    return signal[..., start:end]


def _overlap_add(x: Tensor, stride: int) -> Tensor:
    """Stretches added at their places: (..., S, W) -> (..., (S - 1) stride + W).

    Each is cut into blocks of one stride; block j of stretch s belongs to block s + j.
    """
    *batch, count, width = x.shape
    blocks = -(-width // stride)
    x = _fit(x, blocks * stride)
    x = reshape(x, (*batch, count, blocks, stride))
    around = ((0, 0),) * len(batch)
    total: Any = 0
    for j in range(blocks):
        total = total + pad(x[..., j, :], (*around, (j, blocks - 1 - j), (0, 0)))
    return reshape(total, (*batch, -1))[..., : (count - 1) * stride + width]
