"""Reading and writing files and pictures: what `tf.io` and `tf.image` share."""

from __future__ import annotations

import glob
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from etude import ops
from etude.compat.tensorflow.text import StringTensor, as_text
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError, DataError
from etude.saving.numpy_files import read_npy

__all__ = [
    "convert_image_dtype",
    "decode_bmp",
    "decode_gif",
    "decode_image",
    "decode_jpeg",
    "decode_png",
    "decode_raw",
    "encode_jpeg",
    "encode_png",
    "gfile",
    "parse_tensor",
    "read_file",
    "serialize_tensor",
    "write_file",
]

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def _path(name: Any) -> str:
    return os.fspath(name) if isinstance(name, os.PathLike) else str(as_text(name))


def read_file(filename: Any, name: str | None = None) -> StringTensor:
    """What stands in a file, as bytes."""
    return StringTensor(Path(_path(filename)).read_bytes())


def write_file(filename: Any, contents: Any, name: str | None = None) -> None:
    """Writes bytes to a file, and makes its folder."""
    path = Path(_path(filename))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_text(contents).numpy())


# --- pictures -----------------------------------------------------------------------------------


def convert_image_dtype(
    image: Any, dtype: Any, saturate: bool = False, name: str | None = None
) -> Any:
    """Another dtype, with the values brought to its range: [0, 1] for floats.

    >>> convert_image_dtype(np.array([0, 255], "uint8"), "float32").numpy().tolist()
    [0.0, 1.0]
    """
    image = ops.convert_to_tensor(image)
    old, new = str(image.dtype), str(dtype)
    if old == new or (is_float_dtype(old) and is_float_dtype(new)):
        return ops.cast(image, new)
    if is_float_dtype(new):
        return ops.divide(ops.cast(image, new), int(np.iinfo(old).max))
    if is_float_dtype(old):
        scaled = ops.multiply(image, int(np.iinfo(new).max) + 0.5)
        return (ops.saturate_cast if saturate else ops.cast)(scaled, new)
    shift = int(np.iinfo(new).max + 1) / int(np.iinfo(old).max + 1)
    return ops.cast(ops.floor(ops.multiply(ops.cast(image, "float64"), shift)), new)


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = "uint8",
    name: str | None = None,
    expand_animations: bool = True,
    **_: Any,
) -> Any:
    """The pixels of a picture in a known format, (H, W, C).

    Args:
        contents: the bytes of the file.
        channels: 1 for grey, 3 for colours, 4 for colours and opacity; 0: as in the file.
        dtype: ``"uint8"``; other dtypes get the values in their range, [0, 1] for floats.
        name: accepted.
        expand_animations: accepted: of an animation the first picture is taken.
        **_: options of the decoders, accepted.

    Raises:
        DataError: the bytes are no picture.

    >>> decode_image(encode_png(np.zeros((2, 3, 1), "uint8"))).shape
    (2, 3, 1)
    """
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only where pictures are read

    try:
        picture = Image.open(io.BytesIO(as_text(contents).numpy()))
    except UnidentifiedImageError:
        raise DataError(
            "Expected the bytes of a picture (PNG, JPEG, BMP, GIF); got something else. Read the "
            "file with `tf.io.read_file` first."
        ) from None
    mode = _MODES.get(channels or 0)
    if mode is None:
        mode = picture.mode if picture.mode in _MODES.values() else "RGB"
    pixels = np.asarray(picture.convert(mode))
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels  # (H, W, C)
    return convert_image_dtype(ops.convert_to_tensor(pixels), dtype)


def decode_jpeg(contents: Any, channels: int = 0, *_: Any, **__: Any) -> Any:
    """The pixels of a JPEG file, (H, W, C), uint8.

    >>> decode_jpeg(encode_jpeg(np.zeros((8, 8, 3), "uint8")), channels=1).shape
    (8, 8, 1)
    """
    return decode_image(contents, channels)


def decode_png(contents: Any, channels: int = 0, dtype: Any = "uint8", name: Any = None) -> Any:
    """The pixels of a PNG file, (H, W, C).

    >>> decode_png(encode_png(np.full((1, 1, 3), 7, "uint8"))).numpy().ravel().tolist()
    [7, 7, 7]
    """
    return decode_image(contents, channels, dtype)


decode_bmp = decode_gif = decode_jpeg


def _encoded(image: Any, kind: str, **options: Any) -> StringTensor:
    from PIL import Image  # noqa: PLC0415 - only where pictures are written

    pixels = np.asarray(image).astype("uint8")
    buffer = io.BytesIO()
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(pixels).save(buffer, kind, **options)
    return StringTensor(buffer.getvalue())


def encode_jpeg(image: Any, format: str = "", quality: int = 95, *_: Any, **__: Any) -> Any:
    r"""The bytes of a JPEG file with these pixels, (H, W, C).

    >>> encode_jpeg(np.zeros((8, 8, 3), "uint8")).numpy()[:2]
    b'\xff\xd8'
    """
    return _encoded(image, "JPEG", quality=quality)


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Any:
    """The bytes of a PNG file with these pixels, (H, W, C).

    >>> encode_png(np.zeros((1, 1, 3), "uint8")).numpy()[1:4]
    b'PNG'
    """
    return _encoded(image, "PNG")


# --- numbers ------------------------------------------------------------------------------------


def decode_raw(input_bytes: Any, out_type: Any, little_endian: bool = True, **_: Any) -> Any:
    r"""Bytes as numbers of a dtype.

    >>> decode_raw(b"\x01\x02", "uint8").numpy().tolist()
    [1, 2]
    """
    kind = np.dtype(str(out_type)).newbyteorder("<" if little_endian else ">")
    values = np.frombuffer(as_text(input_bytes).numpy(), kind)
    return ops.convert_to_tensor(values.astype(str(out_type)))


def serialize_tensor(tensor: Any, name: str | None = None) -> StringTensor:
    """A tensor as bytes, for `parse_tensor`: NumPy's file format.

    >>> parse_tensor(serialize_tensor([1, 2]), "int32").numpy().tolist()
    [1, 2]
    """
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(ops.convert_to_tensor(tensor)), allow_pickle=False)
    return StringTensor(buffer.getvalue())


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Any:
    """The tensor of which `serialize_tensor` made bytes.

    >>> parse_tensor(serialize_tensor(1.5), "float32").numpy()
    np.float32(1.5)
    """
    values = read_npy(as_text(serialized).numpy(), "the serialized tensor")
    if str(values.dtype) != str(out_type):
        raise ArgumentError(f"The tensor has dtype {values.dtype}; out_type is {out_type}.")
    return ops.convert_to_tensor(values)


class gfile:
    """`tf.io.gfile`: files and folders, by the functions of Python.

    >>> gfile.exists("no such file")
    False
    """

    @staticmethod
    def GFile(name: Any, mode: str = "r") -> Any:
        """An open file."""
        return open(_path(name), mode)

    @staticmethod
    def exists(path: Any) -> bool:
        """Whether there is such a file or folder."""
        return os.path.exists(_path(path))

    @staticmethod
    def isdir(path: Any) -> bool:
        """Whether it is a folder."""
        return os.path.isdir(_path(path))

    @staticmethod
    def glob(pattern: Any) -> list[str]:
        """Files and folders that match a pattern."""
        patterns = pattern if isinstance(pattern, (list, tuple)) else [pattern]
        return sorted(found for p in patterns for found in glob.glob(_path(p)))

    @staticmethod
    def listdir(path: Any) -> list[str]:
        """The names in a folder."""
        return os.listdir(_path(path))

    @staticmethod
    def walk(top: Any) -> Iterator[Any]:
        """A folder and all below it."""
        return os.walk(_path(top))

    @staticmethod
    def mkdir(path: Any) -> None:
        """Makes a folder."""
        os.mkdir(_path(path))

    @staticmethod
    def makedirs(path: Any) -> None:
        """Makes a folder and those above it."""
        os.makedirs(_path(path), exist_ok=True)

    @staticmethod
    def remove(path: Any) -> None:
        """Deletes a file."""
        os.remove(_path(path))

    @staticmethod
    def rmtree(path: Any) -> None:
        """Deletes a folder with all that is in it."""
        shutil.rmtree(_path(path))

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Copies a file."""
        if os.path.exists(_path(dst)) and not overwrite:
            raise FileExistsError(_path(dst))
        shutil.copyfile(_path(src), _path(dst))

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        """Renames a file."""
        if os.path.exists(_path(dst)) and not overwrite:
            raise FileExistsError(_path(dst))
        os.replace(_path(src), _path(dst))

    @staticmethod
    def join(path: Any, *paths: Any) -> str:
        """A path out of parts."""
        return os.path.join(_path(path), *map(_path, paths))
