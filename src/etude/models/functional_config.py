"""A functional model as a config, in the form that Keras writes, and back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from etude import ops, tree
from etude.autodiff import Composite, KerasTensor, Primitive
from etude.autodiff.symbolic import any_symbolic
from etude.errors import SerializationError
from etude.models.graph import OpCall, history_of
from etude.models.keras_operations import arranged, function_of, keras_class, split
from etude.ops import image
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["from_config", "to_config"]

Config = dict[str, Any]


def to_config(model: Any) -> Config:
    """Layers with their calls, and which outputs of them are the model's inputs and outputs."""
    graph = model._graph
    indices = _node_indices(graph)
    layers = []
    for operation in graph.operations:
        calls = [n for n in operation._inbound_nodes if id(n) in graph.node_ids and n.inputs]
        entry = _serialize_operation(operation, calls, indices)
        entry["name"] = operation.name
        layers.append(entry)

    def place(tensor: KerasTensor) -> list[Any]:
        operation, _, tensor_index = history_of(tensor)
        return [operation.name, indices[id(tensor.producer[0])], tensor_index]  # type: ignore[index]

    return copy.deepcopy(
        {
            "name": model.name,
            "trainable": model.trainable,
            "layers": layers,
            "input_layers": tree.map_structure(place, graph.inputs_struct),
            "output_layers": tree.map_structure(place, graph.outputs_struct),
        }
    )


def _node_indices(graph: Any) -> dict[int, int]:
    """The number that each call has among the calls of its layer that belong to the graph."""
    indices = {}
    for operation in graph.operations:
        count = _first_index(operation)
        for node in operation._inbound_nodes:
            if id(node) in graph.node_ids:
                indices[id(node)] = count
                count += 1
    return indices


def _first_index(operation: Any) -> int:
    """The number of a first call: among outputs, Keras counts those of functional models from 1."""
    return getattr(operation, "_first_call", 0)


def _serialize_operation(operation: Any, calls: list[Any], indices: dict[int, int]) -> Config:
    """A layer, or an op as Keras's class for it, with its calls."""
    nodes = [(node.args, node.kwargs) for node in calls]
    if not isinstance(operation, OpCall):
        entry = serialize_keras_object(operation)
    else:
        entry, nodes = _serialize_op(operation, nodes)
    entry["inbound_nodes"] = [_serialize_call(args, kwargs, indices) for args, kwargs in nodes]
    return entry


def _serialize_op(operation: OpCall, calls: list[Any]) -> tuple[Config, list[Any]]:
    """An op, and its calls without the arguments that stand in its config."""
    known = keras_class(operation.function)
    if known is not None:
        found = [split(operation.function, *arguments) for arguments in calls]
        options = found[0][0] if found else {}
        if not any_symbolic(options) and all(other[0] == options for other in found):
            entry: Config = {
                "module": known.module,
                "class_name": known.name,
                "config": {"name": operation.name, **serialize_keras_object(options)},
                "registered_name": known.name,
            }
            return entry, [(args, kwargs) for _, args, kwargs in found]
    entry = {  # one that Keras does not have, or that it does not take such arguments for
        "module": "etude.ops",
        "class_name": operation.function.name,
        "config": {"name": operation.name},
        "registered_name": None,
    }
    return entry, calls


def _serialize_call(args: Any, kwargs: Any, indices: dict[int, int]) -> Config:
    def symbol(value: Any) -> Any:
        if not isinstance(value, KerasTensor):
            return value
        operation, _, tensor_index = history_of(value)
        # Among the arguments of calls Keras counts all calls from 0, see `_first_index`.
        number = indices[id(value.producer[0])] - _first_index(operation)  # type: ignore[index]
        history = [operation.name, number, tensor_index]
        content = {"shape": value.shape, "dtype": value.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": content}

    return {
        "args": serialize_keras_object(tree.map_structure(symbol, args)),
        "kwargs": serialize_keras_object(tree.map_structure(symbol, kwargs)),
    }


def from_config(
    make: Callable[..., Any], config: Config, custom_objects: dict[str, Any] | None = None
) -> Any:
    """Makes the layers, repeats their calls, and hands inputs and outputs to ``make``.

    Raises:
        SerializationError: a call depends on a tensor that no other call makes.
    """
    reader = _Reader(config["layers"], custom_objects)
    reader.call_all()
    rest = {key: value for key, value in config.items() if key not in _OWN_KEYS}
    return make(
        inputs=reader.tensors(config["input_layers"]),
        outputs=reader.tensors(config["output_layers"]),
        name=config.get("name"),
        trainable=config.get("trainable"),
        **rest,
    )


_OWN_KEYS = ("layers", "input_layers", "output_layers", "name", "trainable")


def _op_call(entry: Config, name: str) -> OpCall:
    """An op of a model, with the name that it has in there.

    Raises:
        SerializationError: there is no such op.
    """
    wanted = str(entry["class_name"])
    if str(entry["module"]).startswith("etude.ops"):
        function = getattr(ops, wanted, None) or getattr(image, wanted, None)
    else:
        function = function_of(wanted)
    if not isinstance(function, (Primitive, Composite)):
        raise SerializationError(f"Unknown op in a model's config: {wanted!r}.")
    return OpCall(function, name)


def _as_tuples(value: Any) -> Any:
    """Lists as tuples, inside of each other too: JSON knows no tuples."""
    return tuple(map(_as_tuples, value)) if isinstance(value, (list, tuple)) else value


def _as_call(call: Any) -> Config:
    """A call as Keras 3 writes it; Keras 2 wrote a list of ``[layer, call, output, kwargs]``."""
    if not isinstance(call, (list, tuple)):
        return call
    kwargs = next((part[3] for part in call if len(part) > 3), {})
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": list(part[:3])}}
        for part in call
    ]
    return {"args": [tensors[0] if len(tensors) == 1 else tensors], "kwargs": kwargs}


class _Reader:
    """Layers made so far, and the outputs of their calls."""

    def __init__(self, entries: list[Config], custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects
        self.layers: dict[str, Any] = {}
        self.options: dict[str, Config] = {}  # of ops: what Keras gives to their constructors
        self.calls: dict[str, list[list[KerasTensor]]] = {}
        self.waiting: list[tuple[str, Config]] = []
        for entry in entries:
            name = entry.get("name") or entry["config"]["name"]
            layer = self.layers[name] = self._make(entry, name)
            existing = getattr(layer, "_inbound_nodes", [])
            first = _first_index(layer)
            self.calls[name] = [[]] * first + [node.outputs for node in existing]
            self.waiting += [(name, _as_call(call)) for call in entry["inbound_nodes"]]
        self.first = self._first_numbers()
        for _, call in self.waiting:
            for source, _, _ in _histories(call):
                if source not in self.layers:
                    raise SerializationError(
                        "Invalid Functional model configuration: a layer takes the output of one "
                        f"that is not there. Missing node: {source}. There are: "
                        f"{', '.join(self.layers)}."
                    )

    def _first_numbers(self) -> dict[str, int]:
        """Where the calls of layers begin in the lists of `calls`, as arguments count them.

        Keras 3 counts them from 0. Keras 2, and etude before, counted those of functional models
        from 1, which shows in numbers that are too large.
        """
        first = {name: _first_index(layer) for name, layer in self.layers.items()}
        counts = dict.fromkeys(self.layers, 0)
        for name, _ in self.waiting:
            counts[name] += 1
        for _, call in self.waiting:
            for name, number, _ in _histories(call):
                if first.get(name) and number >= counts[name]:
                    first[name] = 0
        return first

    def _make(self, entry: Config, name: str) -> Any:
        module = str(entry.get("module"))
        config = entry.get("config", {})
        if module.startswith(("etude.ops", "keras.src.ops", "keras.ops")):
            if not module.startswith("etude"):
                given = {k: v for k, v in config.items() if k != "name"}
                read = deserialize_keras_object(given, self.custom_objects)
                self.options[name] = {key: _as_tuples(value) for key, value in read.items()}
            return _op_call(entry, name)
        if "batch_input_shape" in config and entry.get("class_name") == "InputLayer":  # Keras 2
            shape = config["batch_input_shape"]
            rest = {k: v for k, v in config.items() if k != "batch_input_shape"}
            entry = {**entry, "config": {**rest, "batch_shape": shape}}
        return deserialize_keras_object(entry, self.custom_objects)

    def call_all(self) -> None:
        """Repeats the calls, each as soon as its inputs are there."""
        while self.waiting:
            later: list[tuple[str, Config]] = []
            blocked: set[str] = set()
            for name, call in self.waiting:
                if name in blocked or not self._ready(call):
                    blocked.add(name)  # the calls of a layer keep their order
                    later.append((name, call))
                else:
                    args, kwargs = self._read(call["args"]), self._read(call["kwargs"])
                    outputs = self._call(name, args, kwargs)
                    self.calls[name].append(_symbols(outputs))
            if len(later) == len(self.waiting):
                raise SerializationError(
                    "Invalid Functional model configuration: loops or disconnected nodes. The "
                    f"calls of these layers cannot be made: {sorted(blocked)}"
                )
            self.waiting = later

    def _call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        layer = self.layers[name]
        if not isinstance(layer, OpCall):
            return layer(*args, **kwargs)
        if name in self.options:
            positional, kwargs = arranged(layer.function, self.options[name], args, kwargs)
            args = list(positional)
        if layer.function.name in ("getitem", "get_item") and isinstance(args[1], list):
            args[1] = tuple(args[1])
        return layer(*args, **kwargs)

    def _ready(self, call: Config) -> bool:
        return all(
            len(self.calls[name]) > node + self.first[name] for name, node, _ in _histories(call)
        )

    def _read(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, number, tensor_index = value["config"]["keras_history"]
            return self._tensor(name, number + self.first.get(name, 0), tensor_index)
        if isinstance(value, dict) and "class_name" not in value:
            return {key: self._read(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._read(item) for item in value]
        return deserialize_keras_object(value, self.custom_objects)

    def _tensor(self, name: str, node_index: int, tensor_index: int) -> KerasTensor:
        if name not in self.calls:
            raise SerializationError(f"A model's config refers to an unknown layer: {name!r}.")
        return self.calls[name][node_index][tensor_index]

    def tensors(self, places: Any) -> Any:
        """The tensors at ``[layer, call, output]``, in any structure."""
        if isinstance(places, (list, tuple)) and len(places) == 3 and isinstance(places[0], str):
            return self._tensor(*places)
        if isinstance(places, dict):
            return {key: self.tensors(value) for key, value in places.items()}
        return type(places)([self.tensors(value) for value in places])


def _symbols(outputs: Any) -> list[KerasTensor]:
    return [t for t in tree.flatten(outputs) if isinstance(t, KerasTensor)]


def _histories(value: Any) -> list[Any]:
    """All ``keras_history`` entries in a config."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [value["config"]["keras_history"]]
        return [found for item in value.values() for found in _histories(item)]
    if isinstance(value, (list, tuple)):
        return [found for item in value for found in _histories(item)]
    return []
