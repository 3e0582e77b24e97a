"""Cuts a graph in two: the layers that work on the host, and the rest, which can be compiled.

The steps in front of the cut are those that run on the host by their nature, and all that these
depend on. A model inside the model that begins with such layers is cut as well, so that its weights
are still trained.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import tree
from etude.autodiff import KerasTensor, Tensor, as_tensor
from etude.errors import ShapeError
from etude.layers.base.behind_host import is_prepared, key_of
from etude.layers.base.call_signature import is_text_array
from etude.layers.base.host import as_text

__all__ = ["HostSplit", "split_of"]


def split_of(model: Any) -> HostSplit | None:
    """Where a functional or sequential model is cut; None where nothing in it needs the host."""
    graph = getattr(model, "_graph", None)
    if graph is None:
        return None
    if not hasattr(graph, "host_split"):
        split = HostSplit(graph)
        graph.host_split = split if split.is_needed else None
    return graph.host_split


class HostSplit:
    """A graph in two parts.

    Args:
        graph: the graph of a functional model.

    Attributes:
        is_needed: whether anything in the graph needs the host.
    """

    def __init__(self, graph: Any) -> None:
        self.graph = graph
        self.on_host = _steps_on_host(graph)
        ready = set(graph.input_slots)
        for step in self.on_host:
            ready.update(step.outputs)
        self.inner = [  # calls of models that are cut themselves
            place
            for place, step in enumerate(graph.steps)
            if step not in self.on_host
            and split_of(step.operation) is not None
            and ready.issuperset(step.input_slots)
        ]
        cut = [*self.on_host, *(graph.steps[place] for place in self.inner)]
        used = [step for step in graph.steps if step not in cut]
        wanted = {slot for step in used for slot in step.input_slots}
        wanted.update(graph.output_slots)
        self.handed_over = sorted(ready & wanted)
        self.is_needed = bool(self.on_host or self.inner)

    def prepare(self, inputs: list[Any]) -> dict[str, Any]:
        """Runs what is in front of the cut.

        Args:
            inputs: arrays or text, one for each input of the graph.

        Returns:
            What the rest needs, as arrays or tensors by their places.
        """
        graph = self.graph
        values: list[Any] = [None] * graph.size
        known = zip(graph.input_slots, inputs, graph.inputs, strict=True)
        for slot, value, symbol in known:
            values[slot] = _as_input(value, symbol)
        for step in self.on_host:
            step.run(values, None)
        found: dict[str, Any] = {}
        for slot in self.handed_over:
            found[key_of(f"slot {slot}")] = values[slot]
        for place in self.inner:
            step = graph.steps[place]
            args, _ = step.arguments(values)
            found[key_of(f"step {place}")] = step.operation.behind_host(*args)
        return found

    def run(self, prepared: dict[str, Any], training: Any = None) -> Any:
        """Runs what is behind the cut, on what `prepare` returned."""
        graph = self.graph
        values: list[Any] = [None] * graph.size
        for slot in self.handed_over:
            value = prepared[key_of(f"slot {slot}")]
            values[slot] = value if is_text_array(value) else as_tensor(value)
        for place, step in enumerate(graph.steps):
            if place in self.inner:
                result = step.operation(prepared[key_of(f"step {place}")])
                step.store(values, result)
            elif step not in self.on_host:
                step.run(values, training)
        found = [values[slot] for slot in graph.output_slots]
        return tree.pack_sequence_as(graph.outputs_struct, found)


def _steps_on_host(graph: Any) -> list[Any]:
    """The steps that need the host, and those that they depend on, in order."""
    found: list[Any] = []
    needed: set[int] = set()
    for step in reversed(graph.steps):
        if getattr(step.operation, "runs_on_host", False) or needed & set(step.outputs):
            needed.update(step.input_slots)
            found.append(step)
    return found[::-1]


def _as_input(value: Any, symbol: KerasTensor) -> Any:
    """An input with the dtype and the rank that the graph expects."""
    if value is None or is_prepared(value):
        return value
    if isinstance(value, Tensor) and not value.is_known():
        return value
    array = np.asarray(value)
    array = as_text(array) if symbol.dtype == "string" else array.astype(symbol.dtype)
    rank, wanted = array.ndim, len(symbol.shape)
    if rank == wanted + 1 and array.shape[-1] == 1:
        array = array[..., 0]
    elif rank == wanted - 1:
        array = array[..., None]
    elif rank != wanted:
        raise ShapeError(
            f"Input '{symbol.name}' takes the shape {symbol.shape}; got the incompatible shape "
            f"{array.shape}. None stands for any size."
        )
    return array if array.dtype.kind in "OUS" else as_tensor(array)
