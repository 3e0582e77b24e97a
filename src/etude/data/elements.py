"""What flows through a `Dataset`: nested NumPy arrays inside, tensors where the user looks.

Elements are tuples and dictionaries of arrays. A function that the user gives is called with
tensors of the engine ``numpy``, whatever engine trains: data is prepared on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from etude import config
from etude.autodiff import KerasTensor, as_tensor, eval_shape, is_tensor
from etude.dtypes import standardize_dtype
from etude.errors import DataError
from etude.variable import Variable

__all__ = [
    "DatasetSpec",
    "TensorSpec",
    "TextArray",
    "as_element",
    "as_tensors",
    "map_leaves",
    "spec_of",
    "to_plain",
]


class TextArray(np.ndarray[Any, Any]):
    """Text as an array of Python strings (or bytes), with what code for tensors asks of it.

    >>> text = np.array(["ab", "c"], dtype=object).view(TextArray)
    >>> text.numpy().tolist()
    [b'ab', b'c']
    """

    def numpy(self) -> Any:
        """The texts as bytes in UTF-8, as tensors of text hold them."""
        encoded = [v.encode() if isinstance(v, str) else v for v in self.reshape(-1).tolist()]
        if not self.shape:
            return encoded[0]
        array = np.empty(len(encoded), dtype=object)
        array[:] = encoded
        return array.reshape(self.shape)


class TensorSpec(NamedTuple):
    """Shape and dtype of an array; ``None`` is a size that differs.

    Attributes:
        shape: a tuple of integers and ``None``.
        dtype: the name of the dtype; ``"string"`` for text.
        name: of the array, where it has one.
    """

    shape: Any = ()
    dtype: Any = "float32"
    name: str | None = None

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r})"


class DatasetSpec(NamedTuple):
    """The place of a data set inside of an element, as `Dataset.window` makes them."""

    element_spec: Any


def map_leaves(fn: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Applies a function to the leaves of elements: tuples and dictionaries are structure.

    Unlike in `etude.tree` a list is a leaf, since it stands for an array; so is a `TensorSpec`.

    >>> map_leaves(len, ("ab", {"x": [1, 2, 3]}))
    (2, {'x': 3})
    """
    if isinstance(first, dict):
        return {key: map_leaves(fn, first[key], *(o[key] for o in others)) for key in first}
    if isinstance(first, tuple) and not isinstance(first, (TensorSpec, DatasetSpec)):
        children = [map_leaves(fn, *row) for row in zip(first, *others, strict=True)]
        return type(first)(*children) if hasattr(first, "_fields") else tuple(children)
    return fn(first, *others)


def leaves_of(element: Any) -> list[Any]:
    """The leaves of an element, in order."""
    found: list[Any] = []
    map_leaves(found.append, element)
    return found


# ---- from what users give to arrays -----------------------------------------------------------


def as_element(value: Any) -> Any:
    """A value of the user's as an element: every leaf an array.

    >>> as_element((1, {"a": [1.0, 2.0]}))
    (array(1, dtype=int32), {'a': array([1., 2.], dtype=float32)})
    """
    return map_leaves(_as_array, value)


def _as_array(value: Any) -> Any:
    if value is None or hasattr(value, "element_spec"):  # a data set inside of an element
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return _text(np.asarray(value)) if value.dtype.kind in "US" else np.asarray(value)
    if is_tensor(value) or isinstance(value, Variable) or hasattr(value, "__array__"):
        return _text_if_any(np.asarray(value))
    if isinstance(value, list) and any(hasattr(item, "__array__") for item in value):
        return np.stack([_as_array(item) for item in value])
    return _from_python(value)


def _from_python(value: Any) -> Any:
    """Numbers, texts and lists of them; numbers get the dtypes that tensors of them have."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise DataError(
            f"A list in a data set is one array, but this one cannot be: its elements have "
            f"different lengths ({error}). Pad them, or give them by `Dataset.from_generator`."
        ) from error
    if array.dtype.kind in "US":
        return _text(array, value)
    if array.dtype == np.float64:
        return array.astype(config.floatx() if config.floatx() != "bfloat16" else "float32")
    if array.dtype == np.int64 and (array.size == 0 or np.abs(array).max() < 2**31):
        return array.astype("int32")
    return array


def _text_if_any(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return _text(array) if array.dtype.kind in "US" else array


def _text(array: np.ndarray[Any, Any], value: Any = None) -> np.ndarray[Any, Any]:
    """Text as objects, so that texts of all lengths stack. NumPy cuts zeros off bytes' ends."""
    if isinstance(value, bytes):
        array = np.empty((), dtype=object)
        array[()] = value
        return array
    return array.astype(object)


def is_text(array: np.ndarray[Any, Any]) -> bool:
    """Whether an array holds strings or bytes."""
    return array.dtype.kind == "O" and (
        not array.size or isinstance(array.reshape(-1)[0], (str, bytes))
    )


# ---- from arrays to what users see ------------------------------------------------------------


def as_tensors(element: Any) -> Any:
    """An element with tensors of the active engine in the place of arrays; text as `TextArray`."""
    return map_leaves(_as_tensor, element)


def _as_tensor(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return value.view(TextArray) if value.dtype.kind == "O" else as_tensor(value)


def to_plain(element: Any) -> Any:
    """An element of NumPy arrays as it is given away: scalars as NumPy's, text as bytes."""
    return map_leaves(_plain, element)


def _plain(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    return value.view(TextArray).numpy() if value.dtype.kind == "O" else value[()]


# ---- shapes without values --------------------------------------------------------------------


def spec_of(element: Any) -> Any:
    """The `TensorSpec` of each array of an element.

    >>> spec_of(np.zeros((2, 3)))
    TensorSpec(shape=(2, 3), dtype='float64')
    """
    return map_leaves(_spec, element)


def _spec(value: Any) -> Any:
    if hasattr(value, "element_spec"):
        return DatasetSpec(value.element_spec)
    if value is None:
        return None
    name = "string" if value.dtype.kind == "O" else standardize_dtype(value.dtype)
    return TensorSpec(tuple(value.shape), name)


def spec_of_call(fn: Callable[..., Any], spec: Any) -> Any:
    """The spec of what a function returns, learned without data; ``None`` where that fails."""
    if any(not isinstance(s, TensorSpec) or s.dtype == "string" for s in leaves_of(spec)):
        return None
    symbols = map_leaves(lambda s: KerasTensor(s.shape, s.dtype), spec)
    arguments = symbols if isinstance(symbols, tuple) else (symbols,)
    try:
        with config.engine_scope("numpy"):
            found = eval_shape(lambda *args: map_leaves(_tensor_or_raise, fn(*args)), *arguments)
        return map_leaves(lambda t: TensorSpec(tuple(t.shape), t.dtype), found)
    except Exception:  # the function looks at values: the caller runs it on an element instead
        return None


def _tensor_or_raise(value: Any) -> Any:
    return as_tensor(_as_array(value)) if not is_tensor(value) else value
