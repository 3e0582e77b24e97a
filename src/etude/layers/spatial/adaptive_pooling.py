"""Adaptive pooling: windows are chosen so that the output has a given size."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import config, ops
from etude.errors import ArgumentError, DtypeError
from etude.layers.base.arguments import Shape, is_integer
from etude.layers.base.configured import ConfiguredLayer

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
]


class AdaptivePooling(ConfiguredLayer):
    """Base of the layers whose windows follow from the size of the output.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.
    """

    rank: ClassVar[int]
    config_names: ClassVar[tuple[str, ...]] = ("output_size", "data_format")

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = _output_size(output_size, self.rank, type(self).__name__)
        self.data_format = config.standardize_data_format(data_format)
        self._build_at_init()

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The output's size in the place of the input's."""
        if self.data_format == "channels_last":
            return (input_shape[0], *self.output_size, input_shape[-1])
        return (input_shape[0], input_shape[1], *self.output_size)


class AdaptiveAveragePooling(AdaptivePooling):
    """Base of the layers that take the mean of each window."""

    def call(self, inputs: Any) -> Any:
        """The means."""
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling(AdaptivePooling):
    """Base of the layers that keep the largest number of each window."""

    def call(self, inputs: Any) -> Any:
        """The maxima."""
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """Sequences of a given size: each entry is the mean of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of steps: a number, or a tuple of one.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, steps, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling1D(3)(np.ones((1, 5, 2))).shape
        (1, 3, 2)
    """

    rank = 1


class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """Images of a given size: each entry is the mean of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of height and width: a number, or a tuple of 2.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling2D((3, 2))(np.ones((1, 7, 5, 2))).shape
        (1, 3, 2, 2)
    """

    rank = 2


class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """Volumes of a given size: each entry is the mean of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of depth, height and width: a number, or a tuple of 3.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, depth, height, width, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveAveragePooling3D((2, 3, 2))(np.ones((1, 4, 7, 5, 2))).shape
        (1, 2, 3, 2, 2)
    """

    rank = 3


class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """Sequences of a given size: each entry is the maximum of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of steps: a number, or a tuple of one.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, steps, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling1D(3)(np.ones((1, 5, 2))).shape
        (1, 3, 2)
    """

    rank = 1


class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """Images of a given size: each entry is the maximum of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of height and width: a number, or a tuple of 2.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling2D((3, 2))(np.ones((1, 7, 5, 2))).shape
        (1, 3, 2, 2)
    """

    rank = 2


class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """Volumes of a given size: each entry is the maximum of a window.

    Window i of an axis of size n goes from ``floor(i n / m)`` to ``ceil((i + 1) n / m)``, where m
    is the size of the output.

    Args:
        output_size: the new size of depth, height and width: a number, or a tuple of 3.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, depth, height, width, channels); y: (batch, *output_size, channels).

    Raises:
        DtypeError: the size is no number and no tuple.

    Example:
        >>> import numpy as np
        >>> AdaptiveMaxPooling3D((2, 3, 2))(np.ones((1, 4, 7, 5, 2))).shape
        (1, 2, 3, 2, 2)
    """

    rank = 3


def _output_size(size: Any, rank: int, layer: str) -> tuple[int, ...]:
    if is_integer(size):
        return (int(size),) * rank
    if not isinstance(size, (tuple, list)) or (rank > 1 and len(size) != rank):
        raise DtypeError(
            f"{layer}: `output_size` must be an integer or a tuple of {rank} integers; got {size!r}"
            f" of type {type(size).__name__}."
        )
    if len(size) != rank:
        raise ArgumentError(
            f"{layer}: For {rank}D input, `output_size` tuple must have length {rank}; got "
            f"{tuple(size)}."
        )
    return tuple(size)
