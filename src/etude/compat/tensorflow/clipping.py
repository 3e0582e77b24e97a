"""Tensors kept within bounds, or scaled to a norm, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.compat.adoption import adopt

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]

clip_by_value = adopt("ops.clip", "t clip_value_min clip_value_max")


def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Any:
    """The tensor scaled down so that its Euclidean norm is at most ``clip_norm``.

    >>> [f"{v:.1f}" for v in clip_by_norm([3.0, 4.0], 1.0)]
    ['0.6', '0.8']
    """
    norm = ops.sqrt(ops.sum(ops.square(t), axis=axes, keepdims=True))
    return ops.multiply(t, ops.divide(clip_norm, ops.maximum(norm, clip_norm)))


def global_norm(t_list: Sequence[Any], name: str | None = None) -> Any:
    """The Euclidean norm of all tensors together; None among them counts as nothing.

    >>> float(global_norm([[3.0], [4.0], None]))
    5.0
    """
    squares = [ops.sum(ops.square(t)) for t in t_list if t is not None]
    return ops.sqrt(ops.sum(ops.stack(squares)))


def clip_by_global_norm(
    t_list: Sequence[Any], clip_norm: Any, use_norm: Any = None, name: str | None = None
) -> tuple[list[Any], Any]:
    """Tensors scaled down together so that their joint norm is at most ``clip_norm``; the norm.

    >>> clipped, norm = clip_by_global_norm([[3.0], [4.0]], 1.0)
    >>> [f"{float(t[0]):.1f}" for t in clipped], float(norm)
    (['0.6', '0.8'], 5.0)
    """
    norm = global_norm(t_list) if use_norm is None else use_norm
    scale = ops.divide(clip_norm, ops.maximum(norm, clip_norm))
    return [None if t is None else ops.multiply(t, scale) for t in t_list], norm
