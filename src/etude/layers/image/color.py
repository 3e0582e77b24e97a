"""Images with other colours at random: brightness, contrast, hue, saturation, grey."""

from __future__ import annotations

from typing import Any

from etude import config, ops
from etude.errors import ArgumentError
from etude.layers.image.base import FactorLayer, SeededImageLayer, checked_range
from etude.random import uniform

__all__ = [
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
]


class RandomBrightness(SeededImageLayer):
    """Adds a random number to each image, in training.

    Args:
        factor: the range of the number, in widths of the value range, -1 ... 1: 0.2 makes images
            up to a fifth darker or brighter; a pair gives both ends.
        value_range: of the pixels; the result is brought into it.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomBrightness((0.5, 0.5), value_range=(0, 1))(np.zeros((1, 1, 1))).numpy().ravel()
        array([0.5], dtype=float32)
    """

    config_names = ("factor", "value_range", "seed")

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self._set_factor(factor)
        self.value_range = checked_range(value_range)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """What is added to each image."""
        shape = (*self._shape(data)[:-3], 1, 1, 1)
        if not training:
            return {"rgb_delta": ops.zeros(shape)}
        low, high = self.value_range
        share = uniform(shape, *self.factor, seed=self._source(seed))
        return {"rgb_delta": share * (high - low)}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, brighter or darker."""
        x = self._cast(images)
        if not training:
            return x
        return ops.clip(x + ops.cast(transformation["rgb_delta"], x.dtype), *self.value_range)


class RandomContrast(SeededImageLayer):
    """Scales the distance of pixels from their channel's mean by a random factor, in training.

    ``y = (x - mean) f + mean``

    Args:
        factor: how far f lies from 1 at most, 0 ... 1: f is drawn from [1 - a, 1 + b] for a pair
            (a, b), and from [1, 1 + b] for one number b.
        value_range: of the pixels; the result is brought into it.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> flat = RandomContrast((1.0, 0.0), seed=1)
        >>> flat(np.full((1, 2, 2, 1), 7.0)).numpy().ravel().tolist()
        [7.0, 7.0, 7.0, 7.0]
    """

    config_names = ("factor", "value_range", "seed")
    factor_bounds = (0, 1)

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self._set_factor(factor)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The factor of each image."""
        shape = (*self._shape(data)[:-3], 1, 1, 1)
        if not training:
            return {"contrast_factor": ops.zeros(shape)}
        low, high = 1.0 - self.factor[0], 1.0 + self.factor[1]
        factor = uniform(shape, low, high, dtype=self.compute_dtype, seed=self._source(seed))
        return {"contrast_factor": factor}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, flatter or more vivid."""
        x = self._cast(images)
        if not training:
            return x
        mean = ops.mean(x, axis=(self.height_axis, self.width_axis), keepdims=True)
        factor = ops.cast(transformation["contrast_factor"], x.dtype)
        return ops.clip((x - mean) * factor + mean, *self.value_range)


class RandomHue(SeededImageLayer):
    """Turns the hue of each image by a random angle, in training.

    Args:
        factor: the range of the angle, 0 ... 1, in half turns, to either side.
        value_range: of the pixels.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomHue(0.0)(np.array([[[[255.0, 0.0, 0.0]]]])).numpy().ravel().tolist()
        [255.0, 0.0, 0.0]
    """

    config_names = ("factor", "value_range", "seed")
    factor_bounds = (0, 1)

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The angle of each image, in turns."""
        count, source = (self._batch_size(data),), self._source(seed)
        sign = ops.where(uniform(count, seed=source) > 0.5, -1.0, 1.0)
        return {"factor": sign * uniform(count, *self.factor, seed=source) * 0.5}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images in other colours."""
        x = self._cast(images)
        if not training:
            return x
        hsv = ops.image.rgb_to_hsv(self._rescaled(x, self.value_range, (0, 1)), self.data_format)
        hue, saturation, value = ops.unstack(hsv, axis=self.channel_axis)
        turn = ops.cast(transformation["factor"], x.dtype)[:, None, None]
        turned = ops.stack([ops.mod(hue + turn, 1.0), saturation, value], axis=self.channel_axis)
        rgb = ops.clip(ops.image.hsv_to_rgb(turned, self.data_format), 0, 1)
        return self._rescaled(rgb, (0, 1), self.value_range)


class RandomSaturation(FactorLayer):
    """Makes the colours of each image stronger or weaker at random, in training.

    Args:
        factor: f, 0 ... 1, or a range of it; the saturation is multiplied by f / (1 - f): 0 gives
            grey, ½ the same, 1 the strongest colours.
        value_range: of the saturation that comes out.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> gray = RandomSaturation((0.0, 0.0))
        >>> gray(np.array([[[[0.8, 0.2, 0.2]]]])).numpy().round(3).ravel().tolist()
        [0.8..., 0.8..., 0.8...]
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """By what the saturation of each image is multiplied."""
        factor = uniform((self._batch_size(data),), *self.factor, seed=self._source(seed))
        return {"factor": factor / (1 - factor + config.epsilon())}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, more or less colourful."""
        x = self._cast(images)
        if not training:
            return x
        factor = ops.cast(transformation["factor"], x.dtype)[:, None, None]
        hsv = ops.image.rgb_to_hsv(x, self.data_format)
        hue, saturation, value = ops.unstack(hsv, axis=self.channel_axis)
        saturation = ops.clip(saturation * factor, *self.value_range)
        hsv = ops.stack([hue, saturation, value], axis=self.channel_axis)
        return ops.image.hsv_to_rgb(hsv, self.data_format)


class RandomColorDegeneration(FactorLayer):
    """Mixes each image with its grey version, in training.

    Args:
        factor: the range of the part of grey, 0 ... 1.
        value_range: of the pixels; the result is brought into it.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> gray = RandomColorDegeneration((1.0, 1.0))
        >>> gray(np.array([[[[100.0, 0.0, 0.0]]]])).numpy().round(2).ravel().tolist()
        [29.8..., 29.8..., 29.8...]
    """

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The part of grey in each image."""
        shape = (self._batch_size(data), 1, 1, 1)
        return {"factor": uniform(shape, *self.factor, seed=self._source(seed))}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, some of the colour gone."""
        x = self._cast(images)
        if not training:
            return x
        gray = ops.image.rgb_to_grayscale(x, self.data_format)
        mixed = x + ops.cast(transformation["factor"], x.dtype) * (gray - x)
        return ops.clip(mixed, *self.value_range)


class RandomGrayscale(SeededImageLayer):
    """Makes each image grey with a probability, in training; it keeps three channels.

    Args:
        factor: the probability, 0 ... 1.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> red = np.array([[[[100.0, 0.0, 0.0]]]])
        >>> RandomGrayscale(1.0)(red).numpy().round(2).ravel().tolist()
        [29.8..., 29.8..., 29.8...]
    """

    config_names = ("factor", "seed")

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if not 0 <= factor <= 1:
            raise ArgumentError(f"`factor` should be between 0 and 1. Received: factor={factor}")
        self.factor = factor

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images become grey."""
        draws = uniform((self._batch_size(data), 1, 1, 1), seed=self._source(seed))
        return draws < self.factor

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, some of them grey."""
        x = self._cast(images)
        if not training:
            return x
        if transformation is None:
            transformation = self.get_random_transformation(x)
        return ops.where(transformation, ops.image.rgb_to_grayscale(x, self.data_format), x)


class RandomColorJitter(SeededImageLayer):
    """Random brightness, contrast, saturation and hue, one after the other, in training.

    Args:
        value_range: of the pixels.
        brightness_factor: of `RandomBrightness`; None for none.
        contrast_factor: of `RandomContrast`; None for none.
        saturation_factor: of `RandomSaturation`; None for none.
        hue_factor: of `RandomHue`; None for none.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, 3) or (height, width, 3); y: the same.

    Example:
        >>> import numpy as np
        >>> layer = RandomColorJitter(value_range=(0, 1), brightness_factor=0.2, hue_factor=0.1)
        >>> layer(np.ones((2, 4, 4, 3))).shape
        (2, 4, 4, 3)
    """

    config_names = (
        "value_range",
        "brightness_factor",
        "contrast_factor",
        "saturation_factor",
        "hue_factor",
        "seed",
    )

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        own = {
            "value_range": value_range,
            "seed": seed,
            "data_format": self.data_format,
            "dtype": self.dtype_policy,
        }
        factors = {
            RandomBrightness: brightness_factor,
            RandomContrast: contrast_factor,
            RandomSaturation: saturation_factor,
            RandomHue: hue_factor,
        }
        self._steps = [
            layer(factor=factor, **own) for layer, factor in factors.items() if factor is not None
        ]
        for step in self._steps:
            step.built = True  # it has no weights, and is not called itself

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """That of each step."""
        source = self._source(seed)
        return [step.get_random_transformation(data, training, source) for step in self._steps]

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images after all steps."""
        x = self._cast(images)
        if not training:
            return x
        for step, drawn in zip(self._steps, transformation, strict=True):
            x = step.transform_images(x, drawn)
        return x
