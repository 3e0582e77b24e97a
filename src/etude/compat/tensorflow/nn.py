"""`tf.nn`: activations, convolutions, pooling and losses, under TensorFlow's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etude import ops, random
from etude.compat.adoption import adopt, integers
from etude.compat.missing import lacks
from etude.compat.tensorflow.math import in_top_k as in_top_k
from etude.compat.tensorflow.math import l2_normalize as l2_normalize
from etude.compat.tensorflow.math import sigmoid as sigmoid
from etude.compat.tensorflow.math import softplus as softplus
from etude.compat.tensorflow.math import softsign as softsign
from etude.compat.tensorflow.math import tanh as tanh
from etude.compat.tensorflow.math import top_k as top_k
from etude.compat.tensorflow.math import zero_fraction as zero_fraction

# --- activations --------------------------------------------------------------------------------

elu = adopt("ops.elu", "features")
log_softmax = adopt("ops.log_softmax", "logits axis")
relu = adopt("ops.relu", "features")
relu6 = adopt("ops.relu6", "features")
selu = adopt("ops.selu", "features")
softmax = adopt("ops.softmax", "logits axis")


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """The Gaussian error linear unit; exact by default.

    >>> float(gelu(0.0))
    0.0
    """
    return ops.gelu(features, approximate=approximate)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """The identity above 0, a slope of alpha below.

    >>> float(leaky_relu(-1.0))
    -0.20000000298023224
    """
    return ops.leaky_relu(features, negative_slope=alpha)


def silu(features: Any, beta: float = 1.0) -> Any:
    """x sigmoid(beta x).

    >>> float(silu(0.0))
    0.0
    """
    return ops.multiply(features, ops.sigmoid(ops.multiply(features, beta)))


swish = silu


def dropout(
    x: Any, rate: float, noise_shape: Any = None, seed: Any = None, name: str | None = None
) -> Any:
    """The input with a share of elements set to 0, the others scaled up.

    >>> dropout([1.0, 2.0], rate=0.0).numpy().tolist()
    [1.0, 2.0]
    """
    return random.dropout(x, rate, noise_shape, seed=seed)


# --- sums over neighbourhoods -------------------------------------------------------------------


def _layout(data_format: str | None) -> str:
    return "channels_first" if (data_format or "").startswith("NC") else "channels_last"


def _spatial(value: Any, rank: int, data_format: str | None) -> Any:
    """The numbers of the spatial axes out of 1, 2 or all numbers per axis."""
    numbers = integers(value)
    if len(numbers) == rank + 2:
        first = _layout(data_format) == "channels_first"
        return numbers[2:] if first else numbers[1:-1]
    return numbers[0] if len(numbers) == 1 else numbers


def _window(padding: Any) -> str:
    return str(padding).lower()


def convolution(
    input: Any,
    filters: Any,
    strides: Any = 1,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = 1,
    name: str | None = None,
) -> Any:
    """A convolution of any number of spatial axes.

    >>> convolution(ops.ones((1, 3, 1)), ops.ones((2, 1, 1))).numpy().ravel().tolist()
    [2.0, 2.0]
    """
    rank = len(filters.shape) - 2
    return ops.conv(
        input,
        filters,
        strides=_spatial(strides, rank, data_format),
        padding=_window(padding),
        data_format=_layout(data_format),
        dilation_rate=_spatial(1 if dilations is None else dilations, rank, data_format),
    )


conv2d = conv3d = convolution


def conv1d(
    input: Any,
    filters: Any,
    stride: Any = 1,
    padding: str = "VALID",
    data_format: str | None = None,
    dilations: Any = 1,
    name: str | None = None,
) -> Any:
    """A convolution of one spatial axis.

    >>> conv1d(ops.ones((1, 3, 1)), ops.ones((2, 1, 1)), stride=2, padding="SAME").shape
    (1, 2, 1)
    """
    return convolution(input, filters, stride, padding, data_format, dilations)


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Any,
    strides: Any,
    padding: str = "SAME",
    data_format: str | None = "NHWC",
    dilations: Any = 1,
    name: str | None = None,
) -> Any:
    """The transpose of a convolution of two spatial axes.

    >>> conv2d_transpose(ops.ones((1, 2, 2, 1)), ops.ones((2, 2, 3, 1)), (1, 4, 4, 3), 2).shape
    (1, 4, 4, 3)
    """
    return ops.conv_transpose(
        input,
        filters,
        strides=_spatial(strides, 2, data_format),
        padding=_window(padding),
        data_format=_layout(data_format),
    )


def depthwise_conv2d(
    input: Any,
    filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A convolution of each channel by itself.

    >>> depthwise_conv2d(ops.ones((1, 2, 2, 3)), ops.ones((2, 2, 3, 1)), (1,) * 4, "VALID").shape
    (1, 1, 1, 3)
    """
    return ops.depthwise_conv(
        input,
        filter,
        strides=_spatial(strides, 2, data_format),
        padding=_window(padding),
        data_format=_layout(data_format),
        dilation_rate=1 if dilations is None else _spatial(dilations, 2, data_format),
    )


def separable_conv2d(
    input: Any,
    depthwise_filter: Any,
    pointwise_filter: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    dilations: Any = None,
    name: str | None = None,
) -> Any:
    """A convolution of each channel by itself, then a mixture of the channels.

    >>> kernels = ops.ones((2, 2, 3, 1)), ops.ones((1, 1, 3, 5))
    >>> separable_conv2d(ops.ones((1, 2, 2, 3)), *kernels, (1,) * 4, "VALID").shape
    (1, 1, 1, 5)
    """
    return ops.separable_conv(
        input,
        depthwise_filter,
        pointwise_filter,
        strides=_spatial(strides, 2, data_format),
        padding=_window(padding),
        data_format=_layout(data_format),
    )


def _pooled(
    pool: Any, input: Any, ksize: Any, strides: Any, padding: str, data_format: str | None
) -> Any:
    rank = len(input.shape) - 2
    return pool(
        input,
        _spatial(ksize, rank, data_format),
        strides=_spatial(strides, rank, data_format),
        padding=_window(padding),
        data_format=_layout(data_format),
    )


def max_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """The largest element of each window.

    >>> max_pool(ops.ones((1, 4, 4, 1)), 2, 2, "VALID").shape
    (1, 2, 2, 1)
    """
    return _pooled(ops.max_pool, input, ksize, strides, padding, data_format)


def avg_pool(
    input: Any,
    ksize: Any,
    strides: Any,
    padding: str,
    data_format: str | None = None,
    name: str | None = None,
) -> Any:
    """The mean of each window.

    >>> avg_pool(ops.ones((1, 4, 4, 1)), 2, 2, "VALID").shape
    (1, 2, 2, 1)
    """
    return _pooled(ops.average_pool, input, ksize, strides, padding, data_format)


max_pool1d = max_pool2d = max_pool3d = max_pool
avg_pool1d = avg_pool2d = avg_pool3d = avg_pool


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Any:
    """A bias added to each channel.

    >>> bias_add([[1.0, 2.0]], [1.0, 1.0]).numpy().tolist()
    [[2.0, 3.0]]
    """
    if _layout(data_format) == "channels_first" and data_format != "N..C":
        bias = ops.reshape(bias, (-1, *(1,) * (len(value.shape) - 2)))
    return ops.add(value, bias)


def embedding_lookup(
    params: Any, ids: Any, max_norm: float | None = None, name: str | None = None
) -> Any:
    """The rows of a table at these ids.

    >>> embedding_lookup([[1.0], [2.0]], [1, 1, 0]).numpy().ravel().tolist()
    [2.0, 2.0, 1.0]
    """
    return ops.take(params, ids, axis=0)


def depth_to_space(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Channels moved into blocks of pixels.

    >>> depth_to_space(ops.ones((1, 1, 1, 4)), 2).shape
    (1, 2, 2, 1)
    """
    return ops.depth_to_space(input, block_size, data_format=_layout(data_format))


def space_to_depth(
    input: Any, block_size: int, data_format: str = "NHWC", name: str | None = None
) -> Any:
    """Blocks of pixels moved into channels.

    >>> space_to_depth(ops.ones((1, 2, 2, 1)), 2).shape
    (1, 1, 1, 4)
    """
    return ops.space_to_depth(input, block_size, data_format=_layout(data_format))


# --- statistics ---------------------------------------------------------------------------------


def moments(
    x: Any, axes: Any, shift: Any = None, keepdims: bool = False, name: str | None = None
) -> Any:
    """Mean and variance over axes.

    >>> [float(m) for m in moments([1.0, 3.0], [0])]
    [2.0, 1.0]
    """
    return ops.moments(x, integers(axes), keepdims=keepdims)


def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    offset: Any,
    scale: Any,
    variance_epsilon: float,
    name: str | None = None,
) -> Any:
    """(x - mean) / sqrt(variance + ε), scaled and moved.

    >>> batch_normalization([3.0], [1.0], [4.0], None, None, 0.0).numpy().tolist()
    [1.0]
    """
    factor = ops.rsqrt(ops.add(variance, variance_epsilon))
    factor = factor if scale is None else ops.multiply(factor, scale)
    moved = ops.multiply(ops.subtract(x, mean), factor)
    return moved if offset is None else ops.add(moved, offset)


def l2_loss(t: Any, name: str | None = None) -> Any:
    """Half the sum of squares.

    >>> float(l2_loss([1.0, 3.0]))
    5.0
    """
    return ops.divide(ops.sum(ops.square(t)), 2.0)


# --- losses -------------------------------------------------------------------------------------


def sigmoid_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, name: str | None = None
) -> Any:
    """The cross-entropy of each element's probability, sigmoid(logits).

    >>> float(sigmoid_cross_entropy_with_logits([1.0], [0.0])[0])
    0.6931471824645996
    """
    return ops.binary_crossentropy(labels, logits, from_logits=True)


def softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> Any:
    """The cross-entropy of each row's probabilities, softmax(logits).

    >>> float(softmax_cross_entropy_with_logits([[1.0, 0.0]], [[0.0, 0.0]])[0])
    0.6931471824645996
    """
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def sparse_softmax_cross_entropy_with_logits(
    labels: Any, logits: Any, name: str | None = None
) -> Any:
    """The cross-entropy of each row's probabilities, with the classes as numbers.

    >>> float(sparse_softmax_cross_entropy_with_logits([0], [[0.0, 0.0]])[0])
    0.6931471824645996
    """
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)


def compute_average_loss(
    per_example_loss: Any,
    sample_weight: Any = None,
    global_batch_size: Any = None,
    max_running_total_loss: Any = None,
) -> Any:
    """The sum of the losses of examples, weighted, over the size of the batch.

    >>> float(compute_average_loss([1.0, 3.0], global_batch_size=4))
    1.0
    """
    loss = ops.convert_to_tensor(per_example_loss)
    loss = loss if sample_weight is None else ops.multiply(loss, sample_weight)
    return ops.divide(ops.sum(loss), global_batch_size or loss.shape[0])


def scale_regularization_loss(regularization_loss: Any | Sequence[Any]) -> Any:
    """The sum of regularization losses; there is one replica to share them.

    >>> float(scale_regularization_loss([1.0, 2.0]))
    3.0
    """
    return ops.sum(ops.convert_to_tensor(regularization_loss))


__getattr__ = lacks("tf.nn", __name__)
