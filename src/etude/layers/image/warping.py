"""Images seen from elsewhere, and images drawn on rubber, at random."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image import boxes
from etude.layers.image.affine import MappingLayer, check_filling
from etude.layers.image.base import factor_range
from etude.ops.image.sampling import elastically_moved, homography
from etude.random import draw_seed, uniform

__all__ = ["RandomElasticTransform", "RandomPerspective"]


class RandomPerspective(MappingLayer):
    """Moves the corners of images at random, and all pixels with them, in training.

    Args:
        factor: the probability that an image changes, 0 ... 1; or a range of it.
        scale: how far corners move at most, 0 ... 1: by half of this part of their coordinates.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        fill_value: what lies beyond the borders.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomPerspective(scale=0.2, seed=1)(np.ones((2, 4, 5, 3))).shape
        (2, 4, 5, 3)
    """

    config_names = ("factor", "scale", "interpolation", "fill_value", "seed")
    factor_bounds = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        if not 0 <= scale <= 1:
            raise ArgumentError(
                "The `scale` argument should be a number in the range [0,1]. Received: "
                f"scale={scale}"
            )
        check_filling(interpolation, "constant", ("constant",))
        self.scale = scale
        self.interpolation = interpolation
        self.fill_value = fill_value

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images change, and where their corners go."""
        if not training:
            return None
        shape, count, source = self._shape(data), self._batch_size(data), self._source(seed)
        probability = uniform((count,), *self.factor, seed=source)
        applied = uniform((count,), seed=source) < probability
        reach = 0.5 * self.scale
        shares = uniform((count, 4, 2), -reach, reach, seed=source)
        right, bottom = float(shape[self.width_axis] - 1), float(shape[self.height_axis] - 1)
        corners = ops.convert_to_tensor([[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]])
        start = ops.broadcast_to(corners, (count, 4, 2))
        return {
            "apply_perspective": applied,
            "start_points": start,
            "end_points": start + start * shares,
            "input_shape": shape,
        }

    def _mapped(self, images: Any, transformation: Any, interpolation: str) -> Any:
        moved = ops.image.perspective_transform(
            images,
            transformation["start_points"],
            transformation["end_points"],
            interpolation=interpolation,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )
        applied = ops.convert_to_tensor(transformation["apply_perspective"])
        return ops.where(applied[:, None, None, None], moved, images)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The upright boxes around where the corners of the boxes go."""
        if not training or transformation is None:
            return bounding_boxes
        shape = transformation["input_shape"]
        size: dict[str, Any] = {
            "height": int(shape[self.height_axis]),
            "width": int(shape[self.width_axis]),
        }
        given = self.bounding_box_format
        result = boxes.convert_format(bounding_boxes, given, "xyxy", **size)
        forward = homography(transformation["end_points"], transformation["start_points"])
        a0, a1, a2, b0, b1, b2, c0, c1 = ops.split(forward, 8, axis=-1)  # (N, 1)
        x1, y1, x2, y2 = ops.unstack(result["boxes"], axis=-1)  # (N, boxes)
        xs: list[Any] = []
        ys: list[Any] = []
        for x, y in ((x1, y1), (x2, y1), (x1, y2), (x2, y2)):
            k = c0 * x + c1 * y + 1
            xs.append((a0 * x + a1 * y + a2) / k)
            ys.append((b0 * x + b1 * y + b2) / k)
        moved = boxes.around(ops.stack(xs, axis=-1), ops.stack(ys, axis=-1))
        applied = ops.convert_to_tensor(transformation["apply_perspective"])[:, None, None]
        result["boxes"] = ops.where(applied, moved, result["boxes"])
        result = boxes.clip_to_image_size(result, **size)
        return boxes.convert_format(result, "xyxy", given, **size)


class RandomElasticTransform(MappingLayer):
    """Distorts images by smooth random fields, as in `ops.image.elastic_transform`, in training.

    Args:
        factor: the probability that an image changes, 0 ... 1; or a range of it.
        scale: the strength of the distortion, 0 ... 1; or a range of it.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        fill_mode: what lies beyond the borders: ``"reflect"``, ``"wrap"``, ``"constant"``,
            ``"nearest"`` or ``"mirror"``.
        fill_value: with the mode ``"constant"``.
        value_range: of the pixels; the result is brought into it.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomElasticTransform(seed=1)(np.ones((2, 8, 8, 1))).shape
        (2, 8, 8, 1)
    """

    config_names = (
        "factor",
        "scale",
        "interpolation",
        "fill_mode",
        "fill_value",
        "value_range",
        "seed",
    )
    factor_bounds = (0, 1)

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.scale = factor_range(scale, (0, 1), "scale")
        modes = ("constant", "nearest", "wrap", "mirror", "reflect")
        check_filling(interpolation, fill_mode, modes)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images change, how strongly, and the key of the random field."""
        if not training or self.scale[1] == 0 or self.factor[1] == 0:
            return None
        count, source = self._batch_size(data), self._source(seed)
        probability = uniform((count,), *self.factor, seed=source)
        applied = uniform((count,), seed=source) < probability
        return {
            "apply_transform": applied,
            "distortion_factor": uniform((), *self.scale, seed=source),
            "seed": draw_seed(source),
        }

    def _mapped(self, images: Any, transformation: Any, interpolation: str) -> Any:
        strength = transformation["distortion_factor"]
        height, width = images.shape[self.height_axis], images.shape[self.width_axis]
        widest = 0.05 * min(height, width)  # of the blur, for the greatest strength
        moved = elastically_moved(
            images,
            0.1 * max(height, width) * strength,
            widest * strength,
            int(6 * widest) | 1,
            (interpolation, self.fill_mode, self.fill_value),
            draw_seed(transformation["seed"]),
            self.data_format,
        )
        applied = ops.convert_to_tensor(transformation["apply_transform"])
        mixed = ops.where(applied[:, None, None, None], moved, images)
        return ops.clip(mixed, *self.value_range)
