"""A small member of each family of networks as an ONNX file."""

from __future__ import annotations

import numpy as np
import pytest

from etude import applications, config
from tests.export.checks import OTHER, onnx_error

SMALL = {
    "MobileNet": {"input_shape": (32, 32, 3), "alpha": 0.25},
    "MobileNetV2": {"input_shape": (32, 32, 3), "alpha": 0.35},
    "MobileNetV3Small": {"input_shape": (32, 32, 3)},
}
LARGE = {
    name: {"input_shape": (size, size, 3)}
    for name, size in {
        "ConvNeXtTiny": 32,
        "DenseNet121": 32,
        "EfficientNetB0": 32,
        "EfficientNetV2B0": 32,
        "InceptionResNetV2": 75,
        "InceptionV3": 75,
        "NASNetMobile": 32,
        "ResNet50": 32,
        "ResNet50V2": 32,
        "VGG16": 32,
        "Xception": 71,
    }.items()
}


@pytest.mark.parametrize(
    "name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)]
)
def test_network(name, tmp_path):
    config.set_engine("numpy")
    how = {**SMALL, **LARGE}[name]
    model = getattr(applications, name)(weights=None, classes=7, classifier_activation=None, **how)
    generator = np.random.default_rng(0)
    for weight in model.weights:  # as after training: no dead channels, no shift of 0
        if weight.name == "moving_mean":
            weight.assign(generator.normal(0, 0.1, weight.shape))
        if weight.name == "moving_variance":
            weight.assign(generator.uniform(0.05, 0.2, weight.shape))
        if weight.name == "beta":
            weight.assign(generator.normal(0.1, 0.3, weight.shape))
    pixels = generator.uniform(0, 255, (OTHER, *how["input_shape"])).astype("float32")
    logits = np.asarray(model(pixels[:2], training=False))
    assert np.abs(logits[0] - logits[1]).max() > 1e-4 * np.abs(logits).max()
    assert onnx_error(model, [pixels], tmp_path) < 1e-5
