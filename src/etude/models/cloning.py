"""`clone_model`: the same layers again, with new weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError
from etude.layers.input_layer import Input, InputLayer
from etude.layers.layer import Layer
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
    copy = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        return copy.sequential(model, input_tensors)
    if isinstance(model, Functional):
        return copy.functional(model, input_tensors)
    if clone_function is not None or input_tensors is not None:
        raise ArgumentError(
            "`clone_function` and `input_tensors` need a model whose layers are known, Sequential "
            f"or Functional; {type(model).__name__} computes in a `call()` of its own."
        )
    return type(model).from_config(model.get_config())


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
        self.options = (clone_function, call_function, recursive)

    def layer(self, layer: Any) -> Any:
        if self.recursive and isinstance(layer, (Sequential, Functional)):
            clone_function, call_function, _ = self.options
            return clone_model(
                layer, clone_function=clone_function, call_function=call_function, recursive=True
            )
        return self.clone_function(layer)

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
        for old, tensor in zip(graph.inputs, tree.flatten(input_tensors), strict=True):
            twins[id(old)] = tensor
        layers: dict[int, Any] = {}
        for step_nodes in sorted(graph.nodes_by_depth, reverse=True):
            for node in graph.nodes_by_depth[step_nodes]:
                if node.inputs:
                    self._call(node, layers, twins)
        outputs = tree.map_structure(lambda t: twins[id(t)], graph.outputs_struct)
        return type(model)(input_tensors, outputs, name=model.name)

    def _call(self, node: Any, layers: dict[int, Any], twins: dict[int, KerasTensor]) -> None:
        operation = node.operation
        if isinstance(operation, Layer):
            if id(operation) not in layers:
                layers[id(operation)] = self.layer(operation)
            operation = layers[id(operation)]
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
