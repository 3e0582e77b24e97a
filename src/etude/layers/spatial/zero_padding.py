"""Zeros around sequences, images and volumes."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import ops
from etude.layers.base.arguments import integer_tuple
from etude.layers.spatial.spatial_layer import SpatialLayer, margins

__all__ = ["ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"]


class ZeroPadding(SpatialLayer):
    """Base of the paddings with zeros."""

    padding: tuple[tuple[int, int], ...]
    config_names: ClassVar[tuple[str, ...]] = ("padding", "data_format")

    def call(self, inputs: Any) -> Any:
        """The inputs with zeros around them."""
        start = self.first_axis
        rest = len(inputs.shape) - start - self.rank
        return ops.pad(inputs, ((0, 0),) * start + self.padding + ((0, 0),) * rest)


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after each sequence.

    Args:
        padding: number of zeros at each end, or a pair (before, after).
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, steps, features); y: (batch, steps + before + after, features).

    Example:
        >>> import numpy as np
        >>> ZeroPadding1D((1, 2))(np.ones((1, 2, 1))).numpy()[0, :, 0].tolist()
        [0.0, 1.0, 1.0, 0.0, 0.0]
    """

    rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        before, after = integer_tuple(padding, 2, "padding", allow_zero=True)
        self.padding = ((before, after),)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "padding": self.padding[0]}


class ZeroPadding2D(ZeroPadding):
    """Zeros around each image.

    Args:
        padding: number of zeros on all sides; or (rows, columns); or pairs of such
            ((top, bottom), (left, right)).
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels);
        y: (batch, top + height + bottom, left + width + right, channels).

    Example:
        >>> import numpy as np
        >>> ZeroPadding2D(((0, 1), (2, 3)))(np.ones((1, 2, 2, 1))).shape
        (1, 3, 7, 1)
    """

    rank = 2

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = margins(padding, 2, "padding")


class ZeroPadding3D(ZeroPadding):
    """Zeros around each volume.

    Args:
        padding: number of zeros on all sides; or one for each axis; or a pair for each axis.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: the same, the sizes d_i padded.

    Example:
        >>> import numpy as np
        >>> ZeroPadding3D(1)(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3

    def __init__(
        self,
        padding: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.padding = margins(padding, 3, "padding")
