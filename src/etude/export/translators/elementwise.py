"""Element by element: arithmetic, comparisons, functions, activations, dtypes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from etude.export.graph import Graph
from etude.export.program import Call
from etude.export.translators.table import refuse, translates

DIRECT = {
    "add": "Add",
    "subtract": "Sub",
    "multiply": "Mul",
    "power": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "negative": "Neg",
    "reciprocal": "Reciprocal",
    "sqrt": "Sqrt",
    "absolute": "Abs",
    "sign": "Sign",
    "floor": "Floor",
    "ceil": "Ceil",
    "exp": "Exp",
    "log": "Log",
    "erf": "Erf",
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "arcsin": "Asin",
    "arccos": "Acos",
    "arctan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "tanh": "Tanh",
    "arcsinh": "Asinh",
    "arccosh": "Acosh",
    "arctanh": "Atanh",
    "equal": "Equal",
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "isnan": "IsNaN",
    "isinf": "IsInf",
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "softsign": "Softsign",
}
"""Primitives that are one operator with the same inputs."""

BOOLEAN = {"add": "Or", "multiply": "And", "maximum": "Or", "minimum": "And"}
"""What they are for truth values, which arithmetic operators do not take."""


@translates(*DIRECT)
def _(g: Graph, call: Call, *xs: str):
    op = DIRECT[call.name]
    first = call.inputs[0]
    if first is not None and first.dtype == "bool":
        op = BOOLEAN.get(call.name, op)
    return g.add(op, *xs)


def scalar(g: Graph, call: Call, value: float) -> str:
    """A number of the dtype of the call's first result."""
    return g.constant(np.asarray(value).astype(call.outputs[0].arrays[0].dtype))


@translates("divide")
def _(g: Graph, call: Call, x: str, y: str):
    return g.add("Div", x, y)


@translates("divide_no_nan")
def _(g: Graph, call: Call, x: str, y: str):
    zero = scalar(g, call, 0)
    return g.add("Where", g.add("Equal", y, zero), zero, g.add("Div", x, y))


@translates("floor_divide")
def _(g: Graph, call: Call, x: str, y: str):
    if "int" in call.outputs[0].dtype:  # Div rounds towards 0
        rest = g.add("Mod", x, y)
        return g.add("Div", g.add("Sub", x, rest), y)
    return g.add("Floor", g.add("Div", x, y))


@translates("mod")
def _(g: Graph, call: Call, x: str, y: str):
    if "int" in call.outputs[0].dtype:
        return g.add("Mod", x, y)
    return g.add("Sub", x, g.add("Mul", y, g.add("Floor", g.add("Div", x, y))))


@translates("square")
def _(g: Graph, call: Call, x: str):
    return g.add("Mul", x, x)


@translates("rsqrt")
def _(g: Graph, call: Call, x: str):
    return g.add("Reciprocal", g.add("Sqrt", x))


@translates("trunc")
def _(g: Graph, call: Call, x: str):
    return g.add("Mul", g.add("Sign", x), g.add("Floor", g.add("Abs", x)))


@translates("round")
def _(g: Graph, call: Call, x: str):
    decimals = call.options.get("decimals", 0)
    if not decimals:
        return g.add("Round", x)
    power = scalar(g, call, 10.0**decimals)
    return g.add("Div", g.add("Round", g.add("Mul", x, power)), power)


@translates("_select")
def _(g: Graph, call: Call, condition: str, x: str, y: str):
    chosen = call.inputs[0]
    if chosen is not None and chosen.dtype != "bool":
        condition = g.cast(condition, "bool")
    return g.add("Where", condition, x, y)


@translates("nan_to_num")
def _(g: Graph, call: Call, x: str):
    limits = np.finfo(call.outputs[0].arrays[0].dtype)
    nan, high, low = (call.options.get(n) for n in ("nan", "posinf", "neginf"))
    y = g.add("Where", g.add("IsNaN", x), scalar(g, call, nan or 0.0), x)
    above = g.add("IsInf", x, detect_negative=0)
    below = g.add("IsInf", x, detect_positive=0)
    y = g.add("Where", above, scalar(g, call, float(limits.max) if high is None else high), y)
    return g.add("Where", below, scalar(g, call, float(limits.min) if low is None else low), y)


# ---- truth -------------------------------------------------------------------------------------


@translates("not_equal")
def _(g: Graph, call: Call, x: str, y: str):
    return g.add("Not", g.add("Equal", x, y))


LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor", "logical_not": "Not"}
LOGIC |= {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor", "bitwise_not": "Not"}


@translates(*LOGIC)
def _(g: Graph, call: Call, *xs: str):
    is_truth = [value is not None and value.dtype == "bool" for value in call.inputs]
    if call.name.startswith("bitwise") and not all(is_truth):
        raise refuse(call, "whole numbers")
    truths = [x if ok else g.cast(x, "bool") for x, ok in zip(xs, is_truth, strict=True)]
    return g.add(LOGIC[call.name], *truths)


@translates("isfinite")
def _(g: Graph, call: Call, x: str):
    return g.add("Not", g.add("Or", g.add("IsNaN", x), g.add("IsInf", x)))


# ---- exponentials ------------------------------------------------------------------------------


@translates("exp2")
def _(g: Graph, call: Call, x: str):
    return g.add("Exp", g.add("Mul", x, scalar(g, call, math.log(2))))


@translates("expm1")
def _(g: Graph, call: Call, x: str):
    return g.add("Sub", g.add("Exp", x), scalar(g, call, 1))


@translates("log1p")
def _(g: Graph, call: Call, x: str):
    return g.add("Log", g.add("Add", x, scalar(g, call, 1)))


@translates("log2", "log10")
def _(g: Graph, call: Call, x: str):
    base = 2 if call.name == "log2" else 10
    return g.add("Mul", g.add("Log", x), scalar(g, call, 1 / math.log(base)))


@translates("logaddexp")
def _(g: Graph, call: Call, x: str, y: str):
    apart = g.add("Neg", g.add("Abs", g.add("Sub", x, y)))
    return g.add("Add", g.add("Max", x, y), g.add("Softplus", apart))


@translates("deg2rad", "rad2deg")
def _(g: Graph, call: Call, x: str):
    factor = math.pi / 180 if call.name == "deg2rad" else 180 / math.pi
    return g.add("Mul", x, scalar(g, call, factor))


# ---- activations -------------------------------------------------------------------------------


@translates("leaky_relu")
def _(g: Graph, call: Call, x: str):
    return g.add("LeakyRelu", x, alpha=float(call.options["negative_slope"]))


@translates("elu", "celu")
def _(g: Graph, call: Call, x: str):
    return g.add(call.name.capitalize(), x, alpha=float(call.options["alpha"]))


@translates("log_sigmoid")
def _(g: Graph, call: Call, x: str):
    return g.add("Neg", g.add("Softplus", g.add("Neg", x)))


@translates("silu")
def _(g: Graph, call: Call, x: str):
    return g.add("Mul", x, g.add("Sigmoid", x))


@translates("gelu")
def _(g: Graph, call: Call, x: str):
    half, one = scalar(g, call, 0.5), scalar(g, call, 1)
    if call.options["approximate"]:
        cube = g.add("Mul", g.add("Mul", x, x), x)
        inner = g.add("Add", x, g.add("Mul", cube, scalar(g, call, 0.044715)))
        phi = g.add("Tanh", g.add("Mul", inner, scalar(g, call, math.sqrt(2 / math.pi))))
    else:
        phi = g.add("Erf", g.add("Mul", x, scalar(g, call, math.sqrt(0.5))))
    return g.add("Mul", g.add("Mul", x, half), g.add("Add", phi, one))


def over_axes(call: Call) -> list[int]:
    """The axes of an option ``axis``: of all where it is None."""
    axis: Any = call.options.get("axis")
    first = call.inputs[0]
    rank = 0 if first is None else first.ndim
    if axis is None:
        return list(range(rank))
    return [a % rank for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]


@translates("softmax", "log_softmax")
def _(g: Graph, call: Call, x: str):
    axes = over_axes(call)
    if len(axes) == 1:
        return g.add("Softmax" if call.name == "softmax" else "LogSoftmax", x, axis=axes[0])
    shifted = g.add("Sub", x, g.add("ReduceMax", x, g.ints(axes)))
    e = g.add("Exp", shifted)
    total = g.add("ReduceSum", e, g.ints(axes))
    if call.name == "softmax":
        return g.add("Div", e, total)
    return g.add("Sub", shifted, g.add("Log", total))


# ---- dtypes ------------------------------------------------------------------------------------


@translates("cast")
def _(g: Graph, call: Call, x: str):
    given = call.inputs[0]
    same = given is not None and given.dtype == call.outputs[0].dtype
    return x if same else g.cast(x, call.outputs[0].dtype)


@translates("stop_gradient")
def _(g: Graph, call: Call, x: str):
    return x


@translates("zeros_like", "ones_like")
def _(g: Graph, call: Call, x: str):
    value = scalar(g, call, 0 if call.name == "zeros_like" else 1)
    return g.add("Expand", value, g.sizes(call.outputs[0].shape))
