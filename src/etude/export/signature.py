"""The inputs and outputs of a model: their names, sizes, dtypes, and how they are nested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.dtypes import standardize_dtype
from etude.errors import ArgumentError, ExportError, NotBuiltError
from etude.export.program import InputSpec

__all__ = ["input_specs", "output_names"]


def input_specs(model: Any, signature: Any) -> tuple[list[InputSpec], Any]:
    """What goes into a model.

    Args:
        model: the model.
        signature: what has a shape and a dtype in the place of each input, or None to take the
            model's own.

    Returns:
        The inputs, flat, and the structure with their numbers as leaves.

    Raises:
        NotBuiltError: the model does not know, and there is no signature.
        ArgumentError: a leaf of the signature has no shape.
        ExportError: an input is text.
    """
    graph = getattr(model, "_graph", None)
    if signature is None:
        if graph is None:
            raise NotBuiltError(
                f"Model '{model.name}' has no symbolic inputs that would tell what it takes. Give "
                "`input_signature`, e.g. `[keras.layers.InputSpec(shape=(None, 28, 28), "
                'dtype="float32")]`; None stands for any size.'
            )
        struct = graph.inputs_struct
    else:
        struct = _structure(signature, graph)
    leaves = tree.flatten(struct)
    own = tree.flatten(graph.inputs_struct) if graph is not None else []
    names = _names(struct, own if len(own) == len(leaves) else leaves)
    specs = [_spec(leaf, name) for leaf, name in zip(leaves, names, strict=True)]
    return specs, tree.pack_sequence_as(struct, list(range(len(leaves))))


def _structure(signature: Any, graph: Any) -> Any:
    """A signature as the model takes its inputs: Keras writes a list of one argument."""
    if graph is not None:
        flat = tree.flatten(signature)
        if len(flat) != len(graph.inputs):
            raise ArgumentError(
                f"`input_signature` describes {len(flat)} inputs; the model has "
                f"{len(graph.inputs)}."
            )
        return tree.pack_sequence_as(graph.inputs_struct, flat)
    if isinstance(signature, (list, tuple)) and len(signature) == 1:
        return signature[0]
    return signature


def _names(struct: Any, leaves: list[Any]) -> list[str]:
    if isinstance(struct, dict) and not any(tree.is_nested(v) for v in struct.values()):
        by_leaf = {id(leaf): key for key, leaf in struct.items()}
        found = [by_leaf[id(leaf)] for leaf in tree.flatten(struct)]
    else:
        found = [_own_name(leaf) or _made_by(leaf) for leaf in leaves]
    return _different([str(name) or f"input_{i}" for i, name in enumerate(found)])


def _own_name(leaf: Any) -> str:
    """The name that a user gave."""
    name = getattr(leaf, "name", None) or ""
    return "" if name.startswith("keras_tensor") else name


def _different(names: list[str]) -> list[str]:
    """Names that occur twice get numbers."""
    found: list[str] = []
    for name in names:
        number, own = 0, name
        while own in found:
            number += 1
            own = f"{name}_{number}"
        found.append(own)
    return found


def _spec(leaf: Any, name: str) -> InputSpec:
    shape = getattr(leaf, "shape", None)
    if shape is None:
        raise ArgumentError(
            "`input_signature` expects something with a shape and a dtype for each input, e.g. "
            f"`keras.layers.InputSpec(shape=(None, 8))`; got {leaf!r}."
        )
    dtype = standardize_dtype(getattr(leaf, "dtype", None) or "float32")
    if dtype == "string":
        raise ExportError(
            f"The input '{name}' is text, which an exported program cannot work on. Export the "
            "part of the model behind the layers that make numbers of it."
        )
    sizes = tuple(
        n if n is not None else "batch" if axis == 0 else f"{name}_size_{axis}"
        for axis, n in enumerate(shape)
    )
    return InputSpec(name, sizes, dtype)


def output_names(model: Any) -> Callable[[int], list[str]]:
    """The names of what comes out of a model, for so many outputs."""

    def names(count: int) -> list[str]:
        graph = getattr(model, "_graph", None)
        if graph is None:
            return [f"output_{i}" for i in range(count)]
        struct = graph.outputs_struct
        if isinstance(struct, dict) and len(struct) == count:
            by_leaf = {id(leaf): key for key, leaf in struct.items()}
            return _different([str(by_leaf[id(leaf)]) for leaf in tree.flatten(struct)])
        return _different([_made_by(leaf) or "output" for leaf in tree.flatten(struct)])

    return names


def _made_by(leaf: Any) -> str:
    """The name of the layer that a symbolic tensor comes from."""
    producer = getattr(leaf, "producer", None)
    return "" if producer is None else getattr(producer[0].operation, "name", "")
