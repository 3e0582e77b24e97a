"""Borders cut off sequences, images and volumes."""

from __future__ import annotations

from typing import Any, ClassVar

from etude.errors import ShapeError
from etude.layers.base.arguments import integer_tuple
from etude.layers.spatial.spatial_layer import SpatialLayer, margins

__all__ = ["Cropping1D", "Cropping2D", "Cropping3D"]


class Cropping(SpatialLayer):
    """Base of the croppings."""

    cropping: tuple[tuple[int, int], ...]
    config_names: ClassVar[tuple[str, ...]] = ("cropping", "data_format")

    def call(self, inputs: Any) -> Any:
        """What is left of the inputs."""
        start = self.first_axis
        slices = [slice(None)] * len(inputs.shape)
        for axis, (before, after) in enumerate(self.cropping, start=start):
            size = inputs.shape[axis]
            if before + after >= size:
                raise ShapeError(
                    "Values in `cropping` argument should be smaller than the corresponding "
                    f"spatial dimension of the input. (Layer {self.name!r}: the sum in the "
                    f"`cropping` parameter of `{type(self).__name__}` layer must be smaller than "
                    f"the size of the axis; got {self.cropping} for {tuple(inputs.shape)}.)"
                )
            slices[axis] = slice(before, size - after)
        return inputs[tuple(slices)]


class Cropping1D(Cropping):
    """Cuts off the ends of each sequence.

    Args:
        cropping: number of steps at each end, or a pair (before, after).

    Shapes:
        x: (batch, steps, features); y: (batch, steps - before - after, features).

    Example:
        >>> import numpy as np
        >>> Cropping1D((1, 0))(np.array([[[1.0], [2.0], [3.0]]])).numpy()[0, :, 0].tolist()
        [2.0, 3.0]
    """

    rank = 1
    config_names = ("cropping",)

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__("channels_last", **kwargs)
        before, after = integer_tuple(cropping, 2, "cropping", allow_zero=True)
        self.cropping = ((before, after),)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "cropping": self.cropping[0]}


class Cropping2D(Cropping):
    """Cuts off the borders of each image.

    Args:
        cropping: width of all borders; or (rows, columns); or pairs of such
            ((top, bottom), (left, right)).
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels);
        y: (batch, height - top - bottom, width - left - right, channels).

    Example:
        >>> import numpy as np
        >>> Cropping2D(((1, 1), (0, 2)))(np.ones((1, 5, 5, 1))).shape
        (1, 3, 3, 1)
    """

    rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = margins(cropping, 2, "cropping")


class Cropping3D(Cropping):
    """Cuts off the borders of each volume.

    Args:
        cropping: width of all borders; or one for each axis; or a pair for each axis.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); y: the same, the sizes d_i cropped.

    Example:
        >>> import numpy as np
        >>> Cropping3D(1)(np.ones((1, 4, 4, 4, 1))).shape
        (1, 2, 2, 2, 1)
    """

    rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.cropping = margins(cropping, 3, "cropping")
