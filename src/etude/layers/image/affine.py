"""Images turned, moved, scaled or sheared at random: affine maps of the plane."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image import boxes
from etude.layers.image.base import SeededImageLayer
from etude.random import uniform

__all__ = ["RandomRotation", "RandomShear", "RandomTranslation", "RandomZoom"]

INTERPOLATIONS = ("nearest", "bilinear")


class UnknownFilling(ArgumentError, NotImplementedError):
    """There is no such interpolation or fill mode."""


def check_filling(interpolation: str, fill_mode: str, modes: tuple[str, ...]) -> None:
    """Refuses interpolations and fill modes that a layer does not have.

    Raises:
        UnknownFilling: it does not have them.
    """
    for name, given, known in (
        ("fill_mode", fill_mode, modes),
        ("interpolation", interpolation, INTERPOLATIONS),
    ):
        if given not in known:
            raise UnknownFilling(f"Unknown `{name}` {given}. Expected of one {known}.")


class MappingLayer(SeededImageLayer):
    """Base of the layers that move pixels by a map of the plane, in training.

    A subclass draws the map, and says in `_mapped` what it does to images.
    """

    interpolation: str
    fill_mode: str
    fill_value: float

    def _mapped(self, images: Any, transformation: Any, interpolation: str) -> Any:
        """Images (N, ...) under the map."""
        raise NotImplementedError

    def _mapped_in_batch(self, images: Any, transformation: Any, interpolation: str) -> Any:
        x = self._cast(images)
        if transformation is None:
            return x
        if x.ndim == 4:
            return self._mapped(x, transformation, interpolation)
        return ops.squeeze(self._mapped(x[None], transformation, interpolation), 0)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images under the map."""
        map_ = transformation if training else None
        return self._mapped_in_batch(images, map_, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks under the map; no class is mixed with another."""
        if not training:
            return segmentation_masks
        return self._mapped_in_batch(segmentation_masks, transformation, "nearest")


class AffineLayer(MappingLayer):
    """Base of the layers whose map is affine."""

    fill_modes: ClassVar[tuple[str, ...]] = ("reflect", "wrap", "constant", "nearest")

    def _set_filling(self, interpolation: str, fill_mode: str, fill_value: float) -> None:
        check_filling(interpolation, fill_mode, self.fill_modes)
        self.interpolation = interpolation
        self.fill_mode = fill_mode
        self.fill_value = fill_value

    def _matrix(self, transformation: Any) -> Any:
        """The numbers of `ops.image.affine_transform`, (N, 8)."""
        raise NotImplementedError

    def _mapped(self, images: Any, transformation: Any, interpolation: str) -> Any:
        return ops.image.affine_transform(
            images,
            self._matrix(transformation),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def _size(self, shape: Any) -> dict[str, Any]:
        """Height and width out of the shape of the images."""
        return {"height": int(shape[self.height_axis]), "width": int(shape[self.width_axis])}


def _rows(*columns: Any) -> Any:
    """Numbers and tensors (N, 1) beside each other, (N, 8)."""
    like = next(c for c in columns if hasattr(c, "shape"))
    full = [c if hasattr(c, "shape") else ops.full_like(like, c) for c in columns]
    full += [ops.zeros_like(like)] * (8 - len(full))
    return ops.concatenate(full, axis=1)


class RandomRotation(AffineLayer):
    """Turns each image around its middle by a random angle, in training.

    Args:
        factor: the range of the angle in full turns, counterclockwise: 0.1 is up to 36 degrees in
            both directions; a pair gives both ends.
        fill_mode: what lies beyond the borders: ``"reflect"``, ``"wrap"``, ``"constant"`` or
            ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: of the random numbers.
        fill_value: with the mode ``"constant"``.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> half = RandomRotation((0.5, 0.5))
        >>> half(np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)).numpy().round(3).ravel().tolist()
        [3.0, 2.0, 1.0]
    """

    config_names = ("factor", "fill_mode", "fill_value", "interpolation", "seed")

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self._set_filling(interpolation, fill_mode, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The angle of each image, in degrees, and the map."""
        if not training:
            return None
        shape, count = self._shape(data), self._batch_size(data)
        size = self._size(shape)
        low, high = (360.0 * f for f in self.factor)
        angle = uniform((count,), low, high, seed=self._source(seed))
        turn = ops.expand_dims(angle, 1) * (math.pi / 180)
        cos, sin = ops.cos(turn), ops.sin(turn)
        cx, cy = (size["width"] - 1) / 2, (size["height"] - 1) / 2
        matrix = _rows(cos, -sin, cx - cx * cos + cy * sin, sin, cos, cy - cx * sin - cy * cos)
        return {
            "angle": angle,
            "rotation_matrix": matrix,
            "image_height": size["height"],
            "image_width": size["width"],
            "batch_size": count,
        }

    def _matrix(self, transformation: Any) -> Any:
        return transformation["rotation_matrix"]

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The upright boxes around the turned ones."""
        if not training or transformation is None:
            return bounding_boxes
        size = {
            "height": transformation["image_height"],
            "width": transformation["image_width"],
        }
        result = boxes.convert_format(bounding_boxes, self.bounding_box_format, "xyxy", **size)
        angle = ops.convert_to_tensor(transformation["angle"])
        zero, one = ops.zeros_like(angle), ops.ones_like(angle)
        result["boxes"] = boxes.affine_transform(
            result["boxes"], angle, zero, zero, one, zero, zero, **size
        )
        result = boxes.clip_to_image_size(result, **size)
        return boxes.convert_format(result, "xyxy", self.bounding_box_format, **size)


def _shift_range(
    factor: Any, name: str, text: str, low: float, closed: bool
) -> tuple[float, float]:
    """The range of a shift, zoom or shear: a pair, or one number for both directions.

    Args:
        factor: as given.
        name: the argument's name, for the message.
        text: what is expected, for the message.
        low: the least value; the greatest is 1.
        closed: whether the least value itself is allowed.
    """
    pair = isinstance(factor, (tuple, list))
    numbers = factor if pair else (factor,)
    fits = len(numbers) == (2 if pair else 1) and all(
        isinstance(f, (int, float)) and f <= 1 and (f >= low if closed else f > low)
        for f in numbers
    )
    if not fits:
        raise ArgumentError(f"{text} Received: {name}={factor}")
    if pair:
        return min(factor), max(factor)
    return -abs(factor), abs(factor)


class RandomTranslation(AffineLayer):
    """Moves each image by a random part of its size, in training.

    Args:
        height_factor: the range of the move, in heights: 0.2 is up to a fifth up or down; a pair
            gives both ends; positive is down.
        width_factor: likewise, in widths; positive is to the right.
        fill_mode: what lies beyond the borders: ``"reflect"``, ``"wrap"``, ``"constant"`` or
            ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: of the random numbers.
        fill_value: with the mode ``"constant"``.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> layer = RandomTranslation(0.0, (0.5, 0.5), fill_mode="constant")
        >>> layer(np.array([1.0, 2.0]).reshape(1, 1, 2, 1)).numpy().ravel().tolist()
        [0.0, 1.0]
    """

    config_names = (
        "height_factor",
        "width_factor",
        "fill_mode",
        "interpolation",
        "seed",
        "fill_value",
    )

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        text = (
            "The `factor` argument should be a number (or a list of two numbers) in the range "
            "[-1.0, 1.0]."
        )
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = _shift_range(
            height_factor, "height_factor", text, -1, closed=True
        )
        self.width_lower, self.width_upper = _shift_range(
            width_factor, "width_factor", text, -1, closed=True
        )
        self._set_filling(interpolation, fill_mode, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """How far each image moves, in pixels: (N, 2), to the right and down."""
        if not training:
            return None
        shape, count, source = self._shape(data), self._batch_size(data), self._source(seed)
        size = self._size(shape)
        down = uniform((count, 1), self.height_lower, self.height_upper, seed=source)
        right = uniform((count, 1), self.width_lower, self.width_upper, seed=source)
        moves = ops.concatenate([right * size["width"], down * size["height"]], axis=1)
        return {"translations": ops.cast(moves, "float32"), "input_shape": shape}

    def _matrix(self, transformation: Any) -> Any:
        right, down = ops.split(transformation["translations"], 2, axis=1)
        return _rows(1, 0, -right, 0, 1, -down)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes, moved."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._size(transformation["input_shape"])
        result = boxes.convert_format(bounding_boxes, self.bounding_box_format, "xyxy", **size)
        moves = ops.cast(ops.convert_to_tensor(transformation["translations"]), "float32")
        right, down = ops.split(moves, 2, axis=1)  # (N, 1)
        if result["boxes"].ndim == 3:
            right, down = right[..., None], down[..., None]
        result["boxes"] = boxes.pad(result["boxes"], down, right)
        result = boxes.clip_to_image_size(result, **size)
        return boxes.convert_format(result, "xyxy", self.bounding_box_format, **size)


class RandomZoom(AffineLayer):
    """Scales each image around its middle by a random factor, in training.

    Args:
        height_factor: the range of the factor, less 1: 0.2 shows 80 % to 120 % of the height; a
            pair gives both ends. Negative is larger (zoom in), positive smaller (zoom out).
        width_factor: likewise for the width; None keeps the aspect ratio.
        fill_mode: what lies beyond the borders: ``"reflect"``, ``"wrap"``, ``"constant"`` or
            ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: of the random numbers.
        fill_value: with the mode ``"constant"``.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> layer = RandomZoom((-0.5, -0.5))
        >>> x = np.array([0.0, 2.0, 4.0]).reshape(1, 1, 3, 1)
        >>> layer(x).numpy().ravel().tolist()
        [1.0, 2.0, 3.0]
    """

    config_names = (
        "height_factor",
        "width_factor",
        "fill_mode",
        "interpolation",
        "seed",
        "fill_value",
    )

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        text = (
            "The `height_factor` and `width_factor` arguments should be a number (or a list of two "
            "numbers) in the range (-1.0, 1.0]."
        )
        self.height_factor = height_factor
        self.width_factor = width_factor
        self.height_lower, self.height_upper = _shift_range(
            height_factor, "height_factor", text, -1, closed=False
        )
        if width_factor is not None:
            self.width_lower, self.width_upper = _shift_range(
                width_factor, "width_factor", text, -1, closed=False
            )
        self._set_filling(interpolation, fill_mode, fill_value)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """How much of height and width each image shows, (N, 1) each."""
        if not training:
            return None
        shape, source = self._shape(data), self._source(seed)
        count = (self._batch_size(data), 1)
        height = uniform(count, 1.0 + self.height_lower, 1.0 + self.height_upper, seed=source)
        width = height
        if self.width_factor is not None:
            width = uniform(count, 1.0 + self.width_lower, 1.0 + self.width_upper, seed=source)
        return {
            "height_zoom": height,
            "width_zoom": width,
            "input_shape": shape,
        }

    def _zooms(self, transformation: Any) -> tuple[Any, Any, Any, Any]:
        """Both zooms, and the first column and row that are seen, (N, 1) each."""
        across, down = (
            ops.cast(ops.convert_to_tensor(transformation[name]), "float32")
            for name in ("width_zoom", "height_zoom")
        )
        size = self._size(transformation["input_shape"])
        left = (size["width"] - 1) / 2 * (1 - across)
        top = (size["height"] - 1) / 2 * (1 - down)
        return across, down, left, top

    def _matrix(self, transformation: Any) -> Any:
        across, down, left, top = self._zooms(transformation)
        return _rows(across, 0, left, 0, down, top)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes, scaled; of those that reach out of the image, the part inside."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._size(transformation["input_shape"])
        result = boxes.convert_format(bounding_boxes, self.bounding_box_format, "xyxy", **size)
        across, down, left, top = self._zooms(transformation)
        height, width = down * size["height"], across * size["width"]  # of what is seen
        deep = result["boxes"].ndim == 3
        ends = [v[..., None] if deep else v for v in (left, top, left + width, top + height)]
        result["boxes"] = boxes.within(result["boxes"], *ends)
        seen = {"height": height[..., None], "width": width[..., None]}
        result = boxes.convert_format(result, "xyxy", "rel_xyxy", **seen)
        result = boxes.clip_to_image_size(result, bounding_box_format="rel_xyxy")
        return boxes.convert_format(result, "rel_xyxy", self.bounding_box_format, **size)


class RandomShear(AffineLayer):
    """Slants each image by a random amount, in training.

    Args:
        x_factor: the range of the slant along x: up to this part of the height; 0 ... 1.
        y_factor: likewise along y.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        fill_mode: what lies beyond the borders: ``"reflect"``, ``"wrap"``, ``"constant"`` or
            ``"nearest"``.
        fill_value: with the mode ``"constant"``.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> RandomShear(0.3, 0.1, seed=1)(np.ones((2, 4, 5, 3))).shape
        (2, 4, 5, 3)
    """

    config_names = ("x_factor", "y_factor", "fill_mode", "interpolation", "seed", "fill_value")

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        text = (
            "The `factor` argument should be a number (or a list of two numbers) in the range "
            "[0, 1.0]."
        )
        self.x_factor = self._slants(x_factor, "x_factor", text)
        self.y_factor = self._slants(y_factor, "y_factor", text)
        self._set_filling(interpolation, fill_mode, fill_value)

    @staticmethod
    def _slants(factor: Any, name: str, text: str) -> tuple[float, float]:
        """The range as given; a config has it as -f, f, which no user may write."""
        pair = isinstance(factor, (tuple, list)) and len(factor) == 2
        if pair and isinstance(factor[0], (int, float)) and factor[0] == -factor[1] <= 0:
            return factor[0], factor[1]
        return _shift_range(factor, name, text, 0, closed=True)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The slant of each image along x and y, (N, 2)."""
        if not training:
            return None
        count, source = (self._batch_size(data), 1), self._source(seed)
        sign = ops.where(uniform(count, seed=source) > 0.5, -1.0, 1.0)
        y = uniform(count, *self.y_factor, seed=source)
        x = uniform(count, *self.x_factor, seed=source)
        factor = ops.concatenate([x, y], axis=1) * sign
        return {"shear_factor": factor, "input_shape": self._shape(data)}

    def _matrix(self, transformation: Any) -> Any:
        x, y = ops.split(ops.convert_to_tensor(transformation["shear_factor"]), 2, axis=1)
        return _rows(1, x, 0, y, 1, 0)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes, slanted: each side where its outer corner comes to lie."""
        if not training or transformation is None:
            return bounding_boxes
        size = self._size(transformation["input_shape"])
        dtype = self.compute_dtype
        given = self.bounding_box_format
        result = boxes.convert_format(bounding_boxes, given, "rel_xyxy", **size, dtype=dtype)
        factor = ops.cast(ops.convert_to_tensor(transformation["shear_factor"]), dtype)
        sx, sy = ops.split(factor, 2, axis=-1)  # (N, 1)
        x1, y1, x2, y2 = ops.unstack(result["boxes"], axis=-1)
        x1, x2 = (
            ops.where(sx < 0, x1 - sx * y1, x1 - sx * y2),
            ops.where(sx < 0, x2 - sx * y2, x2 - sx * y1),
        )
        y1, y2 = (
            ops.where(sy > 0, y1 - sy * x2, y1 - sy * x1),
            ops.where(sy > 0, y2 - sy * x1, y2 - sy * x2),
        )
        result["boxes"] = ops.stack([x1, y1, x2, y2], axis=-1)
        result = boxes.clip_to_image_size(result, bounding_box_format="rel_xyxy")
        return boxes.convert_format(result, "rel_xyxy", given, **size, dtype=dtype)
