"""Images whose tones are spread evenly: histogram equalization, whole and by tiles.

A tone is mapped to its share of darker pixels. Source of the second: Zuiderveld, Contrast limited
adaptive histogram equalization, Graphics Gems IV (1994).
"""

from __future__ import annotations

from typing import Any

from etude import ops
from etude.layers.image.base import ImageLayer, checked_range

__all__ = ["ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]

BYTE = (0, 255)


class Equalization(ImageLayer):
    """Spreads the tones of each channel evenly, in training.

    ``y = 255 (c(x) - c_min) / (n - c_min)``, c(x) the number of pixels up to x, over the batch.

    Args:
        value_range: of the pixels.
        bins: of the histogram.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same.

    Example:
        >>> import numpy as np
        >>> Equalization()(np.array([[[[10.0], [11.0], [12.0]]]])).numpy().ravel().tolist()
        [0.0, 128.0, 255.0]
    """

    config_names = ("bins", "value_range")

    def __init__(
        self,
        value_range: Any = BYTE,
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.bins = bins
        self.value_range = checked_range(value_range)

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, spread."""
        x = self._cast(images)
        if not training:
            return x
        pixels = self._rescaled(x, self.value_range, BYTE)
        channels = ops.unstack(pixels, axis=self.channel_axis)
        spread = ops.stack([self._equalized(c) for c in channels], axis=self.channel_axis)
        return ops.cast(self._rescaled(spread, BYTE, self.value_range), self.compute_dtype)

    def _equalized(self, channel: Any) -> Any:
        """Pixels 0 ... 255 of one channel through their table."""
        place = ops.cast(channel, "float32") / 255 * (self.bins - 1)
        index = ops.cast(ops.clip(place, 0, self.bins - 1), "int32")
        flat = ops.reshape(index, (-1,))
        histogram = ops.segment_sum(ops.ones_like(flat), flat, num_segments=self.bins)
        count = ops.cast(ops.cumsum(histogram), "float32")  # (bins,)
        least = ops.min(ops.where(count > 0, count, count[-1]))
        table = (count - least) * 255 / ops.maximum(count[-1] - least, 1)
        table = ops.clip(ops.round(table), *BYTE)
        found = ops.cast(ops.take(table, index, axis=0), channel.dtype)
        return ops.where(ops.count_nonzero(histogram) <= 1, channel, found)


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Spreads the tones of each channel tile by tile, in training and inference.

    Each tile has a table of its own, and a pixel gets the mean of the four tables around it,
    weighted by their distance. The histogram of a tile is cut off at a limit, and what is above it
    is shared among all tones, so that noise in flat places is not blown up.

    Args:
        value_range: of the pixels.
        clip_limit: how many times the mean of the histogram a tone may have; 0 for no limit.
        tile_grid_size: number of tiles along height and width.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.

    Shapes:
        x: (batch, height, width, channels) or (height, width, channels); y: the same, in the dtype
        of x.

    Example:
        >>> import numpy as np
        >>> layer = ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
        >>> layer(np.arange(64.0).reshape(1, 8, 8, 1)).shape
        (1, 8, 8, 1)
    """

    config_names = ("value_range", "clip_limit", "tile_grid_size")

    def __init__(
        self,
        value_range: Any = BYTE,
        clip_limit: float = 4.0,
        tile_grid_size: Any = (8, 8),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.value_range = value_range
        self.clip_limit = clip_limit
        self.tile_grid_size = tile_grid_size

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Any:
        """The images, spread tile by tile."""
        x = ops.convert_to_tensor(images)
        pixels = self._rescaled(ops.cast(x, "float32"), self.value_range, BYTE)
        pixels = pixels[None] if x.ndim == 3 else pixels
        first = self.data_format == "channels_first"
        pixels = ops.transpose(pixels, (0, 2, 3, 1)) if first else pixels
        y = self._equalized(pixels)
        y = ops.transpose(y, (0, 3, 1, 2)) if first else y
        y = self._rescaled(ops.squeeze(y, 0) if x.ndim == 3 else y, BYTE, self.value_range)
        return ops.cast(y, x.dtype)

    def _equalized(self, pixels: Any) -> Any:
        """Images (N, H, W, C) of 0 ... 255."""
        _, height, width, channels = pixels.shape
        rows, columns = self.tile_grid_size
        tile = -(-height // rows), -(-width // columns)
        around = ((0, 0), (0, tile[0] * rows - height), (0, tile[1] * columns - width), (0, 0))
        tones = ops.cast(ops.clip(ops.pad(pixels, around, mode="symmetric"), *BYTE), "int32")
        table = self._tables(tones, tile)  # (N, rows, columns, C, 256)
        table = ops.pad(table, ((0, 0), (1, 1), (1, 1), (0, 0), (0, 0)), mode="edge")
        flat = ops.reshape(table, (-1,))
        image = ops.arange(pixels.shape[0], dtype="int32")[:, None, None, None]
        channel = ops.arange(channels, dtype="int32")
        result: Any = 0.0
        for y, wy in self._neighbours(tile[0], rows):
            for x, wx in self._neighbours(tile[1], columns):
                place = (image * (rows + 2) + y[None, :, None, None]) * (columns + 2)
                place = ((place + x[None, None, :, None]) * channels + channel) * 256 + tones
                weight = wy[None, :, None, None] * wx[None, None, :, None]
                result = result + weight * ops.take(flat, place, axis=0)
        return result[:, :height, :width, :]

    def _tables(self, tones: Any, tile: tuple[int, int]) -> Any:
        """What each tone of each tile becomes, (N, rows, columns, C, 256)."""
        rows, columns = self.tile_grid_size
        n, _, _, channels = tones.shape
        tiles = ops.reshape(tones, (n, rows, tile[0], columns, tile[1], channels))
        tiles = ops.transpose(tiles, (0, 1, 3, 5, 2, 4))  # (N, rows, columns, C, h, w)
        size = tile[0] * tile[1]
        tiles = ops.reshape(tiles, (n, rows, columns, channels, size))
        histogram = ops.sum(ops.one_hot(tiles, 256), axis=-2)  # (N, rows, columns, C, 256)
        if self.clip_limit > 0:
            kept = ops.minimum(histogram, self.clip_limit * size / 256)
            histogram = kept + ops.mean(histogram - kept, axis=-1, keepdims=True)
        count = ops.cumsum(histogram, axis=-1)
        least = ops.min(count, axis=-1, keepdims=True)
        room = size - least
        table = (count - least) * 255 / ops.where(room == 0, 1.0, room)
        return ops.clip(table, *BYTE)

    @staticmethod
    def _neighbours(size: int, tiles: int) -> list[tuple[Any, Any]]:
        """For each pixel of an axis: the tiles on both sides of it, and their weights.

        Tiles count from 1, since there is a copy of the outermost ones at each end.
        """
        place = (ops.arange(size * tiles, dtype="float32") + size / 2) / size
        low = ops.floor(place)
        share = place - low
        index = ops.cast(low, "int32")
        return [(index, 1 - share), (ops.minimum(index + 1, tiles + 1), share)]
