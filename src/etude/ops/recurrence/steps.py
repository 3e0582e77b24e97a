"""What LSTM, GRU and simple RNN have in common: projections, masks, sums over steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from etude.autodiff import Tensor, as_tensor
from etude.autodiff.recording import is_recording
from etude.engine import xp
from etude.errors import ShapeError
from etude.ops.core import cast
from etude.ops.creation import zeros_like
from etude.ops.elementwise import where
from etude.ops.joining import concatenate
from etude.ops.reduction import sum
from etude.ops.shape import broadcast_to, expand_dims, reshape, transpose

Array = Any


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), by way of tanh, which overflows nowhere."""
    return 0.5 * xp().tanh(0.5 * x) + 0.5


def project(x: Array, kernel: Array, bias: Array) -> Array:
    """All steps' input projections in one product: (N, T, D) -> (T, N, G·H)."""
    steps = xp().swapaxes(x, 0, 1)  # (T, N, D)
    projected = xp().matmul(steps.reshape(-1, steps.shape[-1]), kernel) + bias
    return projected.reshape(*steps.shape[:2], kernel.shape[-1])


def steps_there(mask: Array | None) -> Array | None:
    """(N, T) -> (T, N, 1), to choose between new and old states."""
    return None if mask is None else xp().swapaxes(mask, 0, 1)[..., None]


def keep(here: Array | None, new: Array, old: Array) -> Array:
    """New states where a step is there, old ones where it is masked."""
    return new if here is None else xp().where(here, new, old)


def swapped(x: Tensor) -> Tensor:
    """Between (N, T, ...) and (T, N, ...)."""
    return transpose(x, (1, 0, *range(2, x.ndim)))


def previous(initial: Tensor, states: Tensor) -> Tensor:
    """The states before each step: the initial one, then all but the last. (T, N, H)."""
    return concatenate([expand_dims(initial, 0), states], axis=0)[:-1]


def flat(x: Tensor) -> Tensor:
    """(T, N, G) -> (T·N, G)."""
    return reshape(x, (x.shape[0] * x.shape[1], x.shape[-1]))


def product_over_steps(a: Tensor, b: Tensor) -> Tensor:
    """Σ over steps and sequences of outer products: (T, N, A), (T, N, B) -> (A, B)."""
    return transpose(flat(a)) @ flat(b)


def tensor_of_steps(mask: Tensor | None) -> Tensor | None:
    """(N, T) -> (T, N, 1), of Tensors."""
    return None if mask is None else expand_dims(swapped(mask), -1)


def passed_on(here: Tensor | None, g: Tensor) -> tuple[Tensor, Tensor | None]:
    """Splits a state's gradient: what goes into this step, and what skips a masked step."""
    if here is None:
        return g, None
    nothing = zeros_like(g)
    return where(here, g, nothing), where(here, nothing, g)


def joined(a: Tensor, b: Tensor | None) -> Tensor:
    """a + b, or a where there is no b."""
    return a if b is None else a + b


def input_gradients(dz: Tensor, x: Tensor, kernel: Tensor) -> tuple[Any, Any, Any]:
    """Gradients of inputs, kernel and bias from that of the projections dz, (T, N, G·H)."""
    return (
        lambda: swapped(reshape(flat(dz) @ transpose(kernel), (*dz.shape[:2], x.shape[-1]))),
        lambda: product_over_steps(swapped(x), dz),
        lambda: sum(flat(dz), axis=0),
    )


def kernels_back(states: Tensor, *unwanted: Tensor | None) -> Any:
    """The engine's kernels for the way back, where they serve; else None.

    They do not where the way back is recorded itself, for a second derivative, nor where something
    depends on what the forward keeps, the unwanted ones: whose cotangents are not None.
    """
    if is_recording() or any(g is not None for g in unwanted):
        return None
    return xp().recurrence_kernels(states.array)


def raw(*tensors: Tensor | None) -> tuple[Array | None, ...]:
    """The arrays of Tensors, None where there is none."""
    return tuple(None if t is None else xp().own(t.array) for t in tensors)


def or_zeros(g: Tensor | None, like: Tensor) -> Tensor:
    """A cotangent, or zeros where nothing depends on the output."""
    return zeros_like(like) if g is None else g


class Arguments(NamedTuple):
    """What a recurrence is called with, as Tensors of one dtype and of shapes that fit.

    Attributes:
        x: inputs, (N, T, D).
        states: initial states, (N, H) each.
        kernel: (D, G·H).
        recurrent_kernel: (H, G·H).
        bias: (*rows, G·H).
        mask: (N, T), or None.
    """

    x: Tensor
    states: list[Tensor]
    kernel: Tensor
    recurrent_kernel: Tensor
    bias: Tensor
    mask: Tensor | None


def checked(
    name: str,
    gates: int,
    inputs: Any,
    initial_states: Sequence[Any],
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any,
    mask: Any,
    rows: tuple[int, ...] = (),
) -> Arguments:
    """The arguments of a recurrence.

    Args:
        name: what is called, for messages.
        gates: G.
        inputs: see `Arguments`, as all below.
        initial_states: states, or what is broadcast to them.
        kernel: the inputs' weights.
        recurrent_kernel: the states' weights.
        bias: None for zeros.
        mask: what is broadcast to it, or None.
        rows: the shape of the bias, before its last axis.

    Raises:
        ShapeError: one has another shape.
    """
    w = as_tensor(kernel)
    x, u = cast(as_tensor(inputs), w.dtype), cast(as_tensor(recurrent_kernel), w.dtype)
    units = u.shape[0]
    width = gates * units
    if x.ndim != 3 or w.shape != (x.shape[-1], width) or u.shape != (units, width):
        raise ShapeError(
            f"{name}() expects inputs (batch, steps, features) and a kernel (features, "
            f"{gates} * units), with a recurrent kernel (units, {gates} * units); got inputs "
            f"{x.shape}, kernel {w.shape}, recurrent kernel {u.shape}."
        )

    def fitted(what: str, value: Any, shape: tuple[int, ...], dtype: str = str(w.dtype)) -> Tensor:
        found = as_tensor(value, "bool") if dtype == "bool" else cast(as_tensor(value), dtype)
        if found.shape == shape:
            return found
        pairs = zip(reversed(found.shape), reversed(shape), strict=False)
        if found.ndim > len(shape) or any(own not in (1, size) for own, size in pairs):
            raise ShapeError(f"{name}() expects {what} of shape {shape}; got {found.shape}.")
        return broadcast_to(found, shape)

    b = xp().zeros((*rows, width), w.dtype) if bias is None else bias
    return Arguments(
        x,
        [fitted("initial states", state, (x.shape[0], units)) for state in initial_states],
        w,
        u,
        fitted("a bias", b, (*rows, width)),
        None if mask is None else fitted("a mask", mask, x.shape[:2], "bool"),
    )


def outputs(states: Tensor, mask: Tensor | None, zero_output_for_mask: bool) -> Tensor:
    """States (T, N, H) as outputs (N, T, H)."""
    outputs = swapped(states)
    if mask is None or not zero_output_for_mask:
        return outputs
    return where(expand_dims(mask, -1), outputs, zeros_like(outputs))
