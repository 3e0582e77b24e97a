"""SimpleRNN: the plain recurrent network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import activations, ops
from etude.layers.base.arguments import Shape, known_axis, positive_integer
from etude.layers.base.configured import weight_options
from etude.layers.recurrent.cell import RecurrentCell, project
from etude.layers.recurrent.fused_rnn import FusedRNN

__all__ = ["SimpleRNN", "SimpleRNNCell"]

OPTIONS = (
    "units", "activation", "use_bias", *weight_options("kernel"), *weight_options("recurrent"),
    *weight_options("bias"), "dropout", "recurrent_dropout",
)  # fmt: skip


class SimpleRNNCell(RecurrentCell):
    """One step of `SimpleRNN`.

    ``h' = activation(x W + h U + b)``

    Args:
        units: length of the state and of the output.
        activation: a name or a callable.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training.
        recurrent_dropout: share of the state that is dropped in training.
        seed: an integer makes the draws repeat.

    Shapes:
        x: (batch, features); W: (features, units); U: (units, units); b: (units,);
        h: (batch, units), in a list of one state; output: h'.

    Example:
        >>> import numpy as np
        >>> output, states = SimpleRNNCell(3)(np.ones((2, 5)), [np.zeros((2, 3))])
        >>> output.shape, len(states)
        ((2, 3), 1)
    """

    config_names = (*OPTIONS, "seed")

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = positive_integer(units, "units", "SimpleRNN")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options(
            "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint
        )
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.set_dropout(dropout, recurrent_dropout, seed)
        self.state_size = self.units
        self.output_size = self.units

    def build(self, input_shape: Shape) -> None:
        """Makes W, U and b for inputs with this many features."""
        features = known_axis(input_shape, -1, f"SimpleRNN {self.name!r}")
        self.kernel = self.add_configured_weight("kernel", (features, self.units))
        self.recurrent_kernel = self.add_configured_weight(
            "recurrent", (self.units, self.units), name="recurrent_kernel"
        )
        self.bias = self.add_configured_weight("bias", (self.units,)) if self.use_bias else None

    def call(self, sequence: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """``h' = activation(x W + h U + b)``; the output and the new state are both h'."""
        nested = isinstance(states, (list, tuple))
        h = states[0] if nested else states
        x_masks, h_masks = self.masks(sequence, h, training)
        z = project(sequence, self.kernel, x_masks)
        if self.bias is not None:
            z = z + self.bias
        output = self.activation(z + project(h, self.recurrent_kernel, h_masks))
        return output, [output] if nested else output


class SimpleRNN(FusedRNN):
    """The plain recurrent network: the output is the new state, and comes back at the next step.

    ``h_t = activation(x_t W + h_{t-1} U + b)``

    Args:
        units: length of the state and of the output.
        activation: a name or a callable.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: share of the state that is dropped in training, the same at all steps.
        return_sequences, return_state, go_backwards, stateful, unroll: as `RNN`.
        seed: an integer makes the draws repeat.

    Shapes:
        sequences: (batch, steps, features); mask: (batch, steps); initial_state: [(batch, units)];
        output: (batch, units), or (batch, steps, units).

    Raises:
        ArgumentError: units is not a positive integer.

    Example:
        >>> import numpy as np
        >>> SimpleRNN(4)(np.zeros((2, 10, 8))).shape
        (2, 4)

    Source:
        Elman (1990), Finding structure in time.
    """

    cell: SimpleRNNCell
    cell_class = SimpleRNNCell
    config_names = (*FusedRNN.config_names, *OPTIONS, "activity_regularizer")
    argument_order = (
        "units", "activation", "use_bias", "kernel_initializer",
        "recurrent_initializer", "bias_initializer", "kernel_regularizer",
        "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
        "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
        "seed",
    )  # fmt: skip

    def primitive(self) -> Callable[..., Any] | None:
        """`etude.ops.simple_rnn`, if the activations are the usual ones."""
        return ops.simple_rnn if self.cell.activation is activations.tanh else None
