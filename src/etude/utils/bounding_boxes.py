"""Bounding boxes: formats, clipping, overlap, deviations from anchors.

The table of formats stands in `etude.layers.image.boxes`, where the functions are written, since
layers use them too.
"""

from etude.layers.image.box_overlap import (
    compute_ciou,
    compute_iou,
    decode_deltas_to_boxes,
    encode_box_to_deltas,
)
from etude.layers.image.boxes import (
    affine_transform,
    clip_to_image_size,
    convert_format,
    crop,
    pad,
)

__all__ = [
    "affine_transform",
    "clip_to_image_size",
    "compute_ciou",
    "compute_iou",
    "convert_format",
    "crop",
    "decode_deltas_to_boxes",
    "encode_box_to_deltas",
    "pad",
]
