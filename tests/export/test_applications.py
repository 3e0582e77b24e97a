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
VARIANCES = (1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2, 0.1)
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
    pixels = np.random.default_rng(0).uniform(0, 255, (OTHER, size, size, 3)).astype("float32")
    assert any(tells_apart(model, pixels[:2], variance) for variance in VARIANCES)
    assert onnx_error(model, [pixels], tmp_path) < 1e-5


def tells_apart(model, images, variance):
    """Gives a model statistics as after training; whether two images have different logits then.

    The smaller the variances, the more of an image arrives, and the more is made of each rounding.
    """
    generator = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "moving_mean":
            weight.assign(generator.normal(0, 0.1, weight.shape))
        if weight.name == "moving_variance":
            weight.assign(variance * generator.uniform(0.5, 1.5, weight.shape))
        if weight.name == "beta":
            weight.assign(generator.normal(0.1, 0.3, weight.shape))
    logits = np.asarray(model(images, training=False))
    return np.abs(logits[0] - logits[1]).max() > 1e-4 * np.abs(logits).max()
