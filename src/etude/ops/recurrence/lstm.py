"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.engine import xp
from etude.ops.joining import concatenate, split
from etude.ops.recurrence.steps import (
    checked,
    input_gradients,
    joined,
    keep,
    kernels_back,
    or_zeros,
    outputs,
    passed_on,
    previous,
    product_over_steps,
    project,
    raw,
    sigmoid,
    steps_there,
    tensor_of_steps,
)
from etude.ops.scanning import scan
from etude.ops.shape import transpose
from etude.ops.trigonometry import tanh

Array = Any


@composite
def lstm(
    inputs: Any,
    initial_states: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    mask: Any = None,
    zero_output_for_mask: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """Long short-term memory.

    With z = xₜ W + hₜ₋₁ U + b in the order i, f, g, o:

        i, f, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_o);  g = tanh(z_g)
        cₜ = f cₜ₋₁ + i g;  hₜ = o tanh(cₜ)

    Args:
        inputs: x, (N, T, D).
        initial_states: h₀ and c₀, (N, H) each.
        kernel: W, (D, 4 H).
        recurrent_kernel: U, (H, 4 H).
        bias: b, (4 H,), or None.
        mask: (N, T), False where the states stay as they are; or None.
        zero_output_for_mask: whether the output at masked steps is 0 instead of the state.

    Returns:
        The outputs, (N, T, H), and a list of the last h and c, (N, H) each.

    >>> one, four = [[[1.0]]], [[1.0, 1.0, 1.0, 1.0]]
    >>> y, [h, c] = lstm(one, [[[0.0]], [[0.0]]], four, four)
    >>> print(h.numpy().round(4), c.numpy().round(4))
    [[0.3696]] [[0.5568]]
    """
    x, [h0, c0], w, u, b, here = checked(
        "lstm", 4, inputs, initial_states, kernel, recurrent_kernel, bias, mask
    )
    states, h, c, _, _ = _lstm(x, h0, c0, w, u, b, here)
    return outputs(states, here, zero_output_for_mask), [h, c]


@primitive(none_for_zero=True)
def _lstm(
    x: Array,
    h0: Array,
    c0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    mask: Array,
) -> tuple[Array, ...]:
    """All h (T, N, H), the last h and c (N, H), all c (T, N, H), all gates (T, N, 4 H)."""
    projected = project(x, kernel, bias)
    kernels = xp().recurrence_kernels(projected)
    if kernels is not None:
        return kernels.lstm(projected, h0, c0, recurrent_kernel, mask)

    def step(state: tuple[Array, Array], now: tuple[Array, Array | None]) -> Any:
        (h, c), (z, here) = state, now
        z_i, z_f, z_g, z_o = xp().split(z + xp().matmul(h, recurrent_kernel), 4, axis=-1)
        i, f, g, o = sigmoid(z_i), sigmoid(z_f), xp().tanh(z_g), sigmoid(z_o)
        new_c = f * c + i * g
        new_h = o * xp().tanh(new_c)
        h, c = keep(here, new_h, h), keep(here, new_c, c)
        return (h, c), (h, c, xp().concatenate([i, f, g, o], axis=-1))

    (h, c), (all_h, all_c, gates) = xp().scan(step, (h0, c0), (projected, steps_there(mask)))
    return all_h, h, c, all_c, gates


@_lstm.gradient
def _(
    g: Any,
    out: Any,
    x: Any,
    h0: Any,
    c0: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: Any,
):
    all_h, last_h, last_c, all_c, gates = out
    g_h, g_last_h, g_last_c, g_c, g_gates = g
    last = or_zeros(g_last_h, last_h), or_zeros(g_last_c, last_c)
    transposed = transpose(recurrent_kernel)
    # Where masked, c is the old one instead of f c + i g; dh and dc are 0 there, so it is no harm.

    def step(later: tuple[Tensor, Tensor], now: Any) -> tuple[Any, Tensor]:
        (dh, dc), (g_h, g_c, g_gates, c, c_before, gates, here) = later, now
        i, f, g, o = split(gates, 4, axis=-1)  # (N, H) each
        g_i, g_f, g_g, g_o = split(g_gates, 4, axis=-1)
        dh, skipped_h = passed_on(here, dh + g_h)
        dc, skipped_c = passed_on(here, dc + g_c)
        tanh_c = tanh(c)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)  # h = o tanh(c)
        dz = concatenate(
            [
                (dc * g + g_i) * i * (1 - i),  # c = f c_before + i g
                (dc * c_before + g_f) * f * (1 - f),
                (dc * i + g_g) * (1 - g * g),
                (dh * tanh_c + g_o) * o * (1 - o),
            ],
            axis=-1,
        )  # (N, 4 H)
        dh, dc = joined(dz @ transposed, skipped_h), joined(dc * f, skipped_c)
        return (dh, dc), dz

    kernels = kernels_back(all_c, g_c, g_gates)
    if kernels is not None:
        found = kernels.lstm_back(*raw(*last, g_h, c0, all_c, gates, recurrent_kernel, mask))
        dh0, dc0, dz = map(Tensor, found)
    else:
        cotangents = or_zeros(g_h, all_h), or_zeros(g_c, all_c), or_zeros(g_gates, gates)
        xs = (*cotangents, all_c, previous(c0, all_c), gates, tensor_of_steps(mask))
        (dh0, dc0), dz = scan(step, last, xs, reverse=True)
    dx, dw, db = input_gradients(dz, x, kernel)
    return dx, dh0, dc0, dw, lambda: product_over_steps(previous(h0, all_h), dz), db, None
