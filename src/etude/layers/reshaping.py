"""Layers that move values without changing them: flatten, reshape, crop, pad, repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from etude import config, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.arguments import Shape, integer_tuple, is_integer
from etude.layers.configured import ConfiguredLayer
from etude.layers.layer import InputSpec
from etude.ops.image.resizing import RESIZE_INTERPOLATIONS

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Flatten",
    "Permute",
    "RepeatVector",
    "Reshape",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]


class Flatten(ConfiguredLayer):
    """Each sample as one row of numbers.

    Args:
        data_format: with ``"channels_first"``, the channels are moved to the end before, so that
            both layouts of an image give the same row.

    Shapes:
        x: (batch, a, b, ...); y: (batch, a b ...).

    Example:
        >>> import numpy as np
        >>> Flatten()(np.zeros((2, 3, 4))).shape
        (2, 12)
    """

    config_names = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """The rows."""
        rank = len(inputs.shape)
        if self.data_format == "channels_first" and rank > 1:
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))


class Reshape(ConfiguredLayer):
    """Each sample in another shape.

    Args:
        target_shape: the shape of a sample, without the batch axis; one entry may be -1, which
            takes what is left.

    Shapes:
        x: (batch, ...); y: (batch, *target_shape).

    Raises:
        ArgumentError: the target has two entries -1, or one that is no size.
        ShapeError: a sample has not as many numbers as the target.

    Example:
        >>> import numpy as np
        >>> Reshape((3, -1))(np.zeros((2, 12))).shape
        (2, 3, 4)
    """

    config_names = ("target_shape",)

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.target_shape = _checked_target(tuple(target_shape))
        self.built = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The batch and the target; what is left for -1, None where that is unknown."""
        sizes = [n for n in input_shape[1:] if n is not None]
        size, known = math.prod(sizes), math.prod(n for n in self.target_shape if n != -1)
        if len(sizes) < len(input_shape) - 1:
            rest = None
        elif (-1 in self.target_shape and known and size % known == 0) or size == known:
            rest = size // known if known else 0
        else:
            raise ShapeError(
                f"Reshape layer {self.name!r} cannot turn samples of shape "
                f"{tuple(input_shape[1:])}, {size} numbers, into the target shape "
                f"{self.target_shape}, which has another number of entries."
            )
        return (input_shape[0], *(rest if n == -1 else n for n in self.target_shape))

    def compute_output_spec(self, inputs: Any) -> Any:
        """The shape above, and the dtype of the input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)

    def call(self, inputs: Any) -> Any:
        """The samples in their new shape."""
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))


def _checked_target(target: tuple[int, ...]) -> tuple[int, ...]:
    for size in target:
        if not is_integer(size) or size < -1:
            raise ArgumentError(
                "Each entry of `target_shape` must be a non-negative integer, or -1 for what is "
                f"left; the batch axis is not part of it. Received: target_shape={target}."
            )
    if target.count(-1) > 1:
        raise ArgumentError(
            "Reshape finds out at most one unknown dimension, written -1; got "
            f"target_shape={target}."
        )
    return target


class Permute(ConfiguredLayer):
    """The axes of each sample in another order.

    Args:
        dims: the axes in their new order; they count from 1, since the batch axis stays.

    Shapes:
        x: (batch, d_1, ..., d_n); y: (batch, d_{dims[0]}, ...).

    Raises:
        ArgumentError: dims is no order of 1, ..., n.

    Example:
        >>> import numpy as np
        >>> Permute((2, 1))(np.zeros((5, 3, 4))).shape
        (5, 4, 3)
    """

    config_names = ("dims",)

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                f"Invalid permutation dims={dims} for Permute. `dims` holds each of 1, 2, ..., n "
                "once: the axes of the input, without the batch, in their new order."
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """The samples with their axes in the new order."""
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(ConfiguredLayer):
    """Each row n times, as a sequence.

    Args:
        n: how many times.

    Shapes:
        x: (batch, features); y: (batch, n, features).

    Example:
        >>> import numpy as np
        >>> RepeatVector(3)(np.zeros((2, 4))).shape
        (2, 3, 4)
    """

    config_names = ("n",)

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = _checked_count(n, "n")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """The rows, repeated along a new axis."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)


def _checked_count(value: Any, name: str) -> int:
    if not is_integer(value):
        raise DtypeError(f"Expected an integer value for `{name}`, got {type(value)}.")
    if value <= 0:
        raise ArgumentError(
            f"Argument `{name}` should be a positive integer. Received: {name}={value}"
        )
    return int(value)


class SpatialLayer(ConfiguredLayer):
    """Base of the layers that work on the axes between batch and channels."""

    rank: ClassVar[int]

    def __init__(self, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def first_axis(self) -> int:
        """The first of the axes between batch and channels."""
        return 2 if self.data_format == "channels_first" else 1


def margins(value: Any, rank: int, name: str) -> tuple[tuple[int, int], ...]:
    """The widths at both ends of each axis.

    Args:
        value: one width for all; or, for each axis, one width or a pair of them.
        rank: number of axes.
        name: the argument's name, for the message.

    >>> margins(1, 2, "padding"), margins(((1, 2), 3), 2, "padding")
    (((1, 1), (1, 1)), ((1, 2), (3, 3)))
    """
    if is_integer(value):
        pair = integer_tuple(value, 2, name, allow_zero=True)
        return ((pair[0], pair[1]),) * rank
    if not hasattr(value, "__len__") or isinstance(value, str) or len(value) != rank:
        amount = {2: "two elements", 3: "3 elements"}[rank]
        raise ArgumentError(
            f"`{name}` should have {amount}: one width, or a pair of widths (before, after), for "
            f"each of the {rank} axes; or it should be one integer for all. "
            f"Received: {name}={value!r}."
        )
    pairs: list[tuple[int, int]] = []
    for axis, entry in enumerate(value, start=1):
        pair = integer_tuple(entry, 2, f"entry {axis} of {name}", allow_zero=True)
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)


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
        self.size = _checked_count(size, "size")
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
