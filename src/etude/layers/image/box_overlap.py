"""How much boxes have in common, and boxes as deviations from anchors.

Sources: Zheng et al., Distance-IoU loss, arXiv:1911.08287; Ren et al., Faster R-CNN,
arXiv:1506.01497.
"""

from __future__ import annotations

import math
from typing import Any

from etude import config, ops
from etude.autodiff import Tensor
from etude.errors import ArgumentError, ShapeError
from etude.layers.image.boxes import convert_format

__all__ = ["compute_ciou", "compute_iou", "decode_deltas_to_boxes", "encode_box_to_deltas"]


def _sizes(image_shape: Any, bounding_box_format: str) -> tuple[Any, Any]:
    """Height and width of the images, (None, None) where they are not needed."""
    if image_shape is not None:
        height, width, _ = image_shape
        return height, width
    if "rel" in bounding_box_format:
        raise ArgumentError(
            "When using relative bounding box formats (e.g. `rel_yxyx`) the `image_shape` argument "
            f"must be provided. Received `image_shape`: {image_shape}"
        )
    return None, None


def _as_xyxy(boxes: Any, source: str, sizes: tuple[Any, Any]) -> Tensor:
    return convert_format(boxes, source, "xyxy", height=sizes[0], width=sizes[1])


def _common_area(a: list[Tensor], b: list[Tensor]) -> Tensor:
    width = ops.minimum(a[2], b[2]) - ops.maximum(a[0], b[0])
    height = ops.minimum(a[3], b[3]) - ops.maximum(a[1], b[1])
    return ops.maximum(width, 0.0) * ops.maximum(height, 0.0)


def _area(box: list[Tensor]) -> Tensor:
    return (box[2] - box[0]) * (box[3] - box[1])


def compute_iou(
    boxes1: Any,
    boxes2: Any,
    bounding_box_format: str,
    use_masking: bool = False,
    mask_val: float = -1,
    image_shape: Any = None,
) -> Tensor:
    """Intersection over union of each box of one set with each of another.

    ``|A ∩ B| / (|A ∪ B| + ε)``

    Args:
        boxes1: (M, 4) or (batch, M, 4).
        boxes2: (N, 4) or (batch, N, 4).
        bounding_box_format: of both.
        use_masking: whether boxes without a positive number are padding.
        mask_val: what stands where there is padding.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (M, N), or (batch, M, N).

    Raises:
        ShapeError: boxes have another rank.
        ArgumentError: the format is relative, and the image's shape missing.

    Example:
        >>> a, b = [[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 3.0, 2.0]]
        >>> compute_iou(a, b, "xyxy").numpy().round(4).tolist()
        [[0.333...]]
    """
    ranks = [len(ops.shape(b)) for b in (boxes1, boxes2)]
    for name, rank in zip(("boxes1", "boxes2"), ranks, strict=True):
        if rank not in (2, 3):
            raise ShapeError(
                f"compute_iou() expects {name} to be batched, or to be unbatched. Received "
                f"len(boxes1.shape)={ranks[0]}, len(boxes2.shape)={ranks[1]}. Expected either "
                f"len({name}.shape)=2 or len({name}.shape)=3."
            )
    sizes = _sizes(image_shape, bounding_box_format)
    first = _as_xyxy(boxes1, bounding_box_format, sizes)
    second = _as_xyxy(boxes2, bounding_box_format, sizes)
    a = ops.unstack(ops.expand_dims(first, -2), axis=-1)  # (..., M, 1)
    b = ops.unstack(ops.expand_dims(second, -3), axis=-1)  # (..., 1, N)
    common = _common_area(a, b)
    iou = common / (_area(a) + _area(b) - common + config.epsilon())
    if not use_masking:
        return iou
    empty1 = ops.expand_dims(ops.max(first, axis=-1) < 0, -1)
    empty2 = ops.expand_dims(ops.max(second, axis=-1) < 0, -2)
    return ops.where(ops.logical_or(empty1, empty2), ops.cast(mask_val, iou.dtype), iou)


def compute_ciou(
    boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None
) -> Tensor:
    """Complete intersection over union of boxes, pair by pair.

        IoU - ρ² / c² - α v,   v = 4 / π² (arctan w/h - arctan w'/h')²,   α = v / (1 - IoU + v)

    with ρ the distance of the middles, and c the diagonal of the smallest box around both.

    Args:
        boxes1: (..., 4).
        boxes2: (..., 4).
        bounding_box_format: of both.
        image_shape: (height, width, channels), for relative formats.

    Returns:
        (...): 1 for equal boxes.

    Raises:
        ArgumentError: the format is relative, and the image's shape missing.

    Example:
        >>> a = [[0.0, 0.0, 2.0, 2.0]]
        >>> compute_ciou(a, a, "xyxy").numpy().round(4).tolist()
        [1.0]
    """
    sizes, small = _sizes(image_shape, bounding_box_format), config.epsilon()
    a = ops.unstack(_as_xyxy(boxes1, bounding_box_format, sizes), axis=-1)
    b = ops.unstack(_as_xyxy(boxes2, bounding_box_format, sizes), axis=-1)
    widths = [box[2] - box[0] for box in (a, b)]
    heights = [box[3] - box[1] + small for box in (a, b)]
    common = _common_area(a, b)
    union = widths[0] * heights[0] + widths[1] * heights[1] - common + small
    iou = common / (union + small)
    around = [ops.maximum(a[i + 2], b[i + 2]) - ops.minimum(a[i], b[i]) for i in (0, 1)]
    diagonal = ops.square(around[0]) + ops.square(around[1]) + small
    apart = [(a[i] + a[i + 2] - b[i] - b[i + 2]) / 2 for i in (0, 1)]
    distance = ops.square(apart[0]) + ops.square(apart[1])
    angles = [ops.arctan(w / h) for w, h in zip(widths, heights, strict=True)]
    v = 4 / math.pi**2 * ops.square(angles[1] - angles[0])
    alpha = v / (v - iou + (1 + small))
    return iou - (distance / diagonal + v * alpha)


# --- anchors ------------------------------------------------------------------------------------


def _variance(variance: Any) -> Any:
    if variance is None:
        return None
    v = ops.cast(ops.convert_to_tensor(variance), "float32")
    if v.shape[-1] != 4:
        raise ShapeError(f"`variance` must be length 4, got {variance}")
    return v


def _check_centered(given: str, name: str) -> None:
    if given not in ("center_xywh", "center_yxhw"):
        raise ArgumentError(
            f"`{name}` should be one of 'center_xywh' or 'center_yxhw', got {given}"
        )


def encode_box_to_deltas(
    anchors: Any,
    boxes: Any,
    anchor_format: str,
    box_format: str,
    encoding_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Tensor:
    """Boxes as deviations from anchors.

    ``(m - m_a) / s_a`` of the middle, ``log s / s_a`` of the size

    Args:
        anchors: (..., 4).
        boxes: (..., 4).
        anchor_format: of the anchors.
        box_format: of the boxes.
        encoding_format: ``"center_yxhw"`` or ``"center_xywh"``, the order of the result.
        variance: four numbers to divide by.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ArgumentError: there is no such encoding.
        ShapeError: the variance has not four numbers.

    Example:
        >>> anchor, box = [[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 3.0, 2.0]]
        >>> encode_box_to_deltas(anchor, box, "xyxy", "xyxy").numpy().tolist()
        [[0.0, 0.5, 0.0, 0.0]]
    """
    v = _variance(variance)
    _check_centered(encoding_format, "encoding_format")
    height, width = (None, None) if image_shape is None else image_shape[:2]
    a = convert_format(anchors, anchor_format, encoding_format, height, width)
    b = convert_format(boxes, box_format, encoding_format, height, width)
    size_a, size_b = (ops.maximum(t[..., 2:], config.epsilon()) for t in (a, b))
    deltas = ops.concatenate(
        [(b[..., :2] - a[..., :2]) / size_a, ops.log(size_b / size_a)], axis=-1
    )
    return deltas if v is None else deltas / v


def decode_deltas_to_boxes(
    anchors: Any,
    boxes_delta: Any,
    anchor_format: str,
    box_format: str,
    encoded_format: str = "center_yxhw",
    variance: Any = None,
    image_shape: Any = None,
) -> Any:
    """The boxes that deviate so from anchors: the inverse of `encode_box_to_deltas`.

    Args:
        anchors: (..., 4); or a dictionary of such.
        boxes_delta: (..., 4); or a dictionary with the same keys.
        anchor_format: of the anchors.
        box_format: of the result.
        encoded_format: ``"center_yxhw"`` or ``"center_xywh"``, the order of the deviations.
        variance: four numbers to multiply by.
        image_shape: (height, width, channels), for relative formats.

    Raises:
        ArgumentError: there is no such encoding.
        ShapeError: the variance has not four numbers.

    Example:
        >>> anchor, delta = [[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.5, 0.0, 0.0]]
        >>> decode_deltas_to_boxes(anchor, delta, "xyxy", "xyxy").numpy().tolist()
        [[1.0, 0.0, 3.0, 2.0]]
    """
    v = _variance(variance)
    _check_centered(encoded_format, "encoded_format")
    height, width = (None, None) if image_shape is None else image_shape[:2]

    def decoded(anchor: Any, delta: Any) -> Tensor:
        a = convert_format(anchor, anchor_format, encoded_format, height, width)
        d = ops.convert_to_tensor(delta)
        d = d if v is None else d * v
        middle = d[..., :2] * a[..., 2:] + a[..., :2]
        box = ops.concatenate([middle, ops.exp(d[..., 2:]) * a[..., 2:]], axis=-1)
        return convert_format(box, encoded_format, box_format, height, width)

    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decoded(anchors[level], boxes_delta[level]) for level in anchors}
    return decoded(anchors, boxes_delta)
