"""A program as an ONNX file. Source: https://onnx.ai/onnx/operators and https://onnx.ai/onnx/intro."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from etude.errors import ExportError
from etude.export.graph import Graph, Node
from etude.export.program import Program
from etude.export.sizes import Size, Unruly
from etude.export.translators import translate
from etude.export.transposes import without_transposes
from etude.saving.files import write_atomically

__all__ = ["OPSET", "to_onnx", "write_onnx"]

OPSET = 18
"""The version of the operators that the translators write."""
NEWEST_OPSET = 21
IR_VERSION = 8
"""That of the file format: the oldest with these operators, so that older runtimes read it."""
LARGEST = 2**31 - 2**20
"""Bytes that a file in the form of one message can have."""


def write_onnx(program: Program, path: Path, opset_version: int | None) -> None:
    """Writes a program as a file; it is checked before, and there as a whole or not at all.

    Raises:
        ExportError: an operation has no form in ONNX, or the file would be too large.
    """
    content = to_onnx(program, opset_version).SerializeToString()
    write_atomically(path, lambda part: part.write_bytes(content))


def to_onnx(program: Program, opset_version: int | None = None) -> Any:
    """A program as a ``ModelProto`` that `onnx.checker` accepts."""
    opset = OPSET if opset_version is None else opset_version
    if not OPSET <= opset <= NEWEST_OPSET:
        raise ExportError(
            f"`opset_version` can be {OPSET} to {NEWEST_OPSET}; got {opset_version}. Leave it out "
            f"for {OPSET}, which runtimes since 2023 read."
        )
    graph = built(program)
    size = sum(array.nbytes for array in graph.constants.values())
    if size > LARGEST:
        raise ExportError(
            f"Model '{program.name}' has {size / 2**30:.1f} GiB of weights; an ONNX file holds up "
            "to 2 GiB. Export it in lower precision, or with format='jax'."
        )
    model = helper.make_model(
        _graph_proto(graph, program.name),
        producer_name="etude",
        opset_imports=[helper.make_opsetid("", opset)],
    )
    model.ir_version = IR_VERSION if opset == OPSET else 10
    onnx.checker.check_model(model, full_check=True)
    return model


def built(program: Program) -> Graph:
    """A program as a graph of operators."""
    where = {
        size: (spec.name, axis)
        for spec in reversed(program.specs)
        for axis, size in enumerate(spec.shape)
        if isinstance(size, str)
    }
    graph = Graph(where, translate)
    for value, spec in zip(program.inputs, program.specs, strict=True):
        name = graph.fresh(spec.name)
        graph.bind(value, name)
        graph.inputs.append((name, spec.dtype, spec.shape))
    for call in program.calls:
        if any(value.dtype == "bfloat16" for value in call.outputs):
            raise ExportError(
                f"Runtimes of ONNX have few operators for bfloat16, the dtype of {call.place}. "
                'Export the model in float32 or float16: make it with `dtype="float16"`, and copy '
                "the weights by `set_weights`."
            )
        translate(graph, call)
    for wanted, value in program.outputs.items():
        name = graph.fresh(wanted)
        graph.nodes.append(Node("Identity", [graph.name(value)], [name]))
        shape = tuple(n if isinstance(n, int) else _open_size(n) for n in value.shape)
        graph.outputs.append((name, value.dtype, shape))
    without_transposes(graph)
    _drop_unused(graph)
    return graph


def _open_size(size: Size | Unruly) -> str | None:
    return size.name if isinstance(size, Size) else None


def _drop_unused(graph: Graph) -> None:
    """Leaves out nodes and constants that lead to no output."""
    wanted = {name for name, _, _ in graph.outputs}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if wanted & set(node.outputs):
            kept.append(node)
            wanted |= set(node.inputs)
            for body in node.attributes.values():
                if isinstance(body, Graph):
                    wanted |= {name for inner in body.nodes for name in inner.inputs}
    graph.nodes = kept[::-1]
    graph.constants = {n: array for n, array in graph.constants.items() if n in wanted}
    _rename(graph)


def _rename(graph: Graph) -> None:
    """Weights whose axes were turned take the names of those that they replace."""
    new: dict[str, str] = {}
    for name in graph.constants:
        base = graph.bases.get(name, name)
        if base not in graph.constants and base not in new.values():
            new[name] = base
    graph.constants = {new.get(name, name): array for name, array in graph.constants.items()}
    for node in graph.nodes:
        node.inputs = [new.get(name, name) for name in node.inputs]
        for body in node.attributes.values():
            if isinstance(body, Graph):
                for inner in body.nodes:
                    inner.inputs = [new.get(name, name) for name in inner.inputs]


# ---- protobuf ----------------------------------------------------------------------------------


def _graph_proto(graph: Graph, name: str) -> Any:
    return helper.make_graph(
        [_node_proto(node) for node in graph.nodes],
        name,
        [_info(*one) for one in graph.inputs],
        [_info(*one) for one in graph.outputs],
        [numpy_helper.from_array(_plain(a), n) for n, a in graph.constants.items()],
    )


def _plain(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(array).reshape(array.shape)  # the former makes (1,) of ()


def _node_proto(node: Node) -> Any:
    attributes = {key: _attribute(key, value) for key, value in node.attributes.items()}
    return helper.make_node(node.op, node.inputs, node.outputs, name=node.outputs[0], **attributes)


def _attribute(key: str, value: Any) -> Any:
    if key == "to":
        return _dtype(value)
    return _graph_proto(value, key) if isinstance(value, Graph) else value


def _info(name: str, dtype: str, shape: tuple[Any, ...]) -> Any:
    return helper.make_tensor_value_info(name, _dtype(dtype), list(shape))


def _dtype(name: str) -> int:
    if name == "bfloat16":
        return onnx.TensorProto.BFLOAT16
    return helper.np_dtype_to_tensor_dtype(np.dtype(name))
