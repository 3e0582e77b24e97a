"""The public gradient checker: rules against central differences, in float64."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from etude import tree
from etude.autodiff.function import Function
from etude.autodiff.tape import GradientTape
from etude.autodiff.tensor import Tensor, as_tensor
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.errors import ArgumentError, GradientError

__all__ = ["check"]


def check(
    fn: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    order: int = 1,
    eps: float = 1e-6,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    seed: int = 0,
    compiled: bool = False,
) -> float:
    """Compares the derivatives that the tape gives with central differences.

    The outputs y of the function are reduced to one number by a random projection p, and the
    inputs x are moved along a random direction v:

        d/dt <p, fn(x + t v)> at t = 0,   once as <gradient, v>,   once as a difference over ±eps.

    Args:
        fn: takes Tensors, one per input, and returns a Tensor or a structure of them.
        inputs: arrays; floats among them are varied, in float64.
        order: 1 checks the gradient, 2 also the gradient of the gradient, and so on.
        eps: the step of the central difference.
        rtol: relative tolerance.
        atol: absolute tolerance.
        seed: of the projections and directions.
        compiled: whether to check the function as one compiled program.

    Returns:
        The largest difference found, relative to the larger side.

    Raises:
        GradientError: the two sides differ; the message shows both, and which input.

    Example:
    >>> import etude, numpy as np
    >>> difference = check(etude.ops.tanh, [np.array([0.3, -2.0])], order=2)
    >>> difference < 1e-6
    True
    """
    if order < 1:
        raise ArgumentError(f"order must be 1 or more; got {order}.")
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(x) for x in inputs]
    arrays = [x.astype("float64") if is_float_dtype(x.dtype) else x for x in arrays]
    varied = [i for i, x in enumerate(arrays) if is_float_dtype(x.dtype)]
    scalar = _Projection(fn, rng)
    worst = 0.0
    for level in range(1, order + 1):
        gradient = _gradient_of(scalar, varied)
        run = Function(gradient) if compiled else gradient
        forward = Function(scalar) if compiled else scalar
        for place, i in enumerate(varied):
            found = _slope(run(*map(as_tensor, arrays))[place], arrays[i], rng)
            expected = _difference(forward, arrays, i, found[1], eps)
            worst = max(worst, _compare(found[0], expected, rtol, atol, i, level))
        scalar = _Projection(gradient, rng)
    return worst


class _Projection:
    """<p, fn(x)> with fixed random p, one per output."""

    def __init__(self, fn: Callable[..., Any], rng: np.random.Generator):
        self.fn = fn
        self.seed = int(rng.integers(2**31))

    def __call__(self, *inputs: Tensor) -> Tensor:
        outputs = [t for t in tree.flatten(self.fn(*inputs)) if t is not None]
        rng = np.random.default_rng(self.seed)
        total = as_tensor(0.0, "float64")
        for y in outputs:
            if is_float_dtype(y.dtype):
                p = as_tensor(rng.standard_normal(y.shape), "float64")
                from_output = y.astype("float64") * p
                total = total + from_output.sum()
        return total


def _gradient_of(scalar: Callable[..., Tensor], varied: list[int]) -> Callable[..., list[Any]]:
    def gradient(*inputs: Tensor) -> list[Any]:
        with GradientTape() as tape:
            sources = [inputs[i] for i in varied]
            tape.watch(sources)
            y = scalar(*inputs)
        return tape.gradient(y, sources, unconnected_gradients="zero")

    return gradient


def _slope(
    gradient: Tensor, x: np.ndarray[Any, Any], rng: np.random.Generator
) -> tuple[float, np.ndarray[Any, Any]]:
    direction = rng.standard_normal(x.shape)
    return float(np.sum(gradient.numpy() * direction)), direction


def _difference(
    scalar: Callable[..., Tensor],
    arrays: list[np.ndarray[Any, Any]],
    i: int,
    direction: np.ndarray[Any, Any],
    eps: float,
) -> float:
    ends: list[float] = []
    for sign in (1, -1):
        moved = [x + sign * eps * direction if j == i else x for j, x in enumerate(arrays)]
        ends.append(float(scalar(*(as_tensor(x) for x in moved))))
    return (ends[0] - ends[1]) / (2 * eps)


def _compare(found: float, expected: float, rtol: float, atol: float, i: int, level: int) -> float:
    scale = max(abs(found), abs(expected))
    difference = abs(found - expected)
    if not difference <= atol + rtol * scale:
        raise GradientError(
            f"Derivative of order {level} with respect to input {i}, on the engine "
            f"{xp().name!r}: the tape gives {found:.12g}, central differences give "
            f"{expected:.12g} (relative difference {difference / (scale or 1):.2g})."
        )
    return difference / scale if scale > atol else 0.0
