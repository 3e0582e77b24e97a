"""Bounding boxes and segmentation masks, drawn on images with Pillow and NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from etude import config
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.layers.image.boxes import convert_format
from etude.ops.core import convert_to_numpy

__all__ = ["as_images", "draw_bounding_boxes", "draw_segmentation_masks"]

FONT_SIZE = 22  # pixels of a font scale of 1, about that of the fonts of OpenCV


def as_images(images: Any, data_format: str | None) -> np.ndarray[Any, Any]:
    """A batch of images as an array with the channels last.

    Args:
        images: (N, H, W, C), or (N, C, H, W).
        data_format: which of the two; as `etude.config` says by default.

    Raises:
        ShapeError: there are not four axes.

    >>> as_images(np.zeros((1, 3, 8, 9)), "channels_first").shape
    (1, 8, 9, 3)
    """
    array = np.asarray(convert_to_numpy(images))
    if array.ndim != 4:
        raise ShapeError(
            "`images` must be batched 4D tensor, (N, H, W, C). Received: "
            f"images.shape={array.shape}. One image becomes a batch by `images[None]`."
        )
    first = (data_format or config.image_data_format()) == "channels_first"
    return array.transpose(0, 2, 3, 1) if first else array


def draw_bounding_boxes(
    images: Any,
    bounding_boxes: Any,
    bounding_box_format: str,
    class_mapping: dict[int, str] | None = None,
    color: Any = (128, 128, 128),
    line_thickness: int = 2,
    text_thickness: int | None = 1,
    font_scale: float = 1.0,
    data_format: str | None = None,
) -> np.ndarray[Any, Any]:
    """Draws boxes on images, with the names of their classes.

    Args:
        images: (N, H, W, C); floats up to 1, or numbers from 0 to 255.
        bounding_boxes: a dictionary of ``"boxes"`` (N, B, 4), ``"labels"`` (N, B), where -1 stands
            for no box, and perhaps ``"confidences"`` (N, B).
        bounding_box_format: of the boxes; see `etude.utils.bounding_boxes.convert_format`.
        class_mapping: the names of the classes by their numbers; others get no name.
        color: red, green, blue, from 0 to 255.
        line_thickness: of the boxes, in pixels.
        text_thickness: of the strokes of letters; that of the lines if it is None.
        font_scale: the size of the letters; 1 is about 22 pixels.
        data_format: ``"channels_last"`` or ``"channels_first"``; as `etude.config` says by default.

    Returns:
        Images of the same shape, as integers from 0 to 255 (uint8).

    Raises:
        ShapeError: the images are no batch.
        DtypeError: ``bounding_boxes`` is no dictionary.
        ArgumentError: it lacks boxes or labels.

    Example:
        >>> boxes = {"boxes": np.array([[[1, 1, 6, 6]]]), "labels": np.array([[0]])}
        >>> drawn = draw_bounding_boxes(np.zeros((1, 8, 8, 3)), boxes, "xyxy", line_thickness=1)
        >>> drawn[0, 1, :, 0].tolist()
        [0, 128, 128, 128, 128, 128, 128, 0]
    """
    batch = as_images(images, data_format)
    if not isinstance(bounding_boxes, dict):
        raise DtypeError(
            "`bounding_boxes` should be a dict. Received: "
            f"bounding_boxes={bounding_boxes} of type {type(bounding_boxes)}"
        )
    if not {"boxes", "labels"} <= bounding_boxes.keys():
        raise ArgumentError(
            "`bounding_boxes` should be a dict containing 'boxes' and 'labels' keys. Received: "
            f"{list(bounding_boxes)}"
        )
    _, height, width, _ = batch.shape
    corners = convert_format(dict(bounding_boxes), bounding_box_format, "xyxy", height, width)
    boxes, labels = (np.asarray(convert_to_numpy(corners[key])) for key in ("boxes", "labels"))
    confidences = corners.get("confidences")
    if confidences is not None:
        confidences = np.asarray(convert_to_numpy(confidences))
    pen = _Pen(line_thickness, text_thickness or line_thickness, font_scale)
    drawn = _as_bytes(batch)
    for i, image in enumerate(drawn):
        touched = Image.new("L", (width, height))
        for j, (box, label) in enumerate(zip(boxes[i].astype(int), labels[i], strict=True)):
            if int(label) != -1:
                text = (class_mapping or {}).get(int(label), "")
                if text and confidences is not None:
                    text = f"{text} | {confidences[i][j]:.2f}"
                pen.draw(touched, tuple(map(int, box)), text)
        image[np.asarray(touched) > 127] = _in_channels(color, image.shape[-1])
    is_first = (data_format or config.image_data_format()) == "channels_first"
    return drawn.transpose(0, 3, 1, 2) if is_first else drawn


class _Pen:
    """Draws boxes with their names."""

    def __init__(self, line: int, stroke: int, font_scale: float) -> None:
        self.line, self.stroke = line, stroke
        self.size = max(round(FONT_SIZE * font_scale), 1)

    def draw(self, mask: Image.Image, box: tuple[int, ...], text: str) -> None:
        left, top, right, bottom = box
        pen = ImageDraw.Draw(mask)
        outside = (self.line - 1) // 2  # the line runs on the edge, half of it outside
        x0, x1 = sorted((left, right))
        y0, y1 = sorted((top, bottom))
        edges = (x0 - outside, y0 - outside, x1 + outside, y1 + outside)
        pen.rectangle(edges, outline=255, width=self.line)
        if text:
            font = ImageFont.load_default(self.size)
            above = y0 - 8 - self.size > 0  # else there is no room, and it goes inside
            place = (x0, y0 - 8) if above else (x0 + 3, y0 + self.size + self.stroke + 3)
            pen.text(place, text, fill=255, font=font, anchor="ls", stroke_width=self.stroke - 1)


def _as_bytes(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy as uint8; floats that do not exceed 1 are stretched."""
    if images.dtype.kind == "f" and images.size:
        unit = images.max() <= 1
        images = np.clip(images, 0, 1) * 255 if unit else np.clip(images, 0, 255)
    return images.astype("uint8")


def _in_channels(color: Any, channels: int) -> list[int]:
    """A colour for images with this many channels: the first ones, then opaque."""
    return [*color, *[255] * channels][:channels]


def draw_segmentation_masks(
    images: Any,
    segmentation_masks: Any,
    num_classes: int | None = None,
    color_mapping: dict[int, Any] | None = None,
    alpha: float = 0.8,
    blend: bool = True,
    ignore_index: int = -1,
    data_format: str | None = None,
) -> np.ndarray[Any, Any]:
    """Colours the pixels of images by their class: (1 - α) image + α colour.

    Args:
        images: (N, H, W, 3), numbers from 0 to 255.
        segmentation_masks: integers, (N, H, W) or (N, H, W, 1): the class of each pixel. Classes
            from ``num_classes`` on are not coloured.
        num_classes: by default the greatest number of a class in the masks.
        color_mapping: red, green, blue by class; by default colours of our choice, black for 0.
        alpha: α, how much of the colour there is, from 0 to 1.
        blend: if false, the colour itself replaces the pixels.
        ignore_index: the class that is left as it is.
        data_format: of both arguments; ``"channels_last"`` or ``"channels_first"``; as
            `etude.config` says by default.

    Returns:
        Images with the channels last: uint8, or float32 without blending.

    Raises:
        ShapeError: the images are no batch.
        DtypeError: the masks are no integers.

    Example:
        >>> mask = np.array([[[0, 1], [1, -1]]])
        >>> drawn = draw_segmentation_masks(
        ...     np.full((1, 2, 2, 3), 100), mask, 2, {0: (0, 0, 0), 1: (200, 0, 0)}, alpha=0.5
        ... )
        >>> drawn[0, :, :, 0].tolist()
        [[50, 150], [150, 100]]
    """
    batch = as_images(images, data_format).astype("float32")
    masks = np.asarray(convert_to_numpy(segmentation_masks))
    if masks.dtype.kind not in "iu":
        raise DtypeError(
            "`segmentation_masks` must be in integer dtype. Received: segmentation_masks.dtype="
            f"{masks.dtype}. Round probabilities by `ops.argmax(probabilities, axis=-1)` first."
        )
    if masks.ndim == 4:
        masks = as_images(masks, data_format)[..., 0]  # (N, H, W)
    count = int(masks.max()) if num_classes is None else num_classes
    colors = _palette(count) if color_mapping is None else color_mapping
    painted = batch.copy()
    for number in range(count):
        if number in colors:
            painted[masks == number] = colors[number]
    if not blend:
        return painted
    mixed = batch * (1 - alpha) + painted * alpha
    return np.where((masks != ignore_index)[..., None], mixed, batch).astype("uint8")


def _palette(count: int) -> dict[int, Any]:
    """Colours that are far apart for neighbouring numbers, as Keras chooses them."""
    steps = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])
    return {number: (number * steps) % 255 for number in range(count)}
