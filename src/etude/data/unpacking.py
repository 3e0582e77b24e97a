"""``(x, y, sample_weight)``: what a batch holds, and how shorter tuples are read."""

from __future__ import annotations

from typing import Any

from etude import tree
from etude.errors import ArgumentError

__all__ = ["pack_x_y_sample_weight", "unpack_x_y_sample_weight"]


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights of a batch; ``None`` for what it lacks.

    Args:
        data: ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``. A list is one ``x``.

    Raises:
        ArgumentError: a tuple of another length.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ArgumentError(
            "A batch is one to three things in this order: x, y, sample_weight; got a tuple of "
            f"{len(data)} elements."
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The inverse of `unpack_x_y_sample_weight`.

    >>> pack_x_y_sample_weight(1), pack_x_y_sample_weight(1, 2)
    (1, (1, 2))
    """
    if y is None:
        return x if not tree.is_nested(x) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)
