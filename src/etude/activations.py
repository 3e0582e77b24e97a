"""Activations: the functions between layers, by name.

Most of them are operations of `etude.ops`, where their formulas and gradients stand. Here are those
whose arguments differ from the operation of the same name, and the table of names.
"""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, SerializationError, explain_missing, unknown_name
from etude.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from etude.saving.registration import register_public
from etude.saving.serialization import FUNCTIONS, deserialize_member, serialize_keras_object

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
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
    "tanh",
    "tanh_shrink",
    "threshold",
]


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Tensor:
    """max(x, 0), with bends elsewhere if asked for.

    f(x) = max_value where x ≥ max_value; x where threshold < x < max_value;
    negative_slope · (x - threshold) below.

    Args:
        x: any shape.
        negative_slope: the slope below the threshold.
        max_value: the largest value; without limit if None.
        threshold: where the function starts to rise.

    >>> relu([-2.0, 0.0, 3.0], negative_slope=0.5).numpy()
    array([-1.,  0.,  3.], dtype=float32)
    >>> relu([-2.0, 4.0, 9.0], max_value=6.0, threshold=3.0).numpy()
    array([0., 4., 6.], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    if threshold == 0:
        positive = ops.relu6(x) if max_value == 6 else ops.relu(x)
    else:
        positive = ops.where(x > threshold, x, 0)
    if max_value is not None:
        positive = ops.minimum(positive, max_value)
    if negative_slope == 0:
        return positive
    return positive - negative_slope * ops.relu(threshold - x)


def gelu(x: Any, approximate: bool = False) -> Tensor:
    """x · Φ(x), where Φ is the distribution function of the standard normal distribution.

    Args:
        x: any shape.
        approximate: use tanh instead of the error function. (`etude.ops.gelu` does by default.)

    Reference:
        Hendrycks and Gimpel, Gaussian Error Linear Units, 2016.

    >>> gelu([-1.0, 0.0, 1.0]).numpy().round(4)
    array([-0.1587,  0.    ,  0.8413], dtype=float32)
    """
    return ops.gelu(x, approximate=approximate)


def exponential(x: Any) -> Tensor:
    """eˣ. Shape: any.

    >>> exponential([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return ops.exp(x)


def linear(x: Any) -> Any:
    """The input itself. Shape: any.

    >>> linear(3.0)
    3.0
    """
    return x


def mish(x: Any) -> Tensor:
    """x · tanh(softplus(x)). Shape: any.

    Reference:
        Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2019.

    >>> mish([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8651], dtype=float32)
    """
    x = ops.convert_to_tensor(x)
    return x * ops.tanh(ops.softplus(x))


swish = silu
hard_swish = hard_silu

FUNCTIONS_BY_NAME: dict[str, Any] = {
    name: globals()[name] for name in __all__ if name not in ("deserialize", "get", "serialize")
}

register_public("keras.activations", **FUNCTIONS_BY_NAME)


def serialize(activation: Any) -> Any:
    """The name of an activation, or the config of one that has no name of its own.

    Raises:
        SerializationError: the activation is a lambda.

    >>> serialize(relu)
    'relu'
    """
    content = serialize_keras_object(activation)
    if not isinstance(activation, FUNCTIONS):
        return content
    if content["class_name"] != "function":
        raise SerializationError(
            f"The activation '{activation}' cannot be serialized: a config stores functions by "
            "name, and this one has none that etude knows. Decorate a named function with "
            "`@etude.saving.register_keras_serializable()` and use that."
        )
    return content["config"] if content["config"] in FUNCTIONS_BY_NAME else content


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation that a name or a config stands for.

    >>> deserialize("tanh").__name__
    'tanh'
    """
    return deserialize_member(config, FUNCTIONS_BY_NAME, custom_objects)


def get(identifier: Any) -> Any:
    """An activation from a name, a config, any callable, or None, which is `linear`.

    Raises:
        UnknownNameError: no activation has this name.
        ArgumentError: it is nothing of all this.

    >>> get("swish") is silu
    True
    """
    if identifier is None:
        return linear
    found = deserialize(identifier)
    if isinstance(found, str):
        raise unknown_name("activation", found, FUNCTIONS_BY_NAME)
    if not callable(found):
        raise ArgumentError(
            f"Could not interpret activation function identifier: {identifier}. Expected a name, "
            "such as 'relu', or a function, such as `etude.activations.relu`; not what it returns."
        )
    return found


explain_missing(__name__)
