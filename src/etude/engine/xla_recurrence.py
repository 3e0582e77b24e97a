"""The loops of LSTM, GRU and simple RNN by etude's own kernels, on the CPU.

`etude.ops.recurrence` documents what goes in and comes out, and computes the same where they do not
serve. Arrays are time-major; a mask is (N, T), or None. What is None is left out.
"""

# pyright: reportUnknownMemberType=false
# (jax.numpy's annotations are incomplete.)

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from etude.engine.xla_native import call

Array = Any

__all__ = ["gru", "gru_back", "lstm", "lstm_back", "simple_rnn", "simple_rnn_back"]


def _mask(mask: Array | None) -> Array:
    """(N, T) -> (T, N), or nothing."""
    return jnp.zeros((0, 0), bool) if mask is None else jnp.swapaxes(mask, 0, 1)


def _or_nothing(g: Array | None) -> Array:
    return jnp.zeros((0, 0, 0), "float32") if g is None else g


def _call(symbol: str, like: Array, shapes: Any, *inputs: Array) -> tuple[Array, ...]:
    """Results in the dtype of ``like``, from which 16-bit floats were widened."""
    return tuple(found.astype(like.dtype) for found in call(symbol, shapes, *inputs))


def simple_rnn(p: Array, h0: Array, u: Array, mask: Array | None) -> tuple[Array, ...]:
    """All states, the last one."""
    return _call("etude_simple_rnn", p, [p.shape, h0.shape], p, h0, u, _mask(mask))


def simple_rnn_back(
    g_last: Array, g_h: Array | None, h: Array, u: Array, mask: Array | None
) -> tuple[Array, ...]:
    """Gradients of the first state and of the sums."""
    inputs = (g_last, _or_nothing(g_h), h, u, _mask(mask))
    return _call("etude_simple_rnn_back", h, [g_last.shape, h.shape], *inputs)


def lstm(p: Array, h0: Array, c0: Array, u: Array, mask: Array | None) -> tuple[Array, ...]:
    """All h, the last h and c, all c, all gates."""
    states, last = (*p.shape[:2], u.shape[0]), h0.shape
    shapes = [states, last, last, states, p.shape]
    return _call("etude_lstm", p, shapes, p, h0, c0, u, _mask(mask))


def lstm_back(
    g_last_h: Array,
    g_last_c: Array,
    g_h: Array | None,
    c0: Array,
    c: Array,
    gates: Array,
    u: Array,
    mask: Array | None,
) -> tuple[Array, ...]:
    """Gradients of the first h and c, and of the sums."""
    inputs = (g_last_h, g_last_c, _or_nothing(g_h), c0, c, gates, u, _mask(mask))
    return _call("etude_lstm_back", c, [c0.shape, c0.shape, gates.shape], *inputs)


def gru(p: Array, h0: Array, u: Array, bias: Array, mask: Array | None) -> tuple[Array, ...]:
    """All h, the last one, all gates, (h U + b')_n."""
    states = (*p.shape[:2], u.shape[0])
    shapes = [states, h0.shape, p.shape, states]
    return _call("etude_gru", p, shapes, p, h0, u, bias, _mask(mask))


def gru_back(
    g_last: Array,
    g_h: Array | None,
    h0: Array,
    h: Array,
    gates: Array,
    inner: Array,
    u: Array,
    mask: Array | None,
) -> tuple[Array, ...]:
    """Gradients of the first h, and of the two sums."""
    inputs = (g_last, _or_nothing(g_h), h0, h, gates, inner, u, _mask(mask))
    return _call("etude_gru_back", h, [h0.shape, gates.shape, gates.shape], *inputs)
