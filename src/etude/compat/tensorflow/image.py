"""`tf.image`: pictures resized, cropped, flipped, recoloured, under TensorFlow's names.

Images are (H, W, C) or (N, H, W, C).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from etude.compat.adoption import adopt, integer, integers
from etude.compat.missing import lacks
from etude.compat.tensorflow import random
from etude.compat.tensorflow.files import convert_image_dtype as convert_image_dtype
from etude.compat.tensorflow.files import decode_bmp as decode_bmp
from etude.compat.tensorflow.files import decode_gif as decode_gif
from etude.compat.tensorflow.files import decode_image as decode_image
from etude.compat.tensorflow.files import decode_jpeg as decode_jpeg
from etude.compat.tensorflow.files import decode_png as decode_png
from etude.compat.tensorflow.files import encode_jpeg as encode_jpeg
from etude.compat.tensorflow.files import encode_png as encode_png
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError

hsv_to_rgb = adopt("ops.image.hsv_to_rgb", "images")
rgb_to_hsv = adopt("ops.image.rgb_to_hsv", "images")
rgb_to_grayscale = adopt("ops.image.rgb_to_grayscale", "images")


class ResizeMethod:
    """Names of the ways to find pixels between pixels."""

    AREA = "area"
    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    GAUSSIAN = "gaussian"
    LANCZOS3 = "lanczos3"
    LANCZOS5 = "lanczos5"
    MITCHELLCUBIC = "mitchellcubic"
    NEAREST_NEIGHBOR = "nearest"


def _size(image: Any) -> tuple[int, int]:
    height, width = image.shape[-3:-1]
    return height, width


# --- sizes --------------------------------------------------------------------------------------


def resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
    name: str | None = None,
) -> Any:
    """Images of another size: floats, except by the nearest neighbour.

    >>> resize(np.zeros((4, 6, 3), "uint8"), (2, 3)).shape
    (2, 3, 3)
    """
    images = ops.convert_to_tensor(images)
    height, width = integers(size)
    if preserve_aspect_ratio:
        h, w = _size(images)
        scale = min(height / h, width / w)
        height, width = round(h * scale), round(w * scale)
    if method == "nearest":
        return ops.image.resize(images, (height, width), interpolation="nearest")
    # The mean of whole blocks is what a bilinear resize with antialiasing comes near to.
    how, smooth = ("bilinear", True) if method == "area" else (method, antialias)
    return ops.image.resize(
        ops.cast(images, "float32"), (height, width), interpolation=how, antialias=smooth
    )


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """A part of the image, from a corner on.

    >>> crop_to_bounding_box(np.zeros((5, 5, 1)), 1, 1, 2, 3).shape
    (2, 3, 1)
    """
    top, left, h, w = map(integer, (offset_height, offset_width, target_height, target_width))
    height, width = _size(image)
    if top < 0 or left < 0 or top + h > height or left + w > width:
        raise ArgumentError(
            f"A box of {h} x {w} pixels at ({top}, {left}) is not inside of an image of {height} x "
            f"{width} pixels."
        )
    return ops.convert_to_tensor(image)[..., top : top + h, left : left + w, :]


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The image on a black canvas of the target's size, its corner at the offset.

    >>> pad_to_bounding_box(np.ones((2, 2, 1)), 1, 0, 4, 3).shape
    (4, 3, 1)
    """
    image = ops.convert_to_tensor(image)
    top, left, h, w = map(integer, (offset_height, offset_width, target_height, target_width))
    height, width = _size(image)
    widths = ((top, h - height - top), (left, w - width - left), (0, 0))
    if min(map(min, widths)) < 0:
        raise ArgumentError(
            f"An image of {height} x {width} pixels at ({top}, {left}) is larger than {h} x {w}."
        )
    return ops.pad(image, ((0, 0),) * (image.ndim - 3) + widths)


def resize_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """The middle of the image, cut or with black borders.

    >>> resize_with_crop_or_pad(np.ones((4, 2, 1)), 2, 4).shape
    (2, 4, 1)
    """
    h, w = integer(target_height), integer(target_width)
    height, width = _size(image)
    top, left = max(height - h, 0) // 2, max(width - w, 0) // 2
    cut = crop_to_bounding_box(image, top, left, min(h, height), min(w, width))
    return pad_to_bounding_box(cut, max(h - height, 0) // 2, max(w - width, 0) // 2, h, w)


def resize_with_pad(
    image: Any, target_height: Any, target_width: Any, method: str = "bilinear", **_: Any
) -> Any:
    """The whole image, resized to fit in, with black borders.

    >>> resize_with_pad(np.ones((4, 2, 1)), 2, 2).shape
    (2, 2, 1)
    """
    h, w = integer(target_height), integer(target_width)
    small = resize(image, (h, w), method, preserve_aspect_ratio=True)
    return resize_with_crop_or_pad(small, h, w)


def central_crop(image: Any, central_fraction: float) -> Any:
    """The middle of the image, this fraction of each side.

    >>> central_crop(np.ones((4, 8, 1)), 0.5).shape
    (2, 4, 1)
    """
    height, width = _size(image)
    top, left = (int((n - n * central_fraction) / 2) for n in (height, width))
    return crop_to_bounding_box(image, top, left, height - 2 * top, width - 2 * left)


def random_crop(value: Any, size: Any, seed: Any = None, name: str | None = None) -> Any:
    """A part of this size, somewhere.

    >>> random_crop(np.ones((5, 5, 3)), (2, 2, 3), seed=1).shape
    (2, 2, 3)
    """
    value, wanted = ops.convert_to_tensor(value), integers(size)
    corner = [
        int(random.uniform((), 0, have - want + 1, "int32", seed))
        for have, want in zip(value.shape, wanted, strict=True)
    ]
    return value[tuple(slice(at, at + want) for at, want in zip(corner, wanted, strict=True))]


def stateless_random_crop(value: Any, size: Any, seed: Any, name: str | None = None) -> Any:
    """`random_crop`, the same for the same seed.

    >>> stateless_random_crop(np.ones((5, 5, 3)), (2, 2, 3), seed=(1, 2)).shape
    (2, 2, 3)
    """
    return random_crop(value, size, seed)


def extract_patches(
    images: Any, sizes: Any, strides: Any, rates: Any, padding: str, name: str | None = None
) -> Any:
    """Windows of each image, with their pixels on the last axis.

    >>> extract_patches(np.ones((1, 4, 4, 3)), (1, 2, 2, 1), (1, 2, 2, 1), (1,) * 4, "VALID").shape
    (1, 2, 2, 12)
    """
    return ops.image.extract_patches(
        images,
        integers(sizes)[1:3],
        strides=integers(strides)[1:3],
        dilation_rate=integers(rates)[1:3],
        padding=padding.lower(),
    )


# --- mirrors and turns --------------------------------------------------------------------------


def flip_left_right(image: Any) -> Any:
    """Mirrored at the vertical middle.

    >>> flip_left_right([[[1], [2]]]).numpy().ravel().tolist()
    [2, 1]
    """
    return ops.flip(image, -2)


def flip_up_down(image: Any) -> Any:
    """Mirrored at the horizontal middle.

    >>> flip_up_down([[[1]], [[2]]]).numpy().ravel().tolist()
    [2, 1]
    """
    return ops.flip(image, -3)


def transpose(image: Any, name: str | None = None) -> Any:
    """Rows and columns exchanged.

    >>> transpose(np.ones((2, 3, 1))).shape
    (3, 2, 1)
    """
    return ops.swapaxes(image, -3, -2)


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Any:
    """Turned by quarters against the clock.

    >>> rot90([[[1], [2]]]).numpy().ravel().tolist()
    [2, 1]
    """
    return ops.rot90(image, k=integer(k), axes=(-3, -2))


def _perhaps(image: Any, seed: Any, change: Callable[[Any], Any]) -> Any:
    """The changed image or the image itself; each image of a batch for itself."""
    image = ops.convert_to_tensor(image)
    coins = random.uniform((*image.shape[:-3], 1, 1, 1), seed=seed)
    return ops.where(ops.less(coins, 0.5), change(image), image)


def random_flip_left_right(image: Any, seed: Any = None) -> Any:
    """Mirrored at the vertical middle, or not.

    >>> random_flip_left_right(np.ones((2, 2, 1))).shape
    (2, 2, 1)
    """
    return _perhaps(image, seed, flip_left_right)


def random_flip_up_down(image: Any, seed: Any = None) -> Any:
    """Mirrored at the horizontal middle, or not.

    >>> random_flip_up_down(np.ones((2, 2, 1))).shape
    (2, 2, 1)
    """
    return _perhaps(image, seed, flip_up_down)


stateless_random_flip_left_right = random_flip_left_right
stateless_random_flip_up_down = random_flip_up_down


# --- colours ------------------------------------------------------------------------------------


def _as_floats(image: Any, change: Callable[[Any], Any]) -> Any:
    """A change of a float image; images of integers are brought to [0, 1] and back."""
    image = ops.convert_to_tensor(image)
    floats = image if is_float_dtype(image.dtype) else convert_image_dtype(image, "float32")
    return convert_image_dtype(change(floats), image.dtype, saturate=True)


def adjust_brightness(image: Any, delta: Any) -> Any:
    """Brighter by delta.

    >>> adjust_brightness([[[0.5]]], 0.25).numpy().ravel().tolist()
    [0.75]
    """
    return _as_floats(image, lambda x: ops.add(x, delta))


def adjust_contrast(images: Any, contrast_factor: Any) -> Any:
    """Further from the mean of each channel, by a factor.

    >>> adjust_contrast([[[0.0], [1.0]]], 0.5).numpy().ravel().tolist()
    [0.25, 0.75]
    """

    def change(x: Any) -> Any:
        mean = ops.mean(x, axis=(-3, -2), keepdims=True)
        return ops.add(ops.multiply(ops.subtract(x, mean), contrast_factor), mean)

    return _as_floats(images, change)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Any:
    """gain * x ** gamma.

    >>> adjust_gamma([[[0.5]]], 2.0).numpy().ravel().tolist()
    [0.25]
    """
    return _as_floats(image, lambda x: ops.multiply(gain, ops.power(x, gamma)))


def _in_hsv(image: Any, change: Callable[[Any, Any, Any], list[Any]]) -> Any:
    def through(x: Any) -> Any:
        h, s, v = ops.split(rgb_to_hsv(x), 3, axis=-1)
        return hsv_to_rgb(ops.concatenate(change(h, s, v), axis=-1))

    return _as_floats(image, through)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Any:
    """Colours turned around their wheel, by a part of a whole turn.

    >>> adjust_hue(np.full((1, 1, 3), 0.5, "float32"), 0.5).numpy().ravel().tolist()
    [0.5, 0.5, 0.5]
    """
    return _in_hsv(image, lambda h, s, v: [ops.mod(ops.add(h, delta), 1.0), s, v])


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Any:
    """Colours stronger by a factor.

    >>> adjust_saturation(np.full((1, 1, 3), 0.5, "float32"), 2.0).numpy().ravel().tolist()
    [0.5, 0.5, 0.5]
    """
    return _in_hsv(
        image, lambda h, s, v: [h, ops.clip(ops.multiply(s, saturation_factor), 0.0, 1.0), v]
    )


def random_brightness(image: Any, max_delta: float, seed: Any = None) -> Any:
    """Brighter or darker by at most ``max_delta``.

    >>> random_brightness(np.ones((2, 2, 3)), 0.1).shape
    (2, 2, 3)
    """
    return adjust_brightness(image, random.uniform((), -max_delta, max_delta, seed=seed))


def random_contrast(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """The contrast changed by a factor from ``lower`` to ``upper``.

    >>> random_contrast(np.ones((2, 2, 3)), 0.5, 1.5).shape
    (2, 2, 3)
    """
    return adjust_contrast(image, random.uniform((), lower, upper, seed=seed))


def random_hue(image: Any, max_delta: float, seed: Any = None) -> Any:
    """Colours turned by at most ``max_delta``.

    >>> random_hue(np.ones((2, 2, 3), "float32"), 0.1).shape
    (2, 2, 3)
    """
    return adjust_hue(image, random.uniform((), -max_delta, max_delta, seed=seed))


def random_saturation(image: Any, lower: float, upper: float, seed: Any = None) -> Any:
    """Colours stronger or weaker by a factor from ``lower`` to ``upper``.

    >>> random_saturation(np.ones((2, 2, 3), "float32"), 0.5, 1.5).shape
    (2, 2, 3)
    """
    return adjust_saturation(image, random.uniform((), lower, upper, seed=seed))


stateless_random_brightness = random_brightness
stateless_random_contrast = random_contrast
stateless_random_hue = random_hue
stateless_random_saturation = random_saturation


def grayscale_to_rgb(images: Any, name: str | None = None) -> Any:
    """Three equal channels out of one.

    >>> grayscale_to_rgb(np.ones((2, 2, 1))).shape
    (2, 2, 3)
    """
    return ops.repeat(images, 3, axis=-1)


def per_image_standardization(image: Any) -> Any:
    """Mean 0 and deviation 1 for each image; a deviation counts as at least 1 / sqrt(pixels).

    >>> per_image_standardization([[[0.0], [2.0]]]).numpy().ravel().tolist()
    [-1.0, 1.0]
    """
    image = ops.cast(image, "float32")
    axes = (-3, -2, -1)
    least = 1.0 / math.sqrt(math.prod(image.shape[-3:]))
    deviation = ops.maximum(ops.std(image, axis=axes, keepdims=True), least)
    return ops.divide(ops.subtract(image, ops.mean(image, axis=axes, keepdims=True)), deviation)


# --- measures -----------------------------------------------------------------------------------


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Any:
    """The peak signal-to-noise ratio of each pair of images, in decibels.

    >>> float(psnr(np.zeros((1, 1, 1), "float32"), np.ones((1, 1, 1), "float32"), 10.0))
    20.0
    """
    top = max_val / np.iinfo(str(a.dtype)).max if not is_float_dtype(a.dtype) else max_val
    a, b = (convert_image_dtype(x, "float32") for x in (a, b))
    error = ops.mean(ops.square(ops.subtract(a, b)), axis=(-3, -2, -1))
    return ops.multiply(20.0, ops.log10(top)) - ops.multiply(10.0, ops.log10(error))


def total_variation(images: Any, name: str | None = None) -> Any:
    """The sum of the differences between neighbours, for each image.

    >>> float(total_variation([[[0.0], [1.0]]]))
    1.0
    """
    x = ops.convert_to_tensor(images)
    down = ops.abs(x[..., 1:, :, :] - x[..., :-1, :, :])
    right = ops.abs(x[..., 1:, :] - x[..., :-1, :])
    return ops.sum(down, axis=(-3, -2, -1)) + ops.sum(right, axis=(-3, -2, -1))


def image_gradients(image: Any) -> tuple[Any, Any]:
    """Differences to the next row and to the next column, 0 at the end.

    >>> [g.shape for g in image_gradients(np.ones((1, 3, 4, 1)))]
    [(1, 3, 4, 1), (1, 3, 4, 1)]
    """
    x = ops.convert_to_tensor(image)
    down = ops.pad(x[:, 1:] - x[:, :-1], ((0, 0), (0, 1), (0, 0), (0, 0)))
    right = ops.pad(x[:, :, 1:] - x[:, :, :-1], ((0, 0), (0, 0), (0, 1), (0, 0)))
    return down, right


__getattr__ = lacks("tf.image", __name__)
