"""Arrays in memory as batches: conversion, checks of lengths, splitting, shuffling."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from etude import config, tree
from etude.autodiff import Tensor
from etude.data.class_weights import class_weights_to_sample_weights
from etude.errors import ArgumentError, DataError
from etude.random import make_shuffle_seed
from etude.variable import Variable

__all__ = ["ArrayBatches", "is_arrays", "split_for_validation", "to_arrays"]


def is_arrays(data: Any) -> bool:
    """Whether all leaves are arrays, tensors or tables; ``None`` may stand for what is missing.

    >>> is_arrays((np.zeros(3), None)), is_arrays(x for x in "ab")
    (True, False)
    """
    return all(leaf is None or _is_array(leaf) for leaf in _leaves(data))


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, Tensor, Variable)) or (
        hasattr(value, "__array__") and hasattr(value, "shape")
    )


def _leaves(data: Any) -> list[Any]:
    """The leaves of a structure; a list of numbers is one leaf."""
    if _is_numbers(data):
        return [np.empty(0)]  # it will become an array
    if isinstance(data, dict):
        return [leaf for key in data for leaf in _leaves(data[key])]
    if isinstance(data, (list, tuple)):
        return [leaf for item in data for leaf in _leaves(item)]
    return [data]


def _is_numbers(data: Any) -> bool:
    """Whether a list holds numbers, or lists of numbers, rather than arrays."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (int, float, bool, str, np.generic)) and not isinstance(
        data, type(None)
    )


def to_arrays(data: Any, name: str) -> Any:
    """A structure of arrays of any kind as one of NumPy arrays; floats get the default dtype.

    Args:
        data: arrays, tensors, tables, lists of numbers, nested; ``None`` stays.
        name: for messages: ``"x"``, ``"y"`` or ``"sample_weight"``.

    Raises:
        DataError: text, objects, or lists of different lengths.
    """
    if data is None:
        return None
    if isinstance(data, list) and _is_numbers(data):
        return _to_array(data, name)
    if isinstance(data, tuple) and _is_numbers(data) and not any(map(_is_array, data)):
        return _to_array(data, name)
    if isinstance(data, dict):
        return {key: to_arrays(value, f"{name}[{key!r}]") for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        items = [to_arrays(value, f"{name}[{i}]") for i, value in enumerate(data)]
        return tuple(items) if isinstance(data, tuple) else items
    return _to_array(data, name)


def _to_array(value: Any, name: str) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"`{name}` cannot be made one array: its elements have different lengths ({error}). "
            "Pad them to one length, e.g. with `etude.utils.pad_sequences`."
        ) from error
    if array.dtype.kind in "OUSMm":
        array = _numbers_from_objects(array, name)
    if array.dtype.kind == "f" and array.dtype.name != config.floatx():
        array = array.astype(config.floatx() if config.floatx() != "bfloat16" else "float32")
    return array.reshape(-1, 1) if array.ndim == 1 and _is_table(value) else array


def _is_table(value: Any) -> bool:
    return type(value).__name__ == "Series" and hasattr(value, "index")


def _numbers_from_objects(array: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
    """Objects that are numbers, e.g. of a table of mixed types; else an error that shows one."""
    if array.dtype.kind == "O":
        try:
            return array.astype(config.floatx())
        except (TypeError, ValueError):
            pass
    first = next((v for v in array.reshape(-1) if not isinstance(v, (int, float))), None)
    what = "text" if isinstance(first, (str, bytes)) else "Python objects"
    what = "dates or times" if array.dtype.kind in "Mm" else what
    raise DataError(
        f"`{name}` must hold numbers, but holds {what}: dtype {array.dtype}, shape {array.shape}, "
        f"e.g. {str(first)[:60]!r}. Turn text into numbers first (integers for categories, "
        "vectors for words); lists of different lengths must be padded to one array."
    )


def check_lengths(x: Any, y: Any, sample_weight: Any) -> int:
    """The number of samples, which all arrays must share.

    Raises:
        DataError: there are none, or the arrays differ.
    """
    named = [
        (f"{name}{''.join(f'[{key!r}]' for key in path)}", leaf)
        for name, data in (("x", x), ("y", y), ("sample_weight", sample_weight))
        for path, leaf in tree.flatten_with_path(data)
        if leaf is not None
    ]
    if not named:
        raise DataError("There is no data: `x` is empty or None. Pass arrays of samples.")
    for name, leaf in named:
        if leaf.ndim == 0:
            raise DataError(
                f"`{name}` is the single number {leaf}; expected an array, one entry per sample."
            )
    sizes = {len(leaf) for _, leaf in named}
    if len(sizes) > 1:
        shown = [f"{name}: {len(leaf)} (shape {leaf.shape})" for name, leaf in named]
        if len(shown) > _SHOWN:
            shown[_SHOWN - 1 : -1] = [f"... ({len(shown) - _SHOWN} more)"]
        rows = isinstance(x, (list, tuple)) and len(x) > _SHOWN
        raise DataError(
            "Data cardinality is ambiguous: the arrays differ in their number of samples, the "
            f"first dimension; got {', '.join(shown)}."
            f"{' A list holds one array per input: is `numpy.array(x)` meant?' if rows else ''}"
        )
    count = sizes.pop()
    if count == 0:
        shown = ", ".join(f"{name} of shape {leaf.shape}" for name, leaf in named)
        raise DataError(f"There is no data: got {shown}. Expected at least one sample.")
    return count


_SHOWN = 6  # arrays that a message lists


def order_seed(shuffle: bool | str, seed: int | None) -> int:
    """The seed of an order: the given one, or one that is drawn where there is an order to draw."""
    return (make_shuffle_seed() if shuffle else 0) if seed is None else seed


class ArrayBatches:
    """Arrays as batches.

    Args:
        x: inputs: an array (N, ...), or a structure of arrays.
        y: targets, likewise.
        sample_weight: a weight for each sample, (N,), or a structure of such arrays.
        batch_size: samples in a batch; 32 by default.
        steps: batches in an epoch; where it is given without ``batch_size``, it decides it.
        shuffle: whether every epoch has another order; ``"batch"`` shuffles whole batches.
        class_weight: a weight for each class, which becomes sample weights.
        seed: of the order; drawn where it is needed, if none is given.

    Raises:
        DataError: no samples, or arrays of different lengths.

    Example:
        >>> data = ArrayBatches(np.arange(5.0), batch_size=2)
        >>> [batch[0].tolist() for batch in data.epoch(0)]
        [[0.0, 1.0], [2.0, 3.0], [4.0]]
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
        seed: int | None = None,
    ) -> None:
        self.x, self.y = to_arrays(x, "x"), to_arrays(y, "y")
        self.sample_weight = to_arrays(sample_weight, "sample_weight")
        self.num_samples = check_lengths(self.x, self.y, self.sample_weight)
        if class_weight is not None:
            if self.y is None or tree.is_nested(self.y):
                raise ArgumentError(
                    "`class_weight` is only supported for Models with a single output. It needs "
                    "one array of targets; got "
                    f"{'none' if self.y is None else f'a {type(self.y).__name__}'}."
                )
            if sample_weight is not None:
                raise ArgumentError(
                    "You cannot `class_weight` and `sample_weight` at the same time. Multiply the "
                    "weights of the classes into `sample_weight`."
                )
            self.sample_weight = class_weights_to_sample_weights(self.y, class_weight)
        if batch_size is None:
            batch_size = math.ceil(self.num_samples / steps) if steps else 32
        self.batch_size = _checked_batch_size(batch_size)
        self.shuffle = shuffle
        self.seed = order_seed(shuffle, seed)

    @property
    def num_batches(self) -> int:
        """How many batches an epoch has; the last one may be shorter."""
        return math.ceil(self.num_samples / self.batch_size)

    @property
    def even(self) -> bool:
        """Whether the last batch is as long as the others."""
        return self.num_samples % self.batch_size == 0

    @property
    def arrays(self) -> tuple[Any, Any, Any]:
        """Inputs, targets and sample weights."""
        return self.x, self.y, self.sample_weight

    @property
    def nbytes(self) -> int:
        """How much memory the arrays take."""
        return sum(leaf.nbytes for leaf in tree.flatten(self.arrays) if leaf is not None)

    def order(self, epoch: int) -> np.ndarray[Any, Any]:
        """The samples of an epoch in their order, (N,) integers.

        It depends on seed and epoch alone, so that every engine sees the same batches. MT19937 is
        the one generator of NumPy whose numbers are promised to stay as they are.
        """
        count = self.num_samples
        if not self.shuffle:
            return np.arange(count, dtype="int32")
        random = np.random.RandomState([self.seed % 2**32, epoch % 2**32])
        if self.shuffle == "batch":
            whole = count // self.batch_size * self.batch_size
            blocks = np.arange(whole, dtype="int32").reshape(-1, self.batch_size)
            rest = np.arange(whole, count, dtype="int32")
            return np.concatenate([random.permutation(blocks).reshape(-1), rest])
        return random.permutation(count).astype("int32")

    def batch(self, indices: np.ndarray[Any, Any]) -> tuple[Any, Any, Any]:
        """The samples with these numbers."""
        return tree.map_structure(lambda a: None if a is None else a[indices], self.arrays)

    def epoch(self, epoch: int, first: int = 0) -> Iterator[tuple[Any, Any, Any]]:
        """The batches of an epoch, from batch ``first`` on."""
        order = self.order(epoch)
        for start in range(first * self.batch_size, self.num_samples, self.batch_size):
            yield self.batch(order[start : start + self.batch_size])

    def state(self) -> dict[str, Any]:
        """What the order of later epochs depends on, and what tells these data from others."""
        return {"seed": self.seed, "samples": self.num_samples, "batch_size": self.batch_size}

    def resume(self, state: dict[str, Any], epoch: int, taken: int) -> Iterator[Any] | None:
        """Goes on after some batches of an epoch; ``None`` where none was taken yet."""
        self.seed = state["seed"]
        return self.epoch(epoch, taken) if taken else None

    def on_epoch_end(self) -> None:
        """Nothing."""


def _checked_batch_size(batch_size: Any) -> int:
    try:
        size = batch_size.__index__()
    except AttributeError:
        raise ArgumentError(f"`batch_size` must be an integer; got {batch_size!r}.") from None
    if size < 1:
        raise ArgumentError(f"`batch_size` must be at least 1; got {batch_size}.")
    return size


def split_for_validation(data: Any, validation_split: float) -> tuple[Any, Any]:
    """The first part of the arrays for training, the last part for validation.

    Args:
        data: a structure of arrays.
        validation_split: the share of the samples to validate on.

    Raises:
        ArgumentError: the share is not between 0 and 1, or leaves one part empty.

    >>> split_for_validation(np.arange(4), 0.25)
    (array([0, 1, 2]), array([3]))
    """
    if not isinstance(validation_split, (int, float)):
        raise ArgumentError(
            "`validation_split` is the share of the samples to validate on, a number between 0 and "
            f"1; got {validation_split!r}."
        )
    if not 0 < validation_split < 1:
        raise ArgumentError(f"`validation_split` must be between 0 and 1; got {validation_split}.")
    if not is_arrays(data):
        raise ArgumentError(
            "`validation_split` cuts tensors or NumPy arrays in two; this data gives batches. "
            "Pass `validation_data` instead."
        )
    if isinstance(data, tuple) and len(data) <= 3:
        names = ("x", "y", "sample_weight")
        arrays: Any = tuple(map(to_arrays, data, names[: len(data)]))
    else:
        arrays = to_arrays(data, "data")
    sizes = [len(leaf) for leaf in tree.flatten(arrays) if leaf is not None]
    count = sizes[0] if sizes else 0
    split = math.floor(count * (1.0 - validation_split))
    if split in (0, count):
        raise ArgumentError(
            f"`validation_split={validation_split}` leaves one side of the split empty: {count} "
            "samples are not sufficient. Pass more of them, or another fraction."
        )
    first = tree.map_structure(lambda a: None if a is None else a[:split], arrays)
    last = tree.map_structure(lambda a: None if a is None else a[split:], arrays)
    return first, last
