"""Borders of images, cut off or added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from etude.autodiff import KerasTensor, Tensor, as_tensor, composite, symbolic
from etude.errors import ArgumentError
from etude.ops.image.shapes import check_rank, spatial_axes
from etude.ops.repetition import pad

__all__ = ["crop_images", "pad_images"]


class _Side:
    """Names of the border before, the border after, and the new size, along one axis."""

    def __init__(self, before: str, after: str, target: str, size: str) -> None:
        self.before, self.after, self.target, self.size = before, after, target, size


def _sides(border: str) -> tuple[_Side, _Side]:
    return (
        _Side(f"top_{border}", f"bottom_{border}", "target_height", "height"),
        _Side(f"left_{border}", f"right_{border}", "target_width", "width"),
    )


def _solved(
    side: _Side, given: Sequence[int | None], size: int | None, sign: int
) -> tuple[Any, Any, Any]:
    """Border before, border after and new size, of which two are given.

    Args:
        side: their names, for the messages.
        given: the three; one of them is None.
        size: of the images, None where it is not known yet.
        sign: what a border does to the size: -1 or 1.

    Raises:
        ArgumentError: not two are given, or one is negative or comes out so.
    """
    names = side.before, side.after, side.target
    shown = ", ".join(f"{n}={v}" for n, v in zip(names, given, strict=True))
    if list(given).count(None) != 1:
        raise ArgumentError(f"Must specify exactly two of {', '.join(names)}. Received: {shown}")
    before, after, target = given
    if size is not None:
        borders = 0 if target is None else sign * (target - size)
        if target is None:
            target = size + sign * ((before or 0) + (after or 0))
        elif before is None:
            before = borders - (after or 0)
        else:
            after = borders - before
    checked = [(side.before, before), (side.target, given[2])]
    checked += [(side.after, after), (side.target, target)]
    for name, value in checked:
        if value is not None and value < 0:
            raise ArgumentError(
                f"{name} must be >= 0. Received: {name}={value}, from {shown} for images of "
                f"{side.size} {size}."
            )
    return before, after, target


def _borders(
    images: Any, rows: Sequence[Any], columns: Sequence[Any], data_format: Any, sign: int
) -> Iterator[tuple[int, _Side, tuple[Any, Any, Any]]]:
    """For height and width: the axis, and what `_solved` says of it."""
    shape = tuple(images.shape)
    check_rank(shape)
    sides = _sides("cropping" if sign < 0 else "padding")
    for axis, side, given in zip(spatial_axes(data_format), sides, (rows, columns), strict=True):
        yield axis % len(shape), side, _solved(side, given, shape[axis], sign)


def _symbolic_result(
    operation: Any, images: KerasTensor, sizes: dict[int, Any], options: dict[str, Any]
) -> KerasTensor:
    """The node of a call on images whose size is not known yet."""
    shape = [sizes.get(axis, n) for axis, n in enumerate(images.shape)]
    output = KerasTensor(shape, images.dtype)
    symbolic.Node(operation, (images,), options, output)
    return output


def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images without some of their borders.

    Of top, bottom and height two are given, and of left, right and width.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        top_cropping: rows to cut off at the top.
        left_cropping: columns to cut off at the left.
        bottom_cropping: rows to cut off at the bottom.
        right_cropping: columns to cut off at the right.
        target_height: rows to keep.
        target_width: columns to keep.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Raises:
        ArgumentError: not two of three are given, or a number is negative or comes out so.
        ShapeError: no images.

    >>> crop_images([[[1.0], [2.0], [3.0]]], 0, 1, 0, 0).numpy()[0, :, 0].tolist()
    [2.0, 3.0]
    """
    options: dict[str, Any] = {
        "rows": (top_cropping, bottom_cropping, target_height),
        "columns": (left_cropping, right_cropping, target_width),
        "data_format": data_format,
    }
    if not isinstance(images, KerasTensor):
        return _crop_images(as_tensor(images), **options)
    sizes: dict[int, int | None] = {}
    for axis, side, (_, _, target) in _borders(images, sign=-1, **options):
        if target is None:
            raise ArgumentError(
                f"When the {side.size} of the images is unknown, `{side.target}` must be "
                f"specified. Received images.shape={images.shape}."
            )
        sizes[axis] = target
    return _symbolic_result(_crop_images, images, sizes, options)


@composite
def _crop_images(images: Tensor, **options: Any) -> Tensor:
    key = [slice(None)] * images.ndim
    for axis, _, (before, _, target) in _borders(images, sign=-1, **options):
        key[axis] = slice(before, before + target)
    return images[tuple(key)]


def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Images with borders of zeros.

    Of top, bottom and height two are given, and of left, right and width.

    Args:
        images: (N, H, W, C) or (H, W, C), or with the channels first.
        top_padding: rows to add at the top.
        left_padding: columns to add at the left.
        bottom_padding: rows to add at the bottom.
        right_padding: columns to add at the right.
        target_height: rows of the result.
        target_width: columns of the result.
        data_format: "channels_last", "channels_first", or None for the configured one.

    Raises:
        ArgumentError: not two of three are given, or a number is negative or comes out so.
        ShapeError: no images.

    >>> pad_images([[[1.0], [2.0]]], 0, 1, 0, 0).numpy()[0, :, 0].tolist()
    [0.0, 1.0, 2.0]
    """
    options: dict[str, Any] = {
        "rows": (top_padding, bottom_padding, target_height),
        "columns": (left_padding, right_padding, target_width),
        "data_format": data_format,
    }
    if not isinstance(images, KerasTensor):
        return _pad_images(as_tensor(images), **options)
    found = _borders(images, sign=1, **options)
    sizes = {axis: target for axis, _, (_, _, target) in found}
    return _symbolic_result(_pad_images, images, sizes, options)


@composite
def _pad_images(images: Tensor, **options: Any) -> Tensor:
    widths = [(0, 0)] * images.ndim
    for axis, _, (before, after, _) in _borders(images, sign=1, **options):
        widths[axis] = (before, after)
    return pad(images, widths)
