"""The same elements in another shape or order; joined, parted, padded."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from etude.export.graph import Graph
from etude.export.program import Call, Dimension
from etude.export.translators.elementwise import over_axes
from etude.export.translators.table import refuse, translates

FAR = 2**62
"""Behind the end of every axis."""


@translates("reshape")
def _(g: Graph, call: Call, x: str):
    return g.reshaped(x, call.outputs[0].shape)


@translates("transpose")
def _(g: Graph, call: Call, x: str):
    rank, axes = call.outputs[0].ndim, call.options["axes"]
    order = list(range(rank))[::-1] if axes is None else [a % rank for a in axes]
    return g.add("Transpose", x, perm=order)


@translates("expand_dims")
def _(g: Graph, call: Call, x: str):
    axis: Any = call.options["axis"]
    rank = call.outputs[0].ndim
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return g.add("Unsqueeze", x, g.ints([a % rank for a in axes]))


@translates("squeeze")
def _(g: Graph, call: Call, x: str):
    (value,) = call.inputs
    assert value is not None
    axes = over_axes(call)
    if call.options.get("axis") is None:
        axes = [a for a in axes if value.shape[a] == 1]
    return g.add("Squeeze", x, g.ints(axes)) if axes else x


@translates("broadcast_to")
def _(g: Graph, call: Call, x: str):
    return g.add("Expand", x, g.sizes(call.outputs[0].shape))


@translates("flip")
def _(g: Graph, call: Call, x: str):
    axes = over_axes(call)
    n = len(axes)
    return g.add("Slice", x, *map(g.ints, ([-1] * n, [-FAR] * n, axes, [-1] * n)))


@translates("roll")
def _(g: Graph, call: Call, x: str):
    shift, axis = call.options["shift"], call.options["axis"]
    if axis is None:
        raise refuse(call, "no axis")
    shifts = shift if isinstance(shift, (tuple, list)) else (shift,)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    if len(shifts) == 1:
        shifts = tuple(shifts) * len(axes)
    for s, a in zip(shifts, axes, strict=True):
        size = call.outputs[0].shape[a]
        if not isinstance(size, int):
            raise refuse(call, "an axis of unknown size")
        if s % size:
            at = size - s % size
            x = g.add("Concat", cut(g, x, a, at, FAR), cut(g, x, a, 0, at), axis=a)
    return x


def cut(g: Graph, x: str, axis: int, start: Dimension, stop: Dimension) -> str:
    """A part along an axis."""
    return g.add("Slice", x, g.sizes([start]), g.sizes([stop]), g.ints([axis]))


# ---- joining, parting --------------------------------------------------------------------------


@translates("_concatenate")
def _(g: Graph, call: Call, *xs: str):
    return g.add("Concat", *xs, axis=call.options["axis"] % call.outputs[0].ndim)


@translates("_stack")
def _(g: Graph, call: Call, *xs: str):
    axis = call.options["axis"] % call.outputs[0].ndim
    return g.add("Concat", *(g.add("Unsqueeze", x, g.ints([axis])) for x in xs), axis=axis)


@translates("_unstack")
def _(g: Graph, call: Call, x: str):
    (value,) = call.inputs
    assert value is not None
    axis = call.options["axis"] % value.ndim
    return [g.add("Gather", x, g.constant(i, "int64"), axis=axis) for i in range(len(call.outputs))]


@translates("_split")
def _(g: Graph, call: Call, x: str):
    (value,) = call.inputs
    assert value is not None
    axis = call.options["axis"] % value.ndim
    ends = [0, *call.options["ends"]]
    return [cut(g, x, axis, a, b) for a, b in pairwise(ends)]


@translates("_pad_constant")
def _(g: Graph, call: Call, x: str):
    widths = call.options["widths"]
    if not widths:
        return x
    pads = [before for before, _ in widths] + [after for _, after in widths]
    dtype = call.outputs[0].arrays[0].dtype
    value = g.constant(np.asarray(call.options["value"]).astype(dtype))
    if dtype == "bool":  # Pad knows no truth values everywhere
        padded = g.add("Pad", g.cast(x, "int32"), g.sizes(pads), g.cast(value, "int32"))
        return g.cast(padded, "bool")
    return g.add("Pad", x, g.sizes(pads), value)
