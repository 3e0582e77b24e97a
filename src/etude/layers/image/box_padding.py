"""A fixed number of bounding boxes for each image, so that they make one array."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.layers.image.base import ImageLayer

__all__ = ["MaxNumBoundingBoxes"]


class MaxNumBoundingBoxes(ImageLayer):
    """Cuts off boxes that are too many, and fills up those that are too few.

    Args:
        max_number: of boxes for each image.
        fill_value: what fills up boxes and their labels.

    Shapes:
        x: a dictionary with ``images`` and ``bounding_boxes``; y: the same with boxes (batch,
        max_number, 4) and labels (batch, max_number).

    Example:
        >>> import numpy as np
        >>> layer = MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
        >>> boxes = {"boxes": np.ones((1, 1, 4)), "labels": np.array([[5]])}
        >>> out = layer({"images": np.ones((1, 8, 8, 3)), "bounding_boxes": boxes})
        >>> out["bounding_boxes"]["labels"].numpy().tolist()
        [[5, -1, -1]]
    """

    config_names = ("max_number", "fill_value")

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_number = int(max_number)
        self.fill_value = int(fill_value)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, as they are."""
        return images

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """As many boxes as there must be."""
        result: dict[str, Any] = dict(bounding_boxes)
        for key in ("boxes", "labels"):
            x = ops.convert_to_tensor(bounding_boxes[key])[:, : self.max_number]
            widths = [(0, 0)] * x.ndim
            widths[1] = (0, self.max_number - x.shape[1])
            result[key] = ops.pad(x, widths, constant_values=self.fill_value)
        return result
