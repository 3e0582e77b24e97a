"""`tf.lookup`: tables from keys to values."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from etude.compat.missing import lacks
from etude.compat.tensorflow.tensors import convert_to_tensor
from etude.compat.tensorflow.text import StringTensor, as_text, is_text


def _items(value: Any) -> list[Any]:
    """Python values out of a tensor of numbers or text."""
    return np.ravel(as_text(value).array if is_text(value) else np.asarray(value)).tolist()


class KeyValueTensorInitializer:
    """Keys and their values.

    >>> KeyValueTensorInitializer(["a", "b"], [1, 2]).table
    {'a': 1, 'b': 2}
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: Any = ""
    ):
        self.table = dict(zip(_items(keys), _items(values), strict=True))
        self.value_dtype = value_dtype or convert_to_tensor(values).dtype


class StaticHashTable:
    """A table with a value for keys that it has not.

    >>> table = StaticHashTable(KeyValueTensorInitializer(["a", "b"], [1, 2]), default_value=-1)
    >>> table.lookup(["b", "z"]).numpy().tolist()
    [2, -1]
    """

    def __init__(self, initializer: Any, default_value: Any, name: str | None = None, **_: Any):
        self._table, self._dtype = initializer.table, initializer.value_dtype
        self._default = default_value

    def size(self) -> int:
        """The number of keys."""
        return len(self._table)

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, in the shape of the keys."""
        found = [self._table.get(k, self._default) for k in _items(keys)]
        array = np.empty(len(found), dtype=object)
        array[:] = found
        array = array.reshape(np.shape(keys))
        if str(self._dtype) == "string":
            return StringTensor(array)
        return convert_to_tensor(array.astype(str(self._dtype)))

    __getitem__ = lookup


class StaticVocabularyTable:
    """A table of words, with numbers beyond the vocabulary for words that it has not.

    >>> table = StaticVocabularyTable(KeyValueTensorInitializer(["a", "b"], [0, 1]), 1)
    >>> table.lookup(["b", "z"]).numpy().tolist()
    [1, 2]
    """

    def __init__(self, initializer: Any, num_oov_buckets: int, *_: Any, **__: Any):
        self._table, self._buckets = initializer.table, num_oov_buckets

    def size(self) -> int:
        """The number of words and of numbers beyond them."""
        return len(self._table) + self._buckets

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The numbers of words, in the shape of the words."""
        numbers = [
            self._table.get(k, len(self._table) + zlib.crc32(str(k).encode()) % self._buckets)
            for k in _items(keys)
        ]
        return convert_to_tensor(np.array(numbers, dtype="int64").reshape(np.shape(keys)))

    __getitem__ = lookup


__getattr__ = lacks("tf.lookup", __name__)
