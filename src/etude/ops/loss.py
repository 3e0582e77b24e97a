"""How far a prediction is from its target: cross-entropies, and the noise of images.

From logits cross-entropies are computed without ever forming a probability that could be 0; the
gradient is then softmax(x) - target (Bridle, 1990), whose factors never overflow. Probabilities are
clipped to [ε, 1 - ε] as in Keras.
"""

from __future__ import annotations

from typing import Any

from etude import config
from etude.autodiff import Tensor, as_tensor, composite, primitive
from etude.engine import xp
from etude.errors import ShapeError
from etude.ops.activation import log_probabilities, log_softmax, sigmoid, softmax
from etude.ops.comparison import equal, greater_equal, less_equal, logical_and
from etude.ops.core import cast
from etude.ops.creation import arange, zeros_like
from etude.ops.elementwise import clip, in_one_dtype, square, where
from etude.ops.exponential import log, log10
from etude.ops.reduction import mean, sum
from etude.ops.shape import axis_index, expand_dims, squeeze

__all__ = [
    "binary_crossentropy",
    "categorical_crossentropy",
    "psnr",
    "sparse_categorical_crossentropy",
]

Array = Any


def _check_same_shape(name: str, target: Tensor, output: Tensor) -> None:
    if target.shape != output.shape:
        raise ShapeError(
            f"{name}(): target and output must have the same shape; got {target.shape} and "
            f"{output.shape}."
        )


def _check_rank(name: str, output: Tensor) -> None:
    if output.ndim < 1:
        raise ShapeError(f"{name}(): `output` must be at least rank 1; got shape {output.shape}.")


# --- classes, targets as distributions ----------------------------------------------------------


@composite
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-Σ t log p over the classes, with p = softmax(output) from logits.

    Args:
        target: t, distributions over classes, (..., C, ...).
        output: logits, or probabilities, which are divided by their sum and clipped.
        from_logits: which of the two.
        axis: the axis of the classes.

    Returns:
        The loss of each example: the shape without ``axis``.

    Raises:
        ShapeError: the shapes differ.

    >>> print(categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]).numpy().round(4))
    [0.2877]
    """
    t, x = as_tensor(target), as_tensor(output)
    _check_same_shape("categorical_crossentropy", t, x)
    _check_rank("categorical_crossentropy", x)
    if from_logits:
        return _softmax_crossentropy(t, x, axis=axis)
    return _probability_crossentropy(t, x, axis=axis, epsilon=config.epsilon())


@primitive(cast="float")
def _softmax_crossentropy(target: Array, logits: Array, *, axis: int) -> Array:
    """-Σ t log softmax(x). Shapes: both (..., C, ...), out without ``axis``."""
    return -xp().sum(target * log_probabilities(logits, axis), axis=axis)


@_softmax_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, logits: Tensor, axis: int):
    g = expand_dims(g, axis)

    def d_logits() -> Tensor:
        return g * (softmax(logits, axis) * sum(target, axis=axis, keepdims=True) - target)

    return lambda: -g * log_softmax(logits, axis), d_logits


@primitive(cast="float")
def _probability_crossentropy(target: Array, output: Array, *, axis: int, epsilon: float) -> Array:
    """-Σ t log clip(p, ε, 1 - ε), p = output / Σ output. Shapes as above.

    Outside of [ε, 1 - ε] the clipped p is constant: no gradient.
    """
    p = output / xp().sum(output, axis=axis, keepdims=True)
    return -xp().sum(target * xp().log(xp().clip(p, epsilon, 1 - epsilon)), axis=axis)


@_probability_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, output: Tensor, axis: int, epsilon: float):
    g = expand_dims(g, axis)
    total = sum(output, axis=axis, keepdims=True)
    p = output / total
    kept = clip(p, epsilon, 1 - epsilon)

    def d_output() -> Tensor:
        dp = where(_within(p, epsilon), -target / kept, zeros_like(p))
        return g * (dp - sum(dp * p, axis=axis, keepdims=True)) / total  # p depends on Σ output

    return lambda: -g * log(kept), d_output


def _within(p: Tensor, epsilon: float) -> Tensor:
    """Where clipping to [ε, 1 - ε] leaves p as it is."""
    return logical_and(greater_equal(p, epsilon), less_equal(p, 1 - epsilon))


# --- classes, targets as numbers ----------------------------------------------------------------


@composite
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """-log p[t], with p = softmax(output) from logits, and the class t as a number.

    A target outside of 0 ... C - 1 has loss 0, as in Keras.

    Args:
        target: t, integers, of the shape of the output without its last axis (or with it, of
            size 1).
        output: logits, or probabilities, which are divided by their sum and clipped.
        from_logits: which of the two.
        axis: the axis of the classes.

    Returns:
        The loss of each example, of the shape of the targets.

    Raises:
        ShapeError: the shapes do not fit.

    >>> print(sparse_categorical_crossentropy([1], [[0.25, 0.75]]).numpy().round(4))
    [0.2877]
    """
    t, x = cast(as_tensor(target), "int32"), as_tensor(output)
    _check_rank("sparse_categorical_crossentropy", x)
    axis = axis_index(axis, x.ndim)
    if t.ndim == x.ndim and t.shape[axis] == 1:
        t = squeeze(t, axis)
    if t.shape != x.shape[:axis] + x.shape[axis + 1 :]:
        raise ShapeError(
            "sparse_categorical_crossentropy(): target and output must have the same shape, but "
            f"for the axis of the classes, {axis}, of the output; got {t.shape} and {x.shape}."
        )
    if from_logits:
        return _sparse_softmax_crossentropy(t, cast(x, _float(x)), axis=axis)
    return _sparse_probability_crossentropy(
        t, cast(x, _float(x)), axis=axis, epsilon=config.epsilon()
    )


def _float(x: Tensor) -> str:
    return str(x.dtype) if "float" in str(x.dtype) else config.floatx()


def _chosen(log_p: Array, target: Array, axis: int) -> Array:
    """-log p at the target's class; 0 where there is no such class."""
    classes = log_p.shape[axis]
    index = xp().expand_dims(xp().clip(target, 0, classes - 1), axis)
    found = xp().squeeze(xp().take_along_axis(log_p, index, axis), axis)
    known = (target >= 0) & (target < classes)
    return xp().where(known, -found, xp().zeros((), log_p.dtype))


def _one_hot(target: Tensor, like: Tensor, axis: int) -> Tensor:
    """1 at the target's class along ``axis``, else 0; of the shape and dtype of ``like``."""
    shape = [1] * like.ndim
    shape[axis] = like.shape[axis]
    classes = arange(like.shape[axis], dtype="int32").reshape(shape)
    return cast(equal(expand_dims(target, axis), classes), like.dtype)


@primitive
def _sparse_softmax_crossentropy(target: Array, logits: Array, *, axis: int) -> Array:
    """-log softmax(x)[t]. Shapes: target without ``axis``, logits (..., C, ...)."""
    return _chosen(log_probabilities(logits, axis), target, axis)


@_sparse_softmax_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, logits: Tensor, axis: int):
    hot = _one_hot(target, logits, axis)
    known = sum(hot, axis=axis, keepdims=True)  # 0 where the target is no class
    return None, expand_dims(g, axis) * (softmax(logits, axis) * known - hot)


@primitive
def _sparse_probability_crossentropy(
    target: Array, output: Array, *, axis: int, epsilon: float
) -> Array:
    """-log clip(p[t], ε, 1 - ε), p = output / Σ output. Shapes as above."""
    p = output / xp().sum(output, axis=axis, keepdims=True)
    return _chosen(xp().log(xp().clip(p, epsilon, 1 - epsilon)), target, axis)


@_sparse_probability_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, output: Tensor, axis: int, epsilon: float):
    total = sum(output, axis=axis, keepdims=True)
    p = output / total
    hot = _one_hot(target, output, axis)
    kept = clip(p, epsilon, 1 - epsilon)
    dp = where(_within(p, epsilon), -hot / kept, zeros_like(p))
    dp = dp - sum(dp * p, axis=axis, keepdims=True)  # p depends on Σ output
    return None, expand_dims(g, axis) * dp / total


# --- yes or no ----------------------------------------------------------------------------------


@composite
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-t log p - (1 - t) log(1 - p), elementwise, with p = sigmoid(output) from logits.

    Args:
        target: t, 0 or 1, or in between.
        output: logits, or probabilities, which are clipped.
        from_logits: which of the two.

    Returns:
        The loss of each element.

    Raises:
        ShapeError: the shapes differ.

    >>> print(binary_crossentropy([1.0, 0.0], [0.75, 0.25]).numpy().round(4))
    [0.2877 0.2877]
    """
    t, x = as_tensor(target), as_tensor(output)
    _check_same_shape("binary_crossentropy", t, x)
    if from_logits:
        return _sigmoid_crossentropy(t, x)
    return _binary_crossentropy(t, x, epsilon=config.epsilon())


@primitive(cast="float")
def _sigmoid_crossentropy(target: Array, logits: Array) -> Array:
    """max(x, 0) - t x + log(1 + exp(-|x|)), elementwise."""
    positive = xp().maximum(logits, xp().zeros((), logits.dtype))
    return positive - target * logits + xp().log1p(xp().exp(-xp().abs(logits)))


@_sigmoid_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, logits: Tensor):
    return -g * logits, g * (sigmoid(logits) - target)


@primitive(cast="float")
def _binary_crossentropy(target: Array, output: Array, *, epsilon: float) -> Array:
    """The loss of p = clip(output, ε, 1 - ε), elementwise.

    Outside of [ε, 1 - ε] the clipped p is constant: no gradient.
    """
    p = xp().clip(output, epsilon, 1 - epsilon)
    return -target * xp().log(p) - (1 - target) * xp().log(1 - p)


@_binary_crossentropy.gradient
def _(g: Tensor, out: Tensor, target: Tensor, output: Tensor, epsilon: float):
    p = clip(output, epsilon, 1 - epsilon)
    dp = g * (p - target) / (p * (1 - p))
    return (
        lambda: g * (log(1 - p) - log(p)),
        where(_within(output, epsilon), dp, zeros_like(output)),
    )


# --- images -----------------------------------------------------------------------------------


@composite
def psnr(x1: Any, x2: Any, max_val: Any) -> Tensor:
    """The peak signal-to-noise ratio in decibel: 20 log₁₀ max - 10 log₁₀ mean (x1 - x2)².

    Args:
        x1: images of any shape.
        x2: of the same shape.
        max_val: the greatest value that is possible, e.g. 255 or 1.

    Returns:
        A scalar; infinite where the images are equal.

    >>> float(psnr([1.0, 1.0], [0.0, 0.0], 10.0))
    20.0
    """
    x1, x2 = in_one_dtype(x1, x2)
    if x1.shape != x2.shape:
        raise ShapeError(
            f"psnr: Input shapes {x1.shape} and {x2.shape} must match for PSNR calculation."
        )
    return 20 * log10(as_tensor(max_val, x2.dtype)) - 10 * log10(mean(square(x1 - x2)))
