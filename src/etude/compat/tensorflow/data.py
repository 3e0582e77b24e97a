"""`tf.data`: `etude.data.Dataset`, whose elements are shown as TensorFlow shows them."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import data
from etude.autodiff import as_tensor
from etude.compat.missing import lacks
from etude.compat.tensorflow.files import gfile
from etude.compat.tensorflow.records import read_records
from etude.compat.tensorflow.text import StringTensor, as_text
from etude.data.elements import map_leaves

AUTOTUNE = data.AUTOTUNE
INFINITE_CARDINALITY = data.INFINITE_CARDINALITY
UNKNOWN_CARDINALITY = data.UNKNOWN_CARDINALITY


def _shown(element: Any) -> Any:
    return map_leaves(_leaf, element)


def _leaf(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return StringTensor(value) if value.dtype.kind == "O" else as_tensor(value)


class _AnyDataset(type):
    """What `keras.utils` makes of folders counts as a data set of TensorFlow."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if cls.__name__ == "Dataset":
            return isinstance(instance, data.Dataset)
        return type.__instancecheck__(cls, instance)


class Dataset(data.Dataset, metaclass=_AnyDataset):
    """`etude.data.Dataset`, with text as `tf.Tensor` of strings.

    >>> lines = Dataset.from_tensor_slices(["to be", "or not"]).map(lambda line: line + "!")
    >>> [line.numpy() for line in lines]
    [b'to be!', b'or not!']
    """

    _show = staticmethod(_shown)


def _paths(filenames: Any) -> list[str]:
    if isinstance(filenames, data.Dataset):
        return [str(as_text(name)) for name in filenames]
    return as_text(filenames).array.ravel().tolist()


def TextLineDataset(filenames: Any, compression_type: Any = None, *_: Any, **__: Any) -> Dataset:
    """The lines of text files, without their ends."""

    def lines() -> Any:
        for path in _paths(filenames):
            with gfile.GFile(path, "rb") as file:
                for line in file:
                    yield np.array(line.rstrip(b"\r\n").decode("utf-8", "replace"), dtype=object)

    return Dataset(lines, UNKNOWN_CARDINALITY, lambda: data.TensorSpec((), "string"))


def TFRecordDataset(filenames: Any, compression_type: Any = None, *_: Any, **__: Any) -> Dataset:
    """The records of TFRecord files, as bytes."""

    def records() -> Any:
        for path in _paths(filenames):
            for record in read_records(path, compression_type):
                yield StringTensor(record).array

    return Dataset(records, UNKNOWN_CARDINALITY, lambda: data.TensorSpec((), "string"))


class Options:
    """Accepted: there are no options that change what a data set gives."""

    def __init__(self) -> None:
        self.autotune = self.threading = self.experimental_optimization = self
        self.experimental_distribute = self.experimental_threading = self


class _Experimental:
    """`tf.data.experimental`."""

    AUTOTUNE = AUTOTUNE
    INFINITE_CARDINALITY = INFINITE_CARDINALITY
    UNKNOWN_CARDINALITY = UNKNOWN_CARDINALITY

    class AutoShardPolicy:
        """Accepted: there is one worker."""

        OFF = DATA = FILE = AUTO = HINT = 0

    @staticmethod
    def cardinality(dataset: data.Dataset) -> Any:
        """The number of elements; -1 without end, -2 unknown."""
        return dataset.cardinality()

    @staticmethod
    def assert_cardinality(expected_cardinality: int) -> Any:
        """A transformation for `Dataset.apply` that declares the number of elements."""
        return lambda dataset: Dataset(
            dataset.arrays, int(expected_cardinality), lambda: dataset.element_spec
        )

    @staticmethod
    def ignore_errors(log_warning: bool = False) -> Any:
        """A transformation for `Dataset.apply`: see `Dataset.ignore_errors`."""
        return lambda dataset: dataset.ignore_errors(log_warning)

    @staticmethod
    def Counter(start: int = 0, step: int = 1, dtype: Any = "int64") -> Dataset:
        """Numbers without end."""
        return Dataset.counter(start, step, dtype)  # type: ignore[return-value]


experimental = _Experimental()

__getattr__ = lacks("tf.data", __name__)
