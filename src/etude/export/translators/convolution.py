"""Convolutions and pooling.

ONNX has the channels first, etude has them last: axes are exchanged around each, and
`etude.export.transposes` takes out what cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from etude.export.graph import Graph
from etude.export.program import Call, Value
from etude.export.sizes import Size, Unruly
from etude.export.translators.elementwise import scalar
from etude.export.translators.table import refuse, translates
from etude.ops.convolution import explicit_padding


def channels_first(g: Graph, x: str, rank: int) -> str:
    """(N, *S, C) -> (N, C, *S)."""
    return g.add("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def channels_last(g: Graph, x: str, rank: int) -> str:
    """(N, C, *S) -> (N, *S, C)."""
    return g.add("Transpose", x, perm=[0, *range(2, rank), 1])


def padding_of(call: Call, images: Value | None, window: Sequence[int]) -> dict[str, Any]:
    """Padding as ONNX has it: all at the beginnings, then all at the ends; or as a rule.

    Where sizes are open, "same" padding follows them, and ONNX knows the same rule.
    """
    pairs: Sequence[tuple[Any, Any]] = call.options["padding"]
    pads = [before for before, _ in pairs] + [after for _, after in pairs]
    assert images is not None
    strides = call.options["strides"]
    dilation = call.options.get("dilation", (1,) * len(strides))
    is_open = not all(isinstance(n, int) for n in images.shape[1:-1])
    if is_open and any(p != 0 for p in pads):
        for run, array in enumerate(images.arrays):
            same = explicit_padding("same", array.shape[1:-1], window, strides, dilation)
            given = [[_in_run(p, run, images) for p in pair] for pair in pairs]
            if given != [list(pair) for pair in same]:
                break
        else:
            return {"auto_pad": "SAME_UPPER"}
    if not all(isinstance(p, int) for p in pads):
        raise refuse(call, "padding that follows an open size. Give `input_signature` with it")
    return {"pads": pads}


def _in_run(number: Any, run: int, value: Value) -> int:
    if isinstance(number, Unruly):
        return number.values[run]
    return number.at(value.box.corners[run]) if isinstance(number, Size) else number


def turned(g: Graph, value: Value | None, name: str, order: list[int]) -> str:
    """Filters with their axes in another order; those of a constant are turned here."""
    assert value is not None
    if value.array is None:
        return g.add("Transpose", name, perm=order)
    base = value.name.replace("/", ".")
    return g.constant(np.ascontiguousarray(value.array.transpose(order)), base=base)


@translates("_conv")
def _(g: Graph, call: Call, x: str, w: str):
    options, rank = call.options, call.outputs[0].ndim
    filters = turned(g, call.inputs[1], w, [rank - 1, rank - 2, *range(rank - 2)])
    y = g.add(
        "Conv",
        channels_first(g, x, rank),
        filters,  # (F, C / groups, *K)
        strides=list(options["strides"]),
        dilations=list(options["dilation"]),
        group=options["groups"],
        **padding_of(call, call.inputs[0], call.inputs[1].shape[:-2]),  # type: ignore[union-attr,arg-type]
    )
    return channels_last(g, y, rank)


@translates("_conv_input_gradient")
def _(g: Graph, call: Call, x: str, w: str):
    options, rank = call.options, call.outputs[0].ndim
    images, kernel = call.inputs
    assert images is not None and kernel is not None
    if options["groups"] != 1:
        raise refuse(call, "groups")
    pairs: Sequence[tuple[int, int]] = options["padding"]  # follows no size
    pads = [before for before, _ in pairs] + [after for _, after in pairs]
    y = g.add(
        "ConvTranspose",
        channels_first(g, x, rank),
        turned(g, kernel, w, [rank - 1, rank - 2, *range(rank - 2)]),  # (C in, F out, *K)
        strides=list(options["strides"]),
        pads=[max(p, 0) for p in pads],
        dilations=list(options["dilation"]),
    )
    ends = _missing(call, images, kernel, pads)
    if any(ends):
        around = [0, 0, *(max(-p, 0) for p in pads[: rank - 2]), 0, 0, *ends]
        y = g.add("Pad", y, g.ints(around), scalar(g, call, 0))
    return channels_last(g, y, rank)


def _missing(call: Call, images: Value, kernel: Value, pads: list[int]) -> list[int]:
    """How many zeros stand behind what a transposed convolution gives."""
    rank = len(pads) // 2
    ends: list[int] = []
    for axis in range(rank):
        wanted, size = call.options["input_shape"][axis + 1], images.shape[axis + 1]
        k = kernel.arrays[0].shape[axis]
        s, d = call.options["strides"][axis], call.options["dilation"][axis]
        if not isinstance(size, int) or not isinstance(wanted, int):
            ends.append(max(-pads[rank + axis], 0))
            continue
        whole = (size - 1) * s + (k - 1) * d + 1
        ends.append(wanted - (whole - pads[axis] - max(pads[rank + axis], 0)))
    return ends


# ---- pooling -----------------------------------------------------------------------------------


@translates("_max_pool")
def _(g: Graph, call: Call, x: str):
    return _pooled(g, call, x, "MaxPool")


@translates("_window_sum")
def _(g: Graph, call: Call, x: str):
    average = _pooled(g, call, x, "AveragePool", count_include_pad=1)
    return g.add("Mul", average, scalar(g, call, math.prod(call.options["window"])))


def _pooled(g: Graph, call: Call, x: str, op: str, **attributes: Any) -> str:
    options, rank = call.options, call.outputs[0].ndim
    y = g.add(
        op,
        channels_first(g, x, rank),
        kernel_shape=list(options["window"]),
        strides=list(options["strides"]),
        **padding_of(call, call.inputs[0], options["window"]),
        **attributes,
    )
    return channels_last(g, y, rank)
