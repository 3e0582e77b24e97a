"""Activation functions: those of layers, and softmax.

Each formula is written so that it neither overflows nor cancels, at ±1000 as well as near 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.ops.core import cast
from etude.ops.creation import arange
from etude.ops.cumulative import cumsum
from etude.ops.elementwise import (
    abs,
    clip,
    constant,
    in_one_dtype,
    maximum,
    minimum,
    not_bool,
    sqrt,
    square,
    where,
)
from etude.ops.exponential import erf, exp
from etude.ops.joining import split
from etude.ops.reduction import sum
from etude.ops.shape import axis_index, flip, reshape
from etude.ops.sorting import sort
from etude.ops.trigonometry import tanh

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

Array = Any
Axes = int | Sequence[int] | None


# --- rectifiers -------------------------------------------------------------------------------


@primitive
def relu(x: Array) -> Array:
    """max(x, 0). The derivative at 0 is 0.

    >>> relu([-1.0, 2.0]).numpy().tolist()
    [0.0, 2.0]
    """
    (x,) = not_bool(x)
    return xp().maximum(x, constant(0, x))


@relu.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (where(out > 0, g, 0),)


@composite
def relu6(x: Any) -> Tensor:
    """min(max(x, 0), 6). The derivative at 0 and 6 is 1/2.

    >>> relu6([-1.0, 2.0, 9.0]).numpy().tolist()
    [0.0, 2.0, 6.0]
    """
    x, _ = in_one_dtype(x, 0.0)
    return clip(x, 0, 6)


@primitive(cast="float", arity=1)
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """x for x ≥ 0, else negative_slope · x. The derivative at 0 is 1.

    >>> leaky_relu([-1.0, 2.0], negative_slope=0.5).numpy().tolist()
    [-0.5, 2.0]
    """
    return xp().where(x >= 0, x, constant(negative_slope, x) * x)


@leaky_relu.gradient
def _(g: Tensor, out: Tensor, x: Tensor, negative_slope: float):
    return (where(x >= 0, g, negative_slope * g),)


@primitive(cast="float", arity=1)
def elu(x: Array, alpha: float = 1.0) -> Array:
    """x for x > 0, else α (e^x - 1). The derivative at 0 is α.

    >>> elu([-1000.0, 2.0]).numpy().tolist()
    [-1.0, 2.0]
    """
    return xp().where(x > 0, x, constant(alpha, x) * xp().expm1(xp().minimum(x, constant(0, x))))


@elu.gradient
def _(g: Tensor, out: Tensor, x: Tensor, alpha: float):
    return (where(x > 0, g, g * (alpha * exp(minimum(x, 0)))),)


_SELU_SCALE = 1.0507009873554804934193349852946
_SELU_ALPHA = 1.6732632423543772848170429916717


@composite
def selu(x: Any) -> Tensor:
    """λ · elu(x, α), with λ and α such that mean 0 and variance 1 are a fixed point.

    Source: Klambauer et al., Self-Normalizing Neural Networks, 2017.

    >>> round(float(selu(1.0)), 4)
    1.0507
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


@primitive(cast="float", arity=1)
def celu(x: Array, alpha: float = 1.0) -> Array:
    """max(x, 0) + α (e^(min(x, 0)/α) - 1): an `elu` with a derivative that has no jump.

    >>> celu([-1000.0, 2.0], alpha=0.5).numpy().tolist()
    [-0.5, 2.0]
    """
    zero, scale = constant(0, x), constant(alpha, x)
    return xp().maximum(x, zero) + scale * xp().expm1(xp().minimum(x, zero) / scale)


@celu.gradient
def _(g: Tensor, out: Tensor, x: Tensor, alpha: float):
    return (where(x > 0, g, g * exp(minimum(x, 0) / alpha)),)


@composite
def threshold(x: Any, threshold: Any, default_value: Any) -> Tensor:
    """x where it exceeds a threshold, else a default.

    >>> threshold([1.0, 3.0], 2.0, 0.0).numpy().tolist()
    [0.0, 3.0]
    """
    x = as_tensor(x)
    return where(x > threshold, x, default_value)


@composite
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x moved towards 0 by a threshold, and 0 where it is within: sign(x) max(|x| - t, 0).

    >>> soft_shrink([-2.0, 0.1, 2.0]).numpy().tolist()
    [-1.5, 0.0, 1.5]
    """
    x = as_tensor(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0.0))


@composite
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x, and 0 where |x| is within a threshold.

    >>> hard_shrink([-2.0, 0.1, 2.0]).numpy().tolist()
    [-2.0, 0.0, 2.0]
    """
    x = as_tensor(x)
    return where(abs(x) > threshold, x, 0.0)


# --- sigmoids ---------------------------------------------------------------------------------


@primitive(cast="float")
def sigmoid(x: Array) -> Array:
    """1 / (1 + e^(-x)). Where e^(-x) overflows, its reciprocal is the right limit, 0.

    >>> sigmoid([-1000.0, 0.0, 1000.0]).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    return 1 / (1 + xp().exp(-x))


@sigmoid.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (out * (1 - out)),)


@primitive(cast="float")
def log_sigmoid(x: Array) -> Array:
    """ln sigmoid(x) = min(x, 0) - ln(1 + e^(-|x|)).

    >>> log_sigmoid([-1000.0, 1000.0]).numpy().tolist()
    [-1000.0, 0.0]
    """
    return xp().minimum(x, constant(0, x)) - xp().log1p(xp().exp(-xp().absolute(x)))


@log_sigmoid.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * sigmoid(-x),)


@primitive(cast="float")
def softplus(x: Array) -> Array:
    """ln(1 + e^x) = max(x, 0) + ln(1 + e^(-|x|)).

    >>> softplus([-1000.0, 1000.0]).numpy().tolist()
    [0.0, 1000.0]
    """
    return xp().maximum(x, constant(0, x)) + xp().log1p(xp().exp(-xp().absolute(x)))


@softplus.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * sigmoid(x),)


@primitive(cast="float")
def silu(x: Array) -> Array:
    """x · sigmoid(x).

    Source: Ramachandran et al., Searching for Activation Functions, 2017.

    >>> silu([-1000.0, 1000.0]).numpy().tolist()
    [-0.0, 1000.0]
    """
    return x / (1 + xp().exp(-x))


@silu.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    s = sigmoid(x)
    return (g * (s * (1 + x * (1 - s))),)


@composite
def swish(x: Any) -> Tensor:
    """x · sigmoid(x): another name of `silu`.

    >>> float(swish(0.0))
    0.0
    """
    return silu(x)


@primitive(cast="float", arity=1)
def gelu(x: Array, approximate: bool = True) -> Array:
    """x Φ(x), with Φ the distribution function of the standard normal.

    Args:
        x: any numbers.
        approximate: whether to take Φ(x) ≈ ½ (1 + tanh(√(2/π) (x + 0.044715 x³))).

    Source: Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.

    >>> round(float(gelu(1.0, approximate=False)), 4), round(float(gelu(1.0)), 4)
    (0.8413, 0.8412)
    """
    if approximate:
        inner = constant(_GELU, x) * (x + constant(0.044715, x) * (x * x * x))
        return constant(0.5, x) * x * (1 + xp().tanh(inner))
    return constant(0.5, x) * x * (1 + xp().erf(x * constant(math.sqrt(0.5), x)))


_GELU = math.sqrt(2 / math.pi)


@gelu.gradient
def _(g: Tensor, out: Tensor, x: Tensor, approximate: bool):
    if approximate:
        t = tanh(_GELU * (x + 0.044715 * (x * x * x)))
        slope = _GELU * (1 + 3 * 0.044715 * (x * x))
        return (g * (0.5 * (1 + t) + 0.5 * x * ((1 - t * t) * slope)),)
    density = exp(-0.5 * (x * x)) / math.sqrt(2 * math.pi)
    return (g * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * density),)  # Φ + x φ


@primitive(cast="float")
def softsign(x: Array) -> Array:
    """x / (1 + |x|).

    >>> softsign([-1.0, 3.0]).numpy().tolist()
    [-0.5, 0.75]
    """
    return x / (1 + xp().absolute(x))


@softsign.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g / square(1 + abs(x)),)


@composite
def squareplus(x: Any, b: float = 4) -> Tensor:
    """(x + √(x² + b)) / 2: a `softplus` without exponentials.

    >>> float(squareplus(0.0))
    1.0
    """
    x = as_tensor(x)
    return (x + sqrt(x * x + b)) / 2


@composite
def tanh_shrink(x: Any) -> Tensor:
    """x - tanh x.

    >>> float(tanh_shrink(0.0))
    0.0
    """
    x = as_tensor(x)
    return x - tanh(x)


@composite
def hard_tanh(x: Any) -> Tensor:
    """x brought into [-1, 1]. The derivative at -1 and 1 is 1.

    >>> hard_tanh([-2.0, 0.5, 2.0]).numpy().tolist()
    [-1.0, 0.5, 1.0]
    """
    x = as_tensor(x)
    return where(x > 1, 1, where(x < -1, -1, x))


@composite
def hard_sigmoid(x: Any) -> Tensor:
    """relu6(x + 3) / 6. The derivative at -3 and 3 is 1/12.

    >>> hard_sigmoid([-3.0, 0.0, 3.0]).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    return relu6(as_tensor(x) + 3) / 6


@composite
def hard_silu(x: Any) -> Tensor:
    """x · hard_sigmoid(x).

    >>> hard_silu([-3.0, 0.0, 3.0]).numpy().tolist()
    [-0.0, 0.0, 3.0]
    """
    x = as_tensor(x)
    return x * hard_sigmoid(x)


@composite
def hard_swish(x: Any) -> Tensor:
    """x · hard_sigmoid(x): another name of `hard_silu`.

    >>> float(hard_swish(3.0))
    3.0
    """
    return hard_silu(x)


@composite
def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, (x + 1)²/4 up to 1, x beyond.

    >>> sparse_plus([-1.0, 0.0, 1.0]).numpy().tolist()
    [0.0, 0.25, 1.0]
    """
    x = as_tensor(x)
    return where(x <= -1, 0.0, where(x >= 1, x, square(x + 1) / 4))


@composite
def sparse_sigmoid(x: Any) -> Tensor:
    """The derivative of `sparse_plus`: 0 up to -1, (x + 1)/2 up to 1, 1 beyond.

    >>> sparse_sigmoid([-1.0, 0.0, 1.0]).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * clip(as_tensor(x) + 1, 0, 2)


@composite
def glu(x: Any, axis: int = -1) -> Tensor:
    """a · sigmoid(b), with a and b the halves of x along an axis.

    >>> glu([2.0, 0.0]).numpy().tolist()
    [1.0]
    """
    a, b = split(x, 2, axis)
    return a * sigmoid(b)


# --- softmax ----------------------------------------------------------------------------------


@primitive(cast="float", arity=1)
def softmax(x: Array, axis: Axes = -1) -> Array:
    """e^x / Σ e^x over axes, as e^(x - max x) / Σ e^(x - max x): without overflow.

    Args:
        x: any numbers.
        axis: over which axes; None for all.

    >>> softmax([1000.0, 1000.0]).numpy().tolist()
    [0.5, 0.5]
    """
    axes = tuple(axis) if isinstance(axis, list) else axis
    e = xp().exp(x - xp().max(x, axis=axes, keepdims=True))
    return e / xp().sum(e, axis=axes, keepdims=True)


@softmax.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    weighted = g * out
    return (weighted - out * sum(weighted, axis, True),)


@primitive(cast="float", arity=1)
def log_softmax(x: Array, axis: Axes = -1) -> Array:
    """x - ln Σ e^x over axes.

    Args:
        x: any numbers.
        axis: over which axes; None for all.

    >>> log_softmax([0.0, -1000.0]).numpy().tolist()
    [0.0, -1000.0]
    """
    return log_probabilities(x, tuple(axis) if isinstance(axis, list) else axis)


@log_softmax.gradient
def _(g: Tensor, out: Tensor, x: Tensor, axis: Axes):
    return (g - exp(out) * sum(g, axis, True),)


def log_probabilities(x: Array, axis: Any) -> Array:
    """The forward of `log_softmax`, on an array: the greatest x is taken out first."""
    shifted = x - xp().max(x, axis=axis, keepdims=True)
    return shifted - xp().log(xp().sum(xp().exp(shifted), axis=axis, keepdims=True))


@composite
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the probability simplex that is nearest to x: max(x - τ, 0), with Σ = 1.

    Source: Martins and Astudillo, From Softmax to Sparsemax, 2016.

    >>> sparsemax([1.0, 0.75, -1.0]).numpy().tolist()
    [0.625, 0.375, 0.0]
    """
    x, _ = in_one_dtype(x, 0.0)
    place = axis_index(axis, x.ndim)
    down = flip(sort(x, axis=place), place)
    total = cumsum(down, axis=place)
    ranks = reshape(
        cast(arange(1, x.shape[place] + 1), x.dtype),
        tuple(-1 if i == place else 1 for i in range(x.ndim)),
    )
    support = down * ranks > total - 1  # those among the greatest that stay above 0
    count = sum(cast(support, x.dtype), place, True)
    tau = (sum(where(support, down, 0), place, True) - 1) / count
    return maximum(x - tau, 0)
