"""`print_summary`: a model as a table of layers, shapes of outputs, and weights."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from etude import tree
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError
from etude.models.graph import OpCall, operation_of

__all__ = ["count_params", "layer_bounds", "print_summary"]

UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


def count_params(weights: Any) -> int:
    """How many numbers some variables hold; each variable counts once."""
    return sum(math.prod(w.shape) for w in {id(w): w for w in weights}.values())


def memory_size(weights: Any) -> float:
    """How many bytes some variables take."""
    unique = {id(w): w for w in weights}.values()
    return sum(math.prod(w.shape) * _bits(w.dtype) for w in unique) / 8


def _bits(dtype: Any) -> int:
    name = standardize_dtype(dtype)
    digits = re.search(r"\d+$", name)
    return int(digits.group()) if digits else 8


def readable_memory_size(size: float) -> str:
    """Bytes in the largest unit that keeps them above one.

    >>> readable_memory_size(2048)
    '2.00 KB'
    """
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} {UNITS[-1]}"


def _number(value: Any) -> str:
    return f"[color({45 if value is None else 34})]{value}[/]"


def _bold(text: Any, color: int | None = None) -> str:
    return f"[bold][color({color})]{text}[/][/]" if color else f"[bold]{text}[/]"


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Prints a table of the layers of a model; see `etude.Model.summary`.

    Raises:
        ArgumentError: the table is too narrow, or ``layer_range`` names no layers.
    """
    view = _View(model, expand_nested, show_trainable)
    table = view.table(line_length, positions, layer_range)
    capture = print_fn is not None
    console = Console(
        highlight=False,
        force_terminal=False if capture else None,
        color_system=None if capture else "auto",
        width=table.width if capture else None,
    )
    if capture:
        console.begin_capture()
    console.print(_bold(f'Model: "{escape(model.name)}"'))
    console.print(table)
    for line in _totals(model):
        console.print(line)
    if print_fn is not None:
        print_fn(console.end_capture())


def _totals(model: Any) -> list[str]:
    optimizer = getattr(model, "optimizer", None)
    groups = {
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    if getattr(model, "compiled", False) and optimizer is not None and optimizer.built:
        groups["Optimizer params"] = optimizer.variables
    total = [w for weights in groups.values() for w in weights]
    lines = []
    for title, weights in {"Total params": total, **groups}.items():
        count = _number(f"{count_params(weights):,}")
        lines.append(
            f"{_bold(f' {title}: ')}{count} ({readable_memory_size(memory_size(weights))})"
        )
    return lines


class _View:
    """What of a model is shown, and how a layer becomes a row."""

    def __init__(self, model: Any, expand_nested: bool, show_trainable: bool) -> None:
        self.expand_nested = expand_nested
        self.show_trainable = show_trainable
        graph = model.__dict__.get("_graph")  # Sequential models have one, but are shown as a list
        self.is_chain = graph is None or _is_chain(graph)
        self.node_ids = set() if graph is None else graph.node_ids
        self.layers = model.layers if graph is None else graph.operations

    def table(
        self, line_length: int | None, positions: list[float] | None, layer_range: Any
    ) -> Table:
        header = ["Layer (type)", "Output Shape", "Param #"]
        alignment: list[Any] = ["left", "left", "right"]
        width = 88 if self.is_chain else 108
        positions = positions or ([0.45, 0.80, 1.0] if self.is_chain else [0.3, 0.56, 0.74, 1.0])
        if not self.is_chain:
            header.append("Connected to")
            alignment.append("left")
        if self.show_trainable:
            width += 12
            positions = [p * 0.90 for p in positions] + [1.0]
            header.append("Trainable")
            alignment.append("center")
        line_length = line_length or min(width, shutil.get_terminal_size().columns - 4)
        widths = _column_widths(positions, line_length)
        columns = [
            Column(title, justify=side, width=size)
            for title, side, size in zip(header, alignment, widths, strict=False)
        ]
        table = Table(*columns, width=line_length, show_lines=True)
        start, end = layer_bounds(self.layers, layer_range)
        for layer in self.layers[start:end]:
            for row in self.rows(layer):
                table.add_row(*row)
        return table

    def rows(self, layer: Any, level: int = 0) -> list[list[str]]:
        """The row of a layer, and those of the layers inside of it."""
        prefix = "   " * level + "└ " if level else ""
        rows = [self.fields(layer, prefix)]
        if self.expand_nested:
            for inner in getattr(layer, "layers", None) or []:
                rows.extend(self.rows(inner, level + 1))
        return rows

    def fields(self, layer: Any, prefix: str) -> list[str]:
        kind = _kind(layer)
        built = getattr(layer, "built", True)  # an `Operation` has nothing to build
        count = f"{layer.count_params():,}" if built and hasattr(layer, "count_params") else "0"
        fields = [
            f"{escape(prefix + layer.name)} ([color(33)]{escape(kind)}[/])",
            _output_shape(layer),
            _number(count) + ("" if built else " (unbuilt)"),
        ]
        if not self.is_chain:
            fields.append(self.connections(layer))
        if self.show_trainable:
            if getattr(layer, "weights", None):
                fields.append(_bold("Y", 34) if layer.trainable else _bold("N", 9))
            else:
                fields.append(_bold("-"))
        return fields

    def connections(self, layer: Any) -> str:
        """The layers that the inputs come from: ``dense[0][0]``: layer, call, output."""
        found = []
        for node in layer._inbound_nodes:
            if self.node_ids and id(node) not in self.node_ids:
                continue
            for tensor in node.inputs:
                source, tensor_index = tensor.producer
                owner = operation_of(source)
                calls = owner._inbound_nodes
                index = next((i for i, n in enumerate(calls) if n is source), 0)
                found.append(f"{escape(owner.name)}[{_number(index)}][{_number(tensor_index)}]")
        return ", ".join(found) or "-"


def _is_chain(graph: Any) -> bool:
    """Whether every call has one input, every depth one call, and no layer is called twice."""
    nodes = [node for nodes in graph.nodes_by_depth.values() for node in nodes]
    if any(len(nodes) > 1 for nodes in graph.nodes_by_depth.values()):
        return False
    if any(len(node.inputs) > 1 for node in nodes):
        return False
    return len({id(node.operation) for node in nodes}) == len(nodes)


def _column_widths(positions: list[float], line_length: int) -> list[int]:
    widths, current = [], 0
    for position in positions:
        width = int(position * line_length) - current
        if width < 4:
            raise ArgumentError(
                "Insufficient console width to print summary: "
                f"line_length={line_length}, positions={positions}."
            )
        widths.append(width)
        current += width
    return widths


def _output_shape(layer: Any) -> str:
    nodes = layer._inbound_nodes
    shapes: Any = None
    if nodes:
        shapes = [tensor.shape for tensor in nodes[-1].outputs]
    elif getattr(layer, "_build_shapes", None):
        try:
            shapes = layer.compute_output_shape(**layer._build_shapes)
        except Exception:  # the layer cannot tell: its row is shown all the same
            return "?"
        shapes = [shapes] if tree.is_shape(shapes) else tree.flatten(
            tree.map_shape_structure(_Shown, shapes)
        )  # fmt: skip
    if not shapes:
        return "?"
    texts = [s if isinstance(s, str) else f"({', '.join(_number(d) for d in s)})" for s in shapes]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


class _Shown(str):
    """A shape as text: a leaf, where a tuple would be a structure."""

    __slots__ = ()

    def __new__(cls, shape: Any) -> _Shown:
        return super().__new__(cls, f"({', '.join(_number(d) for d in shape)})")


def layer_bounds(layers: list[Any], layer_range: Any) -> tuple[int, int]:
    """The numbers of the first layer shown, and of the one after the last."""
    if layer_range is None:
        return 0, len(layers)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ArgumentError(
            "`layer_range` holds two names: of the first layer to show and the last; got "
            f"{layer_range!r}."
        )
    first, last = (
        [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        raise ArgumentError(
            f"The patterns in layer_range={layer_range} do not match any layer. The model has "
            f"{[layer.name for layer in layers]}."
        )
    if min(first) > max(last):
        return min(last), max(first) + 1
    return min(first), max(last) + 1


def _kind(layer: Any) -> str:
    """The class of a layer, or the name of an op."""
    return layer.function.name if isinstance(layer, OpCall) else type(layer).__name__
