"""What the models for ImageNet share: preparing pixels, naming classes, checking sizes of images.

A network only works on images that are prepared as those were on which it was trained. There are
three traditions, x being pixels from 0 to 255 and c a channel:

    tf      x / 127.5 - 1
    torch   (x / 255 - mean_c) / deviation_c
    caffe   RGB becomes BGR, then x - mean_c
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from typing import Any

import numpy as np

from etude import activations, config, ops
from etude.applications.class_index import CLASS_INDEX
from etude.autodiff import KerasTensor, Tensor
from etude.errors import ArgumentError, ShapeError

__all__ = [
    "correct_pad",
    "decode_predictions",
    "obtain_input_shape",
    "preprocess_input",
    "validate_activation",
]

# Scale, mean and standard deviation of the channels of ImageNet, in the order in which the network
# sees them.
_PREPARATIONS = {
    "caffe": (1.0, (103.939, 116.779, 123.68), (1.0, 1.0, 1.0)),  # blue, green, red
    "tf": (127.5, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Pixels as a network for ImageNet expects them; the formulas stand at the top of the module.

    Args:
        x: pixels from 0 to 255 in the order red, green, blue; one image, or a batch (N, H, W, 3):
            an array, a tensor, or a symbolic tensor. An array of floats is changed in place, as in
            Keras; give a copy to keep it.
        data_format: ``"channels_last"`` or ``"channels_first"``;
            `etude.config.image_data_format` by default.
        mode: ``"caffe"``, ``"tf"`` or ``"torch"``.

    Returns:
        The same shape; floats, for an array an array, else a tensor.

    Raises:
        ArgumentError: there is no such mode or data format.
        ShapeError: the images have other than three channels.

    Example:
        >>> preprocess_input(np.array([[[0.0, 127.5, 255.0]]]), mode="tf")
        array([[[-1.,  0.,  1.]]])
    """
    if mode not in _PREPARATIONS:
        raise ArgumentError(
            f"Expected mode to be one of `caffe`, `tf` or `torch`. Received: mode={mode}"
        )
    if data_format is None:
        data_format = config.image_data_format()
    elif data_format not in ("channels_first", "channels_last"):
        raise ArgumentError(
            "Expected data_format to be one of `channels_first` or `channels_last`. Received: "
            f"data_format={data_format}"
        )
    is_tensor = isinstance(x, (Tensor, KerasTensor))
    x = x if is_tensor else np.asarray(x)
    axis = -1 if data_format == "channels_last" else -3
    if len(x.shape) < 3 or x.shape[axis] != 3:
        raise ShapeError(
            f"preprocess_input expects images with 3 channels, red, green and blue, on axis {axis} "
            f"({data_format}); got shape {tuple(x.shape)}. Gray images become such by "
            "`np.repeat(x, 3, axis=-1)`."
        )
    return (_prepare_tensor if is_tensor else _prepare_array)(x, axis, mode)


def _prepare_array(x: np.ndarray, axis: int, mode: str) -> np.ndarray:
    scale, mean, deviation = _PREPARATIONS[mode]
    if not np.issubdtype(x.dtype, np.floating):
        x = x.astype(config.floatx())
    elif not x.flags.writeable:
        x = x.copy()
    channels = (3,) + (1,) * (-1 - axis)  # over (..., 3) or (..., 3, H, W)
    if mode == "caffe":
        x = np.flip(x, axis)  # a view: the pixels of the user's array stay where they are
    if scale != 1.0:
        x /= scale
    x -= np.reshape(mean, channels).astype(x.dtype)
    if mode == "torch":
        x /= np.reshape(deviation, channels).astype(x.dtype)
    return x


def _prepare_tensor(x: Any, axis: int, mode: str) -> Any:
    scale, mean, deviation = _PREPARATIONS[mode]
    if "float" not in str(x.dtype):
        x = ops.cast(x, config.floatx())
    channels = (3,) + (1,) * (-1 - axis)  # over (..., 3) or (..., 3, H, W)
    if mode == "caffe":
        x = ops.flip(x, axis)
    if scale != 1.0:
        x = x / scale
    x = x - ops.convert_to_tensor(np.reshape(mean, channels), dtype=x.dtype)
    if mode == "torch":
        x = x / ops.convert_to_tensor(np.reshape(deviation, channels), dtype=x.dtype)
    return x


# ---- classes ----------------------------------------------------------------------------------


@cache
def _class_index() -> dict[str, list[str]]:
    """Number of a class -> its number in WordNet, and its name."""
    return json.loads(CLASS_INDEX.read()["imagenet_class_index.json"])


def decode_predictions(preds: Any, top: int = 5) -> list[list[tuple[str, str, Any]]]:
    """The most probable classes of ImageNet, with their names.

    Args:
        preds: what a model with 1000 classes predicts, shape (N, 1000).
        top: how many classes are wanted.

    Returns:
        For each image ``top`` tuples (number in WordNet, name, prediction), the best first.

    Raises:
        ArgumentError: the predictions have another shape.
        FetchError: the names of the classes cannot be had; the message says what to do.

    Example:
        ```python
        model = etude.applications.MobileNetV2()
        decode_predictions(model.predict(images), top=1)[0]  # [('n02124075', 'Egyptian_cat', 0.9)]
        ```
    """
    shape = tuple(np.shape(preds))
    if len(shape) != 2 or shape[1] != 1000:
        raise ShapeError(
            "`decode_predictions` expects a batch of predictions (i.e. a 2D array of shape "
            f"(samples, 1000)). Received array with shape: {shape}. A model whose classes are your "
            "own has no names of ImageNet: use `predictions.argmax(axis=-1)`."
        )
    index = _class_index()
    found = []
    for scores in ops.convert_to_numpy(preds):  # (1000,)
        best = scores.argsort()[::-1][:top]
        found.append([(*index[str(i)], scores[i]) for i in best])
    return found


# ---- images -----------------------------------------------------------------------------------


def obtain_input_shape(
    input_shape: Any,
    default_size: int,
    min_size: int,
    data_format: str,
    require_flatten: bool,
    weights: Any = None,
) -> tuple[int | None, ...]:
    """The shape of one image that a model takes.

    Args:
        input_shape: what the user asked for, or ``None``.
        default_size: height and width where nothing was asked for.
        min_size: the smallest height and width.
        data_format: ``"channels_last"`` or ``"channels_first"``.
        require_flatten: whether the model has its classifier, and so needs known sizes.
        weights: what the user gave; those of ImageNet need three channels.

    Raises:
        ArgumentError: the shape cannot be used.

    >>> obtain_input_shape(None, 224, 32, "channels_last", require_flatten=True)
    (224, 224, 3)
    >>> obtain_input_shape(None, 224, 32, "channels_last", require_flatten=False)
    (None, None, 3)
    """
    imagenet = isinstance(weights, str) and weights == "imagenet"
    asked = _three_sizes(input_shape)
    channel_axis = 0 if data_format == "channels_first" else 2

    def shape_of(size: int | None, channels: Any) -> tuple[int | None, ...]:
        return (channels, size, size) if channel_axis == 0 else (size, size, channels)

    if asked is None:
        return shape_of(default_size if require_flatten else None, 3)
    channels = asked[channel_axis]
    if imagenet and require_flatten:
        default_shape = shape_of(default_size, 3)
        if asked != default_shape:
            raise ShapeError(
                "When setting `include_top=True` and loading `imagenet` weights, `input_shape` "
                f"should be {default_shape}. Received: input_shape={input_shape}. For images of "
                "another size take the model without its classifier: `include_top=False`."
            )
        return asked
    if imagenet and channels != 3:
        raise ShapeError(
            f"The input must have 3 channels; Received `input_shape={input_shape}`. The weights of "
            "ImageNet are for red, green and blue; `weights=None` takes any number of channels."
        )
    if channels not in (1, 3):
        warnings.warn(
            "This model usually expects 1 or 3 input channels. However, it was passed an "
            f"input_shape with {channels} input channels.",
            stacklevel=4,
        )
    _check_size(asked, channel_axis, min_size, require_flatten)
    return asked


def _three_sizes(input_shape: Any) -> tuple[int | None, ...] | None:
    if not input_shape:
        return None
    try:
        asked = tuple(input_shape)
    except TypeError:
        asked = ()
    if len(asked) != 3:
        raise ShapeError(
            "`input_shape` must be a tuple of three integers. Received: "
            f"input_shape={input_shape}. It is the shape of one image, without the batch."
        )
    return asked


def _check_size(shape: tuple[Any, ...], channel_axis: int, min_size: int, is_static: bool) -> None:
    sizes = [size for axis, size in enumerate(shape) if axis != channel_axis]
    if any(size is not None and size < min_size for size in sizes):
        raise ShapeError(
            f"Input size must be at least {min_size}x{min_size}; Received: input_shape={shape}. "
            "Smaller images can be enlarged: keras.layers.Resizing."
        )
    if is_static and None in shape:
        raise ShapeError(
            "If `include_top` is True, you should specify a static `input_shape`. Received: "
            f"input_shape={shape}"
        )


def correct_pad(inputs: Any, kernel_size: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """The padding of ``"same"`` for a convolution of stride 2, to be done before it.

    Args:
        inputs: the images, symbolic.
        kernel_size: the size of the kernel, odd.

    Returns:
        ``((top, bottom), (left, right))``.

    >>> correct_pad(KerasTensor((None, 8, 9, 3)), 3)
    ((0, 1), (1, 1))
    """
    first = 2 if config.image_data_format() == "channels_first" else 1
    sizes = inputs.shape[first : first + 2]
    kernel = (kernel_size,) * 2 if isinstance(kernel_size, int) else tuple(kernel_size)
    # An even size leaves one row that no kernel is centred on: the first one, by convention.
    spare = (1, 1) if sizes[0] is None else (1 - sizes[0] % 2, 1 - sizes[1] % 2)
    top, left = kernel[0] // 2, kernel[1] // 2
    return (top - spare[0], top), (left - spare[1], left)


def validate_activation(classifier_activation: Any, weights: Any) -> None:
    """Refuses activations behind a classifier whose weights were trained with softmax.

    Args:
        classifier_activation: the activation of the last layer.
        weights: what the user gave; ``None`` goes with anything.

    Raises:
        ArgumentError: it is neither softmax nor none.

    >>> validate_activation("relu", None)
    """
    if weights is None:
        return
    if activations.get(classifier_activation) not in (activations.softmax, activations.linear):
        raise ArgumentError(
            "Only `None` and `softmax` activations are allowed for the `classifier_activation` "
            "argument when using pretrained weights, with `include_top=True`; Received: "
            f"classifier_activation={classifier_activation}"
        )
