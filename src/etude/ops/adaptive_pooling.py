"""Pooling to a given size: window i of an axis goes from ⌊i S / O⌋ to ⌈(i + 1) S / O⌉.

Windows are boxes, so each axis is pooled by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude.autodiff import Tensor, as_tensor, composite
from etude.config import standardize_data_format
from etude.dtypes import is_float_dtype
from etude.errors import ShapeError
from etude.ops.core import cast
from etude.ops.indexing import take
from etude.ops.products import matmul
from etude.ops.reduction import max
from etude.ops.shape import moveaxis

__all__ = ["adaptive_average_pool", "adaptive_max_pool"]


def _bounds(size: int, count: int) -> list[tuple[int, int]]:
    """Where each window begins and ends."""
    return [(i * size // count, -(-(i + 1) * size // count)) for i in range(count)]


def _pooled(
    name: str, x: Tensor, output_size: Any, data_format: str | None, pool: Callable[..., Tensor]
) -> Tensor:
    """Each spatial axis pooled by ``pool(x, windows)``, as the last one."""
    first = standardize_data_format(data_format) == "channels_first"
    rank = x.ndim - 2
    if rank not in (1, 2, 3):
        raise ShapeError(f"{name} supports only 1D/2D/3D inputs; got shape {x.shape}.")
    sizes: Any = output_size
    if not isinstance(output_size, (tuple, list)):
        sizes = (output_size,) * rank
    if len(sizes) != rank:
        raise ShapeError(f"{name}: {rank} sizes are expected; got output_size={output_size}.")
    for i, size in enumerate(sizes):
        axis = i + (2 if first else 1)
        if size is not None and size != x.shape[axis]:
            moved = pool(moveaxis(x, axis, -1), _bounds(x.shape[axis], int(size)))
            x = moveaxis(moved, -1, axis)
    return x


@composite
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The averages of so many windows that the output has a given size.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first; one to three dimensions.
        output_size: the size of the output, one number or one for each dimension; None keeps it.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, *output_size, C), or (N, C, *output_size) with channels_first.

    >>> adaptive_average_pool([[[1.0], [2.0], [3.0]]], 2).numpy().tolist()
    [[[1.5], [2.5]]]
    """
    x = as_tensor(inputs)
    x = x if is_float_dtype(x.dtype) else cast(x, "float32")
    return _pooled("adaptive_average_pool", x, output_size, data_format, _averages)


def _averages(x: Tensor, windows: list[tuple[int, int]]) -> Tensor:
    """(..., S) -> (..., O), as a product with the weights of each element in each window."""
    weights = [
        [1 / (end - start) if start <= i < end else 0.0 for start, end in windows]
        for i in range(x.shape[-1])
    ]
    return matmul(x, as_tensor(weights, x.dtype))


@composite
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The maxima of so many windows that the output has a given size. Ties share the gradient.

    Args:
        inputs: images (N, *S, C), or (N, C, *S) with channels_first; one to three dimensions.
        output_size: the size of the output, one number or one for each dimension; None keeps it.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Returns:
        (N, *output_size, C), or (N, C, *output_size) with channels_first.

    >>> adaptive_max_pool([[[1.0], [2.0], [3.0]]], 2).numpy().tolist()
    [[[2.0], [3.0]]]
    """
    return _pooled("adaptive_max_pool", as_tensor(inputs), output_size, data_format, _maxima)


def _maxima(x: Tensor, windows: list[tuple[int, int]]) -> Tensor:
    """(..., S) -> (..., O): windows of one length, filled up with their last element."""
    longest = [end - start for start, end in windows]
    width = sorted(longest)[-1]
    places = [
        [start + (i if start + i < end else end - 1 - start) for i in range(width)]
        for start, end in windows
    ]
    return max(take(x, as_tensor(places), axis=-1), -1)  # (..., O, W)
