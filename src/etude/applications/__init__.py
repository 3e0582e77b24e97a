"""Published networks for images, one file per family, each with its own `preprocess_input`.

>>> from etude import applications
>>> model = applications.MobileNet(alpha=0.25, include_top=False, weights=None, pooling="avg")
>>> model.output.shape
(None, 256)
"""

from etude.applications import (
    densenet,
    imagenet_utils,
    mobilenet,
    mobilenet_v2,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
    vgg19,
    xception,
)
from etude.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from etude.applications.mobilenet import MobileNet
from etude.applications.mobilenet_v2 import MobileNetV2
from etude.applications.resnet import ResNet50, ResNet101, ResNet152
from etude.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from etude.applications.vgg16 import VGG16
from etude.applications.vgg19 import VGG19
from etude.applications.xception import Xception

__all__ = [
    "VGG16",
    "VGG19",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "MobileNet",
    "MobileNetV2",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "Xception",
    "densenet",
    "imagenet_utils",
    "mobilenet",
    "mobilenet_v2",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
]
