"""VGG19: VGG16 with three more convolutions."""

from __future__ import annotations

from typing import Any

from etude.applications.assembly import Assembly, constructor
from etude.applications.imagenet_utils import decode_predictions
from etude.applications.vgg16 import files, preprocess_input, vgg
from etude.models import Functional

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]


@constructor()
def VGG19(
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg19",
) -> Functional:
    """VGG with 19 layers of weights: configuration E of the paper; 144 million parameters.

    Reference:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
        recognition", ICLR, 2015.

    Example:
        >>> features = VGG19(include_top=False, weights=None, input_shape=(32, 32, 3))
        >>> len(features.layers) - len(["an input"])
        21
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
    hashes = ("cbe5617147190e668d6c5d5026f83318", "253f8cb515780f3b799900260a226db6")
    return vgg(assembly, (2, 2, 4, 4, 4), files("vgg19", hashes))
