"""How PyTorch lays out the weights of layers, and back.

A layer of etude has its weights with the outputs on the last axis, as Keras has; PyTorch has them
on the first, convolutions with the input channels next. Recurrent layers have their gates in other
orders and two biases, attention has three kernels in one matrix.

For each kind of layer there are two functions: from arrays by their names here to arrays by their
names there, and back.

Sources: the documentation of `torch.nn.Linear`, `Conv2d`, `ConvTranspose2d`, `LSTM`, `GRU`, `RNN`,
`MultiheadAttention` and `BatchNorm2d`, sections "Variables".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["LAYOUTS", "Arrays", "Layout", "layout_of"]

Arrays = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Layout:
    """The two directions for a kind of layer.

    Attributes:
        there: from the arrays here to those there.
        back: from the arrays there to those here; the second argument has the shapes here.
        note: what happens to them, in a word.
    """

    there: Callable[[Arrays], Arrays]
    back: Callable[[Arrays, Arrays], Arrays]
    note: str


def _renamed(**names: str) -> Layout:
    """The same arrays under other names."""
    return Layout(
        lambda own: {names[name]: value for name, value in own.items()},
        lambda given, own: {name: given[names[name]] for name in own},
        "as it is",
    )


# ---- kernels ----------------------------------------------------------------------------------


def _outputs_first(kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., inputs, outputs) as (outputs, inputs, ...)."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _outputs_last(weight: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(outputs, inputs, ...) as (..., inputs, outputs)."""
    return np.moveaxis(weight, (0, 1), (-1, -2))


def _kernel_there(own: Arrays) -> Arrays:
    found = {"weight": _outputs_first(own["kernel"])}
    return {**found, "bias": own["bias"]} if "bias" in own else found


def _kernel_back(given: Arrays, own: Arrays) -> Arrays:
    found = {"kernel": _outputs_last(given["weight"])}
    return {**found, "bias": given["bias"]} if "bias" in own else found


def _depthwise(kernel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(..., inputs, multiplier) as (inputs × multiplier, 1, ...): a convolution in groups."""
    *window, inputs, multiplier = kernel.shape
    return np.moveaxis(kernel.reshape(*window, inputs * multiplier), -1, 0)[:, None]


def _depthwise_back(weight: np.ndarray[Any, Any], own: np.ndarray[Any, Any]) -> Any:
    return np.moveaxis(weight[:, 0], 0, -1).reshape(own.shape)


def _depthwise_there(own: Arrays) -> Arrays:
    found = {"weight": _depthwise(own["kernel"])}
    return {**found, "bias": own["bias"]} if "bias" in own else found


def _depthwise_from(given: Arrays, own: Arrays) -> Arrays:
    found = {"kernel": _depthwise_back(given["weight"], own["kernel"])}
    return {**found, "bias": given["bias"]} if "bias" in own else found


def _separable_there(own: Arrays) -> Arrays:
    found = {
        "depthwise.weight": _depthwise(own["depthwise_kernel"]),
        "pointwise.weight": _outputs_first(own["pointwise_kernel"]),
    }
    return {**found, "pointwise.bias": own["bias"]} if "bias" in own else found


def _separable_back(given: Arrays, own: Arrays) -> Arrays:
    found = {
        "depthwise_kernel": _depthwise_back(given["depthwise.weight"], own["depthwise_kernel"]),
        "pointwise_kernel": _outputs_last(given["pointwise.weight"]),
    }
    return {**found, "bias": given["pointwise.bias"]} if "bias" in own else found


# ---- recurrent layers -------------------------------------------------------------------------


def _gates(order: tuple[int, ...]) -> Layout:
    """A recurrent layer whose gates stand in another order there: gate i there is order[i] here."""
    inverse = tuple(order.index(i) for i in range(len(order)))

    def arranged(value: Any, wanted: tuple[int, ...]) -> Any:
        parts = np.split(value, len(wanted), axis=-1)
        return np.concatenate([parts[i] for i in wanted], axis=-1)

    def there(own: Arrays) -> Arrays:
        found = {
            "weight_ih_l0": arranged(own["kernel"], order).T,
            "weight_hh_l0": arranged(own["recurrent_kernel"], order).T,
        }
        if "bias" in own:
            bias = arranged(own["bias"], order)
            both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
            found |= {"bias_ih_l0": both[0], "bias_hh_l0": both[1]}
        return found

    def back(given: Arrays, own: Arrays) -> Arrays:
        found = {
            "kernel": arranged(given["weight_ih_l0"].T, inverse),
            "recurrent_kernel": arranged(given["weight_hh_l0"].T, inverse),
        }
        if "bias" in own:
            both = np.stack([given["bias_ih_l0"], given["bias_hh_l0"]])
            bias = both if own["bias"].ndim == 2 else both.sum(0)
            found["bias"] = arranged(bias, inverse)
        return found

    return Layout(there, back, "transposed, gates reordered")


GRU = _gates((1, 0, 2))  # here update, reset, candidate; there reset, update, candidate
LSTM = _gates((0, 1, 2, 3))  # input, forget, candidate, output in both
RNN = _gates((0,))


def _bidirectional(one: Layout) -> Layout:
    """Both directions in one module; the names of the second end in ``_reverse``."""

    def there(own: Arrays) -> Arrays:
        forward, backward = _halves(own)
        second = {f"{name}_reverse": value for name, value in one.there(backward).items()}
        return {**one.there(forward), **second}

    def back(given: Arrays, own: Arrays) -> Arrays:
        forward, backward = _halves(own)
        reverse = {n.removesuffix("_reverse"): v for n, v in given.items() if "_reverse" in n}
        first = {f"forward/{n}": v for n, v in one.back(given, forward).items()}
        return {**first, **{f"backward/{n}": v for n, v in one.back(reverse, backward).items()}}

    return Layout(there, back, one.note)


def _halves(own: Arrays) -> tuple[Arrays, Arrays]:
    forward = {n.removeprefix("forward/"): v for n, v in own.items() if n.startswith("forward/")}
    backward = {n.removeprefix("backward/"): v for n, v in own.items() if n.startswith("backward/")}
    return forward, backward


# ---- attention --------------------------------------------------------------------------------

_PARTS = ("query", "key", "value")


def _attention_there(own: Arrays) -> Arrays:
    kernels = [own[f"{part}/kernel"] for part in _PARTS]  # each (features, heads, size)
    output = own["attention_output/kernel"]  # (heads, size, features)
    found = {
        "in_proj_weight": np.concatenate([k.reshape(len(k), -1).T for k in kernels]),
        "out_proj.weight": output.reshape(-1, output.shape[-1]).T,
    }
    if "query/bias" in own:
        found["in_proj_bias"] = np.concatenate([own[f"{p}/bias"].reshape(-1) for p in _PARTS])
        found["out_proj.bias"] = own["attention_output/bias"]
    return found


def _attention_back(given: Arrays, own: Arrays) -> Arrays:
    ends = np.cumsum([math.prod(own[f"{part}/kernel"].shape[1:]) for part in _PARTS])[:-1]
    weights = np.split(given["in_proj_weight"], ends)
    values = dict(zip((f"{p}/kernel" for p in _PARTS), (w.T for w in weights), strict=True))
    values["attention_output/kernel"] = given["out_proj.weight"].T
    if "query/bias" in own:
        biases = np.split(given["in_proj_bias"], ends)
        values |= zip((f"{p}/bias" for p in _PARTS), biases, strict=True)
        values["attention_output/bias"] = given["out_proj.bias"]
    return {name: value.reshape(own[name].shape) for name, value in values.items()}


# ---- the kinds of layers ----------------------------------------------------------------------

KERNEL = Layout(_kernel_there, _kernel_back, "transposed")
DEPTHWISE = Layout(_depthwise_there, _depthwise_from, "transposed, in groups")
SCALED = _renamed(
    gamma="weight", beta="bias", moving_mean="running_mean", moving_variance="running_var"
)
LAYOUTS: dict[str, Layout] = {
    "Dense": KERNEL,
    **{f"Conv{n}D": KERNEL for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": KERNEL for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": DEPTHWISE for n in (1, 2)},
    **{
        f"SeparableConv{n}D": Layout(_separable_there, _separable_back, "transposed, in two parts")
        for n in (1, 2)
    },
    "Embedding": _renamed(embeddings="weight"),
    "BatchNormalization": SCALED,
    "LayerNormalization": SCALED,
    "GroupNormalization": SCALED,
    "RMSNormalization": _renamed(scale="weight"),
    "PReLU": Layout(
        lambda own: {"weight": own["alpha"].reshape(-1)},
        lambda given, own: {"alpha": given["weight"].reshape(own["alpha"].shape)},
        "reshaped",
    ),
    "LSTM": LSTM,
    "GRU": GRU,
    "SimpleRNN": RNN,
    "Bidirectional LSTM": _bidirectional(LSTM),
    "Bidirectional GRU": _bidirectional(GRU),
    "Bidirectional SimpleRNN": _bidirectional(RNN),
    "MultiHeadAttention": Layout(_attention_there, _attention_back, "three kernels in one"),
}


def layout_of(layer: Any) -> Layout | None:
    """The layout for a layer, by its class or one above it; None where PyTorch has none."""
    names = [cls.__name__ for cls in type(layer).__mro__]
    if "Bidirectional" in names:
        return LAYOUTS.get(f"Bidirectional {type(layer.forward_layer).__name__}")
    return next((LAYOUTS[name] for name in names if name in LAYOUTS), None)
