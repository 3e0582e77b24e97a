"""Sums, means, extremes and the like over axes; standardisation; sorting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from etude.export.graph import Graph
from etude.export.program import Call
from etude.export.translators.elementwise import over_axes, scalar
from etude.export.translators.table import refuse, translates

REDUCTIONS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "_prod": "ReduceProd",
    "logsumexp": "ReduceLogSumExp",
    "_euclidean": "ReduceL2",
}


def keeps(call: Call) -> int:
    """Whether axes that are reduced stay, as ONNX says it."""
    return int(bool(call.options.get("keepdims")))


@translates(*REDUCTIONS)
def _(g: Graph, call: Call, x: str):
    given, out = call.inputs[0], call.outputs[0]
    assert given is not None
    axes = over_axes(call)
    if not axes:
        return x
    if call.options.get("initial") is not None:
        raise refuse(call, "a first value")
    if given.dtype != out.dtype:
        x = g.cast(x, out.dtype)
    return g.add(REDUCTIONS[call.name], x, g.ints(axes), keepdims=keeps(call))


@translates("all", "any", "_all_true")
def _(g: Graph, call: Call, x: str):
    op = "ReduceMax" if call.name == "any" else "ReduceMin"
    truth = g.cast(g.cast(x, "bool"), "int32")
    return g.cast(g.add(op, truth, g.ints(over_axes(call)), keepdims=keeps(call)), "bool")


@translates("count_nonzero")
def _(g: Graph, call: Call, x: str):
    ones = g.cast(g.cast(x, "bool"), call.outputs[0].dtype)
    return g.add("ReduceSum", ones, g.ints(over_axes(call)), keepdims=0)


@translates("var", "std")
def _(g: Graph, call: Call, x: str):
    axes = g.ints(over_axes(call))
    centred = g.add("Sub", x, g.add("ReduceMean", x, axes))
    found = g.add("ReduceMean", g.add("Mul", centred, centred), axes, keepdims=keeps(call))
    return found if call.name == "var" else g.add("Sqrt", found)


@translates("argmax", "argmin")
def _(g: Graph, call: Call, x: str):
    (value,) = call.inputs
    assert value is not None
    axis: Any = call.options.get("axis")
    if axis is None:
        x, axis = g.add("Reshape", x, g.ints([-1])), 0
    op = "ArgMax" if call.name == "argmax" else "ArgMin"
    found = g.add(op, x, axis=axis % value.ndim, keepdims=keeps(call))
    return g.cast(found, call.outputs[0].dtype)


@translates("_cumsum")
def _(g: Graph, call: Call, x: str):
    return g.add("CumSum", x, g.constant(call.options["axis"], "int64"))


# ---- standardisation ---------------------------------------------------------------------------


def standardized(g: Graph, call: Call, x: str, axes: Sequence[int]) -> tuple[str, str, str, str]:
    """(x - μ) / √(σ² + ε), μ, 1 / √(σ² + ε), and σ²."""
    over = g.ints(axes)
    mean = g.add("ReduceMean", x, over)
    centred = g.add("Sub", x, mean)
    variance = g.add("ReduceMean", g.add("Mul", centred, centred), over)
    epsilon = scalar(g, call, call.options["epsilon"])
    scale = g.add("Reciprocal", g.add("Sqrt", g.add("Add", variance, epsilon)))
    return g.add("Mul", centred, scale), mean, scale, variance


@translates("_standardize")
def _(g: Graph, call: Call, x: str):
    value = call.inputs[0]
    assert value is not None
    axes = [a % value.ndim for a in call.options["axes"]]
    return standardized(g, call, x, axes)[:3]


@translates("_batch_standardize")
def _(g: Graph, call: Call, x: str, scale: str, offset: str):
    axes = [a for a in range(call.outputs[0].ndim) if a != call.options["channel"]]
    standard, mean, _, variance = standardized(g, call, x, axes)
    return g.add("Add", g.add("Mul", standard, scale), offset), mean, variance


# ---- order -------------------------------------------------------------------------------------


@translates("sort", "argsort")
def _(g: Graph, call: Call, x: str):
    value = call.inputs[0]
    assert value is not None
    axis = call.options["axis"]
    if axis is None:
        raise refuse(call, "no axis")
    size = value.shape[axis]
    both = g.several("TopK", [x, g.sizes([size])], 2, axis=axis % value.ndim, largest=0)
    return both[0] if call.name == "sort" else g.cast(both[1], call.outputs[0].dtype)


@translates("top_k")
def _(g: Graph, call: Call, x: str):
    k = call.options["k"]
    if not isinstance(k, int):
        raise refuse(call, "a number k that follows the batch")
    values, places = g.several("TopK", [x, g.ints([k])], 2, axis=-1)
    return values, g.cast(places, call.outputs[1].dtype)


@translates("one_hot")
def _(g: Graph, call: Call, x: str):
    value, out = call.inputs[0], call.outputs[0]
    assert value is not None
    axis, classes = call.options["axis"] % out.ndim, call.options["num_classes"]
    beside = [1] * out.ndim
    beside[axis] = classes
    numbers = g.constant(np.arange(classes, dtype=value.arrays[0].dtype).reshape(beside))
    same = g.add("Equal", g.add("Unsqueeze", x, g.ints([axis])), numbers)
    return g.cast(same, out.dtype)


@translates("digitize")
def _(g: Graph, call: Call, x: str, bins: str):
    """How many edges are not above an element, where they ascend."""
    edges = call.inputs[1]
    if edges is None or edges.array is None or np.any(np.diff(edges.array) < 0):
        raise refuse(call, "edges that do not ascend")
    beside = g.add("Unsqueeze", x, g.ints([-1]))
    below = g.cast(g.add("LessOrEqual", bins, beside), "int32")
    return g.add("ReduceSum", below, g.ints([-1]), keepdims=0)
