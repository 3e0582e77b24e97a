"""AlexNet: the network that made large images a matter of convolutions, in 2012."""

from __future__ import annotations

from typing import Any

from etude import config, layers
from etude.applications.assembly import Assembly, constructor
from etude.models import Functional

__all__ = ["AlexNet"]

SMALL = 64  # images below this get a first layer that does not take most of them away


@constructor()
def AlexNet(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "alexnet",
) -> Functional:
    """AlexNet with 8 layers of weights for images of 227×227; 60,965,224 parameters.

    Three of its convolutions come in two groups, as the paper's two graphics cards had them. The
    normalization over neighbouring maps, which has no weights and which later networks found of no
    use, is left out. Images below 64×64 get a first convolution of size 5 and stride 1 in place of
    size 11 and stride 4. There are no ImageNet weights for it.

    Reference:
        A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional
        neural networks", NIPS, 2012.

    Example:
        >>> features = AlexNet(include_top=False, input_shape=(32, 32, 3))
        >>> features.output.shape
        (None, 3, 3, 256)
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
        on_imagenet=False,
    )
    x = stem(assembly.image(default_size=227))
    x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)  # (N, 27, 27, 96)
    x = convolution(x, 256, 5, 2, "conv2")
    x = layers.MaxPooling2D(3, strides=2, name="pool2")(x)  # (N, 13, 13, 256)
    x = convolution(x, 384, 3, 1, "conv3")
    x = convolution(x, 384, 3, 2, "conv4")
    x = convolution(x, 256, 3, 2, "conv5")
    x = layers.MaxPooling2D(3, strides=2, name="pool5")(x)  # (N, 6, 6, 256)
    if not include_top:
        return assembly.finish(assembly.pool(x))
    x = layers.Flatten(name="flatten")(x)  # (N, 9216)
    for fc in ("fc6", "fc7"):
        x = layers.Dense(4096, activation="relu", name=fc)(x)
        x = layers.Dropout(0.5, name=f"{fc}_dropout")(x)
    return assembly.finish(assembly.classifier(x))


def stem(image: Any) -> Any:
    """The first convolution: (N, 227, 227, 3) to (N, 55, 55, 96); small images keep their size."""
    first = config.image_data_format() == "channels_first"
    rows, columns = image.shape[2:4] if first else image.shape[1:3]
    if rows is not None and columns is not None and min(rows, columns) < SMALL:
        return convolution(image, 96, 5, 1, "conv1")
    return layers.Conv2D(96, 11, strides=4, activation="relu", name="conv1")(image)


def convolution(x: Any, width: int, size: int, groups: int, name: str) -> Any:
    """A convolution that keeps the size: (N, H, W, C) to (N, H, W, width)."""
    convolve = layers.Conv2D(
        width, size, padding="same", activation="relu", groups=groups, name=name
    )
    return convolve(x)
