"""Each published network, on small images, as an ONNX file."""

from __future__ import annotations

import numpy as np
import pytest

from etude import applications, config
from tests.export.checks import OTHER, onnx_error

QUICK = {
    "MobileNet": {"alpha": 0.25},
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {},
}
LEAST = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}  # the rest take 32 by 32
NAMES = [name for name in applications.__all__ if name[0].isupper()]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in NAMES],
)
def test_network(name, tmp_path):
    config.set_engine("numpy")
    size = LEAST.get(name, 32)
    model = getattr(applications, name)(
        weights=None,
        classes=7,
        classifier_activation=None,
        input_shape=(size, size, 3),
        **QUICK.get(name, {}),
    )
    generator = np.random.default_rng(0)
    for weight in model.weights:  # as after training: no dead channels, no shift of 0
        if weight.name == "moving_mean":
            weight.assign(generator.normal(0, 0.1, weight.shape))
        if weight.name == "moving_variance":
            weight.assign(generator.uniform(0.05, 0.2, weight.shape))
        if weight.name == "beta":
            weight.assign(generator.normal(0.1, 0.3, weight.shape))
    pixels = generator.uniform(0, 255, (OTHER, size, size, 3)).astype("float32")
    logits = np.asarray(model(pixels[:2], training=False))
    assert np.abs(logits[0] - logits[1]).max() > 1e-4 * np.abs(logits).max()
    assert onnx_error(model, [pixels], tmp_path) < 1e-5
