"""GRU: a recurrent network with gates, and one state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from etude import activations, ops
from etude.layers.base.arguments import Shape, known_axis, positive_integer
from etude.layers.base.configured import weight_options
from etude.layers.recurrent.cell import RecurrentCell, project
from etude.layers.recurrent.fused_rnn import FusedRNN

__all__ = ["GRU", "GRUCell"]

OPTIONS = (
    "units", "activation", "recurrent_activation", "use_bias", *weight_options("kernel"),
    *weight_options("recurrent"), *weight_options("bias"), "dropout", "recurrent_dropout",
    "reset_after", "seed",
)  # fmt: skip


class GRUCell(RecurrentCell):
    """One step of `GRU`.

    ``z, r = sigma(x W_z + h U_z + b_z), ...; g = tanh(x W_h + b_h + r (h U_h + b'_h));
    h' = z h + (1 - z) g``, with sigma the recurrent activation and tanh the activation. Without
    ``reset_after``, ``g = tanh(x W_h + b_h + (r h) U_h)``.

    Args:
        units: length of the state and of the output.
        activation: a name or a callable.
        recurrent_activation: the gates' activation.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training.
        recurrent_dropout: share of h that is dropped in training.
        reset_after: whether r gates the product with U_h (as cuDNN does), not h before it.
        seed: an integer makes the draws repeat.

    Shapes:
        x: (batch, features); W: (features, 3 units), the gates in the order z, r, h; U: (units, 3
        units); b: (2, 3 units), for x and for h, or (3 units,) without ``reset_after``;
        h: (batch, units), in a list of one state; output: h'.

    Example:
        >>> import numpy as np
        >>> output, states = GRUCell(3)(np.ones((2, 5)), [np.zeros((2, 3))])
        >>> output.shape, len(states)
        ((2, 3), 1)
    """

    gates = 3
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
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)
        self.units = positive_integer(units, "units", "GRU")
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.reset_after = reset_after
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
        features = known_axis(input_shape, -1, f"GRU {self.name!r}")
        width = 3 * self.units
        self.kernel = self.add_configured_weight("kernel", (features, width))
        self.recurrent_kernel = self.add_configured_weight(
            "recurrent", (self.units, width), name="recurrent_kernel"
        )
        shape = (2, width) if self.reset_after else (width,)
        self.bias = self.add_configured_weight("bias", shape) if self.use_bias else None

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, Any]:
        """The new h, as output and as state."""
        nested = isinstance(states, (list, tuple))
        h = states[0] if nested else states
        x_masks, h_masks = self.masks(inputs, h, training)
        x = project(inputs, self.kernel, x_masks)
        if self.bias is not None:
            x = x + (self.bias[0] if self.reset_after else self.bias)
        x_z, x_r, x_h = ops.split(x, 3, axis=-1)
        h_z, h_r, h_h = self._recurrent_terms(h, h_masks)
        z = self.recurrent_activation(x_z + h_z)
        r = self.recurrent_activation(x_r + h_r)
        candidate = self.activation(x_h + h_h(r))
        new = z * h + (1 - z) * candidate
        return new, [new] if nested else new

    def _recurrent_terms(self, h: Any, masks: Any) -> tuple[Any, Any, Any]:
        """What h adds to z, to r, and, as a function of r, to the candidate."""
        if self.reset_after:
            terms = project(h, self.recurrent_kernel, masks)
            if self.bias is not None:
                terms = terms + self.bias[1]
            h_z, h_r, h_h = ops.split(terms, 3, axis=-1)
            return h_z, h_r, lambda r: r * h_h
        gates = self.recurrent_kernel[:, : 2 * self.units]
        of_gates, of_candidate = (masks[:2], masks[2]) if isinstance(masks, list) else (masks,) * 2
        h_z, h_r = ops.split(project(h, gates, of_gates), 2, axis=-1)
        kernel = self.recurrent_kernel[:, 2 * self.units :]
        return h_z, h_r, lambda r: project(r * h, kernel, of_candidate)


class GRU(FusedRNN):
    """The gated recurrent unit.

    ``z, r = sigma(x_t W_z + h_{t-1} U_z + b_z), ...;
    g = tanh(x_t W_h + b_h + r (h_{t-1} U_h + b'_h)); h_t = z h_{t-1} + (1 - z) g``, with sigma the
    recurrent activation and tanh the activation. Without ``reset_after``,
    ``g = tanh(x_t W_h + b_h + (r h_{t-1}) U_h)``, as in the paper.

    Args:
        units: length of the state and of the output.
        activation: a name or a callable.
        recurrent_activation: the gates' activation.
        use_bias: whether there is a b.
        kernel_initializer, recurrent_initializer, bias_initializer: how W, U and b start.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on W, U and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of W, U and b.
        dropout: share of the inputs that is dropped in training, the same at all steps.
        recurrent_dropout: share of h that is dropped in training, the same at all steps.
        seed: an integer makes the draws repeat.
        return_sequences, return_state, go_backwards, stateful, unroll: as `RNN`.
        reset_after: whether r gates the product with U_h (as cuDNN does), not h before it.
        use_cudnn: False: the loop over the cell; True: the primitive `etude.ops.gru`, or an error
            where it cannot do it; ``"auto"``: the primitive where it can.

    Shapes:
        sequences: (batch, steps, features); mask: (batch, steps); initial_state: [(batch, units)];
        output: (batch, units), or (batch, steps, units).

    Raises:
        ArgumentError: units is not a positive integer.

    Example:
        >>> import numpy as np
        >>> GRU(4, return_sequences=True)(np.zeros((2, 10, 8))).shape
        (2, 10, 4)

    Source:
        Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk, Bengio (2014), arXiv:1406.1078.
    """

    cell: GRUCell
    cell_class = GRUCell
    argument_order = (
        "units", "activation", "recurrent_activation", "use_bias", "kernel_initializer",
        "recurrent_initializer", "bias_initializer", "kernel_regularizer",
        "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout",
        "seed", "return_sequences", "return_state", "go_backwards", "stateful", "unroll",
        "reset_after", "use_cudnn",
    )  # fmt: skip

    def primitive(self) -> Callable[..., Any] | None:
        """`etude.ops.gru`, if the activations are the usual ones."""
        cell = self.cell
        usual = (
            cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
        )
        return partial(ops.gru, reset_after=cell.reset_after) if usual else None
