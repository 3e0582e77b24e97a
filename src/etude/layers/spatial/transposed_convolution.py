"""Transposed convolutions: the linear maps that carry gradients back through convolutions.

They enlarge what a convolution with the same stride makes smaller.
"""

from __future__ import annotations

from typing import Any, ClassVar

from etude import ops
from etude.errors import ArgumentError
from etude.layers.base.arguments import Shape, integer_tuple
from etude.layers.base.configured import weight_options
from etude.layers.spatial.convolution import (
    ConvolutionalLayer,
    check_filters,
    check_strides_and_dilation,
)

__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]


class TransposedConvolution(ConvolutionalLayer):
    """Base of the transposed convolutions."""

    config_names: ClassVar[tuple[str, ...]] = (
        "filters", "output_padding", *weight_options("kernel"), *ConvolutionalLayer.config_names,
    )  # fmt: skip

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.filters = check_filters(filters, type(self).__name__)
        self.output_padding = self._checked_output_padding(output_padding)
        check_strides_and_dilation(self)

    def _checked_output_padding(self, output_padding: Any) -> tuple[int, ...] | None:
        if output_padding is None:
            return None
        sizes = integer_tuple(output_padding, self.rank, "output_padding", allow_zero=True)
        for axis, (size, stride) in enumerate(zip(sizes, self.strides, strict=True)):
            if size >= stride:
                raise ArgumentError(
                    "`output_padding` must be strictly less than `strides` on each axis; got "
                    f"output_padding={sizes} and strides={self.strides}, {size} against {stride} "
                    f"on axis {axis}."
                )
        return sizes

    def _check_window(self, input_shape: Shape) -> None:
        """Any kernel fits: the output is larger than the input."""

    def build_kernels(self, channels: int) -> int:
        """Makes the kernel, (*kernel_size, filters, channels)."""
        self.kernel = self.add_configured_weight(
            "kernel", (*self.kernel_size, self.filters, channels)
        )
        return self.filters

    def convolve(self, inputs: Any) -> Any:
        """The transposed convolution, without bias and activation."""
        return ops.conv_transpose(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class Conv1DTranspose(TransposedConvolution):
    """The transpose of a convolution of sequences.

    ``y[n, s i + d j, f] += x[n, i, c] k[j, f, c]`` for all i, j, c; then bias and activation

    Args:
        filters: number of output features.
        kernel_size: length of the kernel.
        strides: factor by which the sequence gets longer.
        padding: ``"valid"``: all sums; ``"same"``: cut to strides times the input's length.
        output_padding: steps added at the end, less than strides; None: found from the padding.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        activation: a name or a callable.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the weights after each step.

    Shapes:
        x: (batch, steps, features); k: (kernel_size, filters, features);
        y: (batch, new steps, filters).

    Raises:
        ArgumentError: as `Conv1D`, or the output padding is not less than the strides.

    Example:
        >>> import numpy as np
        >>> layer = Conv1DTranspose(1, 2, strides=2, kernel_initializer="ones")
        >>> layer(np.array([1.0, 2.0]).reshape(1, 2, 1)).numpy()[0, :, 0].tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    rank = 1


class Conv2DTranspose(TransposedConvolution):
    """The transpose of a convolution of images; also called deconvolution.

    ``y[n, s i + d u, s j + d v, f] += x[n, i, j, c] k[u, v, f, c]`` for all i, j, u, v, c; then
    bias and activation

    Args:
        filters: number of output channels.
        kernel_size: height and width of the kernel; one number for both.
        strides: factor by which the image gets larger; one number for both directions.
        padding: ``"valid"``: all sums; ``"same"``: cut to strides times the input's size.
        output_padding: rows and columns added at the end, less than strides; None: found from the
            padding.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        activation: a name or a callable.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the weights after each step.

    Shapes:
        x: (batch, height, width, channels); k: (*kernel_size, filters, channels);
        y: (batch, new height, new width, filters).

    Raises:
        ArgumentError: as `Conv2D`, or the output padding is not less than the strides.

    Example:
        >>> import numpy as np
        >>> Conv2DTranspose(3, 4, strides=2, padding="same")(np.zeros((2, 7, 7, 5))).shape
        (2, 14, 14, 3)

    Source:
        Dumoulin, Visin (2016), A guide to convolution arithmetic, arXiv:1603.07285.
    """

    rank = 2


class Conv3DTranspose(TransposedConvolution):
    """The transpose of a convolution of volumes.

    Args:
        filters: number of output channels.
        kernel_size: the kernel's three sizes; one number for all.
        strides: factor by which the volume gets larger; one number for all directions.
        padding: ``"valid"``: all sums; ``"same"``: cut to strides times the input's size.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        output_padding: elements added at the end, less than strides; None: found from the padding.
        dilation_rate: distance of the kernel's elements.
        activation: a name or a callable.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: how the weights start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        kernel_constraint, bias_constraint: projections of the weights after each step.

    Shapes:
        x: (batch, d_1, d_2, d_3, channels); k: (*kernel_size, filters, channels);
        y: (batch, new d_1, new d_2, new d_3, filters).

    Raises:
        ArgumentError: as `Conv3D`, or the output padding is not less than the strides.

    Example:
        >>> import numpy as np
        >>> Conv3DTranspose(2, 2, strides=2)(np.zeros((1, 3, 3, 3, 1))).shape
        (1, 6, 6, 6, 2)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,  # before `output_padding`, as in Keras here, and only here
        output_padding: Any = None,
        dilation_rate: Any = 1,
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
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )
