"""Longer sequences, larger images and volumes: elements repeated, or interpolated."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.base.arguments import checked_count, integer_tuple
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.input_spec import InputSpec
from etude.layers.spatial.spatial_layer import SpatialLayer
from etude.ops.image.resizing import RESIZE_INTERPOLATIONS

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]


class UpSampling1D(ConfiguredLayer):
    """Each step of a sequence several times.

    Args:
        size: how many times.

    Shapes:
        x: (batch, steps, features); y: (batch, size steps, features).

    Example:
        >>> import numpy as np
        >>> UpSampling1D(2)(np.array([[[1.0], [2.0]]])).numpy()[0, :, 0].tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    config_names = ("size",)

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = checked_count(size, "size")
        self.input_spec = InputSpec(ndim=3)

    def call(self, inputs: Any) -> Any:
        """The repeated steps."""
        return ops.repeat(inputs, self.size, axis=1)


class UpSampling2D(SpatialLayer):
    """Larger images: each pixel becomes a block, or what lies between pixels is interpolated.

    Args:
        size: factor for height and width, or one for each.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        interpolation: ``"nearest"`` (blocks), ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or
            ``"lanczos5"``.

    Shapes:
        x: (batch, height, width, channels); y: (batch, size[0] height, size[1] width, channels).

    Example:
        >>> import numpy as np
        >>> UpSampling2D(2)(np.array([[1.0, 2.0]]).reshape(1, 1, 2, 1)).numpy()[0, :, :, 0].tolist()
        [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]
    """

    rank = 2
    config_names = ("size", "data_format", "interpolation")

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = integer_tuple(size, 2, "size")
        self.interpolation = interpolation.lower()
        if self.interpolation not in RESIZE_INTERPOLATIONS:
            raise ArgumentError(
                f"UpSampling2D: `interpolation` must be one of {RESIZE_INTERPOLATIONS}. Received: "
                f"interpolation={interpolation!r}."
            )

    def call(self, inputs: Any) -> Any:
        """The larger images."""
        if self.interpolation == "nearest":
            return _repeated(inputs, self.size, self.first_axis)
        rows, columns = inputs.shape[self.first_axis : self.first_axis + 2]
        size = rows * self.size[0], columns * self.size[1]
        return ops.image.resize(
            inputs, size, interpolation=self.interpolation, data_format=self.data_format
        )


class UpSampling3D(SpatialLayer):
    """Larger volumes: each element becomes a block.

    Args:
        size: factor for all three axes, or one for each.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: (batch, size[0] d_1, size[1] d_2, size[2] d_3,
        channels).

    Example:
        >>> import numpy as np
        >>> UpSampling3D(2)(np.zeros((1, 2, 3, 4, 1))).shape
        (1, 4, 6, 8, 1)
    """

    rank = 3
    config_names = ("size", "data_format")

    def __init__(
        self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.size = integer_tuple(size, 3, "size")

    def call(self, inputs: Any) -> Any:
        """The larger volumes."""
        return _repeated(inputs, self.size, self.first_axis)


def _repeated(inputs: Any, size: tuple[int, ...], first_axis: int) -> Any:
    for axis, times in enumerate(size, start=first_axis):
        inputs = ops.repeat(inputs, times, axis=axis)
    return inputs
