"""VGG16: thirteen convolutions of size 3 and three dense layers."""

from __future__ import annotations

from typing import Any

from etude import layers
from etude.applications import imagenet_utils
from etude.applications.assembly import Assembly, WeightFiles, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.models import Functional

__all__ = ["VGG16", "decode_predictions", "files", "preprocess_input", "vgg"]

BASE = "https://storage.googleapis.com/tensorflow/keras-applications/"
WIDTHS = (64, 128, 256, 512, 512)


@constructor()
def VGG16(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg16",
) -> Functional:
    """VGG with 16 layers of weights: configuration D of the paper; 138 million parameters.

    Only kernels of size 3, the smallest that knows left from right: two of them see as far as one
    of size 5, with fewer weights and a nonlinearity between them.

    Reference:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
        recognition", ICLR, 2015.

    Example:
        >>> features = VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
        >>> features.output.shape
        (None, 1, 1, 512)
    """
    assembly = Assembly(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        name,
    )
    hashes = ("64373286793e3c8b2b4e3219cbf3544b", "6d6bbae143d832006294945121d1f1fc")
    return vgg(assembly, (2, 2, 3, 3, 3), files("vgg16", hashes))


def files(member: str, hashes: tuple[str, str]) -> WeightFiles:
    """Keras's weights of a member of the family; hashes with the classifier and without."""
    stem = f"{member}_weights_tf_dim_ordering_tf_kernels"
    return WeightFiles(f"{BASE}{member}/", f"{stem}.h5", f"{stem}_notop.h5", hashes)


def vgg(
    assembly: Assembly, depths: tuple[int, ...], weights: WeightFiles | None = None
) -> Functional:
    """Blocks of convolutions, each block at half the resolution of the one before.

    Args:
        assembly: the user's choices.
        depths: how many convolutions each block has.
        weights: those trained on ImageNet, where there are some.
    """
    x = assembly.image(default_size=224)
    for block, (width, depth) in enumerate(zip(WIDTHS, depths, strict=True), start=1):
        for i in range(1, depth + 1):
            convolution = layers.Conv2D(
                width, 3, activation="relu", padding="same", name=f"block{block}_conv{i}"
            )
            x = convolution(x)
        x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)  # (N, H/2, W/2, width)
    if assembly.include_top:
        x = layers.Flatten(name="flatten")(x)  # (N, H/32 * W/32 * 512)
        x = layers.Dense(4096, activation="relu", name="fc1")(x)
        x = layers.Dense(4096, activation="relu", name="fc2")(x)
        x = assembly.classifier(x)
    else:
        x = assembly.pool(x, names=False)
    return assembly.finish(x, weights)


def preprocess_input(x: Any, data_format: str | None = None) -> Any:
    """Pixels from 0 to 255 as VGG expects them: BGR, minus the mean of each channel.

    Args:
        x: images, as for `imagenet_utils.preprocess_input`.
        data_format: where the channels are.

    >>> preprocess_input([[[0, 0, 255]]]).round().tolist()
    [[[151.0, -117.0, -124.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")
