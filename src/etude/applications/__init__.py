"""Published networks for images, one file per family, each with its own `preprocess_input`.

>>> from etude import applications
>>> model = applications.VGG16(include_top=False, weights=None, pooling="avg")
>>> model.output.shape
(None, 512)
"""

from etude.applications import (
    imagenet_utils,
    vgg16,
)
from etude.applications.vgg16 import VGG16

__all__ = [
    "VGG16",
    "imagenet_utils",
    "vgg16",
]
