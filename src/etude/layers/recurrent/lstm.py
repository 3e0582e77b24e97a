"""LSTM: a recurrent network with a memory that gates protect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import activations, initializers, ops
from etude.layers.base.arguments import Shape, known_axis, positive_integer
from etude.layers.base.configured import weight_options
from etude.layers.recurrent.cell import RecurrentCell, project
from etude.layers.recurrent.fused_rnn import FusedRNN

__all__ = ["LSTM", "LSTMCell"]

OPTIONS = (
    "units", "activation", "recurrent_activation", "use_bias", "unit_forget_bias",
    *weight_options("kernel"), *weight_options("recurrent"), *weight_options("bias"), "dropout",
    "recurrent_dropout", "seed",
)  # fmt: skip


class MemoryCell(RecurrentCell):
    """Base of the cells with a memory that gates protect: of `LSTM`, and of `ConvLSTM1D` to 3D.

    The gates stand in the order i, f, c, o: what is let in, what is kept, what is new, what is
    shown.
    """

    gates = 4
    activation: Any
    recurrent_activation: Any
    use_bias: bool
    unit_forget_bias: bool
    bias_initializer: Any
    bias: Any

    def add_gate_biases(self, units: int) -> None:
        """Makes b, (4 units,), where it is wanted."""
        self.bias = None
        if self.use_bias:
            initial = self.bias_initializer
            start = forget_gate_bias(initial, units) if self.unit_forget_bias else initial
            self.bias = self.add_configured_weight("bias", (4 * units,), initializer=start)

    def remember(self, z: Any, c: Any, axis: int) -> tuple[Any, list[Any]]:
        """The new h, and the new states h and c, from what goes into the gates.

        Args:
            z: the sums of all four gates, side by side.
            c: the memory so far.
            axis: the one along which the gates stand.
        """
        z_i, z_f, z_c, z_o = ops.split(z, 4, axis=axis)
        i, f = self.recurrent_activation(z_i), self.recurrent_activation(z_f)
        c = f * c + i * self.activation(z_c)
        h = self.recurrent_activation(z_o) * self.activation(c)
        return h, [h, c]


class LSTMCell(MemoryCell):
    """One step of `LSTM`.

    ``i, f, o = sigma(x W_i + h U_i + b_i), ...; c' = f c + i tanh(x W_c + h U_c + b_c);
    h' = o tanh(c')``, with sigma the recurrent activation and tanh the activation

    Args:
        units: length of the states and of the output.
        activation: a name or a callable.
        recurrent_activation: the gates' activation.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training.
        recurrent_dropout: share of h that is dropped in training.
        seed: an integer makes the draws repeat.

    Shapes:
        x: (batch, features); W: (features, 4 units), the gates in the order i, f, c, o; U: (units,
        4 units); b: (4 units,); states: [h, c], each (batch, units); output: h'.

    Example:
        >>> import numpy as np
        >>> zeros = np.zeros((2, 3))
        >>> output, states = LSTMCell(3)(np.ones((2, 5)), [zeros, zeros])
        >>> output.shape, len(states)
        ((2, 3), 2)
    """

    config_names = OPTIONS

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
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
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = positive_integer(units, "units", "LSTM")
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.unit_forget_bias = unit_forget_bias
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.set_weight_options(
            "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint
        )
        self.set_weight_options("bias", bias_initializer, bias_regularizer, bias_constraint)
        self.set_dropout(dropout, recurrent_dropout, seed)
        self.state_size = [self.units, self.units]
        self.output_size = self.units

    def build(self, input_shape: Shape) -> None:
        """Makes W, U and b for inputs with this many features."""
        features = known_axis(input_shape, -1, f"LSTM {self.name!r}")
        width = 4 * self.units
        self.kernel = self.add_configured_weight("kernel", (features, width))
        self.recurrent_kernel = self.add_configured_weight(
            "recurrent", (self.units, width), name="recurrent_kernel"
        )
        self.add_gate_biases(self.units)

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """The new h, and the new states h and c."""
        h, c = states
        x_masks, h_masks = self.masks(inputs, h, training)
        z = project(inputs, self.kernel, x_masks) + project(h, self.recurrent_kernel, h_masks)
        if self.bias is not None:
            z = z + self.bias
        return self.remember(z, c, axis=1)


def forget_gate_bias(initializer: Any, units: int) -> Any:
    """An initializer of the biases of all gates: 1 for the forget gate, as given for the others."""

    def start(shape: Any, dtype: Any = None) -> Any:
        ones = initializers.get("ones")
        parts = [(initializer, 1), (ones, 1), (initializer, 2)]
        return ops.concatenate([make((n * units,), dtype=dtype) for make, n in parts])

    return start


class LSTM(FusedRNN):
    """The long short-term memory.

    ``i, f, o = sigma(x_t W_i + h_{t-1} U_i + b_i), ...;
    c_t = f c_{t-1} + i tanh(x_t W_c + h_{t-1} U_c + b_c); h_t = o tanh(c_t)``, with sigma the
    recurrent activation and tanh the activation

    Args:
        units: length of the states and of the output.
        activation: a name or a callable.
        recurrent_activation: the gates' activation.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        unit_forget_bias: whether the forget gate's bias starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: share of h that is dropped in training, the same at all steps.
        seed: an integer makes the draws repeat.
        return_sequences, return_state, go_backwards, stateful, unroll: as `RNN`.
        use_cudnn: False: the loop over the cell; True: the primitive `etude.ops.lstm`, or an error
            where it cannot do it; ``"auto"``: the primitive where it can.

    Shapes:
        sequences: (batch, steps, features); mask: (batch, steps); initial_state: [h, c], each
        (batch, units); output: (batch, units), or (batch, steps, units).

    Raises:
        ArgumentError: units is not a positive integer.

    Example:
        >>> import numpy as np
        >>> output, h, c = LSTM(4, return_sequences=True, return_state=True)(np.zeros((2, 10, 8)))
        >>> output.shape, h.shape, c.shape
        ((2, 10, 4), (2, 4), (2, 4))

    Source:
        Hochreiter, Schmidhuber (1997), Long short-term memory; Gers, Schmidhuber, Cummins (2000),
        for the forget gate.
    """

    cell: LSTMCell
    cell_class = LSTMCell
    argument_order = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
        "recurrent_initializer", "bias_initializer", "unit_forget_bias", "kernel_regularizer",
        "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
        "seed", "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
        "use_cudnn",
    )  # fmt: skip

    def primitive(self) -> Callable[..., Any] | None:
        """`etude.ops.lstm`, if the activations are the usual ones."""
        cell = self.cell
        usual = (
            cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
        )
        return ops.lstm if usual else None
