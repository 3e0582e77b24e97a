"""Layers that pass values on: Identity, Lambda, and Masking."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from etude import ops, tree
from etude.autodiff import KerasTensor, eval_shape
from etude.errors import SerializationError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.layer import Layer
from etude.saving.object_sharing import names_are_kept
from etude.saving.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
)

__all__ = ["Identity", "Lambda", "Masking"]


class Identity(ConfiguredLayer):
    """Gives back what it gets; a place to hang a name on.

    Shapes:
        x: any, also nested; y: the same.

    Example:
        >>> import numpy as np
        >>> Identity()(np.array([1.0, 2.0])).numpy().tolist()
        [1.0, 2.0]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        """The inputs."""
        return inputs


class Masking(ConfiguredLayer):
    """Marks the time steps at which all features have one value, and sets them to 0.

    Later layers that know masks (LSTM, GRU, ...) skip these steps.

    Args:
        mask_value: the value that means "nothing here".

    Shapes:
        x: (batch, ..., features); y: the same; its mask: (batch, ...).

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0, 2.0], [-1.0, -1.0]]])
        >>> layer = Masking(mask_value=-1.0)
        >>> layer(x).numpy().tolist()
        [[[1.0, 2.0], [0.0, 0.0]]]
        >>> layer.compute_mask(x).numpy().tolist()
        [[True, False]]
    """

    config_names = ("mask_value",)

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(mask_value, dict) and mask_value.get("config"):
            mask_value = deserialize_keras_object(mask_value)
        self.mask_value = mask_value
        self.supports_masking = True
        self._build_at_init()

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any feature differs from the mask value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs: Any) -> Any:
        """The inputs, 0 where masked."""
        present = ops.expand_dims(self.compute_mask(inputs), -1)
        return ops.where(present, inputs, ops.zeros_like(inputs))


class Lambda(Layer):
    """Wraps a function as a layer.

    A model with a Lambda around a Python lambda can be saved, but never be restored from the file:
    a file is data, and code in it is not run. Name the function and register it instead
    (`etude.saving.register_keras_serializable`), or write a subclass of `Layer`.

    Args:
        function: called with the inputs, and with ``mask`` and ``training`` where it takes them.
        output_shape: shape of the output without the batch axis, or a function of the input's
            shape; None: found by running the function on nothing.
        mask: the output's mask, or a function ``(inputs, mask) -> mask``; None: no mask.
        arguments: more keyword arguments for the function.

    Shapes:
        As the function says.

    Example:
        >>> import numpy as np
        >>> Lambda(lambda x: x**2)(np.array([1.0, 3.0])).numpy().tolist()
        [1.0, 9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        taken = inspect.getfullargspec(function).args
        self._passes_mask = "mask" in taken
        self._passes_training = "training" in taken

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """What the function gives."""
        options = dict(self.arguments)
        if self._passes_mask:
            options["mask"] = mask
        if self._passes_training:
            options["training"] = training
        return self.function(inputs, **options)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask given at construction, or what its function gives."""
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape given at construction, or that of an abstract run of the function."""
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        if self._output_shape is not None:
            return (_first_shape(input_shape)[0], *self._output_shape)
        specs = tree.map_shape_structure(
            lambda shape: KerasTensor(shape, dtype=self.compute_dtype), input_shape
        )
        return tree.map_structure(lambda spec: spec.shape, self.compute_output_spec(specs))

    def compute_output_spec(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """The symbolic output; its dtype is that of the function's result where it is run."""
        if self._output_shape is not None:
            return super().compute_output_spec(inputs)
        options = {"mask": mask, "training": training}
        return eval_shape(self._call_by_policy, (inputs,), options)

    def get_config(self) -> dict[str, Any]:
        """The arguments as data; a Python lambda appears by its name only."""
        config: dict[str, Any] = {"function": _function_config(self.function)}
        if self._output_shape is not None:
            config["output_shape"] = _function_config(self._output_shape)
        if self.mask is not None:
            config["mask"] = _function_config(self.mask)
        config["arguments"] = serialize_keras_object(self.arguments)
        return {**super().get_config(), **config}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, safe_mode: bool | None = None
    ) -> Lambda:
        """The layer of a config, whose functions must be registered ones.

        Args:
            config: what `get_config` returned.
            custom_objects: names in the config, and the functions of yours that they mean.
            safe_mode: False lets Python lambdas through, while they are still those of the running
                program: the config was never written down.

        Raises:
            SerializationError: a function is a Python lambda.
        """
        config = dict(config)
        for name in ("function", "output_shape", "mask", "arguments"):
            value = config.get(name)
            if isinstance(value, dict) and value.get("class_name") == "__lambda__":
                code = value["config"]["code"]
                if safe_mode is False and isinstance(code, _LambdaCode):
                    config[name] = code.function
                    continue
                raise SerializationError(
                    "The file holds a `Lambda` layer with a Python lambda in it. Loading it would "
                    "mean arbitrary code execution, and etude never runs code from a file. Build "
                    "the model in code and load its weights, or register a named function with "
                    "`etude.saving.register_keras_serializable` and use it in the Lambda."
                )
            if isinstance(value, dict):
                config[name] = deserialize_keras_object(value, custom_objects=custom_objects)
            if name == "output_shape" and isinstance(value, list):
                config[name] = tuple(value)
        return super().from_config(config)


def _function_config(value: Any) -> Any:
    is_lambda = callable(value) and getattr(value, "__name__", None) == "<lambda>"
    if is_lambda and not names_are_kept():
        return {"class_name": "__lambda__", "config": {"code": _LambdaCode.of(value)}}
    return serialize_keras_object(value)


class _LambdaCode(str):
    """Stands for a Python lambda in a config; a file keeps the text, and the function is gone."""

    function: Callable[..., Any]

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _LambdaCode:
        code = cls(function.__name__)
        code.function = function
        return code


def _first_shape(shape: Any) -> Shape:
    """The first shape of a nest of shapes."""
    while shape and isinstance(shape[0], (list, tuple)):
        shape = shape[0]
    return shape
