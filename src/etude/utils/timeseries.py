"""Windows over a time series as a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude.data import AUTOTUNE, Dataset
from etude.errors import ArgumentError
from etude.random import make_default_seed
from etude.tracebacks import warn

__all__ = ["timeseries_dataset_from_array"]


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Any:
    """Sliding windows over a series, as a `Dataset` of batches.

    Window ``i`` holds the steps ``s, s + r, ..., s + (n - 1) r`` with ``s = i · stride``, the rate
    ``r`` and the length ``n``; its target is ``targets[s]``.

    Args:
        data: the series, (T, ...).
        targets: ``targets[s]`` belongs to the window that begins at step ``s``; or ``None``.
        sequence_length: steps in a window.
        sequence_stride: steps between the beginnings of two windows.
        sampling_rate: steps between two elements of a window.
        batch_size: windows in a batch; ``None`` gives them one by one.
        shuffle: whether their order is random.
        seed: of the order.
        start_index: the first step to use.
        end_index: the step before which to stop.
        format: accepted: ``"tf"`` or ``"grain"``; either way it is a `Dataset`.

    Returns:
        A data set of windows (batch, length, ...), with targets (batch, ...) where there are any.

    Raises:
        ArgumentError: an argument has a value that cannot be used.

    Example:
        >>> series = np.arange(10)
        >>> windows = timeseries_dataset_from_array(series, series[3:], 3, batch_size=2)
        >>> x, y = next(iter(windows))
        >>> x.numpy().tolist(), y.numpy().tolist()
        ([[0, 1, 2], [1, 2, 3]], [3, 4])
    """
    _check(len(data), sequence_stride, sampling_rate, start_index, end_index)
    if format not in ("tf", "grain"):
        raise ArgumentError(f'`format` should be either "tf" or "grain". Received: format={format}')
    start, end = start_index or 0, len(data) if end_index is None else end_index
    count = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        count = min(count, len(targets))
    if count <= 0:
        warn(
            f"timeseries_dataset_from_array: the data set is empty, as no window of "
            f"{sequence_length} steps (sampling_rate={sampling_rate}) with a target fits into "
            f"{end - start} steps of data. Use a shorter `sequence_length`, or more data."
        )
    positions = np.arange(0, max(count, 0), sequence_stride)
    if shuffle:
        seed = make_default_seed() % 10**6 if seed is None else seed
        np.random.RandomState(seed).shuffle(positions)
    series = np.asarray(data)[start:end]
    answers = None if targets is None else np.asarray(targets)[start:end]
    steps = np.arange(sequence_length) * sampling_rate  # (n,)

    def window(i: Any) -> Any:
        position = positions[int(i)]
        found = series[position + steps]  # (n, ...)
        return found if answers is None else (found, answers[position])

    windows = Dataset.range(len(positions)).map(window).prefetch(AUTOTUNE)
    if shuffle:
        windows = windows.shuffle((batch_size or 128) * 8, seed=seed)
    return windows if batch_size is None else windows.batch(batch_size)


def _check(
    length: int, stride: int, rate: int, start_index: int | None, end_index: int | None
) -> None:
    if start_index and not 0 <= start_index < length:
        raise ArgumentError(
            f"`start_index` must be 0 or greater, and lower than the length of the data, {length}. "
            f"Received: start_index={start_index}"
        )
    if end_index is not None:
        if start_index and end_index <= start_index:
            raise ArgumentError(
                "`end_index` must be higher than `start_index`. Received: "
                f"start_index={start_index}, and end_index={end_index}"
            )
        if not 0 < end_index < length:
            raise ArgumentError(
                "`end_index` must be higher than 0, and lower than the length of the data, "
                f"{length}. Received: end_index={end_index}"
            )
    for name, value in (("sampling_rate", rate), ("sequence_stride", stride)):
        if value <= 0:
            raise ArgumentError(f"`{name}` must be higher than 0. Received: {name}={value}")
        if value >= length:
            raise ArgumentError(
                f"`{name}` must be lower than the length of the data. Received: {name}={value}, "
                f"for data of length {length}"
            )
