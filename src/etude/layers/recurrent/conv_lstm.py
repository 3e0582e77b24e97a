"""ConvLSTM: an LSTM whose products are convolutions, for sequences of images."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import activations, config, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import (
    Shape,
    integer_tuple,
    known_axis,
    padding_name,
    positive_integer,
)
from etude.layers.base.configured import weight_options
from etude.layers.base.input_spec import InputSpec
from etude.layers.recurrent.cell import RecurrentCell
from etude.layers.recurrent.fused_rnn import CellRNN
from etude.layers.recurrent.lstm import MemoryCell

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTMCell(MemoryCell):
    """One step of a ConvLSTM.

    ``i, f, o = sigma(x * W_i + h * U_i + b_i), ...; c' = f c + i tanh(x * W_c + h * U_c + b_c);
    h' = o tanh(c')``, where ``*`` is a convolution: with strides, dilation and padding for x, and
    with the padding that keeps the size for h.

    Args:
        rank: number of spatial axes, 1, 2 or 3.
        filters: number of channels of h and of c.
        kernel_size: sizes of the window.
        strides, padding, dilation_rate: of the convolutions of x.
        data_format: ``"channels_last"`` or ``"channels_first"``.
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
        x: (batch, *sizes, channels); W: (*kernel_size, channels, 4 filters); U: (*kernel_size,
        filters, 4 filters); b: (4 filters,); states: [h, c], each (batch, *new sizes, filters).

    Example:
        >>> import numpy as np
        >>> cell = ConvLSTMCell(rank=1, filters=2, kernel_size=3, padding="same")
        >>> state = np.zeros((1, 8, 2))
        >>> cell(np.ones((1, 8, 3)), [state, state])[0].shape
        (1, 8, 2)
    """

    config_names = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
        "activation", "recurrent_activation", "use_bias", *weight_options("kernel"),
        *weight_options("recurrent"), *weight_options("bias"), "unit_forget_bias", "dropout",
        "recurrent_dropout", "seed",
    )  # fmt: skip

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        super().__init__(**kwargs)
        self.rank = rank
        self.filters = positive_integer(filters, "filters", f"ConvLSTM{rank}D")
        self.kernel_size = integer_tuple(kernel_size, rank, "kernel_size")
        self.strides = integer_tuple(strides, rank, "strides")
        self.padding = padding_name(padding, f"ConvLSTM{rank}D")
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = integer_tuple(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                f"ConvLSTM{rank}D: Specifying `strides > 1` is not compatible with "
                f"`dilation_rate > 1`; got strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}. Use `strides=1` or `dilation_rate=1`."
            )
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
        self.input_spec = InputSpec(ndim=rank + 2)
        self.state_size = [self.filters, self.filters]  # channels; the sizes come from the input

    @property
    def mask_count(self) -> int:
        """Masks per input: one for each gate."""
        return self.gates

    @property
    def _channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def build(self, input_shape: Shape) -> None:
        """Makes W, U and b for inputs with these sizes and channels."""
        name = f"ConvLSTM{self.rank}D {self.name!r}"
        channels = known_axis(input_shape, self._channel_axis, name)
        sizes = input_shape[1:-1] if self._channel_axis == -1 else input_shape[2:]
        if None in sizes:
            raise ShapeError(
                f"{name}: ConvLSTM layers only support static input shapes for the spatial "
                f"dimension, since the states have these sizes; got {tuple(input_shape)}. Give "
                "them in `Input(shape=...)`."
            )
        self._step_shape = tuple(input_shape[1:])
        self.input_spec = InputSpec(shape=(None, *input_shape[1:]))
        width = self.gates * self.filters
        self.kernel = self.add_configured_weight("kernel", (*self.kernel_size, channels, width))
        self.recurrent_kernel = self.add_configured_weight(
            "recurrent", (*self.kernel_size, self.filters, width), name="recurrent_kernel"
        )
        self.add_gate_biases(self.filters)

    def state_shape(self, input_shape: Shape) -> Shape:
        """The shape of h and of c for inputs of a shape."""
        kernel = (*self.kernel_size, input_shape[self._channel_axis], self.filters)
        symbols = KerasTensor(input_shape), KerasTensor(kernel)
        return self._convolve_inputs(*symbols).shape

    def compute_output_shape(self, input_shape: Shape, states_shape: Any = None) -> Any:
        """The shapes of the output and of the states."""
        shape = self.state_shape(input_shape)
        return shape, [shape, shape]

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Zeros for h and c."""
        shape = self.state_shape((batch_size, *self._step_shape))
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2)]

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:
        """The new h, and the new states h and c."""
        h, c = states
        x_masks, h_masks = self.masks(inputs, h, training)
        axis = self._channel_axis
        z = self._gated(self._convolve_inputs, inputs, self.kernel, x_masks)
        z = z + self._gated(self._convolve_state, h, self.recurrent_kernel, h_masks)
        if self.bias is not None:
            last = axis == -1
            z = z + (self.bias if last else ops.reshape(self.bias, (-1, *(1,) * self.rank)))
        return self.remember(z, c, axis)

    def _convolve_inputs(self, x: Any, kernel: Any) -> Any:
        return ops.conv(
            x,
            kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def _convolve_state(self, h: Any, kernel: Any) -> Any:
        return ops.conv(h, kernel, strides=1, padding="same", data_format=self.data_format)

    def _gated(self, convolve: Any, x: Any, kernel: Any, masks: Any) -> Any:
        """One convolution for all gates; or, with masks, one for each gate's part of the kernel."""
        if masks is None:
            return convolve(x, kernel)
        parts = ops.split(kernel, self.gates, axis=-1)
        found = [convolve(x * mask, part) for mask, part in zip(masks, parts, strict=True)]
        return ops.concatenate(found, axis=self._channel_axis)


class ConvLSTM(CellRNN):
    """Base of the ConvLSTMs."""

    rank: ClassVar[int]
    cell: ConvLSTMCell
    cell_class = ConvLSTMCell
    argument_order = (
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate",
        "activation", "recurrent_activation", "use_bias", "kernel_initializer",
        "recurrent_initializer", "bias_initializer", "unit_forget_bias", "kernel_regularizer",
        "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
        "recurrent_constraint", "bias_constraint", "dropout", "recurrent_dropout", "seed",
        "return_sequences", "return_state", "go_backwards", "stateful",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def _make_cell(self, arguments: dict[str, Any], more: dict[str, Any]) -> RecurrentCell:
        return super()._make_cell({"rank": self.rank, **arguments}, more)

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The output's shape; with ``return_state`` followed by those of the states."""
        batch, steps = sequences_shape[:2]
        state = self.cell.state_shape((batch, *sequences_shape[2:]))
        output = (batch, steps, *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output


class ConvLSTM1D(ConvLSTM):
    """An LSTM over sequences of sequences, whose products are convolutions.

    ``i, f, o = sigma(x_t * W_i + h_{t-1} * U_i + b_i), ...;
    c_t = f c_{t-1} + i tanh(x_t * W_c + h_{t-1} * U_c + b_c); h_t = o tanh(c_t)``, where ``*`` is
    a convolution

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as `Conv1D`, for x.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed: as `LSTM`.
        return_sequences, return_state, go_backwards, stateful: as `RNN`.

    Shapes:
        sequences: (batch, steps, length, channels); mask: (batch, steps); initial_state: [h, c],
        each (batch, new length, filters); output: as h, or with the axis of steps.

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        ShapeError: the length is unknown.

    Example:
        >>> import numpy as np
        >>> ConvLSTM1D(2, 3)(np.zeros((1, 4, 8, 5))).shape
        (1, 6, 2)

    Source:
        Shi, Chen, Wang, Yeung, Wong, Woo (2015), arXiv:1506.04214.
    """

    rank = 1


class ConvLSTM2D(ConvLSTM):
    """An LSTM over sequences of images, whose products are convolutions.

    ``i, f, o = sigma(x_t * W_i + h_{t-1} * U_i + b_i), ...;
    c_t = f c_{t-1} + i tanh(x_t * W_c + h_{t-1} * U_c + b_c); h_t = o tanh(c_t)``, where ``*`` is
    a convolution

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as `Conv2D`, for x.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed: as `LSTM`.
        return_sequences, return_state, go_backwards, stateful: as `RNN`.

    Shapes:
        sequences: (batch, steps, rows, columns, channels); mask: (batch, steps); initial_state:
        [h, c], each (batch, new rows, new columns, filters); output: as h, or with the axis of
        steps.

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        ShapeError: a size of the images is unknown.

    Example:
        >>> import numpy as np
        >>> ConvLSTM2D(2, 3, return_sequences=True)(np.zeros((1, 4, 8, 8, 3))).shape
        (1, 4, 6, 6, 2)

    Source:
        Shi, Chen, Wang, Yeung, Wong, Woo (2015), arXiv:1506.04214.
    """

    rank = 2


class ConvLSTM3D(ConvLSTM):
    """An LSTM over sequences of volumes, whose products are convolutions.

    ``i, f, o = sigma(x_t * W_i + h_{t-1} * U_i + b_i), ...;
    c_t = f c_{t-1} + i tanh(x_t * W_c + h_{t-1} * U_c + b_c); h_t = o tanh(c_t)``, where ``*`` is
    a convolution

    Args:
        filters, kernel_size, strides, padding, data_format, dilation_rate: as `Conv3D`, for x.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, activity_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed: as `LSTM`.
        return_sequences, return_state, go_backwards, stateful: as `RNN`.

    Shapes:
        sequences: (batch, steps, depth, rows, columns, channels); mask: (batch, steps);
        initial_state: [h, c], each (batch, *new sizes, filters); output: as h, or with the axis of
        steps.

    Raises:
        ArgumentError: an argument has a value that cannot be used.
        ShapeError: a size of the volumes is unknown.

    Example:
        >>> import numpy as np
        >>> ConvLSTM3D(2, 2, padding="same")(np.zeros((1, 2, 3, 3, 3, 1))).shape
        (1, 3, 3, 3, 2)

    Source:
        Shi, Chen, Wang, Yeung, Wong, Woo (2015), arXiv:1506.04214.
    """

    rank = 3
