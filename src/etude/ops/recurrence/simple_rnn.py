"""The simple recurrence."""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.engine import xp
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
    steps_there,
    tensor_of_steps,
)
from etude.ops.scanning import scan
from etude.ops.shape import transpose

Array = Any


@composite
def simple_rnn(
    inputs: Any,
    initial_states: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    mask: Any = None,
    zero_output_for_mask: bool = False,
) -> tuple[Tensor, list[Tensor]]:
    """The recurrence hₜ = tanh(xₜ W + hₜ₋₁ U + b).

    Args:
        inputs: x, (N, T, D).
        initial_states: a list of h₀, (N, H).
        kernel: W, (D, H).
        recurrent_kernel: U, (H, H).
        bias: b, (H,), or None.
        mask: (N, T), False where the state stays as it is; or None.
        zero_output_for_mask: whether the output at masked steps is 0 instead of the state.

    Returns:
        The outputs, (N, T, H), and a list of the last state, (N, H).

    >>> y, [h] = simple_rnn([[[1.0], [0.0]]], [[[0.0]]], [[1.0]], [[1.0]])
    >>> print(y.numpy().ravel().round(4), h.numpy().round(4))
    [0.7616 0.642 ] [[0.642]]
    """
    x, [h0], w, u, b, here = checked(
        "simple_rnn", 1, inputs, initial_states[:1], kernel, recurrent_kernel, bias, mask
    )
    states, last = _simple_rnn(x, h0, w, u, b, here)
    return outputs(states, here, zero_output_for_mask), [last]


@primitive(none_for_zero=True)
def _simple_rnn(
    x: Array, h0: Array, kernel: Array, recurrent_kernel: Array, bias: Array, mask: Array
) -> tuple[Array, ...]:
    """All states (T, N, H), the last one (N, H)."""
    projected = project(x, kernel, bias)
    kernels = xp().recurrence_kernels(projected)
    if kernels is not None:
        return kernels.simple_rnn(projected, h0, recurrent_kernel, mask)

    def step(h: Array, now: tuple[Array, Array | None]) -> tuple[Array, Array]:
        z, here = now
        h = keep(here, xp().tanh(z + xp().matmul(h, recurrent_kernel)), h)
        return h, h

    last, states = xp().scan(step, h0, (projected, steps_there(mask)))
    return states, last


@_simple_rnn.gradient
def _(g: Any, out: Any, x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any, mask: Any):
    g_h, g_last = g
    states, last = out
    g_last = or_zeros(g_last, last)
    transposed = transpose(recurrent_kernel)

    def step(dh: Tensor, now: Any) -> tuple[Tensor, Tensor]:
        g_h, h, here = now
        dh, skipped = passed_on(here, dh + g_h)
        dz = dh * (1 - h * h)  # where masked, dh is 0, and h (the old state) does not matter
        return joined(dz @ transposed, skipped), dz

    kernels = kernels_back(states)
    if kernels is not None:
        found = kernels.simple_rnn_back(*raw(g_last, g_h, states, recurrent_kernel, mask))
        dh0, dz = map(Tensor, found)
    else:
        xs = (or_zeros(g_h, states), states, tensor_of_steps(mask))
        dh0, dz = scan(step, g_last, xs, reverse=True)
    dx, dw, db = input_gradients(dz, x, kernel)
    return dx, dh0, dw, lambda: product_over_steps(previous(h0, states), dz), db, None
