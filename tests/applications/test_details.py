"""What single families do beside the rest: their own arguments, layers, refusals, and files."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.applications import inception_resnet_v2 as keras_inception_resnet_v2

import etude
from etude import applications
from etude.applications import inception_resnet_v2, inception_v3, mobilenet_v3, nasnet
from etude.applications.convnext import LayerScale
from etude.applications.inception_resnet_v2 import CustomScaleLayer
from etude.errors import ArgumentError, FetchError, ShapeError
from tests.applications import reference

# ---- arguments that one family has -------------------------------------------------------------

SMALL_IMAGES = {"input_shape": (32, 32, 3), "include_top": False}
VARIANTS = [
    ("MobileNetV3Small", {"minimalistic": True, "include_preprocessing": False}),
    ("MobileNetV3Small", {"alpha": 1.3, "include_top": True, "dropout_rate": 0.0, "classes": 7}),
    ("MobileNetV3Large", {"alpha": 0.75, "pooling": "max"}),
    ("EfficientNetV2B0", {"include_preprocessing": False, "pooling": "avg"}),
    ("EfficientNetV2B0", {"input_shape": (32, 32, 1)}),
    ("ConvNeXtTiny", {"input_shape": (32, 32, 1), "pooling": "max"}),
]


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_variants_are_those_of_keras(name, options):
    options = {**SMALL_IMAGES, **options}
    ours, theirs = reference.ours(name, **options), reference.theirs(name, **options)
    assert reference.names(ours) == reference.names(theirs)
    assert reference.shapes(ours) == reference.shapes(theirs)
    assert ours.output_shape == theirs.output_shape
    for a, b in zip(ours.layers[1:], theirs.layers[1:], strict=True):
        assert a.get_config() == b.get_config()


# Members that only scale: every width and depth, from the shapes of all weights.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "EfficientNetB7",
        "EfficientNetV2B3",
        "EfficientNetV2L",
        "ConvNeXtXLarge",
        "NASNetLarge",
        "MobileNetV3Large",
    ],
)
def test_giants_are_those_of_keras(name):
    ours, theirs = (make(name, **SMALL_IMAGES) for make in (reference.ours, reference.theirs))
    assert reference.names(ours) == reference.names(theirs)
    assert reference.shapes(ours) == reference.shapes(theirs)
    for a, b in zip(ours.layers[1:], theirs.layers[1:], strict=True):
        assert a.get_config() == b.get_config()


def test_a_model_takes_the_users_input():
    pixels = etude.Input((32, 32, 3), name="pixels")
    doubled = etude.layers.Rescaling(2.0, name="doubled")(pixels)
    with reference.quick_weights(etude.initializers):
        model = applications.MobileNetV3Small(
            input_tensor=doubled, include_top=False, weights=None, pooling="avg"
        )
    assert [layer.name for layer in model.layers[:2]] == ["pixels", "doubled"]
    assert model.output_shape == (None, 576)


@pytest.mark.slow  # its graph is large
def test_nasnet_takes_images_of_unknown_size():
    # Which of two outputs is the larger one is known without sizes. 33 halves to 16, 8, 4, 2, 1:
    # like all sizes 2^k + 1, it asks at no place for another padding than the unknown one.
    with reference.quick_weights(etude.initializers):
        fixed, free = (
            applications.NASNetMobile((size, size, 3), include_top=False, weights=None)
            for size in (33, None)
        )
    assert reference.shapes(fixed) == reference.shapes(free)
    weights = reference.random_weights(fixed)
    fixed.set_weights(weights)
    free.set_weights(weights)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 33, 33, 3)).astype("float32")
    np.testing.assert_array_equal(fixed(x).numpy(), free(x).numpy())


@pytest.mark.parametrize("family", ["mobilenet_v3", "efficientnet", "efficientnet_v2", "convnext"])
def test_pixels_are_prepared_inside_of_the_model(family):
    x = np.random.default_rng(0).uniform(0, 255, (2, 3))
    module = importlib.import_module(f"etude.applications.{family}")
    assert module.preprocess_input(x) is x
    assert module.decode_predictions is applications.imagenet_utils.decode_predictions


@pytest.mark.parametrize("module", [inception_v3, inception_resnet_v2, nasnet])
def test_pixels_become_minus_one_to_one(module):
    x = np.array([[[0.0, 51.0, 255.0]]])
    np.testing.assert_allclose(module.preprocess_input(x), [[[-1.0, -0.6, 1.0]]])


def test_efficientnet_scales_pixels_as_its_weights_were_trained():
    # The published weights saw (x/255 - mean) / variance; the layer divides by its root only.
    files = applications.efficientnet.WeightFiles
    seen = []
    with (
        pytest.MonkeyPatch.context() as patch,
        reference.quick_weights(etude.initializers),
    ):
        patch.setattr(files, "load_into", lambda self, model, top: seen.append(model))
        model = applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))
    scales = [layer for layer in model.layers if isinstance(layer, etude.layers.Rescaling)]
    np.testing.assert_allclose(scales[1].scale, 1 / np.sqrt([0.229, 0.224, 0.225]))
    assert seen == [model]


# ---- layers of their own -----------------------------------------------------------------------


def test_layers_of_their_own_are_saved_as_keras_names_them(tmp_path):
    x = etude.Input((4,))
    y = CustomScaleLayer(0.5, name="sum")([x, LayerScale(1e-6, 4, name="scale")(x)])
    model = etude.Model(x, y)
    weights = [np.arange(4, dtype="float32")]
    model.set_weights(weights)
    model.save(tmp_path / "model.keras")
    given = np.ones((2, 4), "float32")
    expected = 1 + 0.5 * np.broadcast_to(weights[0], (2, 4))
    np.testing.assert_allclose(etude.saving.load_model(tmp_path / "model.keras")(given), expected)
    with reference.keras_alone():
        theirs = keras.saving.load_model(tmp_path / "model.keras")
        assert type(theirs.layers[-1]) is keras_inception_resnet_v2.CustomScaleLayer
        np.testing.assert_allclose(np.asarray(theirs(given)), expected)


def test_layer_scale_trains():
    layer = LayerScale(0.1, 3)
    x = etude.ops.convert_to_tensor([[1.0, 2.0, 3.0]])
    with etude.GradientTape() as tape:
        loss = etude.ops.sum(layer(x))
    np.testing.assert_allclose(tape.gradient(loss, layer.gamma).numpy(), [1.0, 2.0, 3.0])
    assert layer.trainable_weights == [layer.gamma]


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["NASNetMobile", "NASNetLarge", "ConvNeXtTiny"])
def test_families_of_one_data_format_say_so(name):
    etude.config.set_image_data_format("channels_first")
    with pytest.raises(ArgumentError, match="does not support the `channels_first`"):
        getattr(applications, name)(weights=None)


@pytest.mark.parametrize(
    ("name", "options", "error", "phrase"),
    [
        ("NASNetMobile", {"input_shape": (None, 224, 3)}, ArgumentError, "must be static"),
        ("MobileNetV3Small", {"alpha": 0.5}, ArgumentError, "alpha can be one of"),
        ("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True}, ArgumentError, "alpha can"),
        ("MobileNetV3Small", {"input_shape": (31, 32, 3)}, ShapeError, "at least 32x32"),
        ("InceptionV3", {"input_shape": (74, 75, 3)}, ShapeError, "at least 75x75"),
        ("InceptionResNetV2", {"input_shape": (75, 74, 3)}, ShapeError, "at least 75x75"),
        ("EfficientNetB0", {"input_shape": (32, 31, 3)}, ShapeError, "at least 32x32"),
        ("EfficientNetV2S", {"input_shape": (32, 32, 1)}, ShapeError, "must have 3 channels"),
        ("ConvNeXtTiny", {"input_shape": (32, 32)}, ShapeError, "a tuple of three integers"),
    ],
)
def test_refusals(name, options, error, phrase):
    with pytest.raises(error, match=phrase):
        getattr(applications, name)(include_top=False, **options)


def test_mobilenet_v3_warns_of_another_size_than_its_weights_have(monkeypatch):
    def unreachable(*_: Any, **__: Any) -> str:
        raise FetchError("no network.")

    monkeypatch.setattr(applications.assembly, "get_file", unreachable)
    with (
        reference.quick_weights(etude.initializers),
        pytest.warns(UserWarning, match="Weights for input shape"),
        pytest.raises(FetchError, match=r"weights='path/to/weights_mobilenet_v3_small_224_1.0"),
    ):
        applications.MobileNetV3Small((64, 64, 3), include_top=False)


# ---- files of weights --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "prefix"),
    [
        ("efficientnet", ""),
        ("efficientnet_v2", "-"),
        ("convnext", "convnext_"),
        ("mobilenet_v3", ""),
    ],
)
def test_hashes_are_those_of_keras(family, prefix):
    ours = importlib.import_module(f"etude.applications.{family}")
    theirs = importlib.import_module(f"keras.src.applications.{family}")
    hashes = {name.removeprefix(prefix): pair for name, pair in theirs.WEIGHTS_HASHES.items()}
    assert hashes == ours.HASHES
    assert ours.BASE in (
        getattr(theirs, "BASE_WEIGHTS_PATH", None),
        getattr(theirs, "BASE_WEIGHT_PATH", None),
    )


FILES = {
    "InceptionV3": "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "NASNetMobile": "nasnet/NASNet-mobile-no-top.h5",
    "MobileNetV3Small": "mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
    "EfficientNetV2B0": "efficientnet_v2/efficientnetv2-b0_notop.h5",
    "ConvNeXtTiny": "convnext/convnext_tiny_notop.h5",
}


@pytest.mark.parametrize("name", FILES)
def test_weights_come_from_where_keras_has_them(name, monkeypatch):
    asked = []

    def note(fname: str, origin: str, **options: Any) -> str:
        asked.append((fname, origin, options))
        raise FetchError("no network.")

    monkeypatch.setattr(applications.assembly, "get_file", note)
    with reference.quick_weights(etude.initializers), pytest.raises(FetchError, match="no network"):
        getattr(applications, name)(
            include_top=False, input_shape=(224, 224, 3), name="a_name_of_mine"
        )
    [(fname, origin, options)] = asked
    base = "https://storage.googleapis.com/tensorflow/keras-applications/"
    assert origin == base + FILES[name]
    assert options["cache_subdir"] == "models" and len(options["file_hash"]) in (32, 64)
    # In the cache that Keras uses as well, the files have Keras's names.
    assert fname == {"NASNetMobile": "nasnet_mobile_no_top.h5"}.get(name, origin.split("/")[-1])


def test_names_of_mobilenet_v3_files_are_those_of_keras():
    assert set(mobilenet_v3.HASHES) == {
        f"{kind}_224_{alpha}_float"
        for kind, alpha in [
            ("small", 0.75),
            ("small", 1.0),
            ("small_minimalistic", 1.0),
            ("large", 0.75),
            ("large", 1.0),
            ("large_minimalistic", 1.0),
        ]
    }
