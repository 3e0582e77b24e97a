"""Pooling: a window, or the whole extent, becomes its maximum or its mean."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import config, ops
from etude.layers.base.arguments import ChannelsSpec, integer_tuple, padding_name
from etude.layers.base.configured import ConfiguredLayer

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class Pooling(ConfiguredLayer):
    """Base of the layers that slide a window."""

    rank: ClassVar[int]
    config_names: ClassVar[tuple[str, ...]] = ("pool_size", "strides", "padding", "data_format")

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = integer_tuple(pool_size, self.rank, "pool_size")
        self.strides = integer_tuple(
            self.pool_size if strides is None else strides, self.rank, "strides"
        )
        self.padding = padding_name(padding, type(self).__name__)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = ChannelsSpec(self.rank, self.data_format)
        self._build_at_init()


class MaxPooling(Pooling):
    """Base of the layers that keep the largest number of each window."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def call(self, inputs: Any) -> Any:
        """The largest number of each window."""
        return ops.max_pool(
            inputs, self.pool_size, self.strides, self.padding, data_format=self.data_format
        )


class AveragePooling(Pooling):
    """Base of the layers that average each window."""

    def call(self, inputs: Any) -> Any:
        """The mean of each window; zeros of the padding do not count."""
        return ops.average_pool(
            inputs, self.pool_size, self.strides, self.padding, data_format=self.data_format
        )


class MaxPooling1D(MaxPooling):
    """The largest number in each window of a sequence, for each feature.

    Args:
        pool_size: length of the window.
        strides: how far the window moves; None: its length.
        padding: ``"valid"``: windows inside the sequence; ``"same"``: as many as strides fit.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, steps, features); y: (batch, windows, features), where windows is
        ``(steps - pool_size) // strides + 1`` for valid, ``ceil(steps / strides)`` for same.

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1)
        >>> MaxPooling1D(2)(x).numpy()[0, :, 0].tolist()
        [5.0, 3.0]
    """

    rank = 1


class MaxPooling2D(MaxPooling):
    """The largest number in each window of an image, for each channel.

    Args:
        pool_size: height and width of the window; one number for both.
        strides: how far the window moves; None: its size.
        padding: ``"valid"``: windows inside the image; ``"same"``: as many as strides fit.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, height, width, channels); y: (batch, rows, columns, channels), where rows is
        ``(height - pool) // stride + 1`` for valid, ``ceil(height / stride)`` for same.

    Example:
        >>> import numpy as np
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> MaxPooling2D()(x).numpy()[0, :, :, 0].tolist()
        [[5.0, 7.0], [13.0, 15.0]]
    """

    rank = 2


class MaxPooling3D(MaxPooling):
    """The largest number in each window of a volume, for each channel.

    Args:
        pool_size: the window's three sizes; one number for all.
        strides: how far the window moves; None: its size.
        padding: ``"valid"``: windows inside the volume; ``"same"``: as many as strides fit.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: the same with the number of windows for each d_i.

    Example:
        >>> import numpy as np
        >>> MaxPooling3D()(np.zeros((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 2)
    """

    rank = 3


class AveragePooling1D(AveragePooling):
    """The mean of each window of a sequence, for each feature.

    Args:
        pool_size: length of the window.
        strides: how far the window moves; None: its length.
        padding: ``"valid"``: windows inside the sequence; ``"same"``: as many as strides fit, and
            the mean is over the steps that are there.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, steps, features); y: (batch, windows, features).

    Example:
        >>> import numpy as np
        >>> x = np.array([1.0, 5.0, 2.0, 4.0]).reshape(1, 4, 1)
        >>> AveragePooling1D(2)(x).numpy()[0, :, 0].tolist()
        [3.0, 3.0]
    """

    rank = 1


class AveragePooling2D(AveragePooling):
    """The mean of each window of an image, for each channel.

    Args:
        pool_size: height and width of the window; one number for both.
        strides: how far the window moves; None: its size.
        padding: ``"valid"``: windows inside the image; ``"same"``: as many as strides fit, and
            the mean is over the pixels that are there.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, height, width, channels); y: (batch, rows, columns, channels).

    Example:
        >>> import numpy as np
        >>> x = np.arange(16.0).reshape(1, 4, 4, 1)
        >>> AveragePooling2D(2)(x).numpy()[0, :, :, 0].tolist()
        [[2.5, 4.5], [10.5, 12.5]]
    """

    rank = 2


class AveragePooling3D(AveragePooling):
    """The mean of each window of a volume, for each channel.

    Args:
        pool_size: the window's three sizes; one number for all.
        strides: how far the window moves; None: its size.
        padding: ``"valid"``: windows inside the volume; ``"same"``: as many as strides fit, and
            the mean is over the elements that are there.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        name: name of the layer.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: the same with the number of windows for each d_i.

    Example:
        >>> import numpy as np
        >>> AveragePooling3D(2)(np.zeros((1, 4, 4, 4, 2))).shape
        (1, 2, 2, 2, 2)
    """

    rank = 3


class GlobalPooling(ConfiguredLayer):
    """Base of the layers that reduce all axes between batch and channels."""

    rank: ClassVar[int]
    config_names: ClassVar[tuple[str, ...]] = ("data_format", "keepdims")

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = ChannelsSpec(self.rank, self.data_format)
        self._build_at_init()

    @property
    def pooled_axes(self) -> tuple[int, ...]:
        """The axes between batch and channels."""
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))


class GlobalMaxPooling(GlobalPooling):
    """Base of the layers that keep the largest number of each channel."""

    def call(self, inputs: Any) -> Any:
        """The largest number of each channel."""
        return ops.max(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class GlobalAveragePooling(GlobalPooling):
    """Base of the layers that average each channel."""

    def call(self, inputs: Any) -> Any:
        """The mean of each channel."""
        return ops.mean(inputs, axis=self.pooled_axes, keepdims=self.keepdims)


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest number of each feature, over all steps of a sequence.

    Args:
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether the steps stay as an axis of size 1.

    Shapes:
        x: (batch, steps, features); y: (batch, features).

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling1D()(np.array([[[1.0, 4.0], [3.0, 2.0]]])).numpy().tolist()
        [[3.0, 4.0]]
    """

    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest number of each channel, over an image.

    Args:
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether height and width stay as axes of size 1.

    Shapes:
        x: (batch, height, width, channels); y: (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling2D()(np.zeros((2, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest number of each channel, over a volume.

    Args:
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether the three pooled axes stay with size 1.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalMaxPooling3D()(np.zeros((2, 4, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 3


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of each feature, over the steps of a sequence that are not masked.

    ``y = sum_t m_t x_t / sum_t m_t``

    Args:
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether the steps stay as an axis of size 1.

    Shapes:
        x: (batch, steps, features); mask: (batch, steps); y: (batch, features).

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0], [3.0], [100.0]]])
        >>> GlobalAveragePooling1D()(x, mask=np.array([[True, True, False]])).numpy().tolist()
        [[2.0]]
    """

    rank = 1

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The mean over the steps that are there."""
        if mask is None:
            return super().call(inputs)
        axis = self.pooled_axes[0]
        # (batch, steps) -> (batch, steps, 1) or (batch, 1, steps)
        present = ops.cast(ops.expand_dims(mask, 3 - axis), "bool")
        total = ops.sum(
            ops.where(present, inputs, ops.zeros_like(inputs)), axis=axis, keepdims=self.keepdims
        )
        count = ops.sum(ops.cast(present, inputs.dtype), axis=axis, keepdims=self.keepdims)
        return total / count

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """None: the steps are gone."""
        return


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of each channel, over an image.

    Args:
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether height and width stay as axes of size 1.

    Shapes:
        x: (batch, height, width, channels); y: (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling2D()(np.ones((2, 4, 4, 3))).numpy().tolist()
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    Source:
        Lin, Chen, Yan (2014), Network in network, arXiv:1312.4400.
    """

    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of each channel, over a volume.

    Args:
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        keepdims: whether the three pooled axes stay with size 1.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: (batch, channels).

    Example:
        >>> import numpy as np
        >>> GlobalAveragePooling3D()(np.ones((2, 4, 4, 4, 3))).shape
        (2, 3)
    """

    rank = 3
