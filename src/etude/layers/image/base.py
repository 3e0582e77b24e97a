"""What the layers on images share: the forms of their input, value ranges, factors, seeds.

A layer draws one transformation per call, and applies it to all that belongs to the images: the
images themselves, labels, bounding boxes, segmentation masks.

    layer({"images": x, "labels": y, "bounding_boxes": {"boxes": b, "labels": l}})

Only training changes something, unless a layer says otherwise. The random numbers are etude's: a
seed gives the same ones on both engines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from etude import config, ops
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.image import boxes as bounding_boxes_of
from etude.random import SeedGenerator

__all__ = ["FactorLayer", "ImageLayer", "SeededImageLayer", "checked_range", "factor_range"]

Transformation = Any
Boxes = dict[str, Any]


# --- arguments ----------------------------------------------------------------------------------


def factor_range(
    factor: Any, bounds: tuple[float, float] = (-1, 1), name: str = "factor"
) -> tuple[float, float]:
    """The range from which a factor is drawn.

    Args:
        factor: a range of two numbers; or one, f, for -f ... f, as far as the bounds allow it.
        bounds: the least and the greatest value.
        name: the argument's name, for the message.

    Raises:
        ArgumentError: it is something else, or lies beyond the bounds.

    >>> factor_range(0.2), factor_range(0.2, (0, 1)), factor_range((0.3, 0.1))
    ((-0.2, 0.2), (0, 0.2), (0.1, 0.3))
    """
    problem = ArgumentError(
        f"The `{name}` argument should be a number (or a list of two numbers) in the range "
        f"[{bounds[0]}, {bounds[1]}]. Received: {name}={factor}"
    )
    if isinstance(factor, (tuple, list)):
        if len(factor) != 2 or factor[0] > bounds[1] or factor[1] < bounds[0]:
            raise problem
        low, high = sorted(factor)
        return low, high
    if isinstance(factor, bool) or not isinstance(factor, (int, float)):
        raise problem
    if not bounds[0] <= factor <= bounds[1]:
        raise problem
    return max(-abs(factor), bounds[0]), abs(factor)


def checked_range(given: Any) -> list[float]:
    """The range of pixel values, in order.

    Raises:
        ArgumentError: it is no pair of numbers.

    >>> checked_range((255, 0))
    [0, 255]
    """
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ArgumentError(
            "The `value_range` argument should be a list of two numbers. "
            f"Received: value_range={given}"
        )
    return sorted(given)


# --- the layer ----------------------------------------------------------------------------------


class ImageLayer(ConfiguredLayer):
    """The base of the layers on images.

    A subclass writes `transform_images`; where there is something to draw,
    `get_random_transformation`; and where boxes, masks or labels change too, what becomes of them.

    Args:
        factor: none; layers that have one take it themselves.
        bounding_box_format: how boxes are written: ``"xyxy"``, ``"rel_xyxy"``, ...
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels), or (height, width, channels), or a dictionary with
        such ``images``; y: the same.
    """

    def __init__(
        self,
        factor: Any = None,
        bounding_box_format: str | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if factor is not None:
            raise ArgumentError(
                f"Layer {type(self).__name__} does not take a `factor` argument. Received: "
                f"factor={factor}"
            )
        self.bounding_box_format: Any = bounding_box_format
        self.data_format = config.standardize_data_format(data_format)
        self._allow_non_tensor_positional_args = True

    # ---- axes ----

    @property
    def height_axis(self) -> int:
        """The axis of the rows, from the end."""
        return -2 if self.data_format == "channels_first" else -3

    @property
    def width_axis(self) -> int:
        """The axis of the columns, from the end."""
        return -1 if self.data_format == "channels_first" else -2

    @property
    def channel_axis(self) -> int:
        """The axis of the channels, from the end."""
        return -3 if self.data_format == "channels_first" else -1

    def _shape(self, data: Any) -> tuple[int, ...]:
        """The shape of the images; (N, ...) or without the batch."""
        shape = tuple((data["images"] if isinstance(data, dict) else data).shape)
        if len(shape) not in (3, 4):
            raise ShapeError(
                f"Layer {self.name!r}: Expected the input image to be rank 3 or 4. Received: "
                f"inputs.shape={shape}"
            )
        return shape

    def _batch_size(self, data: Any) -> int:
        """How many images there are; 1 for a single one."""
        shape = self._shape(data)
        return shape[0] if len(shape) == 4 else 1

    # ---- what a layer does ----

    def get_random_transformation(
        self, data: Any, training: bool = True, seed: Any = None
    ) -> Transformation:
        """Draws what is done to the images of this call.

        Args:
            data: images, or a dictionary with them.
            training: whether there is something to draw.
            seed: an int or a `SeedGenerator`; by default the layer's own.
        """
        return None

    def transform_images(
        self, images: Any, transformation: Transformation = None, training: bool = True
    ) -> Any:
        """The images under a transformation."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it does to images.")

    def transform_labels(
        self, labels: Any, transformation: Transformation = None, training: bool = True
    ) -> Any:
        """The labels under a transformation: the same, but for layers that mix images."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: Boxes, transformation: Transformation = None, training: bool = True
    ) -> Boxes:
        """The boxes under a transformation: the same where pixels keep their places."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Transformation = None, training: bool = True
    ) -> Any:
        """The masks under a transformation: the same where pixels keep their places."""
        return segmentation_masks

    # ---- single images ----

    def transform_single_image(
        self, image: Any, transformation: Transformation, training: bool = True
    ) -> Any:
        """`transform_images` for one, (height, width, channels)."""
        images = ops.expand_dims(image, 0)
        return ops.squeeze(self.transform_images(images, transformation, training), 0)

    def transform_single_label(
        self, label: Any, transformation: Transformation, training: bool = True
    ) -> Any:
        """`transform_labels` for one."""
        labels = ops.expand_dims(label, 0)
        return ops.squeeze(self.transform_labels(labels, transformation, training), 0)

    def transform_single_bounding_box(
        self, bounding_box: Boxes, transformation: Transformation, training: bool = True
    ) -> Boxes:
        """`transform_bounding_boxes` for those of one image."""
        batch = {key: ops.expand_dims(value, 0) for key, value in bounding_box.items()}
        batch = self.transform_bounding_boxes(batch, transformation, training)
        return {key: ops.squeeze(value, 0) for key, value in batch.items()}

    def transform_single_segmentation_mask(
        self, segmentation_mask: Any, transformation: Transformation, training: bool = True
    ) -> Any:
        """`transform_segmentation_masks` for one."""
        masks = ops.expand_dims(segmentation_mask, 0)
        masks = self.transform_segmentation_masks(masks, transformation, training)
        return ops.squeeze(masks, 0)

    # ---- the call ----

    def call(self, data: Any, training: bool = True) -> Any:
        """The data under one transformation; a dictionary is changed in place.

        The dictionary is a copy of the caller's, but for `RandomFlip` and `RandomCrop`, which take
        it as it is, as in Keras.
        """
        if isinstance(data, dict):
            data["images"] = ops.convert_to_tensor(data["images"])
        else:
            data = ops.convert_to_tensor(data)
        batched = len(self._shape(data)) == 4
        transformation = self.get_random_transformation(data, training=training)
        if not isinstance(data, dict):
            transform = self.transform_images if batched else self.transform_single_image
            return transform(data, transformation, training)
        singular = {
            "images": "image",
            "labels": "label",
            "bounding_boxes": "bounding_box",
            "segmentation_masks": "segmentation_mask",
        }
        for key in singular.keys() & data.keys():
            name = f"transform_{key}" if batched else f"transform_single_{singular[key]}"
            value = self._converted(key, data[key])
            data[key] = getattr(self, name)(value, transformation, training)
        return data

    def _converted(self, key: str, value: Any) -> Any:
        """A part of the data as tensors."""
        if key != "bounding_boxes":
            return ops.convert_to_tensor(value)
        if not self.bounding_box_format:
            raise ArgumentError(
                "You passed an input with a 'bounding_boxes' key, but you didn't specify a "
                "bounding box format. Pass a `bounding_box_format` argument to your "
                f"{type(self).__name__} layer, e.g. `bounding_box_format='xyxy'`."
            )
        return bounding_boxes_of.dense(value)

    # ---- helpers of subclasses ----

    def _cast(self, images: Any) -> Any:
        return ops.cast(ops.convert_to_tensor(images), self.compute_dtype)

    def _rescaled(self, images: Any, source: Sequence[float], target: Sequence[float]) -> Any:
        """Values brought from one range to another."""
        if tuple(source) == tuple(target):
            return images
        share = (ops.cast(images, self.compute_dtype) - source[0]) / (source[1] - source[0])
        return share * (target[1] - target[0]) + target[0]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        own: dict[str, Any] = {"data_format": self.data_format}
        if self.bounding_box_format is not None:
            own["bounding_box_format"] = self.bounding_box_format
        return {**super().get_config(), **own}


class SeededImageLayer(ImageLayer):
    """The base of the layers on images that draw random numbers.

    Args:
        seed: an int; the same seed gives the same numbers in a new layer.
        **kwargs: those of `ImageLayer`.
    """

    factor_bounds: ClassVar[tuple[float, float]] = (-1, 1)

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _set_factor(self, factor: Any) -> None:
        self.factor = factor_range(factor, self.factor_bounds)

    def _source(self, seed: Any) -> Any:
        """Where random numbers come from: the seed of a call, or the layer's generator."""
        return self.generator if seed is None else seed


class FactorLayer(SeededImageLayer):
    """The base of the layers that draw one factor for each image, and keep pixels in their range.

    Args:
        factor: the range from which it is drawn; see `factor_range`.
        value_range: of the pixels.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.
        **kwargs: those of `ImageLayer`.
    """

    config_names = ("factor", "value_range", "seed")

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.value_range = checked_range(value_range)
