"""`plot_model`: the graph of a model as a picture."""

from __future__ import annotations

from typing import Any

from etude import activations
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, NotBuiltError
from etude.layers import Layer
from etude.models.graph import OpCall, operation_of
from etude.utils.graph_drawing import Box, Picture, layout

__all__ = ["model_to_dot", "plot_model"]


def model_to_dot(
    model: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = True,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    subgraph: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Picture:
    """The graph of a model as a picture, laid out by etude itself: Graphviz is not needed.

    Args:
        model: a built model.
        show_shapes: whether the shapes of inputs and outputs are shown.
        show_dtype: whether dtypes of outputs are shown.
        show_layer_names: whether names of layers are shown beside their classes.
        rankdir: ``"TB"`` goes downward, ``"LR"`` from left to right.
        expand_nested: whether models inside of the model are shown with their layers.
        dpi: pixels per inch, where it becomes pixels.
        subgraph: accepted.
        show_layer_activations: whether activations are shown.
        show_trainable: whether it is shown which layers are trained.
        **kwargs: ``layer_range``, a pair of names or patterns: the first and last layer to show.

    Returns:
        A `Picture`: its ``svg`` is text, ``image()`` an image of Pillow, ``write(path)`` a file.

    Raises:
        NotBuiltError: the model has no layers with shapes yet.
        ArgumentError: another argument is unknown.

    Example:
        >>> from etude import Input, Sequential, layers
        >>> model = Sequential([Input((3,)), layers.Dense(2, name="out")])
        >>> picture = model_to_dot(model, show_shapes=True)
        >>> [box.lines for box in picture.boxes][-1]
        ['out (Dense)', 'in: (None, 3)', 'out: (None, 2)']
    """
    layer_range = kwargs.pop("layer_range", None)
    if kwargs:
        raise ArgumentError(f"Unrecognized keyword arguments: {kwargs}")
    if not model.built:
        raise NotBuiltError(
            "This model has not yet been built. Build the model first by calling `build()` or by "
            "calling the model on a batch of data."
        )
    show = _Show(
        show_shapes, show_dtype, show_layer_names, expand_nested, show_layer_activations,
        show_trainable,
    )  # fmt: skip
    boxes, _ = show.boxes(model, {}, (), layer_range)
    if not boxes:
        raise ArgumentError(f"Model '{model.name}' has no layers to show.")
    return layout(boxes, sideways=rankdir in ("LR", "RL"))


def plot_model(
    model: Any,
    to_file: Any = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> Picture:
    """Writes the graph of a model to a file; in a notebook, the picture is shown too.

    Args:
        model: a built model.
        to_file: ``.svg``, ``.png``, ``.jpg`` or ``.pdf``; ``None`` writes none.
        show_shapes: whether the shapes of inputs and outputs are shown.
        show_dtype: whether dtypes of outputs are shown.
        show_layer_names: whether names of layers are shown beside their classes.
        rankdir: ``"TB"`` goes downward, ``"LR"`` from left to right.
        expand_nested: whether models inside of the model are shown with their layers.
        dpi: pixels per inch, for files of pixels.
        show_layer_activations: whether activations are shown.
        show_trainable: whether it is shown which layers are trained.
        **kwargs: ``layer_range``, a pair of names or patterns: the first and last layer to show.

    Returns:
        The `Picture`.

    Raises:
        NotBuiltError: the model has no layers with shapes yet.
        ArgumentError: the file has another ending, or an argument is unknown.
    """
    picture = model_to_dot(
        model,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        rankdir=rankdir,
        expand_nested=expand_nested,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
        **kwargs,
    )
    if to_file is not None:
        picture.write(to_file, dpi)
    return picture


class _Show:
    """What is shown of a layer, and which boxes a model becomes."""

    def __init__(
        self,
        shapes: bool,
        dtype: bool,
        names: bool,
        nested: bool,
        activations: bool,
        trainable: bool,
    ) -> None:
        self.shapes, self.dtype, self.names = shapes, dtype, names
        self.nested, self.activations, self.trainable = nested, activations, trainable

    def boxes(
        self,
        model: Any,
        sources: dict[int, list[Box]],
        group: tuple[str, ...],
        layer_range: Any = None,
    ) -> tuple[list[Box], list[Box]]:
        """The boxes of a model.

        Args:
            model: the model.
            sources: boxes that stand for the model's symbolic inputs, by their ids.
            group: the frames around it.
            layer_range: the first and the last layer to show.

        Returns:
            All boxes, and those that make the outputs.
        """
        graph = getattr(model, "_graph", None)
        if graph is None:
            return self._chain(model, group, layer_range)
        found: list[Box] = []
        makers: dict[int, list[Box]] = dict(sources)
        for depth in sorted(graph.nodes_by_depth, reverse=True):
            for node in graph.nodes_by_depth[depth]:
                if node.outputs and id(node.outputs[0]) in makers:
                    continue
                made, last = self._node(node, makers, group)
                found += made
                makers.update({id(tensor): last for tensor in node.outputs})
        if layer_range is not None:
            found = _within(found, model, layer_range)
        return found, [box for tensor in graph.outputs for box in makers[id(tensor)]]

    def _node(
        self, node: Any, makers: dict[int, list[Box]], group: tuple[str, ...]
    ) -> tuple[list[Box], list[Box]]:
        operation = operation_of(node)
        parents = [box for tensor in node.inputs for box in makers.get(id(tensor), [])]
        parents = list({id(box): box for box in parents}.values())
        inner = getattr(operation, "_graph", None) if self.nested else None
        if inner is not None:
            given = dict(zip(map(id, inner.inputs), ([p] for p in parents), strict=False))
            return self.boxes(operation, given, (*group, operation.name))
        box = Box(self.lines(operation, node.inputs, node.outputs), parents, group)
        return [box], [box]

    def _chain(
        self, model: Any, group: tuple[str, ...], layer_range: Any
    ) -> tuple[list[Box], list[Box]]:
        """The layers of a model without a graph, one after the other."""
        found: list[Box] = []
        for layer in model.layers:
            nodes = layer._inbound_nodes
            inputs, outputs = (nodes[-1].inputs, nodes[-1].outputs) if nodes else ([], [])
            found.append(Box(self.lines(layer, inputs, outputs), found[-1:], group))
        if layer_range is not None:
            found = _within(found, model, layer_range)
        return found, found[-1:]

    def lines(
        self, operation: Any, inputs: list[KerasTensor], outputs: list[KerasTensor]
    ) -> list[str]:
        """The text in the box of a layer or op."""
        is_layer = isinstance(operation, Layer)
        is_call = isinstance(operation, OpCall)
        kind = operation.function.name if is_call else type(operation).__name__
        lines = [f"{operation.name} ({kind})" if self.names else kind]
        activation = getattr(operation, "activation", None)
        if self.activations and callable(activation):
            lines.append(f"activation: {activations.serialize(activation)}")
        if self.dtype and outputs:
            lines.append(f"dtype: {', '.join(str(t.dtype) for t in outputs)}")
        if self.shapes:
            if inputs:
                lines.append(f"in: {', '.join(str(t.shape) for t in inputs)}")
            lines.append(f"out: {', '.join(str(t.shape) for t in outputs) or '?'}")
        if self.trainable and is_layer and operation.weights:
            lines.append("trainable" if operation.trainable else "frozen")
        return lines


def _within(boxes: list[Box], model: Any, layer_range: Any) -> list[Box]:
    """The boxes from one layer to another."""
    from etude.models.summary import layer_bounds  # noqa: PLC0415  (rich is slow to import)

    start, end = layer_bounds(model.layers, layer_range)
    first = len(boxes) - len(model.layers)  # inputs stand before the layers of a Sequential
    kept = boxes[max(0, first + start) : first + end]
    ids = {id(box) for box in kept}
    for box in kept:
        box.parents = [parent for parent in box.parents if id(parent) in ids]
    return kept
