"""StackedRNNCells: cells on top of each other as one cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import ops, tree
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.layer import Layer
from etude.layers.recurrent.cell import call_cell, check_cell, output_size, state_shape
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object

__all__ = ["StackedRNNCells"]


class StackedRNNCells(ConfiguredLayer):
    """Cells on top of each other as one cell: the output of each is the input of the next.

    Args:
        cells: the cells, the lowest first.

    Shapes:
        inputs: (batch, features); states: one entry for each cell; output: that of the last cell.

    Raises:
        ArgumentError: a cell has no ``call`` or no ``state_size``.

    Example:
        >>> from etude.layers import LSTMCell
        >>> StackedRNNCells([LSTMCell(4), LSTMCell(3)]).state_size
        [[4, 4], [3, 3]]
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(cell)
        self.cells = cells

    @property
    def state_size(self) -> list[Any]:
        """The sizes of each cell's states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The length of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The states that a sequence begins with, for each cell."""
        states = []
        for cell in self.cells:
            if hasattr(cell, "get_initial_state"):
                states.append(cell.get_initial_state(batch_size=batch_size))
                continue
            shapes = state_shape(batch_size, cell.state_size)
            states.append(
                tree.map_shape_structure(lambda s: ops.zeros(s, dtype=self.compute_dtype), shapes)
            )
        return states

    def build(self, input_shape: Shape) -> None:
        """Makes the weights of the cells, from the lowest to the highest."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (input_shape[0], output_size(cell))

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """One step of each cell, from the lowest to the highest."""
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = tree.is_nested(state)
            inputs, new = call_cell(cell, inputs, list(state) if nested else [state], training)
            new = list(new) if tree.is_nested(new) else [new]
            new_states.append(new if nested else new[0])
        return inputs, new_states

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "cells": [serialize_keras_object(c) for c in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config."""
        cells = [
            deserialize_keras_object(cell, custom_objects=custom_objects)
            for cell in config["cells"]
        ]
        return super().from_config({**config, "cells": cells})
