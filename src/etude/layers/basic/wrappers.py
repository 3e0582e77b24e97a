"""Wrappers: layers around a layer."""

from __future__ import annotations

from typing import Any

from etude import ops, tree
from etude.errors import ArgumentError, ShapeError, StateError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.layer import Layer
from etude.saving.registration import CustomObjectScope
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["Bidirectional", "TimeDistributed", "Wrapper"]


class Wrapper(ConfiguredLayer):
    """Base of the layers that wrap another: holds it, builds it, and puts it into the config.

    Args:
        layer: the layer inside.

    Raises:
        ArgumentError: it is no layer.

    Example:
        >>> import numpy as np
        >>> from etude.layers import Dense
        >>> class Twice(Wrapper):
        ...     def call(self, x):
        ...         return 2 * self.layer(x)
        >>> Twice(Dense(3))(np.ones((1, 2))).shape
        (1, 3)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        _check_layer(layer, type(self).__name__)
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config."""
        layer = deserialize_keras_object(config["layer"], custom_objects=custom_objects)
        return super().from_config({**config, "layer": layer})


def _check_layer(layer: Any, wrapper: str) -> None:
    if not isinstance(layer, Layer):
        raise ArgumentError(
            f"Please initialize `{wrapper}` layer with a `Layer` instance. Layer {layer} supplied "
            f"to {wrapper} isn't a supported layer type. Please ensure wrapped layer is a valid "
            f"Keras layer: {wrapper}(Dense(8)). Received: {layer} of type {type(layer)}."
        )


class TimeDistributed(Wrapper):
    """Applies a layer to each step of a sequence, with the same weights.

    ``y[:, t] = layer(x[:, t])``

    Args:
        layer: the layer for one step.

    Shapes:
        x: (batch, steps, ...); y: (batch, steps, *shape of the layer's output).

    Raises:
        ArgumentError: ``layer`` is no layer.
        ShapeError: the input has less than three axes.

    Example:
        >>> import numpy as np
        >>> from etude.layers import Conv2D
        >>> TimeDistributed(Conv2D(4, 3))(np.zeros((2, 5, 8, 8, 1))).shape
        (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> Shape:
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 3:
            raise ShapeError(
                "TimeDistributed expected inputs with at least 3 axes, (batch, steps, ...); got "
                f"the shape {input_shape}."
            )
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the layer's output, with the axis of steps behind the batch axis."""
        output = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (output[0], input_shape[1], *output[1:])

    def build(self, input_shape: Any = None) -> None:
        """Builds the layer inside for one step."""
        super().build(self._step_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The layer's outputs at all steps."""
        if mask is not None:
            _check_step_mask(mask, inputs)
        accepts = self.layer._call_signature.accepts
        options = {"training": training} if "training" in accepts else {}
        masked = "mask" in accepts and mask is not None
        if not masked and _treats_samples_apart(self.layer):
            return self._all_at_once(inputs, options)

        def step(_: Any, x: Any) -> tuple[Any, Any]:
            x, m = x
            return None, self.layer.call(x, **options, **({"mask": m} if masked else {}))

        steps = (_swapped(inputs), _swapped(mask) if masked else None)
        return _swapped(ops.scan(step, None, steps)[1])

    def _all_at_once(self, inputs: Any, options: dict[str, Any]) -> Any:
        """All steps as one large batch."""
        batch, steps, *rest = inputs.shape
        outputs = self.layer.call(ops.reshape(inputs, (batch * steps, *rest)), **options)
        return ops.reshape(outputs, (batch, steps, *outputs.shape[1:]))


def _treats_samples_apart(layer: Layer) -> bool:
    """Whether a layer of ours has no state, so that samples of one batch do not touch.

    Layers with moving statistics see one step at a time, as they do in Keras.
    """
    inside = layer._flatten_layers()
    ours = all(type(each).__module__.startswith("etude.layers.") for each in inside)
    return ours and not layer.non_trainable_variables


def _swapped(x: Any) -> Any:
    """Batch and time exchanged."""
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def _check_step_mask(mask: Any, inputs: Any) -> None:
    if len(mask.shape) < 2:
        raise ShapeError(
            "TimeDistributed: a mask has at least two axes, (batch, steps); got a mask of shape "
            f"{mask.shape}."
        )
    if tuple(mask.shape[:2]) != tuple(inputs.shape[:2]):
        raise ShapeError(
            f"The `mask` passed to the `TimeDistributed` layer has a shape {mask.shape}, which "
            f"does not go with inputs of shape {inputs.shape}: both must begin with "
            f"({inputs.shape[0]}, {inputs.shape[1]}), batch and steps."
        )


class Bidirectional(ConfiguredLayer):
    """Runs a recurrent layer over sequences in both directions.

    Args:
        layer: e.g. ``LSTM(8)``; it is copied for each direction.
        merge_mode: what becomes of the two outputs: ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``;
            None: both are given.
        weights: values of the weights to begin with, the forward layer's first.
        backward_layer: a layer of its own for the way back, with ``go_backwards``.

    Shapes:
        sequences: (batch, steps, features); output: that of the layer, its last axis twice as long
        for ``"concat"``; with ``return_state`` a tuple of the output, the forward states and the
        backward states.

    Raises:
        ArgumentError: a layer is none, they do not fit together, or the merge mode is unknown.

    Example:
        >>> import numpy as np
        >>> from etude.layers import LSTM
        >>> Bidirectional(LSTM(4, return_sequences=True))(np.zeros((2, 10, 8))).shape
        (2, 10, 8)

    Source:
        Schuster, Paliwal (1997), Bidirectional recurrent neural networks.
    """

    config_names = ("merge_mode",)

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        _check_layer(layer, "Bidirectional")
        if backward_layer is not None:
            _check_layer(backward_layer, "Bidirectional")
        if backward_layer is None and not hasattr(layer, "go_backwards"):
            raise ArgumentError(
                "Bidirectional runs a recurrent layer, such as LSTM or GRU, from both ends; got a "
                f"{type(layer).__name__}, which has no `go_backwards`."
            )
        if merge_mode not in ("sum", "mul", "ave", "concat", None):
            raise ArgumentError(
                "Bidirectional: `merge_mode` is 'sum', 'mul', 'ave', 'concat' or None; got "
                f"{merge_mode!r}."
            )
        super().__init__(**kwargs)
        self.forward_layer: Any = _copy(layer, "forward_")
        self.backward_layer: Any = backward_layer or _copy(layer, "backward_", go_backwards=True)
        _check_pair(self.forward_layer, self.backward_layer)
        for each in (self.forward_layer, self.backward_layer):
            if getattr(each, "zero_output_for_mask", None) is not None:
                each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        self._initial_weights = weights
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The merged output's shape; with ``return_state`` followed by those of the states."""
        outputs, states = [], []
        for layer in (self.forward_layer, self.backward_layer):
            output = layer.compute_output_shape(sequences_shape)
            if self.return_state:
                output, *last = output
                states.extend(last)
            outputs.append(tuple(output))
        if self.merge_mode == "concat":
            outputs = [(*outputs[0][:-1], outputs[0][-1] + outputs[1][-1])]
        elif self.merge_mode is not None:
            outputs = outputs[:1]
        return (*outputs, *states) if len(outputs) + len(states) > 1 else outputs[0]

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """The mask of the sequences, if they are given; none for the states."""
        flat = tree.flatten(mask)
        output = flat[0] if flat and self.return_sequences else None
        outputs = [output, output] if self.merge_mode is None else [output]
        states = 2 * len(self.forward_layer.state_size) if self.return_state else 0
        return [*outputs, *[None] * states] if len(outputs) + states > 1 else output

    def call(
        self,
        sequences: Any,
        initial_state: Any = None,
        mask: Any = None,
        training: bool | None = None,
    ) -> Any:
        """The merged output; with ``return_state`` followed by the states."""
        firsts = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            firsts = (initial_state[:half], initial_state[half:])
        outputs, states = [], []
        for layer, first in zip((self.forward_layer, self.backward_layer), firsts, strict=True):
            accepts = layer._call_signature.accepts
            options = {"training": training, "mask": mask, "initial_state": first}
            given = {k: v for k, v in options.items() if k in accepts}
            output = layer(sequences, **given)
            if self.return_state:
                output, *last = output
                states.extend(last)
            outputs.append(ops.cast(output, self.compute_dtype))
        if self.return_sequences:
            outputs[1] = ops.flip(outputs[1], axis=1)
        merged = self._merge(*outputs)
        if self.return_state:
            return (*(merged if self.merge_mode is None else (merged,)), *states)
        return merged

    def _merge(self, forward: Any, backward: Any) -> Any:
        """Both outputs as one, or both."""
        if self.merge_mode == "concat":
            return ops.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "sum":
            return forward + backward
        if self.merge_mode == "ave":
            return (forward + backward) / 2
        if self.merge_mode == "mul":
            return forward * backward
        return forward, backward

    @property
    def states(self) -> Any:
        """The kept states of both stateful layers; None where there are none."""
        if self.forward_layer.states and self.backward_layer.states:
            return (*self.forward_layer.states, *self.backward_layer.states)
        return None

    def reset_state(self) -> None:
        """Sets the states of both stateful layers to zero.

        Raises:
            StateError: the layers are not stateful.
        """
        if not self.stateful:
            raise NotStatefulError(
                f"Layer must be stateful. Bidirectional layer {self.name!r} is not: make it with "
                "stateful=True."
            )
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {
            **super().get_config(),
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config."""
        config = dict(config)
        for name in ("layer", "backward_layer"):
            if config.get(name) is not None:
                config[name] = deserialize_keras_object(config[name], custom_objects=custom_objects)
        return super().from_config(config)


class NotStatefulError(StateError, AttributeError):
    """The states of a layer were asked for that keeps none."""


def _copy(layer: Layer, prefix: str, **changes: Any) -> Layer:
    """A layer with the same arguments, but for its name and the changes."""
    config = {**layer.get_config(), "name": prefix + layer.name.removeprefix(prefix), **changes}
    inside = {type(each).__name__: type(each) for each in layer._flatten_layers()}
    with CustomObjectScope(inside):
        copied = type(layer).from_config(config)
    if hasattr(layer, "use_cudnn"):
        copied.use_cudnn = layer.use_cudnn  # type: ignore[attr-defined]
    return copied


def _check_pair(forward: Any, backward: Any) -> None:
    if forward.go_backwards == backward.go_backwards:
        raise ArgumentError(
            "Bidirectional reads the sequence both ways, so one of its layers has "
            f"`go_backwards=True` and the other not; got {forward.go_backwards} for both."
        )
    for name in ("stateful", "return_sequences", "return_state"):
        a, b = getattr(forward, name), getattr(backward, name)
        if a != b:
            raise ArgumentError(
                f"Bidirectional: the two layers must agree in `{name}`; got {a!r} for the forward "
                f"layer and {b!r} for the backward layer."
            )
