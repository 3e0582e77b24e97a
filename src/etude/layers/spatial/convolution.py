"""Convolutions: a small kernel slides over sequences, images and volumes."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import activations, config, ops
from etude.errors import ArgumentError, ShapeError
from etude.layers.base.arguments import (
    ChannelsSpec,
    Shape,
    integer_tuple,
    is_integer,
    known_axis,
    padding_name,
    positive_integer,
)
from etude.layers.base.configured import ConfiguredLayer, reject_left_out, weight_options

__all__ = ["Conv1D", "Conv2D", "Conv3D"]


class ConvolutionalLayer(ConfiguredLayer):
    """Base of all convolutions: window, stride, layout, bias and activation.

    A subclass makes its kernels in `build_kernels` and writes `convolve`.
    """

    rank: ClassVar[int]
    config_names: ClassVar[tuple[str, ...]] = (
        "kernel_size", "strides", "padding", "data_format", "dilation_rate", "activation",
        "use_bias", *weight_options("bias"), "activity_regularizer",
    )  # fmt: skip

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias: tuple[Any, Any, Any],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        name = type(self).__name__
        self.kernel_size = integer_tuple(kernel_size, self.rank, "kernel_size")
        self.strides = integer_tuple(strides, self.rank, "strides")
        self.dilation_rate = integer_tuple(dilation_rate, self.rank, "dilation_rate")
        self.padding = padding_name(padding, name, allow_causal=name == "Conv1D")
        self.data_format = config.standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.set_weight_options("bias", *bias)
        self.input_spec = ChannelsSpec(self.rank, self.data_format)

    def build_kernels(self, channels: int) -> int:
        """Makes the kernels for inputs with this many channels; gives the number of outputs."""
        raise NotImplementedError

    def convolve(self, inputs: Any) -> Any:
        """The convolution, without bias and activation."""
        raise NotImplementedError

    def build(self, input_shape: Shape) -> None:
        """Makes the kernels and the bias for inputs with this many channels."""
        if len(input_shape) != self.rank + 2:
            raise ShapeError(
                f"{type(self).__name__} layer {self.name!r} expects inputs of rank "
                f"{self.rank + 2}; got shape {input_shape}.{self.input_spec.hint(input_shape)}"
            )
        axis = -1 if self.data_format == "channels_last" else 1
        channels = known_axis(input_shape, axis, f"{type(self).__name__} layer {self.name!r}")
        self._check_window(input_shape)
        self.input_spec = ChannelsSpec(self.rank, self.data_format, channels)
        outputs = self.build_kernels(channels)
        self.bias = self.add_configured_weight("bias", (outputs,)) if self.use_bias else None

    def _check_window(self, input_shape: Shape) -> None:
        """Without padding, the kernel must fit into the input."""
        first = 1 if self.data_format == "channels_last" else 2
        sizes = input_shape[first : first + self.rank]
        extents = [
            d * (k - 1) + 1 for d, k in zip(self.dilation_rate, self.kernel_size, strict=True)
        ]
        too_small = any(n is not None and n < e for n, e in zip(sizes, extents, strict=True))
        if self.padding == "valid" and too_small:
            raise ShapeError(
                "Computed output size would be zero or negative. "
                f"{type(self).__name__} layer {self.name!r}: the kernel, which spans "
                f"{tuple(extents)}, does not fit into inputs of shape {input_shape}. Use a smaller "
                "kernel, padding='same', or less pooling before."
            )

    def call(self, inputs: Any) -> Any:
        """``activation(convolution + bias)``."""
        outputs = self.convolve(inputs)
        if self.bias is not None:
            outputs = ops.add(outputs, self._bias_for(outputs))
        return self.activation(outputs)

    def _bias_for(self, outputs: Any) -> Any:
        """The bias in a shape that broadcasts to the outputs."""
        if self.data_format == "channels_last" or self.bias is None:
            return self.bias
        return ops.reshape(self.bias, (1, outputs.shape[1], *(1,) * self.rank))


def check_filters(filters: Any, layer: str) -> int:
    """The number of filters, which must be 1 or more."""
    if is_integer(filters) and filters <= 0:
        raise ArgumentError(
            "Invalid value for argument `filters`. Expected a strictly positive value. "
            f"Received filters={filters}."
        )
    return positive_integer(filters, "filters", layer)


def check_strides_and_dilation(layer: ConvolutionalLayer) -> None:
    """Strides and dilation cannot both be more than 1."""
    if max(layer.strides) > 1 and max(layer.dilation_rate) > 1:
        raise ArgumentError(
            "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
            f"Received: strides={layer.strides} and dilation_rate={layer.dilation_rate}"
        )


class Convolution(ConvolutionalLayer):
    """Base of `Conv1D`, `Conv2D` and `Conv3D`."""

    config_names: ClassVar[tuple[str, ...]] = (
        "filters", "groups", *weight_options("kernel"), *ConvolutionalLayer.config_names,
    )  # fmt: skip

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        name = type(self).__name__
        reject_left_out(name, lora_rank=kwargs.pop("lora_rank", None))
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            (bias_initializer, bias_regularizer, bias_constraint),
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.set_weight_options("kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        self.filters = check_filters(filters, name)
        self.groups = self._checked_groups(groups)
        check_strides_and_dilation(self)

    def _checked_groups(self, groups: Any) -> int:
        if not is_integer(groups) or groups <= 0:
            raise ArgumentError(
                f"The number of groups must be a positive integer. Received: groups={groups}."
            )
        if self.filters % groups:
            raise ArgumentError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={groups}, filters={self.filters}."
            )
        return int(groups)

    def build_kernels(self, channels: int) -> int:
        """Makes the kernel, (*kernel_size, channels / groups, filters)."""
        if channels % self.groups:
            raise ShapeError(
                f"Layer {self.name!r} splits its input channels into groups={self.groups} equal "
                f"parts, but the input has {channels} channels, which do not divide by it."
            )
        self.kernel = self.add_configured_weight(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters)
        )
        return self.filters

    def convolve(self, inputs: Any) -> Any:
        """The convolution, without bias and activation."""
        return ops.conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class Conv1D(Convolution):
    """Kernels slide over sequences.

    ``y[n, i, f] = activation(b[f] + sum_{j, c} x[n, s i + d j, c] k[j, c, f])``, with stride s and
    dilation d

    Args:
        filters: number of kernels, and so of output features.
        kernel_size: length of the kernels.
        strides: how far a kernel moves.
        padding: ``"valid"``: windows inside the sequence; ``"same"``: zeros at both ends, so that
            with stride 1 the length stays; ``"causal"``: zeros at the start, so that no output
            sees later inputs.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        groups: the features are split into so many parts that are convolved apart.
        activation: a name or a callable.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: how k and b start.
        kernel_regularizer, bias_regularizer: penalties on k and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of k and b after each step.

    Shapes:
        x: (batch, steps, features); k: (kernel_size, features / groups, filters); b: (filters,);
        y: (batch, new steps, filters).

    Raises:
        ArgumentError: a size is not positive, the padding is unknown, filters or features do not
            divide into the groups, or both strides and dilation exceed 1.

    Example:
        >>> import numpy as np
        >>> layer = Conv1D(1, 2, kernel_initializer="ones")
        >>> layer(np.array([1.0, 2.0, 4.0]).reshape(1, 3, 1)).numpy()[0, :, 0].tolist()
        [3.0, 6.0]
    """

    rank = 1

    def convolve(self, inputs: Any) -> Any:
        """The convolution, without bias and activation."""
        if self.padding != "causal":
            return super().convolve(inputs)
        before = (self.dilation_rate[0] * (self.kernel_size[0] - 1), 0)
        last = self.data_format == "channels_last"
        padded = ops.pad(inputs, ((0, 0), before, (0, 0)) if last else ((0, 0), (0, 0), before))
        return ops.conv(
            padded,
            self.kernel,
            strides=self.strides,
            padding="valid",
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class Conv2D(Convolution):
    """Kernels slide over images.

    ``y[n, i, j, f] = activation(b[f] + sum_{u, v, c} x[n, s i + d u, s j + d v, c]
    k[u, v, c, f])``, with stride s and dilation d

    Args:
        filters: number of kernels, and so of output channels.
        kernel_size: height and width of the kernels; one number for both.
        strides: how far a kernel moves; one number for both directions.
        padding: ``"valid"``: windows inside the image; ``"same"``: zeros around it, so that with
            stride 1 the size stays.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        groups: the channels are split into so many parts that are convolved apart.
        activation: a name or a callable.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: how k and b start.
        kernel_regularizer, bias_regularizer: penalties on k and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of k and b after each step.

    Shapes:
        x: (batch, height, width, channels); k: (*kernel_size, channels / groups, filters);
        b: (filters,); y: (batch, new height, new width, filters).

    Raises:
        ArgumentError: a size is not positive, the padding is unknown, filters or channels do not
            divide into the groups, or both strides and dilation exceed 1.

    Example:
        >>> import numpy as np
        >>> layer = Conv2D(8, 3, activation="relu")
        >>> layer(np.zeros((4, 28, 28, 1))).shape
        (4, 26, 26, 8)
        >>> [w.shape for w in layer.weights]
        [(3, 3, 1, 8), (8,)]

    Source:
        LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document
        recognition.
    """

    rank = 2


class Conv3D(Convolution):
    """Kernels slide over volumes, or over videos.

    ``y[n, i, j, l, f] = activation(b[f] + sum_{u, v, w, c} x[n, s i + d u, s j + d v, s l + d w, c]
    k[u, v, w, c, f])``, with stride s and dilation d

    Args:
        filters: number of kernels, and so of output channels.
        kernel_size: the kernels' three sizes; one number for all.
        strides: how far a kernel moves; one number for all directions.
        padding: ``"valid"``: windows inside the volume; ``"same"``: zeros around it, so that with
            stride 1 the size stays.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        groups: the channels are split into so many parts that are convolved apart.
        activation: a name or a callable.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: how k and b start.
        kernel_regularizer, bias_regularizer: penalties on k and b.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of k and b after each step.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); k: (*kernel_size, channels / groups, filters);
        b: (filters,); y: (batch, new d_1, new d_2, new d_3, filters).

    Raises:
        ArgumentError: a size is not positive, the padding is unknown, filters or channels do not
            divide into the groups, or both strides and dilation exceed 1.

    Example:
        >>> import numpy as np
        >>> Conv3D(2, 3)(np.zeros((1, 5, 5, 5, 1))).shape
        (1, 3, 3, 3, 2)
    """

    rank = 3
