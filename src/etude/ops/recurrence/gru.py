"""The gated recurrent unit."""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.engine import xp
from etude.ops.joining import concatenate, split
from etude.ops.recurrence.steps import (
    checked,
    flat,
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
from etude.ops.reduction import sum
from etude.ops.scanning import scan
from etude.ops.shape import transpose

Array = Any


@composite
def gru(
    inputs: Any,
    initial_states: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    mask: Any = None,
    zero_output_for_mask: bool = False,
    reset_after: bool = True,
) -> tuple[Tensor, list[Tensor]]:
    """Gated recurrent unit, gates in the order z, r, n.

        z, r = sigmoid(xₜ W + hₜ₋₁ U + b)_z, sigmoid(...)_r
        n = tanh((xₜ W + b)_n + r (hₜ₋₁ U + b')_n)      with reset_after
        n = tanh((xₜ W + b)_n + (r hₜ₋₁) U_n)           without
        hₜ = z hₜ₋₁ + (1 - z) n

    Args:
        inputs: x, (N, T, D).
        initial_states: a list of h₀, (N, H).
        kernel: W, (D, 3 H).
        recurrent_kernel: U, (H, 3 H).
        bias: (2, 3 H), b and b', with reset_after; else (3 H,); or None.
        mask: (N, T), False where the state stays as it is; or None.
        zero_output_for_mask: whether the output at masked steps is 0 instead of the state.
        reset_after: whether the reset gate acts after the matrix product, or before.

    Returns:
        The outputs, (N, T, H), and a list of the last state, (N, H).

    >>> y, [h] = gru([[[1.0]]], [[[0.0]]], [[1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0]])
    >>> print(h.numpy().round(4))
    [[0.2048]]
    """
    rows = (2,) if reset_after else ()
    x, [h0], w, u, b, here = checked(
        "gru", 3, inputs, initial_states[:1], kernel, recurrent_kernel, bias, mask, rows
    )
    if reset_after:
        states, last, _, _ = _gru(x, h0, w, u, b[0], b[1], here)
    else:
        states, last, _ = _gru_reset_before(x, h0, w, u, b, here)
    return outputs(states, here, zero_output_for_mask), [last]


@primitive(none_for_zero=True)
def _gru(
    x: Array,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array,
    recurrent_bias: Array,
    mask: Array,
) -> tuple[Array, ...]:
    """All h (T, N, H), the last h (N, H), z, r, n (T, N, 3 H), (h U + b')_n (T, N, H)."""
    projected = project(x, kernel, bias)
    kernels = xp().recurrence_kernels(projected)
    if kernels is not None:
        return kernels.gru(projected, h0, recurrent_kernel, recurrent_bias, mask)

    def step(h: Array, now: tuple[Array, Array | None]) -> Any:
        p, here = now
        p_z, p_r, p_n = xp().split(p, 3, axis=-1)
        q = xp().matmul(h, recurrent_kernel) + recurrent_bias
        q_z, q_r, q_n = xp().split(q, 3, axis=-1)
        z, r = sigmoid(p_z + q_z), sigmoid(p_r + q_r)
        n = xp().tanh(p_n + r * q_n)
        h = keep(here, z * h + (1 - z) * n, h)
        return h, (h, xp().concatenate([z, r, n], axis=-1), q_n)

    last, (states, gates, inner) = xp().scan(step, h0, (projected, steps_there(mask)))
    return states, last, gates, inner


@_gru.gradient
def _(
    g: Any,
    out: Any,
    x: Any,
    h0: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    recurrent_bias: Any,
    mask: Any,
):
    states, last, gates, inner = out
    g_h, g_last, g_gates, g_inner = g
    g_last = or_zeros(g_last, last)
    before = previous(h0, states)
    transposed = transpose(recurrent_kernel)

    def step(dh: Tensor, now: Any) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        g_h, g_gates, g_q, gates, q_n, h_before, here = now
        z, r, n = split(gates, 3, axis=-1)  # (N, H) each
        g_z, g_r, g_n = split(g_gates, 3, axis=-1)
        dh, skipped = passed_on(here, dh + g_h)
        dn = (dh * (1 - z) + g_n) * (1 - n * n)  # h = z h_before + (1 - z) n
        dz = (dh * (h_before - n) + g_z) * z * (1 - z)
        dr = (dn * q_n + g_r) * r * (1 - r)  # n = tanh(p_n + r q_n)
        dq = concatenate([dz, dr, dn * r + g_q], axis=-1)  # (N, 3 H)
        dh = joined(dq @ transposed + dh * z, skipped)
        return dh, (concatenate([dz, dr, dn], axis=-1), dq)

    kernels = kernels_back(states, g_gates, g_inner)
    if kernels is not None:
        arrays = raw(g_last, g_h, h0, states, gates, inner, recurrent_kernel, mask)
        dh0, dp, dq = map(Tensor, kernels.gru_back(*arrays))
    else:
        cotangents = or_zeros(g_h, states), or_zeros(g_gates, gates), or_zeros(g_inner, inner)
        xs = (*cotangents, gates, inner, before, tensor_of_steps(mask))
        dh0, (dp, dq) = scan(step, g_last, xs, reverse=True)
    dx, dw, db = input_gradients(dp, x, kernel)
    du = lambda: product_over_steps(before, dq)  # noqa: E731
    return dx, dh0, dw, du, db, lambda: sum(flat(dq), axis=0), None


@primitive
def _gru_reset_before(
    x: Array, h0: Array, kernel: Array, recurrent_kernel: Array, bias: Array, mask: Array
) -> tuple[Array, ...]:
    """All h (T, N, H), the last h (N, H), z, r, n (T, N, 3 H)."""
    units = h0.shape[-1]
    u_gates, u_new = recurrent_kernel[:, : 2 * units], recurrent_kernel[:, 2 * units :]

    def step(h: Array, now: tuple[Array, Array | None]) -> Any:
        p, here = now
        p_z, p_r, p_n = xp().split(p, 3, axis=-1)
        q_z, q_r = xp().split(xp().matmul(h, u_gates), 2, axis=-1)
        z, r = sigmoid(p_z + q_z), sigmoid(p_r + q_r)
        n = xp().tanh(p_n + xp().matmul(r * h, u_new))
        h = keep(here, z * h + (1 - z) * n, h)
        return h, (h, xp().concatenate([z, r, n], axis=-1))

    last, (states, gates) = xp().scan(step, h0, (project(x, kernel, bias), steps_there(mask)))
    return states, last, gates


@_gru_reset_before.gradient
def _(g: Any, out: Any, x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any, mask: Any):
    states, _, gates = out
    g_h, g_last, g_gates = g
    units = h0.shape[-1]
    before = previous(h0, states)
    u_gates = transpose(recurrent_kernel[:, : 2 * units])
    u_new = transpose(recurrent_kernel[:, 2 * units :])

    def step(dh: Tensor, now: Any) -> tuple[Tensor, Tensor]:
        g_h, g_gates, gates, h_before, here = now
        z, r, n = split(gates, 3, axis=-1)  # (N, H) each
        g_z, g_r, g_n = split(g_gates, 3, axis=-1)
        dh, skipped = passed_on(here, dh + g_h)
        dn = (dh * (1 - z) + g_n) * (1 - n * n)  # h = z h_before + (1 - z) n
        dz = (dh * (h_before - n) + g_z) * z * (1 - z)
        d_reset = dn @ u_new  # n = tanh(p_n + (r h_before) U_n)
        dr = (d_reset * h_before + g_r) * r * (1 - r)
        d_gates = concatenate([dz, dr], axis=-1)  # (N, 2 H)
        dh = joined(d_gates @ u_gates + d_reset * r + dh * z, skipped)
        return dh, concatenate([d_gates, dn], axis=-1)

    dh0, dp = scan(step, g_last, (g_h, g_gates, gates, before, tensor_of_steps(mask)), reverse=True)
    dx, dw, db = input_gradients(dp, x, kernel)

    def du() -> Tensor:
        reset = gates[..., units : 2 * units] * before  # (T, N, H)
        to_gates = product_over_steps(before, dp[..., : 2 * units])
        to_new = product_over_steps(reset, dp[..., 2 * units :])
        return concatenate([to_gates, to_new], axis=-1)

    return dx, dh0, dw, du, db, None
