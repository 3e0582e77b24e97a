"""Image files and arrays: load, save, convert, resize. Pillow is imported when first used."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from etude import config, ops
from etude.autodiff import is_tensor
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.ops.image.resizing import fitting_window

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["array_to_img", "img_to_array", "load_img", "save_img", "smart_resize"]

Array = np.ndarray[Any, Any]
COLOR_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
"""Modes of Pillow that an image may have; else it is converted to the first one."""
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Image:
    """An image of Pillow from an array.

    Args:
        x: (height, width, channels) with 1, 3 or 4 channels, or with the channels first.
        data_format: ``"channels_last"``, ``"channels_first"``, or None for the configured one.
        scale: whether to stretch the values to 0 ... 255; otherwise they must lie there.
        dtype: in which to compute; `etude.config.floatx` by default.

    Raises:
        ShapeError: it is no single image, or has another number of channels.

    Example:
        >>> array_to_img(np.zeros((4, 5, 3))).size
        (5, 4)
    """
    from PIL import Image as pillow  # noqa: PLC0415  (most programs have no image files)

    array = np.asarray(ops.convert_to_numpy(x) if is_tensor(x) else x)
    array = array.astype(config.floatx() if dtype is None else dtype)
    if array.ndim != 3:
        raise ShapeError(
            "Expected image array to have rank 3 (single image). Got array with shape: "
            f"{array.shape}"
        )
    if config.standardize_data_format(data_format) == "channels_first":
        array = array.transpose(1, 2, 0)
    if scale:
        array = array - array.min()
        array = array / (array.max() or 1) * 255
    channels = array.shape[2]
    if channels not in (1, 3, 4):
        raise ShapeError(
            f"Unsupported channel number: {channels}. An image has 1 (gray), 3 (RGB) or 4 (RGBA)."
        )
    if channels > 1:
        return pillow.fromarray(array.astype("uint8"))
    plane = array[:, :, 0]
    return pillow.fromarray(plane.astype("int32" if plane.max() > 255 else "uint8"))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """An array from an image of Pillow.

    Args:
        img: an image, or an array (height, width) or (height, width, channels).
        data_format: of the result.
        dtype: of the result; `etude.config.floatx` by default.

    Returns:
        (height, width, channels), or (channels, height, width).

    Raises:
        ShapeError: it has another number of axes.

    Example:
        >>> img_to_array(array_to_img(np.zeros((4, 5, 3)))).shape
        (4, 5, 3)
    """
    array = np.asarray(img).astype(config.floatx() if dtype is None else dtype)
    if array.ndim not in (2, 3):
        raise ShapeError(f"Unsupported image shape: {array.shape}")
    array = array[:, :, None] if array.ndim == 2 else array
    first = config.standardize_data_format(data_format) == "channels_first"
    return array.transpose(2, 0, 1) if first else array


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Writes an array as an image file.

    Args:
        path: a path, or an open binary file.
        x: (height, width, channels), or with the channels first.
        data_format: of the array.
        file_format: e.g. ``"png"``; by default that of the path's ending.
        scale: as in `array_to_img`.
        **kwargs: further arguments of Pillow's ``save``.

    Raises:
        ShapeError: it is no single image, or has another number of channels.

    Example:
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((4, 5, 3)), file_format="png")
        >>> load_img(file).size
        (5, 4)
    """
    if file_format is None and isinstance(path, (str, Path)):
        file_format = Path(path).suffix[1:].lower()
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        warnings.warn(
            "The JPEG format does not support RGBA images, converting to RGB.", stacklevel=2
        )
        image = image.convert("RGB")
    image.save(path, format=file_format, **kwargs)


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image:
    """An image of Pillow from a file.

    Args:
        path: a path, or an open `io.BytesIO`.
        color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``.
        target_size: (height, width), or None for that of the file.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"``, ``"box"`` or
            ``"hamming"``.
        keep_aspect_ratio: whether to cut the borders before resizing, so that nothing is
            distorted.

    Raises:
        DtypeError: the path is none.
        ArgumentError: an argument has another value.

    Example:
        >>> file = io.BytesIO()
        >>> save_img(file, np.zeros((4, 5, 3)), file_format="png")
        >>> load_img(file, color_mode="grayscale", target_size=(2, 3)).size
        (3, 2)
    """
    from PIL import Image as pillow  # noqa: PLC0415  (most programs have no image files)

    if isinstance(path, io.BytesIO):
        image = pillow.open(path)
    elif isinstance(path, (Path, bytes, str)):
        with open(path, "rb") as file:
            stored = file.read()
        try:
            image = pillow.open(io.BytesIO(stored))
        except pillow.UnidentifiedImageError:
            raise pillow.UnidentifiedImageError(
                f"{os.fsdecode(path)} cannot be read as an image: its {len(stored)} bytes are in "
                "no known format. Is the file cut short, or something else under that name?"
            ) from None
    else:
        raise DtypeError(f"path should be path-like or io.BytesIO, not {type(path)}")
    if color_mode not in COLOR_MODES:
        raise ArgumentError('color_mode must be "grayscale", "rgb", or "rgba"')
    modes = COLOR_MODES[color_mode]
    image = image if image.mode in modes else image.convert(modes[0])
    if target_size is None or image.size == (target_size[1], target_size[0]):
        return image
    if interpolation not in INTERPOLATIONS:
        raise ArgumentError(
            f"Invalid interpolation method {interpolation} specified. Supported methods are "
            f"{', '.join(INTERPOLATIONS)}"
        )
    method = pillow.Resampling[interpolation.upper()]
    height, width = target_size
    box = None
    if keep_aspect_ratio:
        (top, rows), (left, columns) = fitting_window((image.height, image.width), target_size)
        box = (left, top, left + columns, top + rows)
    return image.resize((width, height), method, box=box)


def smart_resize(
    x: Any,
    size: Any,
    interpolation: str = "bilinear",
    data_format: str = "channels_last",
    **kwargs: Any,
) -> Any:
    """Images in another size without distortion: the borders are cut first.

    Args:
        x: (height, width, channels) or (batch, height, width, channels), or with the channels
            first.
        size: (height, width) of the result.
        interpolation: as in `etude.ops.image.resize`.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        **kwargs: none; others are refused.

    Returns:
        A NumPy array for a NumPy array, else a tensor.

    Raises:
        ArgumentError: the size has not two numbers.
        ShapeError: there is no image.

    Example:
        >>> smart_resize(np.zeros((4, 8, 3)), (2, 2)).shape
        (2, 2, 3)
    """
    kwargs.pop("backend_module", None)
    if kwargs:
        raise DtypeError(f"smart_resize() got unexpected keyword arguments: {list(kwargs)}")
    if len(size) != 2:
        raise ArgumentError(f"Expected `size` to be a tuple of 2 integers, but got: {size}.")
    images = ops.convert_to_tensor(x)
    if images.ndim not in (3, 4):
        raise ShapeError(
            "Expected an image array with shape `(height, width, channels)`, or `(batch_size, "
            "height, width, channels)`, but got input with incorrect rank, of shape "
            f"{images.shape}."
        )
    resized = ops.image.resize(
        images, size, interpolation, crop_to_aspect_ratio=True, data_format=data_format
    )
    return ops.convert_to_numpy(resized) if isinstance(x, np.ndarray) else resized
