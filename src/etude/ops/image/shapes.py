"""Where batch, height, width and channels of images are, and how sizes are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from etude.autodiff import Tensor, as_tensor
from etude.config import floatx, standardize_data_format
from etude.dtypes import is_float_dtype, is_int_dtype, result_type
from etude.errors import ShapeError
from etude.ops.core import cast, saturate_cast
from etude.ops.elementwise import round as round_to_even
from etude.ops.elementwise import where
from etude.ops.shape import expand_dims, squeeze, transpose

__all__: list[str] = []

Shape = Sequence[int | None]


def check_rank(shape: Shape, name: str = "images") -> None:
    """Refuses what is neither an image nor a batch of images.

    Raises:
        ShapeError: the rank is not 3 or 4.
    """
    if len(shape) not in (3, 4):
        raise ShapeError(
            f"Invalid {name} rank: expected rank 3 (single image) or rank 4 (batch of images). "
            f"Received: {name}.shape={tuple(shape)}. Give each image height, width and channels."
        )


def spatial_axes(data_format: str | None) -> tuple[int, int]:
    """The axes of height and width, counted from the end.

    >>> spatial_axes("channels_last"), spatial_axes("channels_first")
    ((-3, -2), (-2, -1))
    """
    return (-3, -2) if standardize_data_format(data_format) == "channels_last" else (-2, -1)


def channel_axis(data_format: str | None) -> int:
    """The axis of the channels, counted from the end."""
    return -1 if standardize_data_format(data_format) == "channels_last" else -3


def of_batches(
    images: Any, data_format: str | None, transform: Callable[[Tensor], Tensor]
) -> Tensor:
    """Applies a function of batches (N, H, W, C) to images of either rank and data format."""
    x = as_tensor(images)
    check_rank(x.shape)
    first = standardize_data_format(data_format) == "channels_first"
    single = x.ndim == 3
    x = expand_dims(x, 0) if single else x
    y = transform(transpose(x, (0, 2, 3, 1)) if first else x)
    y = transpose(y, (0, 3, 1, 2)) if first else y
    return squeeze(y, 0) if single else y


def pixel_dtype(dtype: str) -> str:
    """The float dtype in which sums of pixels are taken: float32 at least.

    >>> pixel_dtype("uint8"), pixel_dtype("float16"), pixel_dtype("float64")
    ('float32', 'float32', 'float64')
    """
    wide = dtype if is_float_dtype(dtype) else result_type(dtype, floatx())
    return "float64" if wide == "float64" else "float32"


def as_dtype(x: Tensor, dtype: str) -> Tensor:
    """Computed values in the dtype of an image: integers are rounded, and kept in their range."""
    if x.dtype == dtype:
        return x
    return saturate_cast(round_to_even(x), dtype) if is_int_dtype(dtype) else cast(x, dtype)


def half_away(x: Tensor) -> Tensor:
    """The nearest integers; a half goes away from zero, as in the sampling of SciPy."""
    shifted = where(x < 0, x - 0.5, x + 0.5)
    return cast(cast(shifted, "int32"), x.dtype)
