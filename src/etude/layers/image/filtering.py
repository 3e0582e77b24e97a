"""Images blurred or sharpened at random."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image.base import FactorLayer, SeededImageLayer, factor_range
from etude.random import uniform

__all__ = ["RandomGaussianBlur", "RandomSharpness"]


class RandomGaussianBlur(SeededImageLayer):
    """Blurs each image with a probability, in training.

    Args:
        factor: the probability, 0 ... 1; or a range of it.
        kernel_size: of the window in x and y, odd; or one number for both.
        sigma: the greatest σ of the Gaussian, 0 ... 1; or a range of it.
        value_range: of the pixels; the result is brought into it.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomGaussianBlur(seed=1)(np.ones((2, 4, 4, 3))).shape
        (2, 4, 4, 3)
    """

    config_names = ("factor", "kernel_size", "sigma", "value_range", "seed")
    factor_bounds = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        kernel_size: Any = 3,
        sigma: Any = 1.0,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.kernel_size = _odd_pair(kernel_size)
        self.sigma = factor_range(sigma, (0, 1), "sigma")
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images are blurred, and σ in x and y."""
        if not training:
            return None
        count, source = (self._batch_size(data),), self._source(seed)
        probability = uniform(count, *self.factor, seed=source)
        applied = uniform(count, seed=source) < probability
        sigma = uniform((2,), *self.sigma, seed=source) + 1e-6
        return {"should_apply_blur": applied, "blur_factor": sigma}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, some of them blurred."""
        x = self._cast(images)
        if not training or transformation is None:
            return x
        blurred = ops.image.gaussian_blur(
            x,
            kernel_size=self.kernel_size,
            sigma=transformation["blur_factor"],
            data_format=self.data_format,
        )
        applied = ops.convert_to_tensor(transformation["should_apply_blur"])
        mixed = ops.where(applied[:, None, None, None], blurred, x)
        return ops.clip(mixed, *self.value_range)


def _odd_pair(size: Any) -> tuple[int, int]:
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ArgumentError(
            "The `kernel_size` argument should be a number (or a list of two numbers). Received: "
            f"kernel_size={size}"
        )
    if not all(isinstance(n, (int, float)) and n % 2 == 1 for n in pair):
        raise ArgumentError(f"kernel_size must be an odd number. Received: kernel_size={size}")
    return pair[0], pair[1]


class RandomSharpness(FactorLayer):
    """Blurs or sharpens each image by a random amount, in training.

    ``y = x + (1 - 2 f) (smooth x - x)``: f = 0 is smooth, ½ the same, 1 sharp.

    Args:
        factor: f, 0 ... 1; or a range of it.
        value_range: of the pixels; the result is brought into it.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomSharpness((0.5, 0.5))(np.full((1, 1, 1, 1), 7.0)).numpy().ravel().tolist()
        [7.0]
    """

    factor_bounds = (0, 1)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The sharpness of each image."""
        return {"factor": uniform((self._batch_size(data),), *self.factor, seed=self._source(seed))}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, smoother or sharper."""
        x = self._cast(images)
        if not training:
            return x
        first = self.data_format == "channels_first"
        channels_last = ops.moveaxis(x, -3, -1) if first else x
        window = ops.convert_to_tensor([[1.0, 1.0, 1.0], [1.0, 5.0, 1.0], [1.0, 1.0, 1.0]]) / 13
        kernel = ops.cast(window, x.dtype)[:, :, None, None]
        kernel = ops.repeat(kernel, channels_last.shape[-1], axis=2)
        smooth = ops.depthwise_conv(
            channels_last, kernel, padding="same", data_format="channels_last"
        )
        smooth = ops.moveaxis(smooth, -1, -3) if first else smooth
        factor = ops.reshape(ops.cast(transformation["factor"], x.dtype), (-1, 1, 1, 1))
        return ops.clip(x + (1 - 2 * factor) * (smooth - x), *self.value_range)
