"""The form of a row in the table of layers, and how a row becomes a layer and its inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """One layer with one set of arguments.

    Attributes:
        layer: name of the layer in `etude.layers` and in `keras.layers`.
        shape: shape of the input; a list of shapes for a list of inputs; a dictionary for inputs
            that have names.
        kwargs: arguments of the layer; or a function of the namespace of layers that makes them.
        call: further arguments of the call: training, masks, initial states. Arrays among them
            are tensors for both libraries.
        integers: the inputs are integers below this number, not floats.
        scale: size of the random weights; small where a layer amplifies.
        config: whether the config must be that of Keras.
        same: whether outputs must be those of Keras: not where random numbers decide.
        gradients: whether gradients are compared.
        unknown: axes of the first input, besides the batch, whose size may be unknown.
    """

    layer: str
    shape: Any
    kwargs: dict[str, Any] | Callable[[Any], dict[str, Any]] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    integers: int | None = None
    scale: float = 0.5
    config: bool = True
    same: bool = True
    gradients: bool = True
    unknown: tuple[int, ...] = ()

    @property
    def id(self) -> str:
        """A readable name for the test report."""
        shown = (
            "" if callable(self.kwargs) else ",".join(f"{k}={v}" for k, v in self.kwargs.items())
        )
        called = ",".join(self.call)
        return f"{self.layer}({shown}){self.shape}{called}".replace(" ", "")

    def make(self, namespace: Any) -> Any:
        """The layer, of etude or of Keras."""
        kwargs = self.kwargs(namespace) if callable(self.kwargs) else dict(self.kwargs)
        return getattr(namespace, self.layer)(**kwargs)

    def inputs(self) -> Any:
        """Random inputs, in the structure of ``shape``."""
        rng = np.random.default_rng(1)

        def draw(shape: Shape) -> np.ndarray:
            if self.integers is not None:
                return rng.integers(0, self.integers, shape).astype("int32")
            return rng.normal(size=shape).astype("float32")

        if isinstance(self.shape, dict):
            return {name: draw(shape) for name, shape in self.shape.items()}
        if isinstance(self.shape, list):
            return [draw(shape) for shape in self.shape]
        return draw(self.shape)

    def weights(self, shapes: list[Shape], names: list[str]) -> list[np.ndarray]:
        """Random weights of these shapes; variances and standard deviations are positive."""
        rng = np.random.default_rng(2)
        values = []
        for shape, name in zip(shapes, names, strict=True):
            value = self.scale * rng.normal(size=shape)
            if "variance" in name or "stddev" in name:
                value = 0.5 + np.abs(value)
            values.append(value.astype("int32" if name == "count" else "float32"))
        return values
