"""Kernels of convolutions that compute a short-time Fourier transform, and their windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, ShapeError, unknown_name
from etude.initializers.initializer import Initializer

__all__ = ["STFT", "window_of"]

# Windows that are sums of cosines: the factors aₖ of cos(2πkn / N), with alternating signs.
COSINES: dict[str, tuple[float, ...]] = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
WINDOWS = (*COSINES, "bartlett", "cosine")


def window_of(name: str, length: int, periodic: bool) -> Tensor:
    """A window by its name: float64, (length,).

    For sums of cosines: wₙ = Σₖ (-1)ᵏ aₖ cos(2πkn / N), N = length - 1, or length if periodic.

    Args:
        name: "hann", "hamming", "blackman", "bartlett", ...
        length: the number of samples.
        periodic: whether the sample that would come next is the first again; else the last is.

    Raises:
        UnknownNameError: there is no window of that name.

    >>> window_of("hann", 4, periodic=True).numpy().round(3).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    if name not in WINDOWS:
        raise unknown_name("window", name, WINDOWS)
    span = length if periodic else length - 1
    n = ops.arange(length, dtype="float64")
    if length == 1:
        return ops.ones_like(n)
    if name == "bartlett":
        return 1 - ops.abs(2 * n / span - 1)
    if name == "cosine":
        return ops.sin(math.pi * (n + 0.5) / (span + 1))
    window = ops.zeros_like(n)
    for k, factor in enumerate(COSINES[name]):
        window = window + (-1) ** k * factor * ops.cos(2 * math.pi * k / span * n)
    return window


class STFT(Initializer):
    """The real or the imaginary part of a Fourier matrix under a window, (T, 1, F).

        Kₙf = wₙ cos(-2π n f / (2 (F - 1))) / s       the sine for the imaginary part

    Args:
        side: ``"real"`` or ``"imag"``.
        window: the name of a window, its values, (T,), or None for none.
        scaling: ``"density"``: s is the root of the sum of squares of w; ``"spectrum"``: s is the
            sum of |w|; None: s = 1.
        periodic: whether the window is periodic.

    Raises:
        ArgumentError: an argument has no sense.

    Example:
        >>> STFT("real", None)((2, 1, 3)).numpy()[:, 0].round(3)
        array([[ 1.,  1.,  1.],
               [ 1.,  0., -1.]], dtype=float32)
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        if side not in ("real", "imag"):
            raise ArgumentError(f"side should be 'real' or 'imag', not {side!r}.")
        if isinstance(window, str):
            window_of(window, 1, periodic)
        if scaling not in (None, "density", "spectrum"):
            raise ArgumentError(
                "Scaling is invalid, it must be `None`, 'density' or 'spectrum'. Received "
                f"scaling={scaling!r}"
            )
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The values, of the shape (T, 1, F)."""
        dtype = standardize_dtype(dtype)
        length, _, bins = shape
        n = ops.reshape(ops.arange(length, dtype="float64"), (length, 1, 1))
        f = ops.reshape(ops.arange(bins, dtype="float64"), (1, 1, bins))
        angles = -2 * math.pi * n * f / max(2 * (bins - 1), 1)  # (T, 1, F)
        kernel = ops.cos(angles) if self.side == "real" else ops.sin(angles)
        if self.window is None:
            return ops.cast(kernel, dtype)
        window = self._values(length)
        scale = 1.0
        if self.scaling == "density":
            scale = ops.sqrt(ops.sum(ops.square(window)))
        elif self.scaling == "spectrum":
            scale = ops.sum(ops.abs(window))
        return ops.cast(kernel * ops.reshape(window, (length, 1, 1)) / scale, dtype)

    def _values(self, length: int) -> Tensor:
        if isinstance(self.window, str):
            return window_of(self.window, length, self.periodic)
        window = ops.convert_to_tensor(self.window, dtype="float64")
        if window.shape != (length,):
            raise ShapeError(
                f"The shape of `window` must be equal to [frame_length], ({length},) here; got "
                f"{window.shape}."
            )
        return window

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "side": self.side,
            "window": self.window,
            "periodic": self.periodic,
            "scaling": self.scaling,
        }
