"""The graph of a functional model: which calls lead from inputs to outputs, and in which order.

Calls on symbolic tensors leave nodes behind (`etude.autodiff.symbolic.Node`). `Graph` collects
those between given inputs and outputs, sorts them by depth as Keras does (so that layers and
weights come in the same order), and runs them on values.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import Any

from etude import naming, tree
from etude.autodiff import KerasTensor
from etude.autodiff.symbolic import Node
from etude.errors import ArgumentError
from etude.layers.base.operation import Operation
from etude.layers.basic.input_layer import Input, InputLayer
from etude.models.keras_operations import keras_class

__all__ = ["Graph", "OpCall", "clone_between", "history_of"]


class OpCall(Operation):
    """An op in a graph, under a name of its own; layers and operations of users have theirs.

    Args:
        function: the op.
        name: its name; by default that of Keras's class for the op, with a number.
    """

    def __init__(self, function: Any, name: str | None = None) -> None:
        known = keras_class(function)
        own_name = known.name if known else getattr(function, "name", "operation")
        super().__init__(name or naming.auto_name(own_name))
        self.function = function

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the op."""
        return self.function(*args, **kwargs)


def operation_of(node: Node) -> Any:
    """The layer or `Operation` that a node calls; for an op an `OpCall`, one per node."""
    if isinstance(node.operation, Operation):
        return node.operation
    if "op_call" not in node.__dict__:
        call = node.__dict__["op_call"] = OpCall(node.operation)
        call._inbound_nodes.append(node)
    return node.__dict__["op_call"]


def history_of(tensor: KerasTensor) -> tuple[Any, int, int]:
    """Where a symbolic tensor comes from: operation, number of its call, number of the output."""
    node, tensor_index = _producer(tensor)
    operation = operation_of(node)
    calls = operation._inbound_nodes
    return operation, next(i for i, n in enumerate(calls) if n is node), tensor_index


def _producer(tensor: KerasTensor) -> tuple[Node, int]:
    if tensor.producer is None:
        raise ArgumentError(
            f"The symbolic tensor {tensor} comes from no call: a model must begin with tensors "
            "that `etude.Input(shape)` returned."
        )
    return tensor.producer


class Graph:
    """The calls that lead from inputs to outputs.

    Args:
        inputs: symbolic tensors, in any structure.
        outputs: symbolic tensors, in any structure.

    Attributes:
        inputs: the inputs, flat.
        outputs: the outputs, flat.
        operations: layers and ops, the first to run first.
        nodes_by_depth: the calls by their distance from the outputs.

    Raises:
        ArgumentError: an output cannot be computed from the inputs, or two layers share a name.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs_struct, self.outputs_struct = inputs, outputs
        self.inputs: list[KerasTensor] = tree.flatten(inputs)
        self.outputs: list[KerasTensor] = tree.flatten(outputs)
        nodes, first_seen = _sorted_nodes(self.inputs, self.outputs)
        self.nodes_by_depth, self.operations = _by_depth(self.inputs, nodes, first_seen)
        self.node_ids = {id(n) for nodes in self.nodes_by_depth.values() for n in nodes}
        _check_names(self.operations)
        self._plan()

    def _named_output(self, node: Node) -> str:
        """The first output that needs a node, as error messages name it."""
        for path, tensor in tree.flatten_with_path(self.outputs_struct):
            if node in _sorted_nodes(self.inputs, [tensor])[0]:
                return f"Output with path `{'.'.join(map(str, path))}`" if path else "Output"
        return "Output"

    def _plan(self) -> None:
        """Gives every tensor a slot, and lists the calls in the order in which they run."""
        slots: dict[int, int] = {}
        for tensor in self.inputs:
            slots.setdefault(id(tensor), len(slots))
        self.input_slots = [slots[id(tensor)] for tensor in self.inputs]
        self.steps: list[_Step] = []
        done: list[str] = []
        for depth in sorted(self.nodes_by_depth, reverse=True):
            for node in self.nodes_by_depth[depth]:
                operation = operation_of(node)
                for tensor in node.inputs:
                    if id(tensor) not in slots:
                        raise ArgumentError(
                            f"{self._named_output(node)} is not connected to `inputs`. Graph "
                            f"disconnected: '{operation.name}' needs {tensor}, which does not come "
                            f"from the `inputs` of the model. Reached so far: {done}. Every "
                            "`Input` that the outputs depend on must be among the `inputs`."
                        )
                done.append(operation.name)
                if node.inputs:
                    for tensor in node.outputs:
                        slots.setdefault(id(tensor), len(slots))
                    self.steps.append(_Step(node, slots))
        for tensor in self.outputs:
            if id(tensor) not in slots:
                raise ArgumentError(
                    f"{self._named_output(_producer(tensor)[0])} is not connected to `inputs`: "
                    f"{tensor} depends on none of them."
                )
        self.output_slots = [slots[id(tensor)] for tensor in self.outputs]
        self.size = len(slots)

    def run(self, inputs: list[Any], training: Any = None) -> Any:
        """Computes the outputs.

        Args:
            inputs: one value for each of `Graph.inputs`.
            training: stands in for ``training`` arguments given while the graph was made.

        Returns:
            The values, in the structure of the outputs.
        """
        values: list[Any] = [None] * self.size
        for slot, value in zip(self.input_slots, inputs, strict=True):
            values[slot] = value
        for step in self.steps:
            step.run(values, training)
        found = [values[slot] for slot in self.output_slots]
        return tree.pack_sequence_as(self.outputs_struct, found)

    def producer_of_output(self, place: int) -> Any:
        """The layer or op that makes the output with this number."""
        return history_of(self.outputs[place])[0]

    @functools.cached_property
    def readers_of_inputs(self) -> list[tuple[int, Any]]:
        """The layers that look at values and read an input as it is, with the input's number."""
        places = {slot: place for place, slot in enumerate(self.input_slots)}
        return [
            (places[step.single], step.operation)
            for step in self.steps
            if step.single in places and hasattr(step.operation, "check_inputs")
        ]


class _Step:
    """One call: where its arguments come from, and where its results go."""

    __slots__ = ("args", "input_slots", "kwargs", "operation", "outputs", "single")

    def __init__(self, node: Node, slots: dict[int, int]) -> None:
        def to_slot(value: Any) -> Any:
            return _Slot(slots[id(value)]) if isinstance(value, KerasTensor) else value

        self.operation = node.operation
        self.args = tree.map_structure(to_slot, node.args)
        self.kwargs = tree.map_structure(to_slot, node.kwargs)
        self.outputs = [slots[id(tensor)] for tensor in node.outputs]
        self.input_slots = [slots[id(tensor)] for tensor in node.inputs]
        only = self.args[0] if len(self.args) == 1 and not self.kwargs else None
        self.single = only.index if isinstance(only, _Slot) else None

    def run(self, values: list[Any], training: Any) -> None:
        if self.single is not None:
            result = self.operation(values[self.single])
        else:
            args, kwargs = self.arguments(values)
            if training is not None and kwargs.get("training") is not None:
                kwargs["training"] = training
            result = self.operation(*args, **kwargs)
        self.store(values, result)

    def arguments(self, values: list[Any]) -> Any:
        """The arguments of the call, with values in the places of symbols."""
        return tree.map_structure(
            lambda v: values[v.index] if isinstance(v, _Slot) else v, (self.args, self.kwargs)
        )

    def store(self, values: list[Any], result: Any) -> None:
        """Puts what the call returned into its slots."""
        if len(self.outputs) == 1 and not tree.is_nested(result):
            values[self.outputs[0]] = result
            return
        tensors = [leaf for leaf in tree.flatten(result) if hasattr(leaf, "shape")]
        for slot, tensor in zip(self.outputs, tensors, strict=True):
            values[slot] = tensor


class _Slot:
    """The place of a tensor among the arguments of a step."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def _sorted_nodes(
    inputs: list[KerasTensor], outputs: list[KerasTensor]
) -> tuple[list[Node], dict[Any, int]]:
    """The nodes before the outputs, parents first; and when each operation was first met.

    The walk goes into depth, the inputs of a call from left to right. It keeps its own stack, so
    that models may be deeper than Python's recursion limit.
    """
    stops = {id(tensor) for tensor in inputs}
    finished: set[Node] = set()
    open_nodes: set[Node] = set()
    ordered: list[Node] = []
    first_seen: dict[Any, int] = {}

    def enter(tensor: KerasTensor) -> None:
        if tensor.producer is None and id(tensor) in stops:
            return
        node, _ = _producer(tensor)
        if node in finished:
            return
        if node.inputs and id(tensor) in stops:
            finished.add(node)
            return
        if node in open_nodes:
            raise ArgumentError(f"Tensor {tensor} is part of a cycle.")
        operation = operation_of(node)
        first_seen.setdefault(operation, len(first_seen))
        open_nodes.add(node)
        stack.append((node, iter(node.inputs)))

    for output in outputs:
        stack: list[tuple[Node, Any]] = []
        enter(output)
        while stack:
            node, rest = stack[-1]
            tensor = next(rest, None)
            if tensor is not None:
                enter(tensor)
                continue
            stack.pop()
            open_nodes.remove(node)
            finished.add(node)
            ordered.append(node)
    return ordered, first_seen


def _by_depth(
    inputs: list[KerasTensor], ordered: list[Node], first_seen: dict[Any, int]
) -> tuple[dict[int, list[Node]], list[Any]]:
    """Nodes by their distance from the outputs; operations from the deepest to the last.

    An operation that is called at several depths counts at the deepest of them.
    """
    in_graph = set(ordered)
    node_depth: dict[Node, int] = {}
    operation_depth: dict[Any, int] = {}
    for node in reversed(ordered):
        operation = operation_of(node)
        depth = max(node_depth.setdefault(node, 0), operation_depth.get(operation, 0))
        operation_depth[operation] = node_depth[node] = depth
        for tensor in node.inputs:
            parent = tensor.producer[0] if tensor.producer else None
            if parent in in_graph:
                node_depth[parent] = max(depth + 1, node_depth.get(parent, 0))
    for tensor in inputs:  # inputs that no output depends on belong to the model all the same
        node = tensor.producer[0] if tensor.producer else None
        if node and not node.inputs and operation_of(node) not in operation_depth:
            operation_depth[operation_of(node)] = node_depth[node] = 0
            first_seen[operation_of(node)] = -1
    by_depth: defaultdict[int, list[Node]] = defaultdict(list)
    for node, depth in node_depth.items():
        by_depth[depth].append(node)
    operations = sorted(operation_depth, key=lambda o: (-operation_depth[o], first_seen[o]))
    return dict(by_depth), operations


def _check_names(operations: list[Any]) -> None:
    seen: dict[str, int] = defaultdict(int)
    for operation in operations:
        seen[operation.name] += 1
    for name, count in seen.items():
        if count > 1:
            raise ArgumentError(
                f'The name "{name}" is used {count} times in the model, but layers should have '
                "unique names: pass another `name=...` to all but one."
            )


def clone_between(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """The calls between tensors of which some come from the middle of a model, on new inputs.

    Layers and weights stay the same objects. Tensors that come from `Input` are kept.

    Returns:
        Inputs that come from `Input`, and the outputs that belong to them.
    """
    flat_inputs, flat_outputs = tree.flatten(inputs), tree.flatten(outputs)
    nodes, _ = _sorted_nodes(flat_inputs, flat_outputs)
    twins: dict[int, KerasTensor] = {}
    for tensor in flat_inputs:
        if _producer(tensor)[0].inputs:
            name = f"{tensor.name}CLONE"
            twins[id(tensor)] = Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
        else:
            twins[id(tensor)] = tensor

    def twin(value: Any) -> Any:
        if not isinstance(value, KerasTensor):
            return value
        if id(value) not in twins:
            twins[id(value)] = KerasTensor(value.shape, value.dtype, name=f"{value.name}_clone")
        return twins[id(value)]

    for node in nodes:
        if node.inputs:
            args, kwargs = tree.map_structure(twin, (node.args, node.kwargs))
            again = Node(node.operation, args, kwargs, tree.map_structure(twin, node.structure))
            if isinstance(node.operation, Operation):
                node.operation._inbound_nodes.append(again)
    new_inputs = [twins[id(tensor)] for tensor in flat_inputs]
    new_outputs = [twin(tensor) for tensor in flat_outputs]
    return tree.pack_sequence_as(inputs, new_inputs), tree.pack_sequence_as(outputs, new_outputs)


def is_input(tensor: KerasTensor) -> bool:
    """Whether a symbolic tensor comes from `Input`."""
    return isinstance(_producer(tensor)[0].operation, InputLayer)
