"""Masks travel on tensors: an attribute that says which steps of a sequence are real.

A mask is a boolean tensor, true where the value counts. Layers that know about masks read and set
it; see `Layer.compute_mask`.
"""

from __future__ import annotations

from typing import Any

__all__ = ["get_mask", "set_mask"]


def get_mask(tensor: Any) -> Any:
    """The mask of a tensor; ``None`` where it has none."""
    return getattr(tensor, "_keras_mask", None)


def set_mask(tensor: Any, mask: Any) -> None:
    """Attaches a mask to a tensor."""
    tensor._keras_mask = mask
