"""Checks of arguments that many layers take: sizes, tuples of sizes, padding, rates."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Iterable
from typing import Any

from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.base.input_spec import InputSpec

__all__ = [
    "ChannelsSpec",
    "Shape",
    "check_rate",
    "checked_count",
    "integer_tuple",
    "is_integer",
    "known_axis",
    "padding_name",
    "positive_integer",
]

Shape = tuple[int | None, ...]


def is_integer(value: Any) -> bool:
    """Whether a value is a whole number; True and False are none.

    >>> is_integer(3), is_integer(True), is_integer(3.0)
    (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def positive_integer(value: Any, name: str, layer: str) -> int:
    """A size that must be 1 or more.

    >>> positive_integer(0, "units", "Dense")
    Traceback (most recent call last):
    etude.errors.ArgumentError: Dense: `units` must be a positive integer; got 0. Example:
    Dense(units=10).
    """
    if is_integer(value) and value > 0:
        return operator.index(value)
    raise ArgumentError(
        f"{layer}: `{name}` must be a positive integer; got {value!r}. Example: {layer}({name}=10)."
    )


def checked_count(value: Any, name: str) -> int:
    """How often something is repeated: a whole number, 1 or more.

    Raises:
        DtypeError: it is no whole number.
        ArgumentError: it is too small.
    """
    if not is_integer(value):
        raise DtypeError(f"Expected an integer value for `{name}`, got {type(value)}.")
    if value <= 0:
        raise ArgumentError(
            f"Argument `{name}` should be a positive integer. Received: {name}={value}"
        )
    return int(value)


def integer_tuple(value: Any, n: int, name: str, allow_zero: bool = False) -> tuple[int, ...]:
    """A tuple of n sizes, from one number or from n.

    Args:
        value: an integer, which stands for all n, or n integers.
        n: how many.
        name: the argument's name, for the message.
        allow_zero: whether 0 is fine.

    Raises:
        ArgumentError: the length is not n, or an entry is no integer or too small.

    >>> integer_tuple(3, 2, "kernel_size"), integer_tuple((1, 2), 2, "strides")
    ((3, 3), (1, 2))
    """
    problem = f"The `{name}` argument must be a tuple of {n} integers. Received {name}={value!r}"
    entries = (value,) * n if is_integer(value) else value
    if not isinstance(entries, Iterable) or isinstance(entries, (str, bytes)):
        raise ArgumentError(f"{problem}.")
    entries = tuple(entries)
    if len(entries) != n:
        raise ArgumentError(f"{problem}, which has {len(entries)}.")
    for entry in entries:
        if not is_integer(entry):
            raise ArgumentError(f"{problem}, including element {entry!r} of type {type(entry)}.")
    low = {entry for entry in entries if entry < (0 if allow_zero else 1)}
    if low:
        bound = ">= 0" if allow_zero else "> 0"
        raise ArgumentError(
            f"{problem}, including values {low} that do not satisfy `value {bound}`."
        )
    return tuple(operator.index(entry) for entry in entries)


def padding_name(padding: Any, layer: str, allow_causal: bool = False) -> str:
    """The name of a padding, in lower case.

    >>> padding_name("SAME", "Conv2D")
    'same'
    """
    allowed = ("valid", "same", "causal") if allow_causal else ("valid", "same")
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in allowed:
        hint = " Only Conv1D knows 'causal'." if name == "causal" else ""
        raise ArgumentError(
            f"The `padding` argument of {layer} must be one of {', '.join(map(repr, allowed))}. "
            f"Received: {padding!r}.{hint}"
        )
    return name


def check_rate(rate: Any, name: str = "rate") -> float:
    """A share between 0 and 1, such as the rate of a dropout."""
    if not isinstance(rate, numbers.Real) or isinstance(rate, bool) or not 0 <= float(rate) <= 1:
        raise ArgumentError(
            f"Invalid value received for argument `{name}`. "
            f"Expected a float value between 0 and 1. Got {rate!r}."
        )
    return rate  # type: ignore[return-value]


def known_axis(shape: Shape, axis: int, layer: str) -> int:
    """The size of an axis that the layer's weights depend on, and that must be known.

    Raises:
        ShapeError: there is no such axis, or its size is None.
    """
    if not -len(shape) <= axis < len(shape):
        raise ShapeError(
            f"{layer}: there is no axis {axis} in inputs of shape {shape}, which have {len(shape)} "
            "axes."
        )
    size = shape[axis]
    if size is None:
        raise ShapeError(
            f"{layer}: axis {axis} of the input tensor should have a defined dimension but the "
            f"layer received an input with shape {shape}. The weights have this size: give it in "
            "`Input(shape=...)`."
        )
    return size


class ChannelsSpec(InputSpec):
    """What a layer expects that works on the axes between batch and channels.

    Args:
        rank: how many axes there are between batch and channels.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        channels: their number, where it is fixed by the layer's weights.
    """

    def __init__(self, rank: int, data_format: str, channels: int | None = None) -> None:
        axis = -1 if data_format == "channels_last" else 1
        super().__init__(ndim=rank + 2, axes={} if channels is None else {axis: channels})
        self.rank = rank
        self.data_format = data_format

    def hint(self, shape: Shape) -> str:
        """What a user whose input has another rank probably forgot."""
        middle = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}[self.rank]
        last = self.data_format == "channels_last"
        axes = ("batch", *middle, "channels") if last else ("batch", "channels", *middle)
        text = f" Expected axes: ({', '.join(axes)})."
        if len(shape) == self.rank + 1:
            index = "x[..., None]" if last else "x[:, None]"
            text += f" Where the channel axis is missing, add it: {index}."
            text += " Where it is a single sample, add the batch axis: x[None]."
        return text
