"""What padding, cropping and upsampling share: the axes between batch and channels."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import config
from etude.errors import ArgumentError
from etude.layers.base.arguments import integer_tuple, is_integer
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.input_spec import InputSpec

__all__ = ["SpatialLayer", "margins"]


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
