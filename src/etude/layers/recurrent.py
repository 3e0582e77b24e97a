"""Recurrence: a cell is applied step by step along a sequence, and hands its state on.

    state_0 = 0;  y_t, state_t = cell(x_t, state_{t-1})

Here are the loop (`RNN`), cells on top of each other (`StackedRNNCells`), and what the cells share:
their dropout. `LSTM`, `GRU` and `SimpleRNN` have files of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeVar

from etude import ops, random, tree
from etude.errors import ArgumentError, ShapeError
from etude.layers.arguments import Shape
from etude.layers.configured import ConfiguredLayer
from etude.layers.layer import Layer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.variable import Variable

__all__ = ["RNN", "StackedRNNCells"]

LayerClass = TypeVar("LayerClass", bound=type)


# ---- what cells share -------------------------------------------------------------------------


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
    cells = getattr(cell, "cells", None)
    for c, state in zip(cells or [cell], states if cells else [states], strict=True):
        if hasattr(c, "cells"):
            draw_masks(c, inputs, state)
        elif isinstance(c, RecurrentCell):
            c.get_dropout_mask(inputs)
            c.get_recurrent_dropout_mask(tree.flatten(state)[0])
        inputs = ops.ones((inputs.shape[0], output_size(c)), dtype=inputs.dtype)


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


def shows_cell(*names: str) -> Callable[[LayerClass], LayerClass]:
    """A class decorator: the attributes ``names`` of the layer are those of its cell."""

    def decorate(cls: LayerClass) -> LayerClass:
        for name in names:
            setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
        return cls

    return decorate


# ---- the loop ---------------------------------------------------------------------------------


def loop(
    step: Callable[[Any, Any], tuple[Any, Any]],
    sequences: Any,
    states: Any,
    mask: Any = None,
    go_backwards: bool = False,
    unroll: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Any, Any, Any]:
    """Applies a step along a sequence.

    At a masked step the states stay as they are, and the output is the one before (the first
    state), or zero.

    Args:
        step: ``(x, states) -> (output, new states)`` for one step; x: (batch, ...).
        sequences: (batch, steps, ...), or a nest of such.
        states: what the first step gets.
        mask: (batch, steps), True where there is a step; or None.
        go_backwards: whether the last step comes first; outputs are in the order of computation.
        unroll: whether to write out the steps instead of looping.
        zero_output_for_mask: whether the output at masked steps is zero.

    Returns:
        The last output, all outputs (batch, steps, ...), and the last states.
    """
    xs = tree.map_structure(_swap_time_and_batch, sequences)
    present = None if mask is None else _swap_time_and_batch(_flat_mask(mask))

    def masked_step(states: Any, x: Any) -> tuple[Any, Any]:
        x, here = x
        output, new_states = step(x, states)
        new = tree.flatten(new_states)
        if here is not None:
            before = ops.zeros_like(output) if zero_output_for_mask else _last_output(states)
            output = _select(here, output, before)
            new = [_select(here, *pair) for pair in zip(new, tree.flatten(states), strict=True)]
        return tree.pack_sequence_as(states, new), output

    if unroll:
        states, outputs = _unrolled(masked_step, states, (xs, present), go_backwards)
    else:
        states, outputs = ops.scan(masked_step, states, (xs, present), reverse=go_backwards)
        outputs = ops.flip(outputs, axis=0) if go_backwards else outputs
    return outputs[-1], _swap_time_and_batch(outputs), states


def _swap_time_and_batch(x: Any) -> Any:
    return ops.transpose(x, (1, 0, *range(2, len(x.shape))))


def _flat_mask(mask: Any) -> Any:
    """A mask (batch, steps); a step with several flags is there if any of them is set."""
    mask = ops.cast(mask, "bool")
    return ops.any(mask, axis=tuple(range(2, len(mask.shape)))) if len(mask.shape) > 2 else mask


def _select(here: Any, new: Any, old: Any) -> Any:
    """New where the step is there, old elsewhere; here: (batch,), new and old: (batch, ...)."""
    shaped = ops.reshape(here, (here.shape[0], *(1,) * (len(new.shape) - 1)))
    return ops.where(shaped, new, old)


def _last_output(states: Any) -> Any:
    """The output of the step before, which is the first state (of the last cell, if stacked)."""
    return states[-1][0] if tree.is_nested(states[0]) else states[0]


def _unrolled(
    step: Callable[[Any, Any], tuple[Any, Any]], states: Any, xs: Any, go_backwards: bool
) -> tuple[Any, Any]:
    steps = tree.flatten(xs)[0].shape[0]
    outputs = []
    for t in reversed(range(steps)) if go_backwards else range(steps):
        here = tree.map_structure(lambda x, t=t: None if x is None else x[t], xs)
        states, output = step(states, here)
        outputs.append(output)
    return states, ops.stack(outputs)


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


# ---- the layer --------------------------------------------------------------------------------


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

        self._set_states(tree.map_structure(variable, self.get_initial_state(batch_size)))

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
        return (output, *(_state_shape(batch, size) for size in self.state_size))

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


class FusedRNN(RNN):
    """Base of the recurrent layers whose usual form is one primitive over the whole sequence."""

    cell: Any
    use_cudnn: bool | str = "auto"

    def primitive(self) -> Callable[..., Any] | None:
        """The primitive that does what the cell does at each step; None if there is none."""
        raise NotImplementedError

    def set_use_cudnn(self, use_cudnn: bool | str) -> None:
        """Keeps whether the primitive may (``"auto"``), must (True), or must not (False) run."""
        if use_cudnn not in ("auto", True, False):
            raise ArgumentError(
                f"{type(self).__name__}: `use_cudnn` is 'auto', True or False; got {use_cudnn!r}."
            )
        self.use_cudnn = use_cudnn

    def inner_loop(
        self, sequences: Any, initial_state: Any, mask: Any, training: bool = False
    ) -> tuple[Any, Any, Any]:
        """The primitive where it does what is asked for; else the loop over the cell."""
        cell = self.cell
        masks = training and (cell.recurrent_dropout or (cell.dropout and cell.mask_count > 1))
        primitive = self.primitive()
        if primitive is not None and self.use_cudnn and not self.unroll and not masks:
            return self._apply(primitive, sequences, initial_state, mask, training)
        if self.use_cudnn is True:
            raise ArgumentError(
                "use_cudnn=True was specified, but it is not supported for this layer "
                "configuration: it needs the usual activations, no unrolling and no recurrent "
                "dropout. Pass use_cudnn='auto' to fall back to the loop over the cell."
            )
        return super().inner_loop(sequences, initial_state, mask, training)

    def _apply(
        self,
        primitive: Callable[..., Any],
        sequences: Any,
        initial_state: Any,
        mask: Any,
        training: bool,
    ) -> tuple[Any, Any, Any]:
        cell = self.cell
        if training and cell.dropout > 0:
            sequences = sequences * ops.expand_dims(cell.get_dropout_mask(sequences[:, 0]), 1)
        mask = None if mask is None else _flat_mask(mask)
        if self.go_backwards:
            sequences = ops.flip(sequences, axis=1)
            mask = None if mask is None else ops.flip(mask, axis=1)
        zero = mask is not None and self.zero_output_for_mask
        outputs, states = primitive(
            sequences,
            initial_state,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            mask=mask,
            zero_output_for_mask=zero,
        )
        return outputs[:, -1] if zero else states[0], outputs, states

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this layer again, as plain data."""
        arguments = super().get_config()
        del arguments["cell"]
        return arguments


def _checked_state_size(state_size: Any) -> list[Any]:
    if isinstance(state_size, int):
        return [state_size]
    if isinstance(state_size, Iterable):
        return list(state_size)
    raise ArgumentError(
        "The `state_size` of a cell must be an integer, or several in a list if the cell has "
        f"several states; got {state_size!r}."
    )


def _state_shape(batch: int | None, size: Any) -> Any:
    return (batch, size) if isinstance(size, int) else [(batch, s) for s in size]


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
            shapes = _state_shape(batch_size, cell.state_size)
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
