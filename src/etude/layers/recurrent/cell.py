"""What the cells of recurrent layers share: dropout masks, projections, the call of one step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from etude import ops, random, tree
from etude.errors import ArgumentError
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.layer import Layer

__all__ = [
    "RecurrentCell",
    "call_cell",
    "check_cell",
    "draw_masks",
    "forget_masks",
    "output_size",
    "project",
    "state_shape",
    "with_masks_of_now",
]


class RecurrentCell(ConfiguredLayer):
    """Base of the cells: dropout masks that stay the same at all steps of a sequence.

    A cell has ``units``, ``dropout``, ``recurrent_dropout`` and a ``seed_generator``. The layer
    around it makes the masks before its loop and drops them after it.
    """

    gates: ClassVar[int] = 1
    units: int
    dropout: float
    recurrent_dropout: float
    implementation: int = 2
    seed_generator: random.SeedGenerator

    def set_dropout(self, dropout: float, recurrent_dropout: float, seed: int | None) -> None:
        """Keeps the rates, cut to [0, 1], and makes the generator."""
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)
        self.reset_dropout_mask()
        self.reset_recurrent_dropout_mask()

    @property
    def mask_count(self) -> int:
        """Masks per input: one for each gate if there is recurrent dropout, else one for all."""
        return self.gates if self.implementation == 1 or self.recurrent_dropout > 0 else 1

    def get_dropout_mask(self, step_input: Any) -> Any:
        """The mask of the inputs of this sequence, or a list of them; None without dropout."""
        if self._dropout_mask is None and self.dropout > 0:
            self._keep("_dropout_mask", self._draw(step_input, self.dropout))
        return self._dropout_mask

    def get_recurrent_dropout_mask(self, state: Any) -> Any:
        """The mask of the states of this sequence, or a list of them; None without dropout."""
        if self._recurrent_dropout_mask is None and self.recurrent_dropout > 0:
            self._keep("_recurrent_dropout_mask", self._draw(state, self.recurrent_dropout))
        return self._recurrent_dropout_mask

    def reset_dropout_mask(self) -> None:
        """Forgets the masks of the inputs: the next sequence gets new ones."""
        self._keep("_dropout_mask", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forgets the masks of the states: the next sequence gets new ones."""
        self._keep("_recurrent_dropout_mask", None)

    _dropout_mask: Any
    _recurrent_dropout_mask: Any

    def _keep(self, name: str, masks: Any) -> None:
        object.__setattr__(self, name, masks)  # not state of the layer: lives for one sequence

    def _draw(self, like: Any, rate: float) -> Any:
        ones = ops.ones_like(like)
        masks = [
            random.dropout(ones, rate, seed=self.seed_generator) for _ in range(self.mask_count)
        ]
        return masks if len(masks) > 1 else masks[0]

    def masks(self, inputs: Any, state: Any, training: bool) -> tuple[Any, Any]:
        """The masks of inputs and state; None for those that are not to be masked."""
        if not training:
            return None, None
        return self.get_dropout_mask(inputs), self.get_recurrent_dropout_mask(state)

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Zeros for each state.

        Args:
            batch_size: number of sequences.
        """
        sizes = self.state_size if isinstance(self.state_size, (list, tuple)) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    state_size: int | list[int]


def project(x: Any, kernel: Any, masks: Any) -> Any:
    """``x W``, where x may be masked: by one mask, or by one for each gate's columns of W.

    Args:
        x: (batch, features).
        kernel: (features, gates units).
        masks: None, one mask, or one for each gate; each of x's shape.
    """
    if not isinstance(masks, list):
        return ops.matmul(x if masks is None else x * masks, kernel)
    columns = ops.split(kernel, len(masks), axis=1)
    parts = [ops.matmul(x * mask, column) for mask, column in zip(masks, columns, strict=True)]
    return ops.concatenate(parts, axis=-1)


def draw_masks(cell: Any, inputs: Any, states: list[Any]) -> None:
    """Draws the dropout masks for one sequence, before a loop that must not draw inside.

    Args:
        cell: a cell, or cells that are stacked.
        inputs: those of one step, (batch, features).
        states: of the cell; one entry for each cell if stacked.
    """
    if hasattr(cell, "cells"):
        for inner, state in zip(cell.cells, states, strict=True):
            draw_masks(inner, inputs, state)
            inputs = ops.ones((inputs.shape[0], output_size(inner)), dtype=inputs.dtype)
    elif isinstance(cell, RecurrentCell):
        cell.get_dropout_mask(inputs)
        cell.get_recurrent_dropout_mask(tree.flatten(states)[0])


def forget_masks(cell: Any) -> None:
    """Lets the next sequence have dropout masks of its own."""
    for c in _recurrent_cells(cell):
        c.reset_dropout_mask()
        c.reset_recurrent_dropout_mask()


def with_masks_of_now(cell: Any, step: Callable[..., Any]) -> Callable[..., Any]:
    """A step that finds the masks that the cell has now, whenever it runs.

    The reverse pass of a loop runs its steps again, after the sequence has ended.
    """
    cells = _recurrent_cells(cell)
    masks = [(c._dropout_mask, c._recurrent_dropout_mask) for c in cells]

    def keep(masks: list[tuple[Any, Any]]) -> None:
        for c, (of_inputs, of_states) in zip(cells, masks, strict=True):
            c._keep("_dropout_mask", of_inputs)
            c._keep("_recurrent_dropout_mask", of_states)

    def masked(*args: Any) -> Any:
        before = [(c._dropout_mask, c._recurrent_dropout_mask) for c in cells]
        keep(masks)
        try:
            return step(*args)
        finally:
            keep(before)

    return masked


def _recurrent_cells(cell: Any) -> list[RecurrentCell]:
    """The cells of ours inside a cell, or itself."""
    if hasattr(cell, "cells"):
        return [each for inner in cell.cells for each in _recurrent_cells(inner)]
    return [cell] if isinstance(cell, RecurrentCell) else []


def call_cell(cell: Any, inputs: Any, states: Any, training: bool) -> tuple[Any, Any]:
    """One step of a cell; a cell that is no layer needs only a method ``call``."""
    takes_training = isinstance(cell, Layer) and "training" in cell._call_signature.accepts
    options = {"training": training} if takes_training else {}
    call: Callable[..., Any] = cell if callable(cell) else cell.call
    return call(inputs, states, **options)


def check_cell(cell: Any) -> None:
    """A cell has a method ``call`` and an attribute ``state_size``."""
    if not hasattr(cell, "call"):
        raise ArgumentError(
            "RNN: `cell` needs a method `call(inputs, states)`, which computes one step; got "
            f"{cell!r}, which has none."
        )
    if not hasattr(cell, "state_size"):
        raise ArgumentError(
            "RNN: `cell` needs an attribute `state_size`: the size of its state, or a list of "
            f"sizes if it has several; got {cell!r}, which has none."
        )


def output_size(cell: Any) -> int:
    """The length of a cell's output: its ``output_size``, else its first state's size."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    sizes = cell.state_size
    return sizes[0] if isinstance(sizes, (list, tuple)) else sizes


def state_shape(batch: int | None, size: Any) -> Any:
    """The shape of a state of this size, or a list of shapes for several states."""
    return (batch, size) if isinstance(size, int) else [(batch, s) for s in size]
