"""Recurrent layers: operators of their own, or where steps are masked a loop of single operators.

The operators of ONNX know sequences that end early, not steps that are left out anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from etude.errors import ExportError
from etude.export.graph import Graph
from etude.export.program import Call, Value
from etude.export.translators.table import refuse, translates

Body = Callable[[Graph, list[str], str], list[str]]
"""From the states and the projected input of a step to the new states."""


def _gates(call: Call, value: Value | None, order: Sequence[int]) -> np.ndarray[Any, Any]:
    """A weight with the blocks of its last axis in the order of ONNX."""
    if value is None or value.array is None:
        raise refuse(call, "weights that depend on the inputs")
    blocks = np.split(value.array, len(order), axis=-1)
    return np.concatenate([blocks[i] for i in order], axis=-1)


def _recurrent(
    g: Graph, call: Call, op: str, names: Sequence[str], order: Sequence[int], **attributes: Any
) -> list[str]:
    """The operator: all states (T, N, H), and the last ones (N, H)."""
    states = 2 if op == "LSTM" else 1
    x, first = names[0], names[1 : 1 + states]
    kernel, recurrent, *biases = call.inputs[1 + states : -1]
    w, u = _gates(call, kernel, order), _gates(call, recurrent, order)
    b = [_gates(call, bias, order) for bias in biases]
    both = np.concatenate([b[0], b[1] if len(b) > 1 else np.zeros_like(b[0])])
    outer = g.several(
        op,
        [
            g.add("Transpose", x, perm=[1, 0, 2]),  # (T, N, D)
            g.constant(np.ascontiguousarray(w.T)[None], base=_base(kernel)),  # (1, G·H, D)
            g.constant(np.ascontiguousarray(u.T)[None], base=_base(recurrent)),
            g.constant(both[None], base=_base(biases[0])),
            "",
            *(g.add("Unsqueeze", h, g.ints([0])) for h in first),
        ],
        1 + states,
        hidden_size=u.shape[0],
        **attributes,
    )
    axis = [g.ints([1]), *[g.ints([0])] * states]  # of the directions, of which there is one
    return [g.add("Squeeze", y, a) for y, a in zip(outer, axis, strict=True)]


def _base(value: Value | None) -> str:
    return "" if value is None else value.name.replace("/", ".")


def _masked(g: Graph, call: Call, names: Sequence[str], states: int, body: Body) -> list[str]:
    """A loop over the steps, whose states stay where the mask is false."""
    x, first, (kernel, bias, mask) = names[0], names[1 : 1 + states], (
        names[1 + states], names[3 + states], names[-1]
    )  # fmt: skip
    projected = g.add("Add", g.add("MatMul", x, kernel), bias)  # (N, T, G·H)
    steps = g.add("Transpose", projected, perm=[1, 0, 2])
    here = g.add("Unsqueeze", g.add("Transpose", mask, perm=[1, 0]), g.ints([-1]))  # (T, N, 1)
    inner = Graph(outer=g)
    dtype, units = call.outputs[0].dtype, call.outputs[0].shape[-1]
    width = call.inputs[1 + states].shape[-1]  # type: ignore[union-attr]
    old = [inner.fresh("state") for _ in range(states)]
    z, keep = inner.fresh("projected"), inner.fresh("is_there")
    inner.inputs = [(name, dtype, (None, units)) for name in old]
    inner.inputs += [(z, dtype, (None, width)), (keep, "bool", (None, 1))]
    new = [inner.add("Where", keep, n, o) for n, o in zip(body(inner, old, z), old, strict=True)]
    again = [inner.add("Identity", n) for n in new]  # what goes on, and what is kept
    kept = inner.add("Identity", new[0])
    inner.outputs = [(name, dtype, (None, units)) for name in [*again, kept]]
    found = g.several("Scan", [*first, steps, here], states + 1, body=inner, num_scan_inputs=2)
    return [found[-1], *found[:-1]]


def _parts(g: Graph, x: str, count: int, size: int) -> list[str]:
    """Blocks of the last axis."""
    return g.several("Split", [x, g.ints([size] * count)], count, axis=-1)


def _units(call: Call) -> int:
    units = call.outputs[0].shape[-1]
    if not isinstance(units, int):
        raise ExportError(f"The number of units of {call.place} is not known.")
    return units


# ---- the cells ---------------------------------------------------------------------------------


@translates("_lstm")
def _(g: Graph, call: Call, *names: str):
    if call.inputs[-1] is None:
        return _recurrent(g, call, "LSTM", names, (0, 3, 1, 2))  # i o f g
    recurrent, units = names[4], _units(call)

    def body(b: Graph, states: list[str], z: str) -> list[str]:
        h, c = states
        gates = _parts(b, b.add("Add", z, b.add("MatMul", h, recurrent)), 4, units)
        i, f, o = (b.add("Sigmoid", gates[k]) for k in (0, 1, 3))
        fresh = b.add("Mul", i, b.add("Tanh", gates[2]))
        c = b.add("Add", b.add("Mul", f, c), fresh)
        return [b.add("Mul", o, b.add("Tanh", c)), c]

    return _masked(g, call, names, 2, body)


@translates("_gru")
def _(g: Graph, call: Call, *names: str):
    if call.inputs[-1] is None:
        return _recurrent(g, call, "GRU", names, (0, 1, 2), linear_before_reset=1)
    recurrent, bias, units = names[3], names[5], _units(call)

    def body(b: Graph, states: list[str], p: str) -> list[str]:
        (h,) = states
        q = b.add("Add", b.add("MatMul", h, recurrent), bias)
        p_z, p_r, p_n = _parts(b, p, 3, units)
        q_z, q_r, q_n = _parts(b, q, 3, units)
        z, r = b.add("Sigmoid", b.add("Add", p_z, q_z)), b.add("Sigmoid", b.add("Add", p_r, q_r))
        n = b.add("Tanh", b.add("Add", p_n, b.add("Mul", r, q_n)))
        return [_between(b, z, h, n)]

    return _masked(g, call, names, 1, body)


@translates("_gru_reset_before")
def _(g: Graph, call: Call, *names: str):
    if call.inputs[-1] is None:
        return _recurrent(g, call, "GRU", names, (0, 1, 2), linear_before_reset=0)
    units = _units(call)
    u = _gates(call, call.inputs[3], (0, 1, 2))
    u_gates, u_new = g.constant(u[:, : 2 * units]), g.constant(u[:, 2 * units :])

    def body(b: Graph, states: list[str], p: str) -> list[str]:
        (h,) = states
        p_z, p_r, p_n = _parts(b, p, 3, units)
        q_z, q_r = _parts(b, b.add("MatMul", h, u_gates), 2, units)
        z, r = b.add("Sigmoid", b.add("Add", p_z, q_z)), b.add("Sigmoid", b.add("Add", p_r, q_r))
        reset = b.add("MatMul", b.add("Mul", r, h), u_new)
        return [_between(b, z, h, b.add("Tanh", b.add("Add", p_n, reset)))]

    return _masked(g, call, names, 1, body)


def _between(b: Graph, z: str, old: str, new: str) -> str:
    """z · old + (1 - z) · new, as new + z · (old - new)."""
    return b.add("Add", new, b.add("Mul", z, b.add("Sub", old, new)))


@translates("_simple_rnn")
def _(g: Graph, call: Call, *names: str):
    if call.inputs[-1] is None:
        return _recurrent(g, call, "RNN", names, (0,))
    recurrent = names[3]

    def body(b: Graph, states: list[str], z: str) -> list[str]:
        return [b.add("Tanh", b.add("Add", z, b.add("MatMul", states[0], recurrent)))]

    return _masked(g, call, names, 1, body)
