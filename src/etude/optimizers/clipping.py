"""Gradients whose norm is bounded.

Reference:
    Pascanu et al., On the difficulty of training recurrent neural networks, 2013.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import ops
from etude.autodiff import Tensor

__all__ = ["clip_by_global_norm", "clip_by_norm", "global_norm"]


def clip_by_norm(gradient: Any, max_norm: float) -> Tensor:
    """g · c / max(‖g‖, c): the gradient, shortened to norm c where it is longer.

    >>> clip_by_norm([3.0, 4.0], 1.0).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    gradient = ops.convert_to_tensor(gradient)
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return gradient * max_norm / ops.maximum(norm, max_norm)


def clip_by_global_norm(gradients: Sequence[Any], max_norm: float) -> list[Any]:
    """All gradients, multiplied by c / max(‖all of them together‖, c).

    An infinite or undefined norm makes all of them NaN, so that it does not go unseen.

    >>> [g.numpy().tolist() for g in clip_by_global_norm([[3.0], [4.0]], 2.5)]
    [[1.5], [2.0]]
    """
    gradients = [ops.convert_to_tensor(gradient) for gradient in gradients]
    norm = global_norm(gradients)
    scale = max_norm * ops.minimum(1.0 / norm, 1.0 / max_norm)
    scale = scale + (norm - norm)  # inf - inf and NaN - NaN are NaN
    return [gradient * scale for gradient in gradients]


def global_norm(gradients: Sequence[Any]) -> Tensor:
    """The norm of all gradients as one vector.

    >>> float(global_norm([[3.0], [4.0]]))
    5.0
    """
    return ops.sqrt(ops.sum(ops.stack([ops.sum(ops.square(g)) for g in gradients])))
