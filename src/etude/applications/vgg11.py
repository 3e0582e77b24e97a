"""VGG11: VGG16 with fewer convolutions, the shallowest of the paper."""

from __future__ import annotations

from typing import Any

from etude.applications.assembly import Assembly, constructor
from etude.applications.vgg16 import preprocess_input, vgg
from etude.models import Functional

__all__ = ["VGG11", "preprocess_input"]


@constructor()
def VGG11(
    include_top: bool = True,
    weights: Any = None,
    input_tensor: Any = None,
    input_shape: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str = "vgg11",
) -> Functional:
    """VGG with 11 layers of weights: configuration A of the paper; 133 million parameters.

    Keras has no ImageNet weights for it.

    Reference:
        K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image
        recognition", ICLR, 2015.

    Example:
        >>> features = VGG11(include_top=False, input_shape=(32, 32, 3))
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
        on_imagenet=False,
    )
    return vgg(assembly, (1, 1, 2, 2, 2))
