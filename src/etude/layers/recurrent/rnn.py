"""Recurrence: a cell is applied step by step along a sequence, and hands its state on.

    state_0 = 0;  y_t, state_t = cell(x_t, state_{t-1})

The loop itself is in `recurrent_loop`, what cells share in `recurrent_cell`. `LSTM`, `GRU` and
`SimpleRNN` have files of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from etude import ops, tree
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import Shape
from etude.layers.base.configured import ConfiguredLayer
from etude.layers.base.layer import Layer
from etude.layers.recurrent.cell import (
    call_cell,
    check_cell,
    draw_masks,
    forget_masks,
    output_size,
    state_shape,
    with_masks_of_now,
)
from etude.layers.recurrent.loop import loop
from etude.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.variable import Variable

__all__ = ["RNN"]


class RNN(ConfiguredLayer):
    """Applies a cell step by step along sequences.

    Args:
        cell: a cell, or a list of cells that are stacked. A cell has ``call(inputs, states) ->
            (output, new_states)``, ``state_size``, and perhaps ``output_size`` and
            ``get_initial_state(batch_size)``.
        return_sequences: whether to give the outputs of all steps instead of the last.
        return_state: whether to give the last states too.
        go_backwards: whether to begin with the last step; the outputs are in reverse order then.
        stateful: whether the next batch begins with the states in which this one ended.
        unroll: whether to write out the steps instead of looping: faster for very short sequences.
        zero_output_for_mask: whether the output at masked steps is 0, not that of the step before.

    Shapes:
        sequences: (batch, steps, features); mask: (batch, steps); initial_state: a list of (batch,
        size); output: (batch, output size), or (batch, steps, output size); with ``return_state`` a
        tuple of the output and the states.

    Raises:
        ArgumentError: the cell has no ``call`` or no ``state_size``.
        ShapeError: stateful without a fixed batch size, or unrolled without a fixed length.

    Example:
        >>> import numpy as np
        >>> from etude.layers import SimpleRNNCell
        >>> layer = RNN([SimpleRNNCell(4), SimpleRNNCell(3)], return_sequences=True)
        >>> layer(np.zeros((2, 5, 7))).shape
        (2, 5, 3)
    """

    config_names: ClassVar[tuple[str, ...]] = (
        "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
        "zero_output_for_mask",
    )  # fmt: skip
    states: Any

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cell
        check_cell(cell)
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.state_size = _checked_state_size(cell.state_size)
        self._set_states(None)

    def _set_states(self, states: Any) -> None:
        object.__setattr__(self, "states", states)  # kept between batches, but no weights

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Makes the cell's weights, and the states of a stateful layer."""
        if self.unroll and sequences_shape[1] is None:
            raise ShapeError(
                "`unroll=True` writes out the steps one by one, so their number must be known. "
                "Give it in `Input(shape=...)` or `Input(batch_shape=...)`; got sequences of "
                f"shape {tuple(sequences_shape)}."
            )
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True
        if self.stateful and self.states is not None:
            self.reset_state()
        elif self.stateful:
            self._make_states(sequences_shape)

    def _make_states(self, sequences_shape: Shape) -> None:
        batch_size = sequences_shape[0]
        if batch_size is None:
            raise ShapeError(
                "`stateful=True` keeps one state per sequence of the batch, so the batch size must "
                "be known. Give it in `Input(batch_shape=...)`; got sequences of shape "
                f"{tuple(sequences_shape)}."
            )

        def variable(value: Any) -> Variable:
            return Variable(value, trainable=False, dtype=self.variable_dtype, name="rnn_state")

        with xp().concretely():  # also while a program is traced: the first state is for good
            states = tree.map_structure(variable, self.get_initial_state(batch_size))
        self._set_states(states)

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The states that a sequence begins with: those of the cell, or zeros."""
        if hasattr(self.cell, "get_initial_state"):
            states = self.cell.get_initial_state(batch_size=batch_size)
            return list(states) if tree.is_nested(states) else [states]
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return [ops.zeros((batch_size, size), dtype=dtype) for size in self.state_size]

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        for state in tree.flatten(self.states):
            if state is not None:
                state.assign(ops.zeros_like(state.value))

    reset_states = reset_state

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The output's shape; with ``return_state`` followed by those of the states."""
        batch, steps = sequences_shape[:2]
        size = output_size(self.cell)
        output = (batch, steps, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return (output, *(state_shape(batch, size) for size in self.state_size))

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """The mask of the sequences, if they are given; none for the states."""
        flat = tree.flatten(mask)
        output = flat[0] if flat and self.return_sequences else None
        return [output, *(None for _ in self.state_size)] if self.return_state else output

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        """Runs the cell: the last output, all outputs, the last states."""

        def step(inputs: Any, states: Any) -> tuple[Any, Any]:
            output, new_states = call_cell(self.cell, inputs, states, training)
            return output, list(new_states) if tree.is_nested(new_states) else [new_states]

        return loop(
            with_masks_of_now(self.cell, step),
            sequences,
            initial_state,
            mask,
            self.go_backwards,
            self.unroll,
            self.zero_output_for_mask,
        )

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """The last output or all outputs; with ``return_state`` followed by the states."""
        states = self._first_states(sequences, initial_state)
        flat_mask = tree.flatten(mask)
        try:
            if training:
                draw_masks(self.cell, tree.flatten(sequences)[0][:, 0], states)
            last, outputs, states = self.inner_loop(
                sequences, states, flat_mask[0] if flat_mask else None, bool(training)
            )
        finally:
            forget_masks(self.cell)
        output = ops.cast(outputs if self.return_sequences else last, self.compute_dtype)
        states = tree.map_structure(lambda s: ops.cast(s, self.compute_dtype), list(states))
        if self.stateful:
            for kept, new in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                kept.assign(new)
        return (output, *states) if self.return_state else output

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        batch_size = tree.flatten(sequences)[0].shape[0]
        if self.stateful:
            expected = tree.flatten(self.states)[0].shape[0]
            if batch_size != expected:
                raise ShapeError(
                    f"Layer '{self.name}' is stateful and holds the states of {expected} "
                    f"sequences, so every batch size must be {expected}; got {batch_size}. Leave "
                    "out the short last batch."
                )
        if initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(batch_size)
        elif not tree.is_nested(initial_state):
            initial_state = [initial_state]
        if len(initial_state) != len(self.state_size):
            raise ShapeError(
                f"{type(self).__name__} layer {self.name!r} has {len(self.state_size)} state(s); "
                f"`initial_state` has {len(initial_state)}."
            )
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return tree.map_structure(
            lambda state: ops.convert_to_tensor(state, dtype=dtype), list(initial_state)
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        return {**super().get_config(), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """The layer of a config."""
        if "cell" in config:
            cell = deserialize_keras_object(config["cell"], custom_objects=custom_objects)
            config = {**config, "cell": cell}
        return super().from_config(config)


def _checked_state_size(state_size: Any) -> list[Any]:
    if isinstance(state_size, int):
        return [state_size]
    if isinstance(state_size, Iterable):
        return list(state_size)
    raise ArgumentError(
        "The `state_size` of a cell must be an integer, or several in a list if the cell has "
        f"several states; got {state_size!r}."
    )
