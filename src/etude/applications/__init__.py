"""Published networks for images, one file per family, each with its own `preprocess_input`.

>>> from etude import applications
>>> model = applications.MobileNet(alpha=0.25, include_top=False, weights=None, pooling="avg")
>>> model.output.shape
(None, 256)
"""

from etude.applications import (
    alexnet,
    convnext,
    densenet,
    efficientnet,
    efficientnet_v2,
    imagenet_utils,
    inception_resnet_v2,
    inception_v3,
    lenet,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    nasnet,
    resnet,
    resnet50,
    resnet_basic,
    resnet_v2,
    vgg11,
    vgg16,
    vgg19,
    xception,
)
from etude.applications.alexnet import AlexNet
from etude.applications.convnext import (
    ConvNeXtBase,
    ConvNeXtLarge,
    ConvNeXtSmall,
    ConvNeXtTiny,
    ConvNeXtXLarge,
)
from etude.applications.densenet import DenseNet121, DenseNet169, DenseNet201
from etude.applications.efficientnet import (
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
)
from etude.applications.efficientnet_v2 import (
    EfficientNetV2B0,
    EfficientNetV2B1,
    EfficientNetV2B2,
    EfficientNetV2B3,
    EfficientNetV2L,
    EfficientNetV2M,
    EfficientNetV2S,
)
from etude.applications.inception_resnet_v2 import InceptionResNetV2
from etude.applications.inception_v3 import InceptionV3
from etude.applications.lenet import LeNet5
from etude.applications.mobilenet import MobileNet
from etude.applications.mobilenet_v2 import MobileNetV2
from etude.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
from etude.applications.nasnet import NASNetLarge, NASNetMobile
from etude.applications.resnet import ResNet50, ResNet101, ResNet152
from etude.applications.resnet_basic import ResNet18, ResNet20, ResNet32
from etude.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
from etude.applications.vgg11 import VGG11
from etude.applications.vgg16 import VGG16
from etude.applications.vgg19 import VGG19
from etude.applications.xception import Xception

__all__ = [
    "VGG11",
    "VGG16",
    "VGG19",
    "AlexNet",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "LeNet5",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet18",
    "ResNet20",
    "ResNet32",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "Xception",
    "alexnet",
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "lenet",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_basic",
    "resnet_v2",
    "vgg11",
    "vgg16",
    "vgg19",
    "xception",
]
