"""Questions about the graph of symbolic calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etude import tree
from etude.autodiff import KerasTensor

if TYPE_CHECKING:
    from typing import Any

__all__ = ["get_source_inputs"]


def get_source_inputs(tensor: Any) -> list[KerasTensor]:
    """The symbolic tensors that no operation made, and from which a tensor is computed.

    Args:
        tensor: a symbolic tensor, or a structure of them.

    Returns:
        Inputs of a graph, in the order in which the calls use them; the tensor itself where it is
        one.

    >>> import etude
    >>> x, y = etude.Input((2,)), etude.Input((2,))
    >>> [t is x or t is y for t in get_source_inputs(etude.ops.exp(x + y))]
    [True, True]
    """
    found: dict[KerasTensor, None] = {}
    seen: set[int] = set()
    waiting = [t for t in reversed(tree.flatten(tensor)) if isinstance(t, KerasTensor)]
    while waiting:
        t = waiting.pop()
        inputs = t.producer[0].inputs if t.producer is not None else []
        if not inputs:
            found.setdefault(t)
        elif id(t.producer[0]) not in seen:  # type: ignore[index]
            seen.add(id(t.producer[0]))  # type: ignore[index]
            waiting += reversed(inputs)
    return list(found)
