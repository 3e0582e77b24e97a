"""Layers that work on the host: they take text, or look things up in Python's own tables.

No compiled program can hold them. A model that begins with such layers is cut in two: what they
compute is computed as the data comes in (`etude.models.host_split`), and the compiled step begins
behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import KerasTensor, Tensor
from etude.errors import DtypeError, StateError
from etude.layers.base.configured import ConfiguredLayer

__all__ = ["HostLayer", "adapt_to", "as_integers", "as_keys", "as_text", "encode_on_host"]


class HostLayer(ConfiguredLayer):
    """Base of the layers that work on NumPy arrays, on the host.

    A subclass writes ``call`` for NumPy arrays, ``compute_output_shape``, and ``output_dtype``.
    """

    runs_on_host = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.supports_jit = False
        self.built = True

    @property
    def output_dtype(self) -> str:
        """The dtype of the outputs."""
        return self.dtype

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """The symbolic output."""
        shapes = (
            tuple(x.shape for x in inputs) if isinstance(inputs, (list, tuple)) else inputs.shape
        )
        return KerasTensor(self.compute_output_shape(shapes), dtype=self.output_dtype)

    def array_of(self, inputs: Any) -> np.ndarray[Any, Any]:
        """Inputs of any kind as an array on the host.

        Raises:
            StateError: their values are not known, since a program is being traced.
        """
        if isinstance(inputs, Tensor) and not inputs.is_known():
            raise StateError(
                f"Layer '{self.name}' ({type(self).__name__}) works on the host, so it cannot be "
                "part of a compiled program. Put it at the beginning of a functional or sequential "
                "model, where it runs as the data comes in; apply it to the data before, e.g. in "
                "`Dataset.map`; or compile the model with `run_eagerly=True`."
            )
        return np.asarray(inputs)


def as_text(values: Any) -> np.ndarray[Any, Any]:
    """Text of any kind as an array of Python strings; bytes are read as UTF-8.

    >>> as_text(["café".encode(), "tea"]).tolist()
    ['café', 'tea']
    """
    array = np.asarray(values, dtype=object)  # NumPy cannot join text and bytes by itself
    flat = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in array.reshape(-1).tolist()
    ]
    text = np.empty(len(flat), dtype=object)
    text[:] = flat
    return text.reshape(array.shape)


def as_integers(values: Any) -> np.ndarray[Any, Any]:
    """Integers as int64; whole numbers of any other dtype become integers."""
    array = np.asarray(values)
    if array.dtype.kind in "US":
        raise DtypeError(
            f"Expected integers; got text, e.g. {array.reshape(-1)[:1].tolist()}. Use "
            "`StringLookup` for text."
        )
    return array.astype("int64")


def as_keys(values: Any) -> list[Any]:
    """Values as keys that compare by value: strings or integers, flat.

    >>> as_keys(np.array([[1.0, 2.0]])), as_keys([b"a"])
    ([1, 2], ['a'])
    """
    array = np.asarray(values)
    return (as_text if array.dtype.kind in "OUS" else as_integers)(array).reshape(-1).tolist()


def adapt_to(data: Any, update: Callable[[Any], None], steps: int | None = None) -> None:
    """Shows data to a layer that learns from it: arrays and lists at once, all else by batches.

    Args:
        data: an array, a list or tuple of values, or an iterable of batches.
        update: takes one batch.
        steps: how many batches at most.
    """
    for i, batch in enumerate(_batches(data)):
        if steps is not None and i >= steps:
            break
        update(batch)


def _batches(data: Any) -> Iterator[Any] | Iterable[Any]:
    whole = isinstance(data, (list, tuple, str, bytes)) or hasattr(data, "__array__")
    if not whole and hasattr(data, "__iter__"):
        return data
    array = np.asarray(data)
    return iter([array[:, None] if array.ndim == 1 else array])


def encode_on_host(
    indices: np.ndarray[Any, Any], output_mode: str, depth: int, dtype: str
) -> np.ndarray[Any, Any]:
    """What `features.category_encoding.encode` computes, without tables of one-hot rows.

    Args:
        indices: (..., n) integers; those outside of [0, depth) count for nothing.
        output_mode: ``"one_hot"``, ``"multi_hot"`` or ``"count"``.
        depth: the length of the new axis.
        dtype: of the result.

    >>> encode_on_host(np.array([[1, 1, 2]]), "count", 3, "float32").tolist()
    [[0.0, 2.0, 1.0]]
    """
    indices = indices.reshape(1) if indices.ndim == 0 else indices
    if output_mode == "one_hot":
        indices = indices[..., 0] if indices.ndim > 1 and indices.shape[-1] == 1 else indices
        indices = indices[..., None]  # each is a row of its own
    rows = indices.reshape(-1, indices.shape[-1])
    found = np.zeros((len(rows), depth), dtype=dtype)
    inside = (rows >= 0) & (rows < depth)
    places = np.nonzero(inside)[0], rows[inside]
    if output_mode == "count":
        np.add.at(found, places, 1)
    else:
        found[places] = 1
    return found.reshape(*indices.shape[:-1], depth)


def tensor_or_text(values: np.ndarray[Any, Any]) -> Any:
    """Numbers as a tensor; text stays an array, since tensors hold numbers."""
    return values if values.dtype.kind in "OUS" else ops.convert_to_tensor(values)
