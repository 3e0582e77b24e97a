"""LSTM, GRU, simple RNN. Reference: the recurrences of their definitions, sequence by sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from tests.ops.case import Case

N, T, D, H = 2, 3, 2, 2


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def run(step: Callable[..., Any], x: Any, states: list[Any], mask: Any, zeros: bool) -> Any:
    """Outputs (N, T, H) and last states of a recurrence given as a function of one step."""
    outputs = np.zeros((*x.shape[:2], states[0].shape[-1]))
    last = [s.copy() for s in states]
    for n in range(len(x)):
        now = [s[n] for s in states]
        for t in range(x.shape[1]):
            here = mask is None or mask[n, t]
            now = step(x[n, t], *now) if here else now
            outputs[n, t] = 0 if zeros and not here else now[0]
        for s, value in zip(last, now, strict=True):
            s[n] = value
    return outputs, last


def simple_rnn(
    x: Any,
    h0: Any,
    w: Any,
    u: Any,
    b: Any = 0.0,
    mask: Any = None,
    zero_output_for_mask: bool = False,
) -> Any:
    def step(x: Any, h: Any) -> list[Any]:
        return [np.tanh(x @ w + h @ u + b)]

    return run(step, x, [h0], mask, zero_output_for_mask)


def lstm(
    x: Any, h0: Any, c0: Any, w: Any, u: Any, b: Any = 0.0, mask: Any = None,
    zero_output_for_mask: bool = False,
) -> Any:  # fmt: skip
    def step(x: Any, h: Any, c: Any) -> list[Any]:
        i, f, g, o = np.split(x @ w + h @ u + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]

    return run(step, x, [h0, c0], mask, zero_output_for_mask)


def gru(
    x: Any, h0: Any, w: Any, u: Any, b: Any = None, mask: Any = None,
    zero_output_for_mask: bool = False, reset_after: bool = True,
) -> Any:  # fmt: skip
    if b is None:
        b = np.zeros((2, w.shape[1]))
    b_in, b_rec = b if b.ndim == 2 else (b, np.zeros(w.shape[1]))

    def step(x: Any, h: Any) -> list[Any]:
        p_z, p_r, p_n = np.split(x @ w + b_in, 3)
        u_z, u_r, u_n = np.split(u, 3, axis=1)
        b_z, b_r, b_n = np.split(b_rec, 3)
        z, r = sigmoid(p_z + h @ u_z + b_z), sigmoid(p_r + h @ u_r + b_r)
        n = np.tanh(p_n + (r * (h @ u_n + b_n) if reset_after else (r * h) @ u_n))
        return [z * h + (1 - z) * n]

    return run(step, x, [h0], mask, zero_output_for_mask)


def inputs(states: int, gates: int, bias: tuple[int, ...] | None, masked: bool = False) -> Any:
    def build(r: Any) -> tuple[Any, ...]:
        shapes = [(N, T, D), *[(N, H)] * states, (D, gates * H), (H, gates * H)]
        given = [0.8 * r.standard_normal(s) for s in shapes]
        if bias is not None:
            given.append(0.5 * r.standard_normal(bias))
        if masked:
            given.append(np.array([[True, True, False], [False, True, True]]))
        return tuple(given)

    return build


def op(name: str, states: int) -> Callable[..., Any]:
    """The public op, with its list of states taken from consecutive inputs."""

    def call(x: Any, *rest: Any, **options: Any) -> Any:
        return getattr(ops, name)(x, list(rest[:states]), *rest[states:], **options)

    return call


def _case(
    name: str,
    reference: Any,
    states: int,
    gates: int,
    bias: Any,
    masked: bool = False,
    **options: Any,
) -> Case:
    return Case(
        name, inputs(states, gates, bias, masked), reference, options, call=op(name, states)
    )


CASES: list[Case] = [
    _case("simple_rnn", simple_rnn, 1, 1, (H,)),
    _case("simple_rnn", simple_rnn, 1, 1, None),
    _case("simple_rnn", simple_rnn, 1, 1, (H,), masked=True),
    _case("lstm", lstm, 2, 4, (4 * H,)),
    _case("lstm", lstm, 2, 4, None),
    _case("lstm", lstm, 2, 4, (4 * H,), masked=True),
    _case("lstm", lstm, 2, 4, (4 * H,), masked=True, zero_output_for_mask=True),
    _case("gru", gru, 1, 3, (2, 3 * H)),
    _case("gru", gru, 1, 3, None),
    _case("gru", gru, 1, 3, (2, 3 * H), masked=True),
    _case("gru", gru, 1, 3, (3 * H,), reset_after=False),
    _case("gru", gru, 1, 3, (3 * H,), masked=True, reset_after=False, zero_output_for_mask=True),
]


def _all_outputs(name: str, states: int, kept: int) -> Callable[..., Any]:
    """The private primitive with all its outputs: gates and inner states have gradients too."""
    from etude.autodiff import PRIMITIVES

    def call(*given: Any) -> Any:
        return PRIMITIVES[name](*given)[:kept]

    return call


def _lstm_all(x: Any, h0: Any, c0: Any, w: Any, u: Any, b: Any, mask: Any) -> Any:
    all_h, all_c, gates = np.zeros((T, N, H)), np.zeros((T, N, H)), np.zeros((T, N, 4 * H))
    h, c = h0.copy(), c0.copy()
    for t in range(T):
        z = x[:, t] @ w + h @ u + b
        i, f, g, o = np.split(z, 4, axis=1)
        gates[t] = np.concatenate([sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)], axis=1)
        new_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        new_h = sigmoid(o) * np.tanh(new_c)
        here = mask[:, t, None]
        h, c = np.where(here, new_h, h), np.where(here, new_c, c)
        all_h[t], all_c[t] = h, c
    return all_h, h, c, all_c, gates


CASES.append(
    Case("_lstm", inputs(2, 4, (4 * H,), True), _lstm_all, call=_all_outputs("_lstm", 2, 5))
)
