"""Images with other tones: inverted, posterized, solarized, stretched."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image.base import FactorLayer, ImageLayer, SeededImageLayer, checked_range
from etude.random import randint, uniform

__all__ = ["AutoContrast", "RandomInvert", "RandomPosterization", "Solarization"]

BYTE = (0, 255)


class RandomInvert(SeededImageLayer):
    """Inverts each image with a probability, in training: ``y = v - x``, v the greatest value.

    Args:
        factor: the probability, 0 ... 1; or a range of it.
        value_range: of the pixels.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomInvert((1.0, 1.0))(np.array([[[[55.0]]]])).numpy().ravel().tolist()
        [200.0]
    """

    config_names = ("factor", "value_range", "seed")
    factor_bounds = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = BYTE,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images are inverted."""
        if not training:
            return None
        count, source = (self._batch_size(data),), self._source(seed)
        probability = uniform(count, *self.factor, seed=source)
        return {"apply_inversion": uniform(count, seed=source) < probability}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, some of them inverted."""
        x = self._cast(images)
        if not training:
            return x
        applied = ops.convert_to_tensor(transformation["apply_inversion"])
        return ops.where(applied[:, None, None, None], self.value_range[1] - x, x)


class RandomPosterization(FactorLayer):
    """Keeps only the highest bits of each pixel, in training.

    Args:
        factor: the range of the number of bits to keep, 1 ... 8, without its upper end; one number
            stands for the range from 1; equal ends for this number.
        value_range: of the pixels.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomPosterization((1, 1))(np.array([[[[100.0], [200.0]]]])).numpy().ravel().tolist()
        [0.0, 128.0]
    """

    factor_bounds = (1, 8)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """How many bits of each image are dropped."""
        count, (low, high) = (self._batch_size(data),), self.factor
        if low == high:
            kept = ops.full(count, low, dtype="uint8")
        else:
            kept = randint(count, low, high, dtype="uint8", seed=self._source(seed))
        return {"shift_factor": ops.cast(8 - ops.cast(kept, "int32"), "uint8")}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images with fewer tones."""
        x = self._cast(images)
        if not training:
            return x
        shift = ops.convert_to_tensor(transformation["shift_factor"])[:, None, None, None]
        pixels = ops.cast(self._rescaled(x, self.value_range, BYTE), "uint8")
        kept = ops.bitwise_left_shift(ops.bitwise_right_shift(pixels, shift), shift)
        return self._rescaled(ops.cast(kept, x.dtype), BYTE, self.value_range)


class Solarization(SeededImageLayer):
    """Adds a random number to each image, then inverts the pixels above a random threshold.

    Args:
        addition_factor: the greatest number to add, 0 ... 1, in widths of the value range; or a
            range of it.
        threshold_factor: the greatest threshold, likewise.
        value_range: of the pixels; the result is brought into it.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> Solarization()(np.array([[[[55.0], [255.0]]]])).numpy().ravel().tolist()
        [200.0, 0.0]
    """

    config_names = ("value_range", "addition_factor", "threshold_factor", "seed")

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = BYTE,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = self._upward(addition_factor, "addition_factor")
        self.threshold_factor = self._upward(threshold_factor, "threshold_factor")
        self.value_range = checked_range(value_range)

    @staticmethod
    def _upward(factor: Any, name: str) -> tuple[float, float]:
        """The range as given; one number is its upper end."""
        pair = factor if isinstance(factor, (tuple, list)) else (0, factor)
        numbers = all(isinstance(f, (int, float)) and 0 <= f <= 1 for f in pair)
        if len(pair) != 2 or not numbers:
            raise ArgumentError(
                "The `addition_factor` and `threshold_factor` arguments should be a number (or a "
                f"list of two numbers) in the range [0, 1]. Received: {name}={factor}"
            )
        return min(pair), max(pair)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is added to each image, and its threshold, 0 ... 255."""
        if not training:
            return None
        shape, source = (*self._shape(data)[:-3], 1, 1, 1), self._source(seed)

        def draw(low: float, high: float) -> Any:
            return uniform(shape, low, 255 * high, dtype=self.compute_dtype, seed=source)

        return {
            "additions": draw(*self.addition_factor),
            "thresholds": draw(*self.threshold_factor),
        }

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, bright pixels inverted."""
        x = self._cast(images)
        if not training or transformation is None:
            return x
        pixels = self._rescaled(x, self.value_range, BYTE) + transformation["additions"]
        pixels = ops.clip(pixels, *BYTE)
        result = ops.where(pixels < transformation["thresholds"], pixels, 255 - pixels)
        return self._rescaled(result, BYTE, self.value_range)


class AutoContrast(ImageLayer):
    """Stretches each channel of each image to the whole value range, in training and inference.

    A channel of one value stays as it is.

    Args:
        value_range: of the pixels.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> AutoContrast()(np.array([[[[1.0], [2.0], [3.0]]]])).numpy().ravel().tolist()
        [0.0, 127.5, 255.0]
    """

    config_names = ("value_range",)

    def __init__(self, value_range: Any = BYTE, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = checked_range(value_range)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, stretched."""
        x = self._cast(images)
        axes = (self.height_axis, self.width_axis)
        low = ops.min(x, axis=axes, keepdims=True)
        spread = ops.max(x, axis=axes, keepdims=True) - low
        share = (x - low) / ops.where(spread > 0, spread, 1)
        bottom, top = self.value_range
        return ops.where(spread > 0, share * (top - bottom) + bottom, x)
