"""Arguments of the constructors, and where weights come from."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest

import etude
from etude import applications, config, layers
from etude.applications import assembly, mobilenet_v2_weights
from etude.errors import ArgumentError, FetchError, ShapeError
from tests.applications import reference

SMALL = {"alpha": 0.25, "input_shape": (32, 32, 3)}


def mobile(**options):
    """The smallest network there is, with zeros for weights."""
    with reference.quick_weights(etude.initializers):
        return applications.MobileNet(**{**SMALL, "weights": None, **options})


def test_bad_weights_classes_and_activations():
    with pytest.raises(ArgumentError, match=r"path to the weights file to be loaded.*imagenett"):
        mobile(weights="imagenett")
    with pytest.raises(ArgumentError, match=r"`classes` should be 1000.*classes=10"):
        mobile(weights="imagenet", classes=10)
    with pytest.raises(ArgumentError, match="Only `None` and `softmax` activations"):
        mobile(weights=__file__, classifier_activation="relu")


def test_bad_sizes_and_channels():
    with pytest.raises(ShapeError, match="Input size must be at least 32x32"):
        mobile(input_shape=(31, 64, 3))
    with pytest.raises(ShapeError, match="Input size must be at least 71x71"):
        applications.Xception(weights=None, include_top=False, input_shape=(32, 32, 3))
    with pytest.raises(ShapeError, match="`input_shape` must be a tuple of three integers"):
        applications.ResNet50(weights=None, input_shape=(32, 32))
    with pytest.raises(ShapeError, match="must have 3 channels"):
        applications.ResNet50(include_top=False, input_shape=(32, 32, 1))
    with pytest.raises(ShapeError, match=r"should be \(224, 224, 3\)"):
        applications.ResNet50(input_shape=(32, 32, 3))


def test_channels_first_where_a_family_has_it_and_where_not():
    config.set_image_data_format("channels_first")
    model = mobile(input_shape=(3, 32, 64), include_top=False)
    assert model.output_shape == (None, 256, 1, 2)
    with pytest.raises(ArgumentError, match="does not support the `channels_first`"):
        applications.DenseNet121(weights=None, input_shape=(3, 32, 32))


def test_misspelt_pooling_is_warned_of():
    with pytest.warns(UserWarning, match="'average' is ignored"):
        model = mobile(include_top=False, pooling="average")
    assert model.output_shape == (None, 1, 1, 256)


def test_a_tensor_to_begin_with():
    images = etude.Input((40, 40, 3), name="photos")
    scaled = layers.Rescaling(2.0, name="before")(images)
    model = mobile(input_tensor=scaled, input_shape=None, include_top=False)
    assert [layer.name for layer in model.layers[:3]] == ["photos", "before", "conv1"]
    with pytest.raises(ArgumentError, match="must be symbolic"):
        mobile(input_tensor=np.zeros((1, 32, 32, 3)))
    with pytest.raises(ShapeError, match="must equal input_shape"):
        applications.MobileNetV2((64, 64, 3), weights=None, input_tensor=images)
    same = applications.MobileNetV2(None, 0.35, False, None, etude.Input((96, 96, 3)))
    assert same.input_shape == (None, 96, 96, 3)


def test_sizes_may_be_open():
    model = applications.MobileNet(alpha=0.25, include_top=False, weights=None, pooling="max")
    assert model.name == "mobilenet_0.25_None"
    assert model(np.zeros((1, 33, 47, 3), "float32")).shape == (1, 256)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_weights_from_a_file(tmp_path, ending):
    path = tmp_path / f"mine{ending}"
    model = applications.MobileNet(**SMALL, weights=None, classes=3)
    model.save_weights(path) if ending == ".weights.h5" else model.save(path)
    again = mobile(weights=path, classes=3)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="shape"):
        mobile(weights=str(path), classes=4)


def test_weights_of_imagenet_are_the_files_of_keras(tmp_path, monkeypatch):
    asked = []

    def get_file(name, origin, **options):
        asked.append((name, origin, options["file_hash"]))
        return str(tmp_path / "some.weights.h5")

    mobile(include_top=False, input_shape=None, alpha=1.0).save_weights(
        tmp_path / "some.weights.h5"
    )
    monkeypatch.setattr(assembly, "get_file", get_file)
    with pytest.warns(UserWarning, match=r"Weights for input shape \(224, 224\)"):
        mobile(include_top=False, input_shape=None, alpha=1.0, weights="imagenet")
    name = "mobilenet_1_0_224_tf_no_top.h5"
    base = "https://storage.googleapis.com/tensorflow/keras-applications/"
    assert asked == [(name, f"{base}mobilenet/{name}", None)]
    with (
        reference.quick_weights(etude.initializers),
        pytest.raises(ValueError),  # the file is of another network
    ):
        applications.ResNet50()
    name = "resnet50_weights_tf_dim_ordering_tf_kernels.h5"
    assert asked[1] == (name, f"{base}resnet/{name}", "2cb95161c43110f7111970584f804107")


def test_weights_that_cannot_be_had(monkeypatch):
    def refuse(name, origin, **options):
        raise FetchError(f"URL fetch failure on {origin}: no network.")

    monkeypatch.setattr(assembly, "get_file", refuse)
    with (
        reference.quick_weights(etude.initializers),
        pytest.raises(FetchError, match=r"cannot be had.*`weights=None`.*mobilenet_2_5_224_tf.h5"),
    ):
        applications.MobileNet(alpha=0.25)


def test_widths_for_which_there_are_no_weights():
    with pytest.raises(ArgumentError, match=r"alpha can be one of.*alpha=0.3"):
        applications.MobileNetV2(alpha=0.3)
    with pytest.raises(ArgumentError, match="depth multiplier must be 1"):
        applications.MobileNet(depth_multiplier=2)


# ---- weights of torchvision -------------------------------------------------------------------


def torch_file(tensors):
    """A file in PyTorch's older format, written as PyTorch writes it, but for the objects."""
    file = io.BytesIO()
    for header in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001}):
        pickle.dump(header, file, protocol=2)
    described = []
    for i, (name, value) in enumerate(tensors.items()):
        described += [name, ("storage", str(1000 + i), "cpu", value.size)]
    pickle.dump([described, "_metadata", "features.0"], file, protocol=2)
    storages = sorted(range(len(tensors)), reverse=True)  # in any order
    pickle.dump([str(1000 + i) for i in storages], file, protocol=2)
    values = list(tensors.values())
    for i in storages:
        file.write(struct.pack("<q", values[i].size) + values[i].tobytes())
    return file.getvalue()


def torch_network(rng):
    """Tensors of torchvision's network: the names do not matter, their order does."""
    ours = applications.MobileNetV2((32, 32, 3), weights=None)
    tensors = {}
    for layer in (layer for layer in ours.layers if layer.weights):
        for weight in layer.weights:
            shape = tuple(weight.shape)
            if isinstance(layer, layers.DepthwiseConv2D):
                shape = (shape[2], 1, *shape[:2])
            elif isinstance(layer, layers.Conv2D):
                shape = (shape[3], shape[2], *shape[:2])
            elif len(shape) == 2:
                shape = shape[::-1]
            tensors[f"{layer.name}.{weight.name}"] = rng.uniform(0.5, 1.5, shape).astype("<f4")
        if isinstance(layer, layers.BatchNormalization):
            tensors[f"{layer.name}.num_batches_tracked"] = np.array([7], "<i8")
    return ours, tensors


def test_torchvisions_weights_compute_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    with reference.quick_weights(etude.initializers):
        model, tensors = torch_network(rng)
    content = torch_file(tensors)
    monkeypatch.setattr(
        type(mobilenet_v2_weights.WEIGHTS), "read", lambda self: {self.files[0].name: content}
    )
    mobilenet_v2_weights.read_into(model)
    # The first convolution and its normalization, by torchvision's formula, far from the borders.
    pixels = rng.uniform(0, 255, (1, 32, 32, 3))
    z = (pixels / 255 - mobilenet_v2_weights.MEAN) / mobilenet_v2_weights.DEVIATION
    kernel = tensors["Conv1.kernel"].astype(float)  # (outputs, inputs, rows, columns)
    window = z[0, 8:11, 12:15]  # (3, 3, 3)
    convolved = np.einsum("oihw,hwi->o", kernel, window)
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (tensors[f"bn_Conv1.{n}"].astype(float) for n in names)
    expected = gamma * (convolved - mean) / np.sqrt(variance + 1e-5) + beta
    first = etude.Model(model.input, model.get_layer("bn_Conv1").output)
    x = applications.mobilenet_v2.preprocess_input(pixels.copy())
    np.testing.assert_allclose(first(x).numpy()[0, 4, 6], expected, rtol=1e-4)
    # Kernels of the other kinds, one weight of each.
    last = tensors["predictions.kernel"]
    np.testing.assert_array_equal(model.get_layer("predictions").get_weights()[0], last.T)
    depthwise = model.get_layer("block_1_depthwise").get_weights()[0]  # (3, 3, C, 1)
    assert depthwise[2, 1, 5, 0] == tensors["block_1_depthwise.kernel"][5, 0, 2, 1]
    project = model.get_layer("block_1_project").get_weights()[0]  # (1, 1, C, D)
    assert project[0, 0, 5, 3] == tensors["block_1_project.kernel"][3, 5, 0, 0]


def test_they_are_used_where_those_of_keras_cannot_be_had(monkeypatch, capsys):
    def refuse(name, origin, **options):
        raise FetchError("no network")

    monkeypatch.setattr(assembly, "get_file", refuse)
    given = []
    monkeypatch.setattr(mobilenet_v2_weights, "read_into", given.append)
    with reference.quick_weights(etude.initializers):
        model = applications.MobileNetV2((96, 96, 3), include_top=False)
        assert given == [model]
        assert "torchvision" in capsys.readouterr().out
        with pytest.raises(FetchError, match="cannot be had"):  # none for other widths
            applications.MobileNetV2((96, 96, 3), alpha=0.5, include_top=False)


@pytest.mark.parametrize("damage", ["cut", "more", "other"])
def test_damaged_files_are_refused(damage):
    content = torch_file({"a.weight": np.ones(4, "<f4"), "b.weight": np.ones(2, "<f4")})
    found = mobilenet_v2_weights.torch_tensors(content)
    assert {name: value.shape for name, value in found.items()} == {
        "a.weight": (4,),
        "b.weight": (2,),
    }
    content = {"cut": content[:-3], "more": content + b"x", "other": b"PK\x03\x04"}[damage]
    with pytest.raises(FetchError, match="older format"):
        mobilenet_v2_weights.torch_tensors(content)
