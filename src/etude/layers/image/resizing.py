"""Layers that change the size of images: resizing and cropping."""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.layers.image import boxes
from etude.layers.image.base import ImageLayer, SeededImageLayer
from etude.ops.image.resizing import fitting_window
from etude.random import make_default_seed, uniform

__all__ = ["CenterCrop", "RandomCrop", "Resizing"]


class _ToSize(ImageLayer):
    """Base of the layers with a fixed height and width of the result."""

    height: int
    width: int

    def _sizes(self, data: Any) -> tuple[int, int]:
        """Height and width of the images that come."""
        shape = self._shape(data)
        return shape[self.height_axis], shape[self.width_axis]

    def _window(self, images: Any, top: Any, left: Any) -> Any:
        """The part of images of the layer's size that begins at a row and a column."""
        start: list[Any] = [0] * images.ndim
        size = list(images.shape)
        for axis, at, length in (
            (self.height_axis, top, self.height),
            (self.width_axis, left, self.width),
        ):
            start[axis], size[axis] = at, length
        return ops.slice(images, start, size)

    def _fitted(self, images: Any, interpolation: str) -> Any:
        """The greatest window of the layer's aspect ratio, resized."""
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation,
            crop_to_aspect_ratio=True,
            data_format=self.data_format,
        )

    def _fitted_boxes(self, xyxy: Any, sizes: tuple[int, int]) -> Any:
        """Boxes under `_fitted`."""
        (top, height), (left, width) = fitting_window(sizes, (self.height, self.width))
        xyxy = boxes.within(xyxy, left, top, left + width, top + height)
        x1, y1, x2, y2 = ops.split(xyxy, 4, axis=-1)
        across, down = self.width / width, self.height / height
        return ops.concatenate([x1 * across, y1 * down, x2 * across, y2 * down], axis=-1)


class Resizing(_ToSize):
    """Images in another size, in training and in inference.

    Args:
        height: of the result.
        width: of the result.
        interpolation: ``"bilinear"``, ``"nearest"``, ``"bicubic"``, ``"lanczos3"`` or
            ``"lanczos5"``.
        crop_to_aspect_ratio: whether to cut the borders first, so that nothing is distorted.
        pad_to_aspect_ratio: whether to add borders first, to the same end.
        fill_mode: ``"constant"``, what borders are made of.
        fill_value: the value of added borders.
        antialias: whether all input pixels count where images shrink.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, h, w, channels) or (h, w, channels); y: the same with (height, width), in the
        dtype of x; integers are rounded.

    Example:
        >>> import numpy as np
        >>> Resizing(2, 3)(np.ones((1, 4, 6, 3))).shape
        (1, 2, 3, 3)
    """

    config_names = (
        "height",
        "width",
        "interpolation",
        "crop_to_aspect_ratio",
        "pad_to_aspect_ratio",
        "fill_mode",
        "fill_value",
        "antialias",
    )

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = height
        self.width = width
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = bool(antialias)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Nothing is drawn: height and width of the images."""
        return self._sizes(data)

    def _resized(self, images: Any, interpolation: str) -> Any:
        return ops.image.resize(
            images,
            (self.height, self.width),
            interpolation=interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images in the new size."""
        return self._resized(images, self.interpolation)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks in the new size; no class is mixed with another."""
        return self._resized(segmentation_masks, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes in the new images. Padding, boxes of 0 or -1, becomes boxes of 0."""
        height, width = transformation
        given = ops.convert_to_tensor(bounding_boxes["boxes"])
        empty = ops.logical_or(ops.all(given == -1, axis=-1), ops.all(given == 0, axis=-1))
        result = boxes.convert_format(
            bounding_boxes, self.bounding_box_format, "xyxy", height, width
        )
        result["boxes"] = self._resized_boxes(result["boxes"], (height, width))
        result = boxes.clip_to_image_size(result, self.height, self.width)
        result["boxes"] = ops.where(ops.expand_dims(empty, -1), 0.0, result["boxes"])
        return boxes.convert_format(
            result, "xyxy", self.bounding_box_format, self.height, self.width
        )

    def _resized_boxes(self, xyxy: Any, sizes: tuple[int, int]) -> Any:
        """Boxes scaled with the images, and moved by what is added or cut off at one side."""
        down, across = self.height / sizes[0], self.width / sizes[1]
        if self.pad_to_aspect_ratio:
            down = across = min(down, across)
        elif self.crop_to_aspect_ratio:
            down = across = max(down, across)
        top = int((self.height - sizes[0] * down) / 2)  # towards zero, as images are cut
        left = int((self.width - sizes[1] * across) / 2)
        x1, y1, x2, y2 = ops.split(xyxy, 4, axis=-1)
        ends = [x1 * across + left, y1 * down + top, x2 * across + left, y2 * down + top]
        return ops.concatenate(ends, axis=-1)


class CenterCrop(_ToSize):
    """The middle of images, in training and in inference.

    Images that are smaller than the result are resized: the greatest window of its aspect ratio.

    Args:
        height: of the result.
        width: of the result.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, h, w, channels) or (h, w, channels); y: the same with (height, width).

    Example:
        >>> import numpy as np
        >>> CenterCrop(1, 2)(np.arange(12.0).reshape(1, 3, 4, 1)).numpy()[0, :, :, 0].tolist()
        [[5.0, 6.0]]
    """

    config_names = ("height", "width")

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = height
        self.width = width

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Nothing is drawn: the shape of the images."""
        return {"input_shape": self._shape(data)}

    def _covers(self, height: int, width: int) -> bool:
        return height >= self.height and width >= self.width

    def _middle(self, images: Any, interpolation: str) -> Any:
        height, width = self._sizes(images)
        if not self._covers(height, width):
            return self._fitted(images, interpolation)
        return self._window(images, (height - self.height) // 2, (width - self.width) // 2)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The middle of the images."""
        return self._middle(self._cast(images), "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The middle of the masks; no class is mixed with another."""
        return self._middle(self._cast(segmentation_masks), "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes in the middle."""
        shape = transformation["input_shape"]
        height, width = int(shape[self.height_axis]), int(shape[self.width_axis])
        result = boxes.convert_format(
            bounding_boxes, self.bounding_box_format, "xyxy", height, width
        )
        if self._covers(height, width):
            top, left = (height - self.height) // 2, (width - self.width) // 2
            result["boxes"] = boxes.crop(result["boxes"], top, left, self.height, self.width)
        else:
            result["boxes"] = self._fitted_boxes(result["boxes"], (height, width))
        result = boxes.clip_to_image_size(result, self.height, self.width)
        return boxes.convert_format(
            result, "xyxy", self.bounding_box_format, self.height, self.width
        )


class RandomCrop(SeededImageLayer, _ToSize):
    """A window of images at a random place, the same for the whole batch, in training.

    In inference, and where images are not larger than the result, it is the greatest window of its
    aspect ratio, resized.

    Args:
        height: of the result.
        width: of the result.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, h, w, channels) or (h, w, channels); y: the same with (height, width).

    Example:
        >>> import numpy as np
        >>> RandomCrop(2, 2, seed=1)(np.ones((1, 4, 5, 3))).shape
        (1, 2, 2, 3)
    """

    config_names = ("height", "width", "seed")

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        seed = make_default_seed() if seed is None else seed
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height = height
        self.width = width
        self._convert_input_args = False

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """The first row and column of the window; None for the window that fits."""
        height, width = self._sizes(data)
        result = {"start": None, "input_size": (height, width)}
        if training and height > self.height and width > self.width:
            source = self._source(seed)
            room = height - self.height + 1, width - self.width + 1
            result["start"] = tuple(ops.cast(uniform((), 0, n, seed=source), "int32") for n in room)
        return result

    def _cropped(self, images: Any, transformation: Any, interpolation: str) -> Any:
        start = transformation["start"]
        if start is None:
            return self._fitted(images, interpolation)
        return self._window(images, *start)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The window."""
        return self._cropped(self._cast(images), transformation, "bilinear")

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The window of the masks; no class is mixed with another."""
        return self._cropped(self._cast(segmentation_masks), transformation, "nearest")

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes within the window."""
        height, width = transformation["input_size"]
        result = boxes.convert_format(
            bounding_boxes, self.bounding_box_format, "xyxy", height, width
        )
        start = transformation["start"]
        if start is None:
            result["boxes"] = self._fitted_boxes(result["boxes"], (height, width))
        else:
            top, left = (ops.cast(n, result["boxes"].dtype) for n in start)
            result["boxes"] = boxes.crop(result["boxes"], top, left, self.height, self.width)
        return boxes.convert_format(
            result, "xyxy", self.bounding_box_format, self.height, self.width
        )
