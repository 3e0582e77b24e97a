"""`Sequential`: layers one after the other."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor, symbolic
from etude.errors import ArgumentError, SerializationError, ShapeError
from etude.layers.base.layer import Layer
from etude.layers.base.masks import get_mask
from etude.layers.basic.input_layer import InputLayer
from etude.models.functional import Functional
from etude.models.graph import history_of
from etude.models.model import Model, ReservedAttributeError
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Sequential"]


class Sequential(Model):
    """A model of layers one after the other, each with one input and one output.

    With an `Input` as its first element the model has weights at once; without one, from its first
    call on data, or from `build`.

    Args:
        layers: the layers.
        trainable: whether the weights are trained.
        name: the name of the model.

    Raises:
        ArgumentError: an element is no layer, or two layers share a name.

    Example:
        >>> from etude import Input, Sequential, layers
        >>> model = Sequential([Input((4,)), layers.Dense(3), layers.Dense(1)])
        >>> model.output_shape, model.count_params()
        ((None, 1), 19)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """A list of layers is never a pair of inputs and outputs: nothing is to be told apart."""
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        if isinstance(trainable, Layer):
            raise ArgumentError(
                "Sequential takes its layers in one list, `Sequential([a, b])`; got them one by "
                "one. Put brackets around them."
            )
        super().__init__(trainable=trainable, name=name)
        self.__dict__["_functional"] = None
        self._supports_masking = True
        if layers:
            if not isinstance(layers, (list, tuple)):
                layers = [layers]
            for layer in layers:
                self.add(layer, rebuild=False)
            self._maybe_rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Adds a layer at the end.

        Raises:
            ArgumentError: it is no layer, its name is taken, or it is a second `Input`.
        """
        shape = getattr(layer, "_input_shape_arg", None)
        if not self._layers and shape is not None:
            self.add(InputLayer(shape=shape), rebuild=False)
        if isinstance(layer, KerasTensor) and layer.producer is not None:
            origin = history_of(layer)[0]
            if not isinstance(origin, InputLayer):
                raise ArgumentError(
                    f"Sequential.add() takes the layer itself; got the output of '{origin.name}'. "
                    "Write add(Dense(3)), not add(Dense(3)(x)); or build the model from its "
                    "symbolic tensors: Model(inputs, outputs)."
                )
            layer = origin
        if not isinstance(layer, Layer):
            raise ArgumentError(
                "A Sequential model is made of layers. Only instances of `etude.layers.Layer` can "
                f"be added; got {layer!r} of type {type(layer).__name__}"
                + (". Add parentheses to make a layer of the class." if _is_class(layer) else "")
            )
        if any(layer.name == other.name and layer is not other for other in self._layers):
            raise ArgumentError(
                "The layers of a model should have unique names, and this one has a layer "
                f"'{layer.name}' already. Pass another `name=...`."
            )
        first = self._layers[0] if self._layers else None
        if isinstance(layer, InputLayer) and isinstance(first, InputLayer):
            raise ArgumentError(
                f"The inputs of Sequential model '{self.name}' have already been configured, with "
                f"shape {first.batch_shape}; it cannot take a different Input. Call `pop()` until "
                "it is empty, or make a new model."
            )
        self._set_layers([*self._layers, layer])
        if rebuild:
            self._maybe_rebuild()

    def pop(self, rebuild: bool = True) -> Any:
        """Removes the last layer and returns it."""
        if not self._layers:
            raise ArgumentError(f"Sequential model '{self.name}' has no layers to remove.")
        layer = self._layers[-1]
        self._set_layers(self._layers[:-1])
        if rebuild:
            self._maybe_rebuild()
        return layer

    def _set_layers(self, layers: list[Any]) -> None:
        self._layers[:] = layers
        self._tracker.ids["layers"] = {id(layer) for layer in layers}
        self.built = False
        self._input_spec = None
        self.__dict__["_functional"] = None

    def _maybe_rebuild(self) -> None:
        self.built = False
        self.__dict__["_functional"] = None
        if len(self._layers) < 2:
            return
        first = self._layers[0]
        if isinstance(first, InputLayer):
            self.build(first.batch_shape)
        elif isinstance(first, (Functional, Sequential)) and first.built:
            self.build(first.input_shape)

    def _lock_state(self) -> None:
        """Layers may be added at any time."""

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of this shape, batch included.

        Raises:
            ArgumentError: there are no layers, or the model has another input shape already.
        """
        if input_shape is None or not tree.is_shape(input_shape):
            return
        input_shape = tuple(input_shape)
        if symbolic.is_sample_batch(input_shape[0] if input_shape else None) and not any(
            getattr(layer, "stateful", False) for layer in self._layers
        ):
            input_shape = (None, *input_shape[1:])
        if not self._layers:
            raise ArgumentError(
                f"Sequential model '{self.name}' has no layers yet, so there is nothing to build. "
                "Add some: `model.add(layer)`."
            )
        first = self._layers[0]
        if not isinstance(first, InputLayer):
            first = InputLayer(batch_shape=input_shape, dtype=self._dtype_of(first))
            self._set_layers([first, *self._layers])
        elif first.batch_shape != input_shape:
            raise ArgumentError(
                f"The inputs of Sequential model '{self.name}' have already been configured, with "
                f"shape {first.batch_shape}; it cannot be built for {input_shape}."
            )
        x = first.output
        for layer in self._layers[1:]:
            try:
                x = layer(x)
            except NotImplementedError:  # the layer cannot tell its shapes without data
                return
            except TypeError as error:
                _check_one_input(layer)
                raise error
        self.__dict__["_functional"] = Functional(first.output, x, name=self.name)

    @staticmethod
    def _dtype_of(layer: Any) -> str:
        return layer.inputs[0].dtype if isinstance(layer, Functional) else layer.compute_dtype

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Runs the layers one after the other."""
        if self._functional is not None:
            try:
                return self._functional.call(inputs, training=training, mask=mask)
            except ShapeError as error:
                raise self._with_shapes(error, inputs) from None
        for layer in self.layers:
            accepts = layer._call_signature.accepts
            extra = {"mask": mask} if "mask" in accepts and mask is not None else {}
            inputs = layer(inputs, **extra)
            mask = tree.map_structure(get_mask, inputs)
            mask = mask if any(m is not None for m in tree.flatten(mask)) else None
        return inputs

    def _with_shapes(self, error: ShapeError, inputs: Any) -> ShapeError:
        """The error, which begins with the model's own shapes where the inputs have others.

        Other sizes are no error by themselves: convolutions, say, take images of any size.
        """
        known, found = self._layers[0].batch_shape, getattr(inputs, "shape", None)
        if found is None or found[1:] == known[1:]:
            return error
        return ShapeError(
            f"Model '{self.name}' was made for inputs of shape {known}, got one of shape "
            f"{tuple(found)}, and a layer cannot work with it. {error}"
        )

    def behind_host(self, inputs: Any) -> Any:
        """As `Model.behind_host`; a model without an `Input` is built for the inputs before."""
        if self._functional is None and hasattr(inputs, "shape"):
            self.build((None, *inputs.shape[1:]))
        return super().behind_host(inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """None: the layers inside have set the mask of the output."""
        return None

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic output for a symbolic input."""
        if self._functional is not None:
            return self._functional.compute_output_spec(*args, **kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for inputs of this shape."""
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def layers(self) -> list[Any]:
        """The layers, without the `Input`."""
        start = 1 if self._layers and isinstance(self._layers[0], InputLayer) else 0
        return list(self._layers[start:])

    @layers.setter
    def layers(self, _: Any) -> None:
        raise ReservedAttributeError(
            "`Sequential.layers` attribute is reserved and should not be used. Use `add()` and "
            "`pop()` to change the layers in this model."
        )

    @property
    def input_dtype(self) -> str:
        """The dtype of the input."""
        first = self._layers[0] if self._layers else None
        return first.dtype if isinstance(first, InputLayer) else super().input_dtype

    def get_config(self) -> dict[str, Any]:
        """The layers, and the input shape where it is known."""
        config = Layer.get_config(self)
        config["layers"] = copy.deepcopy([serialize_keras_object(layer) for layer in self._layers])
        if self._functional is not None:
            config["build_input_shape"] = self._layers[0].batch_shape
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Any:
        """The model with these layers.

        Raises:
            SerializationError: the config is of something else.
        """
        if "name" not in config or "layers" not in config:
            raise SerializationError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys; got {config!r}."
            )
        model = cls(name=config["name"])
        for entry in config["layers"]:
            model.add(deserialize_keras_object(entry, custom_objects), rebuild=False)
        if model._layers:
            model._maybe_rebuild()
        shape = config.get("build_input_shape")
        if model._functional is None and isinstance(shape, (tuple, list)):
            model.build(shape)
        return model


def _check_one_input(layer: Any) -> None:
    """Raises where ``call`` takes another number of inputs than one."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [p for p in inspect.signature(layer.call).parameters.values() if p.kind in kinds]
    required = [p.name for p in positional if p.default is inspect.Parameter.empty]
    if len(required) > 1 or not positional:
        raise ArgumentError(
            "Layers added to a Sequential model can only have a single required positional "
            f"argument, the input tensor. {type(layer).__name__}.call() has "
            f"{', '.join(required) or 'no positional arguments'}. Use the functional API for "
            "layers with several inputs."
        )


def _is_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Layer)


register_public("keras", Sequential)
register_public("keras.models", Sequential=Sequential)
