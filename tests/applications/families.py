"""The published networks, one line each: how many parameters, and which member is compared whole.

The numbers are those of Keras 3.15.1 with the classifier for 1000 classes; rounded to 0.1 million
they stand on https://keras.io/api/applications/ too.
"""

from __future__ import annotations

from typing import Any

PARAMETERS: dict[str, int] = {
    "DenseNet121": 8_062_504,
    "DenseNet169": 14_307_880,
    "DenseNet201": 20_242_984,
    "MobileNet": 4_253_864,
    "MobileNetV2": 3_538_984,
    "ResNet101": 44_707_176,
    "ResNet101V2": 44_675_560,
    "ResNet152": 60_419_944,
    "ResNet152V2": 60_380_648,
    "ResNet50": 25_636_712,
    "ResNet50V2": 25_613_800,
    "VGG16": 138_357_544,
    "VGG19": 143_667_240,
    "Xception": 22_910_480,
}

# One small member of each family, on small images: compared with Keras, layer by layer.
SMALL: dict[str, dict[str, Any]] = {
    "DenseNet121": {"input_shape": (32, 32, 3)},
    "MobileNet": {"input_shape": (32, 32, 3), "alpha": 0.25},
    "MobileNetV2": {"input_shape": (32, 32, 3), "alpha": 0.35},
    "ResNet50": {"input_shape": (32, 32, 3)},
    "ResNet50V2": {"input_shape": (32, 32, 3)},
    "VGG16": {"input_shape": (32, 32, 3)},
    "VGG19": {"input_shape": (32, 32, 3)},
    "Xception": {"input_shape": (71, 71, 3)},
}
