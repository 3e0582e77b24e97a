"""Images mixed with each other, or partly erased: MixUp, CutMix, random erasing.

Sources: Zhang et al., mixup, arXiv:1710.09412; Yun et al., CutMix, arXiv:1905.04899; Zhong et al.,
Random erasing, arXiv:1708.04896.
"""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.errors import ArgumentError
from etude.layers.image.base import SeededImageLayer, factor_range
from etude.random import beta, normal, shuffle, uniform

__all__ = ["CutMix", "MixUp", "RandomErasing"]


def _mixed(x: Any, other: Any, weight: Any) -> Any:
    """``w x + (1 - w) x'``, a weight for each sample."""
    w = ops.reshape(ops.convert_to_tensor(weight), (-1, *(1,) * (max(x.ndim, 2) - 1)))
    return w * x + (1 - w) * other


class MixUp(SeededImageLayer):
    """Mixes each image, and its label, with another one of the batch, in training.

    ``y = w x + (1 - w) x'``, w from the beta distribution with α = β

    Args:
        alpha: α; the smaller, the nearer w is to 0 or 1.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        seed: of the random numbers.

    Shapes:
        x: a dictionary with ``images`` (batch, height, width, channels) and ``labels`` (batch,
        classes), or images alone; y: the same.

    Example:
        >>> import numpy as np
        >>> data = {"images": np.ones((2, 4, 4, 3)), "labels": np.eye(2)}
        >>> MixUp(seed=1)(data)["labels"].numpy().sum(axis=1).round(5).tolist()
        [1.0, 1.0]
    """

    config_names = ("alpha", "seed")

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """With which image each is mixed, and its weight."""
        count, source = self._batch_size(data), self._source(seed)
        return {
            "permutation_order": shuffle(ops.arange(count, dtype="int32"), seed=source),
            "mix_weight": beta((count,), self.alpha, self.alpha, seed=source),
        }

    def _mixed_in_batch(self, x: Any, transformation: Any) -> Any:
        order = ops.convert_to_tensor(transformation["permutation_order"])
        weight = ops.cast(transformation["mix_weight"], x.dtype)
        return _mixed(x, ops.take(x, order, axis=0), weight)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, mixed."""
        x = self._cast(images)
        if not training:
            return x
        if x.ndim == 3:  # also without a batch axis the weight stands for samples
            x = ops.expand_dims(x, 0)
        return self._mixed_in_batch(x, transformation)

    def transform_labels(
        self, labels: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The labels, mixed; they become floats."""
        return self._mixed_in_batch(self._cast(labels), transformation) if training else labels

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks, mixed; they become floats."""
        if not training:
            return segmentation_masks
        return self._mixed_in_batch(self._cast(segmentation_masks), transformation)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The boxes of both images."""
        if not training:
            return bounding_boxes
        order = ops.convert_to_tensor(transformation["permutation_order"])
        result: dict[str, Any] = dict(bounding_boxes)
        for key in ("boxes", "labels"):
            x = ops.convert_to_tensor(bounding_boxes[key])
            axis = min(1, x.ndim - 1)
            result[key] = ops.concatenate([x, ops.take(x, order, axis=0)], axis=axis)
        return result


class _WindowLayer(SeededImageLayer):
    """Base of the layers that change a random window of each image."""

    factor_bounds = (0, 1)

    def _interval(self, length: int, share: Any, source: Any) -> tuple[Any, Any]:
        """A random interval of each image along one axis: its ends, (N,) each."""
        size = share * length
        start = uniform(share.shape, dtype=str(share.dtype), seed=source) * (length - size)
        return start, start + size

    def _mask(self, shape: Any, columns: tuple[Any, Any], rows: tuple[Any, Any]) -> Any:
        """Which pixels lie in the windows, (N, ...) like the images."""
        inside: Any = True
        for axis, (low, high) in ((self.width_axis, columns), (self.height_axis, rows)):
            around = [1, 1, 1, 1]
            around[axis] = shape[axis]
            place = ops.reshape(ops.arange(shape[axis], dtype=str(low.dtype)), around)
            low, high = (v[:, None, None, None] for v in (low, high))
            inside = ops.logical_and(inside, ops.logical_and(place >= low, place < high))
        full = [inside.shape[0], *shape[-3:]]
        return ops.broadcast_to(inside, full)


class CutMix(_WindowLayer):
    """Puts a window of another image of the batch into each image, in training.

    Labels are mixed by the areas.

    Args:
        factor: the range of α of the beta distribution that the area comes from, 0 ... 1.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: a dictionary with ``images`` (batch, height, width, channels) and ``labels`` (batch,
        classes), or images alone; y: the same.

    Example:
        >>> import numpy as np
        >>> data = {"images": np.ones((2, 4, 4, 3)), "labels": np.eye(2)}
        >>> CutMix(seed=1)(data)["labels"].numpy().sum(axis=1).round(5).tolist()
        [1.0, 1.0]
    """

    config_names = ("factor", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """With which image each is mixed, its window, and its weight, (N, 1, 1, 1)."""
        shape = self._shape(data)
        if not training or len(shape) == 3:
            return None
        count, source = shape[0], self._source(seed)
        height, width = shape[self.height_axis], shape[self.width_axis]
        alpha = uniform((), *self.factor, seed=source) + 1e-6
        share = ops.sqrt(1 - beta((count,), alpha, alpha, seed=source))
        columns = self._interval(width, share, source)
        rows = self._interval(height, share, source)
        weight = 1 - (columns[1] - columns[0]) * (rows[1] - rows[0]) / (width * height)
        return {
            "permutation_order": shuffle(ops.arange(count, dtype="int32"), seed=source),
            "batch_masks": self._mask(shape, columns, rows),
            "mix_weight": weight[:, None, None, None],
        }

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, each with a window of another one."""
        x = self._cast(images)
        if not training or transformation is None:
            return x
        order = ops.convert_to_tensor(transformation["permutation_order"])
        mask = ops.convert_to_tensor(transformation["batch_masks"])[..., : x.shape[-1]]
        return ops.where(mask, ops.take(x, order, axis=0), x)

    def transform_segmentation_masks(
        self, segmentation_masks: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The masks, each with a window of another one."""
        return self.transform_images(segmentation_masks, transformation, training)

    def transform_labels(
        self, labels: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The labels, mixed by the areas; they become floats."""
        if not training or transformation is None:
            return labels
        y = self._cast(labels)
        order = ops.convert_to_tensor(transformation["permutation_order"])
        weight = ops.cast(transformation["mix_weight"], y.dtype)
        return _mixed(y, ops.take(y, order, axis=0), weight)

    def transform_bounding_boxes(
        self, bounding_boxes: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """Not defined, as in Keras."""
        raise NotImplementedError("CutMix does not say what becomes of bounding boxes.")


class RandomErasing(_WindowLayer):
    """Fills a random window of each image with one value, or with noise, in training.

    Args:
        factor: the probability that an image changes, 0 ... 1; or a range of it.
        scale: the range of the window's area, as a part of the image's.
        fill_value: a number, or one for each of three channels; None for normal noise.
        value_range: of the pixels; what is filled in is brought into it.
        seed: of the random numbers.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> layer = RandomErasing(scale=(1.0, 1.0), factor=(1.0, 1.0), fill_value=9)
        >>> layer(np.zeros((1, 1, 2, 1))).numpy().ravel().tolist()
        [9.0, 9.0]
    """

    config_names = ("factor", "scale", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self._set_factor(factor)
        self.scale = factor_range(scale, (0, 1), "scale")
        self.fill_value = fill_value
        self.value_range = value_range

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Which images change, their windows, and what is filled in."""
        if not training:
            return None
        shape, count, source = self._shape(data), self._batch_size(data), self._source(seed)
        share = ops.sqrt(uniform((count, 2), *self.scale, seed=source))
        columns = self._interval(shape[self.width_axis], share[:, 0], source)
        rows = self._interval(shape[self.height_axis], share[:, 1], source)
        probability = uniform((count,), *self.factor, seed=source)
        return {
            "apply_erasing": uniform((count,), seed=source) < probability,
            "batch_masks": self._mask(shape, columns, rows),
            "fill_value": self._filling((count, *shape[-3:]), source),
        }

    def _filling(self, shape: tuple[int, ...], source: Any) -> Any:
        value = self.fill_value
        if value is None:
            noise = normal(shape, dtype=self.compute_dtype, seed=source)
            return ops.clip(noise * self.value_range[1], *self.value_range)
        pair = isinstance(value, (tuple, list))
        if (pair and len(value) != 3) or not (pair or isinstance(value, (int, float))):
            raise ArgumentError(
                "The `fill_value` argument should be a number (or a list of three numbers). "
                f"Received: fill_value={value}"
            )
        filling = ops.cast(ops.convert_to_tensor(value), self.compute_dtype)
        if pair and self.data_format == "channels_first":
            filling = filling[:, None, None]
        return ops.clip(filling, *self.value_range)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, each without a window."""
        x = self._cast(images)
        if not training:
            return x
        filling = ops.cast(transformation["fill_value"], x.dtype)
        erased = ops.where(ops.convert_to_tensor(transformation["batch_masks"]), filling, x)
        applied = ops.convert_to_tensor(transformation["apply_erasing"])
        return ops.where(applied[:, None, None, None], erased, x)
