"""Layers one after another, as one layer that is no model: for preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import tree
from etude.errors import ArgumentError
from etude.layers.base.layer import Layer
from etude.layers.base.masks import get_mask
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Pipeline"]


class Pipeline(Layer):
    """Applies layers one after another.

    Args:
        layers: a list of layers.
        name: by default the class's name with a number.

    Shapes:
        x: what the first layer takes; y: what the last one gives.

    Example:
        >>> import numpy as np
        >>> from etude import layers
        >>> steps = Pipeline([layers.CenterCrop(2, 2), layers.Rescaling(1 / 255)])
        >>> steps(np.full((1, 4, 4, 1), 255.0)).numpy().ravel().tolist()
        [1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self._pipeline_layers = layers
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    @property
    def layers(self) -> list[Layer]:
        """The layers, in their order."""
        return list(self._pipeline_layers)

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        """What the last layer gives."""
        for layer in self._pipeline_layers:
            accepts = layer._call_signature.accepts
            kwargs: dict[str, Any] = {}
            if "mask" in accepts:
                kwargs["mask"] = mask
            if "training" in accepts and training is not None:
                kwargs["training"] = training
            inputs = layer(inputs, **kwargs)
            mask = tree.map_structure(get_mask, inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The layers' configs and the name."""
        return {"layers": serialize_keras_object(self.layers), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The pipeline of a config.

        Raises:
            ArgumentError: it has no list of layers.
        """
        layers = config.get("layers")
        if not isinstance(layers, (list, tuple)):
            raise ArgumentError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized "
                f"layers. Received config with layers={layers}."
            )
        return cls(**{**config, "layers": [deserialize_keras_object(x) for x in layers]})
