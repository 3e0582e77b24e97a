"""The table of translators: for each primitive a function that adds its operators to a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from etude.errors import ExportError
from etude.export.graph import Graph
from etude.export.program import Call

__all__ = ["TRANSLATORS", "translate", "translates"]

Translator = Callable[..., str | Sequence[str | None]]

TRANSLATORS: dict[str, Translator] = {}
"""By the name of the primitive. Takes the graph, the call, and the names of its inputs; returns the
names of its results, None for those that it does not give."""


def translates(*names: str) -> Callable[[Translator], Translator]:
    """Registers a translator of one or more primitives."""

    def register(function: Translator) -> Translator:
        TRANSLATORS.update(dict.fromkeys(names, function))
        return function

    return register


def translate(graph: Graph, call: Call) -> None:
    """Adds a call to a graph.

    Raises:
        ExportError: its primitive has no translator, or not for these options.
    """
    translator = TRANSLATORS.get(call.name)
    if translator is None:
        raise ExportError(
            f"ONNX has no form of {call.place}. Leave that layer out of the model that you "
            'export, and apply it before or after; or export with format="jax".'
        )
    found = translator(graph, call, *(graph.name(value) for value in call.inputs))
    names = [found] if isinstance(found, str) else found
    for value, name in zip(call.outputs, names, strict=False):
        if name is not None:
            graph.bind(value, name)


def refuse(call: Call, what: str) -> ExportError:
    """The error for options that have no form."""
    return ExportError(f"ONNX has no form of {call.place} with {what}.")
