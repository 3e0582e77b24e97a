"""Layers that give samples another shape or order of axes: flatten, reshape, permute, repeat."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude import config, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape, checked_count, is_integer
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.input_spec import InputSpec

__all__ = ["Flatten", "Permute", "RepeatVector", "Reshape"]


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
        self.n = checked_count(n, "n")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """The rows, repeated along a new axis."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)
