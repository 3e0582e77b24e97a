"""Data for models that begin with layers on the host: what these compute, batch by batch.

Arrays are taken through the layers once, before training; what gives batches, batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from etude.data.arrays import is_arrays
from etude.data.py_dataset import PyDataset
from etude.layers.base.behind_host import is_prepared

__all__ = ["prepare"]


def prepare(model: Any, x: Any) -> Any:
    """The data with which the steps of a model can be compiled.

    Args:
        model: any model; only functional and sequential ones can be cut behind the host.
        x: arrays, text, or an object that gives batches.

    Returns:
        The data itself where no layer of the model needs the host.
    """
    if x is None or is_prepared(x) or not any(map(_needs_host, model._flatten_layers())):
        return x
    batches = not isinstance(x, (list, tuple, dict)) and not hasattr(x, "__array__")
    if not batches and is_arrays(x):
        return model.behind_host(_arrays(x))
    if isinstance(x, PyDataset):
        return _PreparedDataset(model, x)
    return (_CountedBatches if hasattr(x, "__len__") else _PreparedBatches)(model, x)


def _needs_host(layer: Any) -> bool:
    return getattr(layer, "runs_on_host", False)


def _arrays(x: Any) -> Any:
    """Lists of text or numbers as arrays; a list of arrays is one for each input."""
    if isinstance(x, dict):
        return {key: _arrays(value) for key, value in x.items()}
    if isinstance(x, (list, tuple)) and any(hasattr(item, "__array__") for item in x):
        return type(x)(_arrays(item) for item in x)
    return np.asarray(x)


def _prepared_batch(model: Any, batch: Any) -> Any:
    if isinstance(batch, tuple):
        return (model.behind_host(batch[0]), *batch[1:])
    return model.behind_host(batch)


class _PreparedBatches:
    """Batches of an iterable, with what the host computes in the place of inputs."""

    def __init__(self, model: Any, source: Any) -> None:
        self.model, self.source = model, source

    def __iter__(self) -> Iterator[Any]:
        return (_prepared_batch(self.model, batch) for batch in self.source)


class _CountedBatches(_PreparedBatches):
    """The same where their number is known."""

    def __len__(self) -> int:
        return len(self.source)


class _PreparedDataset(PyDataset):
    """A `PyDataset`, with what the host computes in the place of inputs."""

    def __init__(self, model: Any, source: PyDataset) -> None:
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.model, self.source = model, source

    def __getitem__(self, index: int) -> Any:
        return _prepared_batch(self.model, self.source[index])

    @property
    def num_batches(self) -> int | None:
        """As the source says."""
        return self.source.num_batches

    def on_epoch_begin(self) -> None:
        """Tells the source."""
        self.source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tells the source."""
        self.source.on_epoch_end()
