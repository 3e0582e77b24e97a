"""Layers that disturb the training so that a model learns what holds in general.

All of them draw from a `SeedGenerator` of their own, and all of them do nothing outside training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from etude import config, ops, random, regularizers
from etude.errors import ArgumentError
from etude.layers.base.arguments import check_rate, is_integer
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.input_spec import InputSpec

__all__ = [
    "ActivityRegularization",
    "AlphaDropout",
    "Dropout",
    "GaussianDropout",
    "GaussianNoise",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
]


class NoiseLayer(ConfiguredLayer):
    """Base: a strength, a seed, and `disturb`, which runs in training only."""

    def __init__(self, strength: float, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._strength = strength
        if strength > 0:
            self.seed_generator = random.SeedGenerator(seed)
        self.supports_masking = True
        self._build_at_init()

    def disturb(self, inputs: Any) -> Any:
        """The inputs with noise."""
        raise NotImplementedError

    def call(self, inputs: Any, training: bool = False) -> Any:
        """The inputs; in training, with noise."""
        return self.disturb(inputs) if training and self._strength > 0 else inputs


class Dropout(NoiseLayer):
    """Sets a random share of the inputs to 0 in training, and scales up the rest.

    ``y = x m / (1 - rate)``, with m = 0 with probability ``rate``, else 1

    Args:
        rate: the share that is dropped, from 0 to 1.
        noise_shape: shape of m; 1 along axes that are dropped together, None for the input's size.
        seed: an integer makes the draws repeat.

    Shapes:
        x: any; y: the same.

    Raises:
        ArgumentError: the rate is not between 0 and 1, or the noise shape has other entries.

    Example:
        >>> import numpy as np
        >>> y = Dropout(0.5, seed=1)(np.ones((100,)), training=True).numpy()
        >>> sorted(set(y.tolist()))
        [0.0, 2.0]

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), JMLR 15.
    """

    config_names: ClassVar[tuple[str, ...]] = ("rate", "seed", "noise_shape")

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.rate = check_rate(rate)
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = _checked_noise_shape(noise_shape)

    def disturb(self, inputs: Any) -> Any:
        """``x m / (1 - rate)``."""
        return random.dropout(
            inputs, self.rate, noise_shape=self._noise_shape(inputs), seed=self.seed_generator
        )

    def _noise_shape(self, inputs: Any) -> tuple[int, ...] | None:
        return _concrete(self.noise_shape, inputs)


def _checked_noise_shape(noise_shape: Any) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    start = "Invalid value received for argument `noise_shape`. "
    if isinstance(noise_shape, str) or not hasattr(noise_shape, "__iter__"):
        raise ArgumentError(f"{start}Expected a tuple or list of integers; got {noise_shape!r}.")
    for index, size in enumerate(noise_shape):
        if size is not None and not is_integer(size):
            raise ArgumentError(
                f"{start}Expected all elements to be integers or None; got {size!r} of type "
                f"{type(size).__name__} at index {index}."
            )
        if size is not None and size <= 0:
            raise ArgumentError(
                f"{start}Expected all dimensions to be positive integers or None. None stands for "
                f"the size of the input; got {size} at index {index}."
            )
    return tuple(noise_shape)


def _concrete(noise_shape: Any, inputs: Any) -> tuple[int, ...] | None:
    """The noise shape with the input's sizes in the place of None."""
    if noise_shape is None:
        return None
    return tuple(
        inputs.shape[axis] if size is None else size for axis, size in enumerate(noise_shape)
    )


class SpatialDropout(Dropout):
    """Base of the dropouts that drop whole feature maps."""

    rank: ClassVar[int]

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _noise_shape(self, inputs: Any) -> tuple[int, ...]:
        ones = (1,) * self.rank
        if self.data_format == "channels_first":
            return (*inputs.shape[:2], *ones)
        return (inputs.shape[0], *ones, inputs.shape[-1])

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {
            "rate": self.rate,
            "seed": self.seed,
            "name": self.name,
            "dtype": self.dtype,
            "data_format": self.data_format,
        }


class SpatialDropout1D(SpatialDropout):
    """Drops whole features of a sequence: at all time steps, or at none.

    Args:
        rate: the share of features that is dropped, from 0 to 1.
        seed: an integer makes the draws repeat.
        name: name of the layer.
        dtype: dtype or policy of the layer.

    Shapes:
        x: (batch, steps, features); y: the same.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout1D(0.5, seed=1)(np.ones((1, 2, 50)), training=True).numpy()
        >>> bool((y[0, 0] == y[0, 1]).all())
        True

    Source:
        Tompson, Goroshin, Jain, LeCun, Bregler (2015), arXiv:1411.4280.
    """

    rank = 1

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(rate, data_format="channels_last", seed=seed, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["data_format"]
        return arguments


class SpatialDropout2D(SpatialDropout):
    """Drops whole channels of an image.

    Args:
        rate: the share of channels that is dropped, from 0 to 1.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: an integer makes the draws repeat.
        name: name of the layer.
        dtype: dtype or policy of the layer.

    Shapes:
        x: (batch, height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> y = SpatialDropout2D(0.5, seed=1)(np.ones((1, 2, 2, 50)), training=True).numpy()
        >>> bool((y[0, 0, 0] == y[0, 1, 1]).all())
        True

    Source:
        Tompson, Goroshin, Jain, LeCun, Bregler (2015), arXiv:1411.4280.
    """

    rank = 2


class SpatialDropout3D(SpatialDropout):
    """Drops whole channels of a volume.

    Args:
        rate: the share of channels that is dropped, from 0 to 1.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: an integer makes the draws repeat.
        name: name of the layer.
        dtype: dtype or policy of the layer.

    Shapes:
        x: (batch, depth, height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> SpatialDropout3D(0.5)(np.ones((1, 2, 2, 2, 3)), training=True).shape
        (1, 2, 2, 2, 3)

    Source:
        Tompson, Goroshin, Jain, LeCun, Bregler (2015), arXiv:1411.4280.
    """

    rank = 3


class GaussianNoise(NoiseLayer):
    """Adds noise in training: ``y = x + n``, with n from N(0, stddev²).

    Args:
        stddev: standard deviation of the noise, from 0 to 1.
        seed: an integer makes the draws repeat.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> x = np.zeros((2, 3))
        >>> bool((GaussianNoise(0.1)(x, training=False).numpy() == x).all())
        True
    """

    config_names = ("stddev", "seed")

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        self.stddev = check_rate(stddev, "stddev")
        super().__init__(stddev, seed, **kwargs)

    def disturb(self, inputs: Any) -> Any:
        """``x + n``."""
        return inputs + random.normal(
            inputs.shape, 0.0, self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


class GaussianDropout(NoiseLayer):
    """Multiplies by noise in training: ``y = x n``, with n from N(1, rate / (1 - rate)).

    Args:
        rate: the noise has mean and variance of a `Dropout` with this rate.
        seed: an integer makes the draws repeat.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> GaussianDropout(0.5)(np.ones((2, 3)), training=True).shape
        (2, 3)

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), JMLR 15, section 10.
    """

    config_names = ("rate", "seed")

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        self.rate = check_rate(rate)
        super().__init__(rate, seed, **kwargs)

    def disturb(self, inputs: Any) -> Any:
        """``x n``."""
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        return inputs * random.normal(
            inputs.shape, 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


class AlphaDropout(NoiseLayer):
    """The dropout for SELU: keeps mean 0 and variance 1.

    ``y = a (x m + alpha' (1 - m)) + b``, with m = 0 with probability ``rate``, else 1; alpha' is
    the limit of SELU for very negative inputs, and a and b restore mean and variance.

    Args:
        rate: the share that is dropped, from 0 to 1.
        noise_shape: shape of m; 1 along axes that are dropped together, None for the input's size.
        seed: an integer makes the draws repeat.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> AlphaDropout(0.2, seed=1)(np.zeros((2, 3)), training=True).shape
        (2, 3)

    Source:
        Klambauer, Unterthiner, Mayr, Hochreiter (2017), arXiv:1706.02515.
    """

    config_names = ("rate", "seed", "noise_shape")

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.rate = check_rate(rate)
        super().__init__(rate, seed, **kwargs)
        self.noise_shape = noise_shape

    def disturb(self, inputs: Any) -> Any:
        """``a (x m + alpha' (1 - m)) + b``."""
        limit = -1.6732632423543772 * 1.0507009873554805  # alpha' = -alpha scale of SELU
        shape = _concrete(self.noise_shape, inputs)
        draws = random.uniform(shape or inputs.shape, seed=self.seed_generator)
        kept = ops.cast(ops.greater_equal(draws, self.rate), inputs.dtype)
        a = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
        b = -a * limit * self.rate
        return a * (inputs * kept + limit * (1 - kept)) + b


class ActivityRegularization(ConfiguredLayer):
    """Passes its input on, and adds a penalty on it to the loss.

    ``loss += (l1 sum |x| + l2 sum x²) / batch``

    Args:
        l1: weight of the sum of absolute values.
        l2: weight of the sum of squares.

    Shapes:
        x: any; y: the same.

    Example:
        >>> import numpy as np
        >>> layer = ActivityRegularization(l2=0.5)
        >>> _ = layer(np.array([[1.0, 2.0]]))
        >>> float(layer.losses[0])
        2.5
    """

    config_names = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["activity_regularizer"]
        return arguments
