"""LSTM, GRU and simple RNN over whole sequences, with back-propagation through time by hand.

Each runs in three parts: one matrix product projects all inputs before the loop, the loop carries
the state, and on the way back one matrix product gives each weight's gradient after the loop. The
forward keeps what the rule needs (gates, states) as further outputs; they have cotangents of their
own, so that the rule can be differentiated again.

Symbols: N sequences, T steps, D features, H units. Inside, arrays are time-major, (T, N, ...).
Where a mask (N, T) is False the state stays as it is, and the output repeats it. Sequences that
run backwards are flipped by the caller.

Sources: Hochreiter and Schmidhuber, Neural Computation 9 (1997), with the forget gate of Gers,
Schmidhuber and Cummins (2000); Cho et al., arXiv:1406.1078; Elman, Cognitive Science 14 (1990).
"""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ShapeError
from etude.ops.core import cast
from etude.ops.creation import zeros_like
from etude.ops.elementwise import where
from etude.ops.joining import concatenate, split
from etude.ops.reduction import sum
from etude.ops.scanning import scan
from etude.ops.shape import expand_dims, reshape, transpose
from etude.ops.trigonometry import tanh

__all__ = ["gru", "lstm", "simple_rnn"]

Array = Any


# --- what the three have in common --------------------------------------------------------------


def _sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by way of tanh, which overflows nowhere."""
    return 0.5 * xp().tanh(0.5 * x) + 0.5


def _project(x: Array, kernel: Array, bias: Array) -> Array:
    """All steps' input projections in one product: (N, T, D) -> (T, N, G·H)."""
    steps = xp().swapaxes(x, 0, 1)  # (T, N, D)
    flat = xp().matmul(steps.reshape(-1, steps.shape[-1]), kernel) + bias
    return flat.reshape(*steps.shape[:2], kernel.shape[-1])


def _steps(mask: Array | None) -> Array | None:
    """(N, T) -> (T, N, 1), to choose between new and old states."""
    return None if mask is None else xp().swapaxes(mask, 0, 1)[..., None]


def _keep(here: Array | None, new: Array, old: Array) -> Array:
    """New states where a step is there, old ones where it is masked."""
    return new if here is None else xp().where(here, new, old)


def _swapped(x: Tensor) -> Tensor:
    """Between (N, T, ...) and (T, N, ...)."""
    return transpose(x, (1, 0, *range(2, x.ndim)))


def _previous(initial: Tensor, states: Tensor) -> Tensor:
    """The states before each step: the initial one, then all but the last. (T, N, H)."""
    return concatenate([expand_dims(initial, 0), states[:-1]], axis=0)


def _flat(x: Tensor) -> Tensor:
    """(T, N, G) -> (T·N, G)."""
    return reshape(x, (-1, x.shape[-1]))


def _product_over_steps(a: Tensor, b: Tensor) -> Tensor:
    """Σ over steps and sequences of outer products: (T, N, A), (T, N, B) -> (A, B)."""
    return transpose(_flat(a)) @ _flat(b)


def _masked(present: Tensor | None) -> Tensor | None:
    return None if present is None else expand_dims(_swapped(present), -1)


def _passed_on(here: Tensor | None, g: Tensor) -> tuple[Tensor, Tensor | None]:
    """Splits a state's gradient: what goes into this step, and what skips a masked step."""
    if here is None:
        return g, None
    nothing = zeros_like(g)
    return where(here, g, nothing), where(here, nothing, g)


def _joined(a: Tensor, b: Tensor | None) -> Tensor:
    return a if b is None else a + b


def _input_gradients(dz: Tensor, x: Tensor, kernel: Tensor) -> tuple[Any, Any, Any]:
    """Gradients of inputs, kernel and bias from that of the projections dz, (T, N, G·H)."""
    return (
        lambda: _swapped(reshape(_flat(dz) @ transpose(kernel), (*dz.shape[:2], -1))),
        lambda: _product_over_steps(_swapped(x), dz),
        lambda: sum(_flat(dz), axis=0),
    )


def _checked(
    name: str, inputs: Any, kernel: Any, recurrent_kernel: Any, gates: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs and weights as Tensors of one dtype and of shapes that fit."""
    kernel, recurrent_kernel = as_tensor(kernel), as_tensor(recurrent_kernel)
    inputs = cast(as_tensor(inputs), kernel.dtype)
    units = recurrent_kernel.shape[0]
    if inputs.ndim != 3 or kernel.shape != (inputs.shape[-1], gates * units):
        raise ShapeError(
            f"{name}() expects inputs (batch, steps, features) and a kernel (features, "
            f"{gates} * units), with a recurrent kernel (units, {gates} * units); got inputs "
            f"{inputs.shape}, kernel {kernel.shape}, recurrent kernel {recurrent_kernel.shape}."
        )
    return inputs, kernel, recurrent_kernel


def _bias(bias: Any, like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The bias, or zeros where there is none."""
    if bias is None:
        return Tensor(xp().zeros(shape, like.dtype))
    return cast(as_tensor(bias), like.dtype)


def _outputs(states: Tensor, mask: Any, zero_output_for_mask: bool) -> Tensor:
    """States (T, N, H) as outputs (N, T, H)."""
    outputs = _swapped(states)
    if mask is None or not zero_output_for_mask:
        return outputs
    return where(expand_dims(as_tensor(mask, "bool"), -1), outputs, zeros_like(outputs))


# --- simple RNN ---------------------------------------------------------------------------------


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
    x, w, u = _checked("simple_rnn", inputs, kernel, recurrent_kernel, 1)
    h0 = cast(as_tensor(initial_states[0]), x.dtype)
    given = None if mask is None else as_tensor(mask, "bool")
    states, last = _simple_rnn(x, h0, w, u, _bias(bias, w, (w.shape[1],)), given)
    return _outputs(states, mask, zero_output_for_mask), [last]


@primitive
def _simple_rnn(
    x: Array, h0: Array, kernel: Array, recurrent_kernel: Array, bias: Array, mask: Array
) -> tuple[Array, ...]:
    """All states (T, N, H), the last one (N, H)."""

    def step(h: Array, now: tuple[Array, Array | None]) -> tuple[Array, Array]:
        z, here = now
        h = _keep(here, xp().tanh(z + xp().matmul(h, recurrent_kernel)), h)
        return h, h

    last, states = xp().scan(step, h0, (_project(x, kernel, bias), _steps(mask)))
    return states, last


@_simple_rnn.gradient
def _(g: Any, out: Any, x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any, mask: Any):
    states, _ = out
    transposed = transpose(recurrent_kernel)

    def step(dh: Tensor, now: Any) -> tuple[Tensor, Tensor]:
        g_h, h, here = now
        dh, skipped = _passed_on(here, dh + g_h)
        dz = dh * (1 - h * h)  # where masked, dh is 0, and h (the old state) does not matter
        return _joined(dz @ transposed, skipped), dz

    dh0, dz = scan(step, g[1], (g[0], states, _masked(mask)), reverse=True)
    dx, dw, db = _input_gradients(dz, x, kernel)
    return dx, dh0, dw, lambda: _product_over_steps(_previous(h0, states), dz), db, None


# --- LSTM ---------------------------------------------------------------------------------------


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
    x, w, u = _checked("lstm", inputs, kernel, recurrent_kernel, 4)
    h0, c0 = (cast(as_tensor(s), x.dtype) for s in initial_states)
    given = None if mask is None else as_tensor(mask, "bool")
    states, h, c, _, _ = _lstm(x, h0, c0, w, u, _bias(bias, w, (w.shape[1],)), given)
    return _outputs(states, mask, zero_output_for_mask), [h, c]


@primitive
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

    def step(state: tuple[Array, Array], now: tuple[Array, Array | None]) -> Any:
        (h, c), (z, here) = state, now
        z_i, z_f, z_g, z_o = xp().split(z + xp().matmul(h, recurrent_kernel), 4, axis=-1)
        i, f, g, o = _sigmoid(z_i), _sigmoid(z_f), xp().tanh(z_g), _sigmoid(z_o)
        new_c = f * c + i * g
        new_h = o * xp().tanh(new_c)
        h, c = _keep(here, new_h, h), _keep(here, new_c, c)
        return (h, c), (h, c, xp().concatenate([i, f, g, o], axis=-1))

    (h, c), (all_h, all_c, gates) = xp().scan(
        step, (h0, c0), (_project(x, kernel, bias), _steps(mask))
    )
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
    all_h, _, _, all_c, gates = out
    g_h, g_last_h, g_last_c, g_c, g_gates = g
    transposed = transpose(recurrent_kernel)
    # Where masked, c is the old one instead of f c + i g; dh and dc are 0 there, so it is no harm.

    def step(later: tuple[Tensor, Tensor], now: Any) -> tuple[Any, Tensor]:
        (dh, dc), (g_h, g_c, g_gates, c, c_before, gates, here) = later, now
        i, f, g, o = split(gates, 4, axis=-1)  # (N, H) each
        g_i, g_f, g_g, g_o = split(g_gates, 4, axis=-1)
        dh, skipped_h = _passed_on(here, dh + g_h)
        dc, skipped_c = _passed_on(here, dc + g_c)
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
        dh, dc = _joined(dz @ transposed, skipped_h), _joined(dc * f, skipped_c)
        return (dh, dc), dz

    (dh0, dc0), dz = scan(
        step,
        (g_last_h, g_last_c),
        (g_h, g_c, g_gates, all_c, _previous(c0, all_c), gates, _masked(mask)),
        reverse=True,
    )
    dx, dw, db = _input_gradients(dz, x, kernel)
    return dx, dh0, dc0, dw, lambda: _product_over_steps(_previous(h0, all_h), dz), db, None


# --- GRU ----------------------------------------------------------------------------------------


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
    x, w, u = _checked("gru", inputs, kernel, recurrent_kernel, 3)
    h0 = cast(as_tensor(initial_states[0]), x.dtype)
    given = None if mask is None else as_tensor(mask, "bool")
    width = w.shape[1]
    if reset_after:
        b = _bias(bias, w, (2, width))
        states, last, _, _ = _gru(x, h0, w, u, b[0], b[1], given)
    else:
        states, last, _ = _gru_reset_before(x, h0, w, u, _bias(bias, w, (width,)), given)
    return _outputs(states, mask, zero_output_for_mask), [last]


@primitive
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

    def step(h: Array, now: tuple[Array, Array | None]) -> Any:
        p, here = now
        p_z, p_r, p_n = xp().split(p, 3, axis=-1)
        q = xp().matmul(h, recurrent_kernel) + recurrent_bias
        q_z, q_r, q_n = xp().split(q, 3, axis=-1)
        z, r = _sigmoid(p_z + q_z), _sigmoid(p_r + q_r)
        n = xp().tanh(p_n + r * q_n)
        h = _keep(here, z * h + (1 - z) * n, h)
        return h, (h, xp().concatenate([z, r, n], axis=-1), q_n)

    last, (states, gates, inner) = xp().scan(step, h0, (_project(x, kernel, bias), _steps(mask)))
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
    states, _, gates, inner = out
    g_h, g_last, g_gates, g_inner = g
    before = _previous(h0, states)
    transposed = transpose(recurrent_kernel)

    def step(dh: Tensor, now: Any) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        g_h, g_gates, g_q, gates, q_n, h_before, here = now
        z, r, n = split(gates, 3, axis=-1)  # (N, H) each
        g_z, g_r, g_n = split(g_gates, 3, axis=-1)
        dh, skipped = _passed_on(here, dh + g_h)
        dn = (dh * (1 - z) + g_n) * (1 - n * n)  # h = z h_before + (1 - z) n
        dz = (dh * (h_before - n) + g_z) * z * (1 - z)
        dr = (dn * q_n + g_r) * r * (1 - r)  # n = tanh(p_n + r q_n)
        dq = concatenate([dz, dr, dn * r + g_q], axis=-1)  # (N, 3 H)
        dh = _joined(dq @ transposed + dh * z, skipped)
        return dh, (concatenate([dz, dr, dn], axis=-1), dq)

    dh0, (dp, dq) = scan(
        step, g_last, (g_h, g_gates, g_inner, gates, inner, before, _masked(mask)), reverse=True
    )
    dx, dw, db = _input_gradients(dp, x, kernel)
    du = lambda: _product_over_steps(before, dq)  # noqa: E731
    return dx, dh0, dw, du, db, lambda: sum(_flat(dq), axis=0), None


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
        z, r = _sigmoid(p_z + q_z), _sigmoid(p_r + q_r)
        n = xp().tanh(p_n + xp().matmul(r * h, u_new))
        h = _keep(here, z * h + (1 - z) * n, h)
        return h, (h, xp().concatenate([z, r, n], axis=-1))

    last, (states, gates) = xp().scan(step, h0, (_project(x, kernel, bias), _steps(mask)))
    return states, last, gates


@_gru_reset_before.gradient
def _(g: Any, out: Any, x: Any, h0: Any, kernel: Any, recurrent_kernel: Any, bias: Any, mask: Any):
    states, _, gates = out
    g_h, g_last, g_gates = g
    units = h0.shape[-1]
    before = _previous(h0, states)
    u_gates = transpose(recurrent_kernel[:, : 2 * units])
    u_new = transpose(recurrent_kernel[:, 2 * units :])

    def step(dh: Tensor, now: Any) -> tuple[Tensor, Tensor]:
        g_h, g_gates, gates, h_before, here = now
        z, r, n = split(gates, 3, axis=-1)  # (N, H) each
        g_z, g_r, g_n = split(g_gates, 3, axis=-1)
        dh, skipped = _passed_on(here, dh + g_h)
        dn = (dh * (1 - z) + g_n) * (1 - n * n)  # h = z h_before + (1 - z) n
        dz = (dh * (h_before - n) + g_z) * z * (1 - z)
        d_reset = dn @ u_new  # n = tanh(p_n + (r h_before) U_n)
        dr = (d_reset * h_before + g_r) * r * (1 - r)
        d_gates = concatenate([dz, dr], axis=-1)  # (N, 2 H)
        dh = _joined(d_gates @ u_gates + d_reset * r + dh * z, skipped)
        return dh, concatenate([d_gates, dn], axis=-1)

    dh0, dp = scan(step, g_last, (g_h, g_gates, gates, before, _masked(mask)), reverse=True)
    dx, dw, db = _input_gradients(dp, x, kernel)

    def du() -> Tensor:
        reset = gates[..., units : 2 * units] * before  # (T, N, H)
        to_gates = _product_over_steps(before, dp[..., : 2 * units])
        to_new = _product_over_steps(reset, dp[..., 2 * units :])
        return concatenate([to_gates, to_new], axis=-1)

    return dx, dh0, dw, du, db, None
