"""`clone_model`: the same layers again, with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError
from etude.layers.base.layer import Layer
from etude.layers.basic.input_layer import Input, InputLayer
from etude.models.functional import Functional
from etude.models.model import Model
from etude.models.sequential import Sequential

__all__ = ["clone_model"]


def clone_model(
    model: Any,
    input_tensors: Any = None,
    clone_function: Callable[[Any], Any] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
) -> Any:
    """A model with the same layers and connections, but new weights.

    Args:
        model: a `Functional` or `Sequential` model, or a subclassed one that has a config.
        input_tensors: symbolic tensors to begin with, in the place of new ones.
        clone_function: takes a layer and returns the one that stands in its place; by default one
            with the same config.
        call_function: called as ``call_function(layer, *args, **kwargs)`` to call a cloned layer.
        recursive: whether ``clone_function`` is applied inside of models that are layers.

    Raises:
        ArgumentError: the model is no model, or a subclassed one with arguments that only the
            other kinds take.

    Example:
        >>> from etude import Input, Sequential, layers
        >>> model = Sequential([Input((2,)), layers.Dense(3)])
        >>> copy = clone_model(model)
        >>> copy.count_params(), copy.layers[0] is model.layers[0]
        (9, False)
    """
    if not isinstance(model, Model):
        raise ArgumentError(f"Expected `model` argument to be a `Model` instance. Got: {model!r}")
    cloner = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ArgumentError(
                "`call_function` argument is not supported with Sequential models, whose layers "
                "are not called when the model is made. Use it with functional models only; got "
                f"the Sequential model '{model.name}'."
            )
        return _compiled_as(cloner.sequential(model, input_tensors), model)
    if isinstance(model, Functional):
        return _compiled_as(cloner.functional(model, input_tensors), model)
    if any(given is not None for given in (clone_function, input_tensors, call_function)):
        raise ArgumentError(
            "Arguments `clone_function`, `call_function` and `input_tensors` are only supported "
            "for Sequential models or Functional models, whose layers are known; "
            f"{type(model).__name__} computes in a `call()` of its own."
        )
    copy = type(model).from_config(model.get_config())
    if model.built and not copy.built:
        copy.build_from_config(model.get_build_config())
    return copy


def _compiled_as(copy: Any, model: Any) -> Any:
    """The copy, compiled like the model, with an optimizer of its own."""
    if model.compiled:
        copy.compile_from_config(model.get_compile_config())
    return copy


class _Cloner:
    """How layers are cloned and called."""

    def __init__(self, clone_function: Any, call_function: Any, recursive: bool) -> None:
        self.clone_function = clone_function or (
            lambda layer: type(layer).from_config(layer.get_config())
        )
        self.call_function = call_function or (
            lambda layer, *args, **kwargs: layer(*args, **kwargs)
        )
        self.recursive = recursive
        self.options = (clone_function, call_function)
        self.copies: dict[int, Any] = {}  # a layer that is used twice becomes one layer again

    def layer(self, layer: Any) -> Any:
        if id(layer) not in self.copies:
            self.copies[id(layer)] = self._copy(layer)
        return self.copies[id(layer)]

    def _copy(self, layer: Any) -> Any:
        if not self.recursive or not isinstance(layer, (Sequential, Functional)):
            return self.clone_function(layer)
        clone_function, call_function = self.options
        if isinstance(layer, Sequential):
            call_function = None
        return clone_model(
            layer, clone_function=clone_function, call_function=call_function, recursive=True
        )

    def sequential(self, model: Any, input_tensors: Any) -> Any:
        layers = [self.layer(layer) for layer in model.layers]
        first = model._layers[0] if model._layers else None
        if input_tensors is not None:
            tensors = tree.flatten(input_tensors)
            if len(tensors) != 1:
                raise ArgumentError("`input_tensors` must contain a single tensor.")
            layers.insert(0, tensors[0])
        elif isinstance(first, InputLayer):
            layers.insert(
                0, Input(batch_shape=first.batch_shape, dtype=first.dtype, name=first.name)
            )
        return type(model)(layers, name=model.name, trainable=model.trainable)

    def functional(self, model: Any, input_tensors: Any) -> Any:
        graph = model._graph
        twins: dict[int, KerasTensor] = {}
        if input_tensors is None:
            new = [Input(batch_shape=t.shape, dtype=t.dtype, name=t.name) for t in graph.inputs]
            input_tensors = tree.pack_sequence_as(graph.inputs_struct, new)
        _check_inputs(input_tensors, graph.inputs_struct)
        for old, tensor in zip(graph.inputs, tree.flatten(input_tensors), strict=True):
            twins[id(old)] = tensor
        for step_nodes in sorted(graph.nodes_by_depth, reverse=True):
            for node in graph.nodes_by_depth[step_nodes]:
                if node.inputs:
                    self._call(node, twins)
        outputs = tree.map_structure(lambda t: twins[id(t)], graph.outputs_struct)
        return type(model)(input_tensors, outputs, name=model.name)

    def _call(self, node: Any, twins: dict[int, KerasTensor]) -> None:
        operation = node.operation
        if isinstance(operation, Layer):
            operation = self.layer(operation)
        args, kwargs = tree.map_structure(
            lambda v: twins[id(v)] if isinstance(v, KerasTensor) else v, (node.args, node.kwargs)
        )
        if isinstance(operation, Layer):
            outputs = self.call_function(operation, *args, **kwargs)
        else:
            outputs = operation(*args, **kwargs)
        made = [t for t in tree.flatten(outputs) if isinstance(t, KerasTensor)]
        for old, tensor in zip(node.outputs, made, strict=True):
            twins[id(old)] = tensor


def _check_inputs(tensors: Any, struct: Any) -> None:
    """Raises where symbolic tensors cannot stand for the inputs of a model.

    Raises:
        ArgumentError: one is no symbolic tensor, or they are in another structure.
    """
    if not all(isinstance(tensor, KerasTensor) for tensor in tree.flatten(tensors)):
        raise ArgumentError(
            "All entries in `input_tensors` must be KerasTensors, as `etude.Input` returns. "
            f"Received invalid values: inputs_tensors={tensors}"
        )
    try:
        tree.assert_same_structure(tensors, struct)
    except (ValueError, TypeError) as error:
        raise ArgumentError(
            "`input_tensors` must have the same structure as model.input\n"
            f"Reference structure: {struct}\nReceived structure: {tensors}"
        ) from error
