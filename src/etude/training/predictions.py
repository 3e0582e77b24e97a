"""Outputs of batch after batch, joined to one array each."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from etude import tree
from etude.autodiff import as_tensor
from etude.errors import DataError

__all__ = ["Predictions", "as_numpy"]


class Predictions:
    """Outputs of batch after batch; a few stay on the device, so that it has work to do."""

    def __init__(self) -> None:
        self.waiting: deque[Any] = deque()
        self.parts: list[Any] = []

    def add(self, outputs: Any) -> None:
        """Takes the outputs of a batch: Tensors, nested."""
        self.waiting.append(outputs)
        if len(self.waiting) > 8:
            self._take()

    def _take(self) -> None:
        self.parts.append(tree.map_structure(as_numpy, self.waiting.popleft()))

    def joined(self) -> Any:
        """All outputs as NumPy arrays, in their structure.

        Raises:
            DataError: there was no batch.
        """
        while self.waiting:
            self._take()
        if not self.parts:
            raise DataError("The data is empty: there is not a single batch in it.")
        if not tree.is_nested(self.parts[0]):
            return np.concatenate(self.parts) if self.parts[0].ndim else np.stack(self.parts)
        return tree.map_structure(lambda *leaves: np.concatenate(leaves), *self.parts)


def as_numpy(value: Any) -> Any:
    """A Tensor as a NumPy array."""
    return np.asarray(as_tensor(value).numpy())
