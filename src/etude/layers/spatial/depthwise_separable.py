"""Depthwise and separable convolutions: each channel by itself, then, perhaps, a mix of them."""

from __future__ import annotations

from typing import Any, ClassVar

from etude import ops
from etude.errors import ArgumentError
from etude.layers.base.arguments import is_integer
from etude.layers.base.configured import weight_options
from etude.layers.spatial.convolution import ConvolutionalLayer, check_filters

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]


def _check_multiplier(depth_multiplier: Any) -> int:
    if not is_integer(depth_multiplier) or depth_multiplier <= 0:
        raise ArgumentError(
            "Invalid value for argument `depth_multiplier`. Expected a strictly positive value. "
            f"Received depth_multiplier={depth_multiplier}."
        )
    return int(depth_multiplier)


class DepthwiseConvolution(ConvolutionalLayer):
    """Base of the depthwise convolutions."""

    config_names: ClassVar[tuple[str, ...]] = (
        "depth_multiplier", *weight_options("depthwise"), *ConvolutionalLayer.config_names,
    )  # fmt: skip

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
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
        self.set_weight_options(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self.depth_multiplier = _check_multiplier(depth_multiplier)

    def build_kernels(self, channels: int) -> int:
        """Makes the kernel, (*kernel_size, channels, depth_multiplier)."""
        self.kernel = self.add_configured_weight(
            "depthwise", (*self.kernel_size, channels, self.depth_multiplier), name="kernel"
        )
        return channels * self.depth_multiplier

    def convolve(self, inputs: Any) -> Any:
        """The convolution, without bias and activation."""
        return ops.depthwise_conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class DepthwiseConv1D(DepthwiseConvolution):
    """Each feature of a sequence is convolved with kernels of its own.

    ``y[n, i, c m + q] = activation(b[c m + q] + sum_j x[n, s i + d j, c] k[j, c, q])``, with m
    kernels for each feature

    Args:
        kernel_size: length of the kernels.
        strides: how far a kernel moves.
        padding: ``"valid"`` or ``"same"``.
        depth_multiplier: number m of kernels for each feature.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        activation: a name or a callable.
        use_bias: whether there is a b.
        depthwise_initializer, bias_initializer: how k and b start.
        depthwise_regularizer, bias_regularizer: penalties on k and b.
        activity_regularizer: penalty on the output.
        depthwise_constraint, bias_constraint: projections of k and b after each step.

    Shapes:
        x: (batch, steps, features); k: (kernel_size, features, m); y: (batch, new steps,
        features m).

    Raises:
        ArgumentError: a size is not positive, or the padding is unknown.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((1, 8, 5))).shape
        (1, 6, 10)
    """

    rank = 1


class DepthwiseConv2D(DepthwiseConvolution):
    """Each channel of an image is convolved with kernels of its own.

    ``y[n, i, j, c m + q] = activation(b[c m + q] + sum_{u, v} x[n, s i + d u, s j + d v, c]
    k[u, v, c, q])``, with m kernels for each channel

    Args:
        kernel_size: height and width of the kernels; one number for both.
        strides: how far a kernel moves; one number for both directions.
        padding: ``"valid"`` or ``"same"``.
        depth_multiplier: number m of kernels for each channel.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        activation: a name or a callable.
        use_bias: whether there is a b.
        depthwise_initializer, bias_initializer: how k and b start.
        depthwise_regularizer, bias_regularizer: penalties on k and b.
        activity_regularizer: penalty on the output.
        depthwise_constraint, bias_constraint: projections of k and b after each step.

    Shapes:
        x: (batch, height, width, channels); k: (*kernel_size, channels, m);
        y: (batch, new height, new width, channels m).

    Raises:
        ArgumentError: a size is not positive, or the padding is unknown.

    Example:
        >>> import numpy as np
        >>> DepthwiseConv2D(3, padding="same")(np.zeros((1, 8, 8, 5))).shape
        (1, 8, 8, 5)

    Source:
        Howard and others (2017), MobileNets, arXiv:1704.04861.
    """

    rank = 2


class SeparableConvolution(ConvolutionalLayer):
    """Base of the separable convolutions."""

    config_names: ClassVar[tuple[str, ...]] = (
        "filters", "depth_multiplier", *weight_options("depthwise"), *weight_options("pointwise"),
        *ConvolutionalLayer.config_names,
    )  # fmt: skip

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
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
        self.set_weight_options(
            "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self.set_weight_options(
            "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint
        )
        self.filters = check_filters(filters, type(self).__name__)
        self.depth_multiplier = _check_multiplier(depth_multiplier)

    def build_kernels(self, channels: int) -> int:
        """Makes the depthwise kernel, and the pointwise one that mixes its outputs."""
        multiplier = self.depth_multiplier
        self.depthwise_kernel = self.add_configured_weight(
            "depthwise", (*self.kernel_size, channels, multiplier), name="depthwise_kernel"
        )
        self.pointwise_kernel = self.add_configured_weight(
            "pointwise",
            (*(1,) * self.rank, channels * multiplier, self.filters),
            name="pointwise_kernel",
        )
        return self.filters

    def convolve(self, inputs: Any) -> Any:
        """The two convolutions, without bias and activation."""
        return ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )


class SeparableConv1D(SeparableConvolution):
    """A depthwise convolution of sequences, then a mix of the features at each step.

    Args:
        filters: number of output features.
        kernel_size: length of the depthwise kernels.
        strides: how far a kernel moves.
        padding: ``"valid"`` or ``"same"``.
        data_format: where the features are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        depth_multiplier: number m of depthwise kernels for each feature.
        activation: a name or a callable.
        use_bias: whether there is a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections of the weights.

    Shapes:
        x: (batch, steps, features); depthwise kernel: (kernel_size, features, m); pointwise
        kernel: (1, features m, filters); y: (batch, new steps, filters).

    Raises:
        ArgumentError: a size is not positive, or the padding is unknown.

    Example:
        >>> import numpy as np
        >>> SeparableConv1D(4, 3)(np.zeros((1, 8, 5))).shape
        (1, 6, 4)
    """

    rank = 1


class SeparableConv2D(SeparableConvolution):
    """A depthwise convolution of images, then a mix of the channels at each pixel.

    Args:
        filters: number of output channels.
        kernel_size: height and width of the depthwise kernels; one number for both.
        strides: how far a kernel moves; one number for both directions.
        padding: ``"valid"`` or ``"same"``.
        data_format: where the channels are: ``"channels_last"`` or ``"channels_first"``.
        dilation_rate: distance of the kernel's elements.
        depth_multiplier: number m of depthwise kernels for each channel.
        activation: a name or a callable.
        use_bias: whether there is a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: how the weights start.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections of the weights.

    Shapes:
        x: (batch, height, width, channels); depthwise kernel: (*kernel_size, channels, m);
        pointwise kernel: (1, 1, channels m, filters); y: (batch, new height, new width, filters).

    Raises:
        ArgumentError: a size is not positive, or the padding is unknown.

    Example:
        >>> import numpy as np
        >>> layer = SeparableConv2D(4, 3)
        >>> layer(np.zeros((1, 8, 8, 5))).shape
        (1, 6, 6, 4)
        >>> [w.name for w in layer.weights]
        ['depthwise_kernel', 'pointwise_kernel', 'bias']

    Source:
        Chollet (2017), Xception, arXiv:1610.02357.
    """

    rank = 2
