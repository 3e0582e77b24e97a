"""Takes transposes out of a graph that cancel each other.

From the inputs to the outputs, a transposed array is first only noted: which array it is of, and
the order of its axes. An operator that works on elements alone is done on the array as it was, and
its result is noted as transposed; an operator that joins or reduces gets the axes renamed. Only
before any other operator the transpose is written, once. Two that cancel are never written at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude.export.graph import Graph, Node

__all__ = ["without_transposes"]

UNARY = frozenset(
    [
        "Abs",
        "Acos",
        "Acosh",
        "Asin",
        "Asinh",
        "Atan",
        "Atanh",
        "Cast",
        "Ceil",
        "Celu",
        "Clip",
        "Cos",
        "Cosh",
        "Elu",
        "Erf",
        "Exp",
        "Floor",
        "HardSigmoid",
        "Identity",
        "IsInf",
        "IsNaN",
        "LeakyRelu",
        "Log",
        "Neg",
        "Not",
        "Reciprocal",
        "Relu",
        "Round",
        "Selu",
        "Sigmoid",
        "Sign",
        "Sin",
        "Sinh",
        "Softplus",
        "Softsign",
        "Sqrt",
        "Tan",
        "Tanh",
    ]
)
MANY = frozenset(
    [
        "Add",
        "And",
        "Div",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "Max",
        "Min",
        "Mod",
        "Mul",
        "Or",
        "Pow",
        "Sub",
        "Where",
        "Xor",
    ]
)
Order = tuple[int, ...]


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: list[Node] = []
        self.noted: dict[str, tuple[str, Order]] = {}  # what is a transpose of what
        self.written: dict[tuple[str, Order], str] = {}

    def run(self) -> None:
        for node in self.graph.nodes:
            self.visit(node)
        for name, _, _ in self.graph.outputs:
            if name in self.noted:
                source, order = self.noted[name]
                self.nodes.append(Node("Transpose", [source], [name], {"perm": list(order)}))
        self.graph.nodes = self.nodes

    def visit(self, node: Node) -> None:
        if node.op == "Transpose":
            self.note(node.outputs[0], node.inputs[0], tuple(node.attributes["perm"]))
            return
        orders = {self.noted[x][1] for x in node.inputs if x in self.noted}
        handle = self.handler(node)
        if handle is None or len(orders) != 1 or not handle(node, next(iter(orders))):
            node.inputs = [self.plain(x) for x in node.inputs]
            self.nodes.append(node)

    def note(self, name: str, of: str, order: Order) -> None:
        """``name`` is ``of`` with its axes in another order."""
        source, before = self.noted.get(of, (of, tuple(range(len(order)))))
        self.noted[name] = source, tuple(before[a] for a in order)  # in the order 0, 1, ... too

    def plain(self, name: str) -> str:
        """A name that stands for the array itself, transposed where it has to be."""
        if name not in self.noted:
            return name
        source, order = self.noted[name]
        if order == tuple(range(len(order))):
            return source
        if (source, order) not in self.written:
            self.nodes.append(Node("Transpose", [source], [name], {"perm": list(order)}))
            self.written[source, order] = name
        return self.written[source, order]

    def handler(self, node: Node) -> Callable[[Node, Order], bool] | None:
        if node.op in UNARY or node.op in MANY:
            return self.elementwise
        if node.op == "Concat":
            return self.joined
        if node.op in ("Softmax", "LogSoftmax"):
            return self.along_axis
        if node.op.startswith("Reduce") and len(node.inputs) == 2:
            return self.reduced
        return self.padded if node.op == "Pad" else None

    def emit(self, node: Node, inputs: list[str], order: Order, **changed: Any) -> bool:
        """The operator on arrays as they were; its result is transposed."""
        (name,) = node.outputs
        is_plain = order == tuple(range(len(order)))
        own = name if is_plain else self.graph.fresh(name)
        self.nodes.append(Node(node.op, inputs, [own], {**node.attributes, **changed}))
        if not is_plain:
            self.noted[name] = own, order
        return True

    def elementwise(self, node: Node, order: Order) -> bool:
        inputs: list[str] = []
        for x in node.inputs:
            if x in self.noted:
                inputs.append(self.noted[x][0])
                continue
            array = self.graph.constants.get(x)
            if array is None or array.ndim > len(order):
                return False
            if array.ndim == 0 or array.size == 1:
                inputs.append(x if array.ndim == 0 else self.graph.constant(array.reshape(())))
                continue
            full = array.reshape((1,) * (len(order) - array.ndim) + array.shape)
            back = np.ascontiguousarray(full.transpose(np.argsort(order)))
            inputs.append(self.graph.constant(back))
        return self.emit(node, inputs, order)

    def joined(self, node: Node, order: Order) -> bool:
        if not all(x in self.noted for x in node.inputs):
            return False
        axis = order[node.attributes["axis"]]
        return self.emit(node, [self.noted[x][0] for x in node.inputs], order, axis=axis)

    def along_axis(self, node: Node, order: Order) -> bool:
        axis = order[node.attributes["axis"]]
        return self.emit(node, [self.noted[node.inputs[0]][0]], order, axis=axis)

    def reduced(self, node: Node, order: Order) -> bool:
        axes = self.graph.constants.get(node.inputs[1])
        if axes is None or node.inputs[0] not in self.noted:
            return False
        inner = [order[a] for a in axes]
        inputs = [self.noted[node.inputs[0]][0], self.graph.ints(sorted(inner))]
        if node.attributes.get("keepdims", 1):
            return self.emit(node, inputs, order)
        rest = [a for i, a in enumerate(order) if i not in axes.tolist()]
        ranks = sorted(rest)
        return self.emit(node, inputs, tuple(ranks.index(a) for a in rest))

    def padded(self, node: Node, order: Order) -> bool:
        pads = self.graph.constants.get(node.inputs[1])
        if pads is None or node.inputs[0] not in self.noted:
            return False
        n = len(order)
        inner = [0] * (2 * n)
        for i, a in enumerate(order):
            inner[a], inner[n + a] = int(pads[i]), int(pads[n + i])
        inputs = [self.noted[node.inputs[0]][0], self.graph.ints(inner), *node.inputs[2:]]
        return self.emit(node, inputs, order)


def without_transposes(graph: Graph) -> None:
    """Takes out of a graph the transposes that cancel each other."""
    _Pass(graph).run()
