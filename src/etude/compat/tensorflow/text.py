"""Text as a tensor: an array of strings that indexes, compares and prints like other tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import Tensor
from etude.compat.tensorflow.dtypes import DType, string
from etude.compat.tensorflow.shapes import TensorShape

__all__ = ["StringTensor", "as_text", "is_text"]


class StringTensor:
    """An array of strings.

    `numpy` gives bytes in UTF-8, as TensorFlow does; NumPy itself, and the layers that take text,
    see Python strings.

    Args:
        values: strings or bytes, nested as deep as the tensor has axes.

    >>> words = StringTensor([["to", "be"], ["or", "not"]])
    >>> words.shape, words[0, 1].numpy(), (words == "or").numpy().tolist()
    ((2, 2), b'be', [[False, False], [True, False]])
    """

    __array_priority__ = 1000

    def __init__(self, values: Any):
        array = np.asarray(values, dtype=object)
        texts: Any = np.frompyfunc(_decoded, 1, 1)(array) if array.size else array
        self.array: Any = np.asarray(texts, dtype=object)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(self.array.shape)

    @property
    def dtype(self) -> DType:
        """``tf.string``."""
        return string

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    def numpy(self) -> Any:
        """The values as bytes: one of them, or an array."""
        if self.array.ndim == 0:
            return _encoded(self.array.item())
        return np.frompyfunc(_encoded, 1, 1)(self.array) if self.array.size else self.array

    def get_shape(self) -> TensorShape:
        """The shape."""
        return self.shape

    def map(self, function: Callable[[str], Any]) -> Any:
        """What a function gives for each string, as an array of objects."""
        made = np.empty(self.array.shape, dtype=object)
        for index in np.ndindex(self.array.shape):
            made[index] = function(self.array[index])
        return made

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.array if dtype in (None, object) else self.array.astype(dtype)

    def __getitem__(self, key: Any) -> StringTensor:
        return StringTensor(self.array[np.asarray(key) if isinstance(key, Tensor) else key])

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Iterator[StringTensor]:
        return (self[i] for i in range(len(self)))

    def __eq__(self, other: object) -> Any:
        return ops.convert_to_tensor(np.asarray(self.array == as_text(other).array, dtype=bool))

    def __ne__(self, other: object) -> Any:
        return ops.logical_not(self == other)

    __hash__ = object.__hash__

    def __add__(self, other: Any) -> StringTensor:
        return StringTensor(self.array + as_text(other).array)

    def __radd__(self, other: Any) -> StringTensor:
        return StringTensor(as_text(other).array + self.array)

    def __fspath__(self) -> str:
        return self.array.item()

    def __str__(self) -> str:
        return str(self.array.item() if self.array.ndim == 0 else self.array)

    def __repr__(self) -> str:
        return f"<StringTensor shape={self.array.shape} values={self.numpy()}>"


def _decoded(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value.array.item() if isinstance(value, StringTensor) else str(value)


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")  # bytes that are no text came that way, too


def as_text(value: Any) -> StringTensor:
    """A StringTensor from strings, bytes, or an array of them.

    >>> as_text(b"text").numpy()
    b'text'
    """
    return value if isinstance(value, StringTensor) else StringTensor(value)


def is_text(value: Any) -> bool:
    """Whether a value is text: a string, bytes, an array of them, or nested lists of them.

    >>> is_text([["a"]]), is_text(np.array([b"a"])), is_text([1.0]), is_text([])
    (True, True, False, False)
    """
    while isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, (str, bytes, StringTensor)):
        return True
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == "O" and getattr(value, "size", 0):
        return isinstance(np.asarray(value).flat[0], (str, bytes))
    return kind in ("U", "S", "T")
