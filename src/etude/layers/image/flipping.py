"""Images mirrored at random."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image import boxes
from etude.layers.image.base import SeededImageLayer
from etude.random import uniform

__all__ = ["RandomFlip"]

MODES = {
    "horizontal": (True, False),
    "vertical": (False, True),
    "horizontal_and_vertical": (True, True),
}


class RandomFlip(SeededImageLayer):
    """Mirrors each image with probability ½, in training.

    Args:
        mode: ``"horizontal"`` (left and right), ``"vertical"``, or ``"horizontal_and_vertical"``,
            which does both or none.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> layer = RandomFlip("horizontal", seed=1)
        >>> x = np.arange(3.0).reshape(1, 1, 3, 1)
        >>> sorted({layer(x).numpy().ravel().astype(int).tolist().__str__() for _ in range(20)})
        ['[0, 1, 2]', '[2, 1, 0]']
    """

    config_names = ("seed", "mode")

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if mode not in MODES:
            raise ArgumentError(
                f"RandomFlip: `mode` must be one of {', '.join(map(repr, MODES))}; got {mode!r}."
            )
        self.mode = mode
        self._convert_input_args = False

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images are mirrored."""
        if not training:
            return None
        draws = uniform((self._batch_size(data), 1, 1, 1), seed=self._source(seed))
        return {"flips": draws <= 0.5, "input_shape": self._shape(data)}

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, some of them mirrored."""
        x = self._cast(images)
        if not training or transformation is None:
            return x
        mirrored = x
        for wanted, axis in zip(MODES[self.mode], (self.width_axis, self.height_axis), strict=True):
            mirrored = ops.flip(mirrored, axis=axis) if wanted else mirrored
        return ops.where(transformation["flips"], mirrored, x)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks, mirrored where the images are."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes, mirrored where the images are."""
        if not training or transformation is None:
            return bounding_boxes
        shape = transformation["input_shape"]
        size = {"height": shape[self.height_axis], "width": shape[self.width_axis]}
        flips = ops.squeeze(ops.convert_to_tensor(transformation["flips"]), -1)
        given = self.bounding_box_format
        result = boxes.convert_format(bounding_boxes, given, "rel_xyxy", **size)
        x1, y1, x2, y2 = ops.split(result["boxes"], 4, axis=-1)
        across, down = MODES[self.mode]
        if across:
            x1, x2 = ops.where(flips, 1 - x2, x1), ops.where(flips, 1 - x1, x2)
        if down:
            y1, y2 = ops.where(flips, 1 - y2, y1), ops.where(flips, 1 - y1, y2)
        result["boxes"] = ops.concatenate([x1, y1, x2, y2], axis=-1)
        result = boxes.clip_to_image_size(result, bounding_box_format="rel_xyxy")
        return boxes.convert_format(result, "rel_xyxy", given, **size)
