"""Bounding boxes: their formats, and what becomes of them where images change.

Boxes are (..., 4). x is the column and y the row of a pixel, from the top left. A relative format
(``rel_``) counts in widths and heights of the image. Labels of boxes that fall out of the image
become -1.

| format | numbers |
|---|---|
| xyxy, rel_xyxy | left, top, right, bottom |
| yxyx, rel_yxyx | top, left, bottom, right |
| xywh, rel_xywh | left, top, width, height |
| center_xywh, rel_center_xywh | middle x, middle y, width, height |
| center_yxhw | middle y, middle x, height, width |
"""

from __future__ import annotations

import math
from typing import Any

from etude import ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError

__all__ = ["affine_transform", "clip_to_image_size", "convert_format", "crop", "pad"]

FORMATS = (
    "xyxy",
    "yxyx",
    "xywh",
    "center_xywh",
    "center_yxhw",
    "rel_xyxy",
    "rel_yxyx",
    "rel_xywh",
    "rel_center_xywh",
)


class OtherFormat(ArgumentError, NotImplementedError):
    """An operation was asked for boxes of a format that it does not take."""


def _only(formats: tuple[str, ...], given: str) -> None:
    if given not in formats:
        raise OtherFormat(
            f"Expected boxes in the format {' or '.join(formats)}; got {given!r}. Bring them to "
            "it with `convert_format` first."
        )


# --- formats ------------------------------------------------------------------------------------


def _to_xyxy(boxes: Tensor, kind: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    a, b, c, d = ops.split(boxes, 4, axis=-1)
    if kind in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    if kind.startswith("center"):
        return a - c / 2, b - d / 2, a + c / 2, b + d / 2
    return (a, b, a + c, b + d) if kind == "xywh" else (a, b, c, d)


def _from_xyxy(x1: Tensor, y1: Tensor, x2: Tensor, y2: Tensor, kind: str) -> Tensor:
    a, b, c, d = x1, y1, x2, y2
    if kind.startswith("center"):
        a, b, c, d = x1 + (x2 - x1) / 2, y1 + (y2 - y1) / 2, x2 - x1, y2 - y1
    elif kind == "xywh":
        c, d = x2 - x1, y2 - y1
    if kind in ("yxyx", "center_yxhw"):
        a, b, c, d = b, a, d, c
    return ops.concatenate([a, b, c, d], axis=-1)


def convert_format(
    boxes: Any,
    source: str,
    target: str,
    height: Any = None,
    width: Any = None,
    dtype: str = "float32",
) -> Any:
    """Boxes in another format.

    Args:
        boxes: (..., 4); or a dictionary with such ``"boxes"``.
        source: their format.
        target: the format to bring them to.
        height: of the images; needed between relative and absolute formats.
        width: likewise.
        dtype: of the result.

    Raises:
        ArgumentError: there is no such format, or height or width is missing.
        ShapeError: the boxes have not four numbers.

    Example:
        >>> convert_format([[1.0, 2.0, 3.0, 6.0]], "xyxy", "xywh").numpy().tolist()
        [[1.0, 2.0, 2.0, 4.0]]
    """
    if isinstance(boxes, dict):
        found = convert_format(boxes["boxes"], source, target, height, width, dtype)
        return {**boxes, "boxes": found}
    x = ops.cast(ops.convert_to_tensor(boxes), dtype)
    if x.shape[-1] != 4:
        raise ShapeError(
            "`boxes` must be a tensor with the last dimension of 4. Received: "
            f"boxes.shape={x.shape}"
        )
    source, target = source.lower(), target.lower()
    if source not in FORMATS or target not in FORMATS:
        raise ArgumentError(
            f"Invalid source or target format. Supported formats: {FORMATS}. Received: "
            f"source={source!r}, target={target!r}"
        )
    relative = source.startswith("rel_"), target.startswith("rel_")
    if any(relative) and (width is None or height is None):
        raise ArgumentError(
            "convert_format() must receive `height` and `width` transforming between relative and "
            f"absolute formats. It received source={source!r}, target={target!r}, but "
            f"height={height} and width={width}."
        )
    if source == target:
        return x
    x1, y1, x2, y2 = _to_xyxy(x, source.removeprefix("rel_"))
    if relative[0] != relative[1]:
        h, w = (ops.cast(ops.convert_to_tensor(n), dtype) for n in (height, width))
        if relative[0]:
            x1, y1, x2, y2 = x1 * w, y1 * h, x2 * w, y2 * h
        else:
            x1, y1, x2, y2 = x1 / w, y1 / h, x2 / w, y2 / h
    return _from_xyxy(x1, y1, x2, y2, target.removeprefix("rel_"))


# --- images that change -------------------------------------------------------------------------


def clip_to_image_size(
    bounding_boxes: dict[str, Any],
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> dict[str, Any]:
    """Boxes cut off at the borders; labels of those of which nothing is left become -1.

    Args:
        bounding_boxes: a dictionary with ``"boxes"``, (..., 4), and perhaps ``"labels"``.
        height: of the images; not needed for relative boxes.
        width: likewise.
        bounding_box_format: ``"xyxy"`` or ``"rel_xyxy"``.

    Raises:
        OtherFormat: the boxes have another format.
        ArgumentError: height or width is missing.

    Example:
        >>> boxes = {"boxes": [[-1.0, 2.0, 3.0, 9.0]], "labels": [7]}
        >>> clip_to_image_size(boxes, height=4, width=4)["boxes"].numpy().tolist()
        [[0.0, 2.0, 3.0, 4.0]]
    """
    _only(("xyxy", "rel_xyxy"), bounding_box_format)
    if bounding_box_format == "xyxy" and (height is None or width is None):
        raise ArgumentError("`height` and `width` must be set if `format='xyxy'`.")
    boxes = ops.convert_to_tensor(bounding_boxes["boxes"])
    right, bottom = (1, 1) if bounding_box_format == "rel_xyxy" else (width, height)
    right, bottom = (ops.cast(ops.convert_to_tensor(n), boxes.dtype) for n in (right, bottom))
    x1, y1, x2, y2 = _clipped(boxes, 0, 0, right, bottom)
    result = {**bounding_boxes, "boxes": ops.concatenate([x1, y1, x2, y2], axis=-1)}
    labels = bounding_boxes.get("labels")
    if labels is not None:
        area = ops.squeeze((x2 - x1) * (y2 - y1), -1)
        result["labels"] = ops.where(area > 0, labels, -1)
    return result


def _clipped(boxes: Tensor, left: Any, top: Any, right: Any, bottom: Any) -> tuple[Tensor, ...]:
    """The parts of boxes xyxy within borders."""
    x1, y1, x2, y2 = ops.split(boxes, 4, axis=-1)
    return (
        ops.clip(x1, left, right),
        ops.clip(y1, top, bottom),
        ops.clip(x2, left, right),
        ops.clip(y2, top, bottom),
    )


def within(boxes: Tensor, left: Any, top: Any, right: Any, bottom: Any) -> Tensor:
    """Boxes xyxy within a window, counted from its corner."""
    x1, y1, x2, y2 = _clipped(boxes, left, top, right, bottom)
    return ops.concatenate([x1 - left, y1 - top, x2 - left, y2 - top], axis=-1)


def crop(
    boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy"
) -> Tensor:
    """Boxes of images that are cropped to a window.

    Args:
        boxes: (..., 4).
        top: the first row of the window.
        left: its first column.
        height: of the window.
        width: of the window.
        bounding_box_format: ``"xyxy"``.

    Raises:
        OtherFormat: the boxes have another format.

    Example:
        >>> crop([[1.0, 2.0, 9.0, 6.0]], top=1, left=2, height=4, width=4).numpy().tolist()
        [[0.0, 1.0, 4.0, 4.0]]
    """
    _only(("xyxy",), bounding_box_format)
    return within(ops.convert_to_tensor(boxes), left, top, left + width, top + height)


def pad(
    boxes: Any,
    top: Any,
    left: Any,
    height: Any = None,
    width: Any = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """Boxes of images that get borders.

    Args:
        boxes: (..., 4).
        top: rows added at the top.
        left: columns added at the left.
        height: of the result; not needed.
        width: likewise.
        bounding_box_format: ``"xyxy"``.

    Raises:
        OtherFormat: the boxes have another format.

    Example:
        >>> pad([[1.0, 2.0, 3.0, 4.0]], top=10, left=20).numpy().tolist()
        [[21.0, 12.0, 23.0, 14.0]]
    """
    _only(("xyxy",), bounding_box_format)
    x1, y1, x2, y2 = ops.split(ops.convert_to_tensor(boxes), 4, axis=-1)
    return ops.concatenate([x1 + left, y1 + top, x2 + left, y2 + top], axis=-1)


def affine_transform(
    boxes: Any,
    angle: Any,
    translate_x: Any,
    translate_y: Any,
    scale: Any,
    shear_x: Any,
    shear_y: Any,
    height: Any,
    width: Any,
    center_x: Any = None,
    center_y: Any = None,
    bounding_box_format: str = "xyxy",
) -> Tensor:
    """The upright boxes around boxes that are turned, moved, scaled and sheared.

    Args:
        boxes: (N, boxes, 4).
        angle: (N,), in degrees.
        translate_x: (N,), in widths.
        translate_y: (N,), in heights.
        scale: (N,).
        shear_x: (N,), in degrees.
        shear_y: (N,), in degrees.
        height: of the images.
        width: of the images.
        center_x: what stays in place, in widths; the middle by default.
        center_y: likewise, in heights.
        bounding_box_format: ``"xyxy"``.

    Raises:
        OtherFormat: the boxes have another format.

    Example:
        >>> zero, one = ops.zeros((1,)), ops.ones((1,))
        >>> quarter = [90.0]
        >>> turned = affine_transform(
        ...     [[[0.0, 0.0, 1.0, 2.0]]], quarter, zero, zero, one, zero, zero, height=5, width=5
        ... )
        >>> (turned + 0).numpy().round(3).astype(int).tolist()
        [[[0, 3, 2, 4]]]
    """
    _only(("xyxy",), bounding_box_format)
    degree = math.pi / 180
    angle = ops.convert_to_tensor(angle)
    rotation, across, down = -angle * degree, -shear_x * degree, -shear_y * degree
    cx = (0.5 if center_x is None else center_x) * (width - 1)
    cy = (0.5 if center_y is None else center_y) * (height - 1)
    a = ops.cos(rotation - down) / ops.cos(down)
    b = a * ops.tan(across) + ops.sin(rotation)
    c = -ops.sin(rotation - down) / ops.cos(down)
    d = ops.cos(rotation) - c * ops.tan(across)
    a0, a1, b0, b1 = (v[:, None] for v in (d * scale, -b * scale, -c * scale, a * scale))
    move_x = (cx - translate_x * (width - 1))[..., None]
    move_y = (cy - translate_y * (height - 1))[..., None]
    a2 = cx - a0 * move_x - a1 * move_y  # (N, 1)
    b2 = cy - b0 * move_x - b1 * move_y
    x1, y1, x2, y2 = ops.unstack(ops.cast(ops.convert_to_tensor(boxes), angle.dtype), axis=-1)
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    xs = ops.stack([a0 * x + a1 * y + a2 for x, y in corners], axis=-1)
    ys = ops.stack([b0 * x + b1 * y + b2 for x, y in corners], axis=-1)
    return around(xs, ys)


def around(xs: Tensor, ys: Tensor) -> Tensor:
    """The boxes xyxy around points: x and y are (..., points)."""
    ends = ops.min(xs, -1), ops.min(ys, -1), ops.max(xs, -1), ops.max(ys, -1)
    return ops.stack(ends, axis=-1)


# --- input --------------------------------------------------------------------------------------


def dense(bounding_boxes: Any) -> dict[str, Any]:
    """Boxes and labels as tensors.

    Args:
        bounding_boxes: a dictionary with ``"boxes"``, (boxes, 4) or (N, boxes, 4), and
            ``"labels"``, (boxes,) or (N, boxes); both may be lists that differ in length, which
            are filled up with boxes of zeros, and labels -1.

    Raises:
        ArgumentError: it is no such dictionary.
        ShapeError: the shapes do not fit.

    >>> boxes = [[[0, 0, 1, 1]], [[0, 0, 1, 1], [1, 1, 2, 2]]]
    >>> dense({"boxes": boxes, "labels": [[5], [6, 7]]})["labels"].numpy().tolist()
    [[5, -1], [6, 7]]
    """
    if not isinstance(bounding_boxes, dict) or not {"boxes", "labels"} <= bounding_boxes.keys():
        raise ArgumentError(
            "Expected `bounding_boxes` argument to be a dict with keys 'boxes' and 'labels'. "
            f"Received: bounding_boxes={bounding_boxes}"
        )
    boxes, labels = bounding_boxes["boxes"], bounding_boxes["labels"]
    if isinstance(boxes, (list, tuple)):
        boxes, labels = _filled_up(boxes, labels)
    boxes = ops.cast(ops.convert_to_tensor(boxes), "float32")
    labels = ops.convert_to_tensor(labels)
    if boxes.ndim not in (2, 3) or labels.ndim not in (boxes.ndim - 1, boxes.ndim):
        raise ShapeError(
            "Expected `bounding_boxes['boxes']` to have rank 2 or 3, with shape (num_boxes, 4) or "
            "(batch_size, num_boxes, 4), and `bounding_boxes['labels']` one axis less or as many; "
            f"got {boxes.shape} and {labels.shape}."
        )
    return {**bounding_boxes, "boxes": boxes, "labels": labels}


def _filled_up(boxes: Any, labels: Any) -> tuple[Any, Any]:
    """Lists of different lengths, brought to the greatest one."""
    if not isinstance(labels, (list, tuple)) or len(labels) != len(boxes):
        raise ArgumentError(
            "If `bounding_boxes['boxes']` is a list, then `bounding_boxes['labels']` must be a "
            "list of the same length. Received: "
            f"labels={labels} for {len(boxes)} boxes."
        )
    nested = all(isinstance(b, (list, tuple)) and all(map(_is_box, b)) for b in boxes)
    if not nested:
        return boxes, labels
    most = max(map(len, boxes), default=0)
    full = [[*b, *([[0.0] * 4] * (most - len(b)))] for b in boxes]
    return full, [[*one, *([-1] * (most - len(one)))] for one in labels]


def _is_box(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 4
