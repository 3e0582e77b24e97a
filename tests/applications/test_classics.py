"""The networks that Keras does not have: their parameters are the published ones."""

from __future__ import annotations

import numpy as np
import pytest

from etude import applications
from etude.errors import ArgumentError

# Trainable parameters, and where the number was published.
PUBLISHED = [
    ("LeNet5", 61_706),  # 60,000 in the paper, with the differences that its docstring counts
    ("AlexNet", 60_965_224),  # "60 million" in the paper; Caffe's bvlc_alexnet has this number
    ("VGG11", 132_863_336),  # "133 million" in table 2 of the paper; torchvision's has this number
    ("ResNet18", 11_689_512),  # torchvision's
    ("ResNet20", 269_722),  # "0.27M" in table 6 of the paper
    ("ResNet32", 464_154),  # "0.46M" in table 6 of the paper
]


def trainable(model) -> int:
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


@pytest.mark.parametrize(("name", "count"), PUBLISHED)
def test_the_parameters_are_the_published_ones(name, count):
    assert trainable(getattr(applications, name)()) == count


def test_lenet_has_the_papers_number_but_for_the_differences_it_tells():
    ours = trainable(applications.LeNet5())
    sparse, poolings, fixed = 2_416 - 1_516, 12 + 32, 84 * 10 + 10
    assert ours - sparse + poolings - fixed == 60_000


@pytest.mark.parametrize(
    ("name", "depth"), [("LeNet5", 5), ("AlexNet", 8), ("VGG11", 11), ("ResNet18", 18),
                        ("ResNet20", 20), ("ResNet32", 32)]
)  # fmt: skip
def test_the_number_in_the_name_counts_the_layers_of_weights(name, depth):
    model = getattr(applications, name)(input_shape=(32, 32, 3))
    weighted = [
        layer for layer in model.layers if type(layer).__name__ in ("Conv2D", "Dense")
        and not layer.name.endswith("_0_conv")  # a shortcut is not on the way
    ]  # fmt: skip
    assert len(weighted) == depth


@pytest.mark.parametrize("name", ["LeNet5", "AlexNet", "VGG11", "ResNet18", "ResNet20"])
def test_features_of_small_images_in_any_number_of_channels(name, engine):
    model = getattr(applications, name)(include_top=False, input_shape=(32, 32, 1), pooling="avg")
    x = np.random.default_rng(0).normal(size=(2, 32, 32, 1)).astype("float32")
    y = np.asarray(model(x))
    assert y.shape == (2, model.output.shape[-1])
    assert np.isfinite(y).all() and np.ptp(y[0] - y[1]) > 0


@pytest.mark.parametrize("name", ["LeNet5", "ResNet20"])
def test_they_learn(name, engine):
    import etude

    etude.utils.set_random_seed(0)
    model = getattr(applications, name)(classes=2, input_shape=(32, 32, 1))
    rng = np.random.default_rng(0)
    y = np.arange(32) % 2
    x = rng.normal(size=(32, 32, 32, 1)).astype("float32") + y[:, None, None, None]
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(x, y, epochs=3, batch_size=16, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_block_adds_to_its_input_without_weights():
    """Option A: every second pixel, and zeros for the channels that are new."""
    from etude.applications import resnet_basic

    x = np.arange(4 * 4 * 2, dtype="float32").reshape(1, 4, 4, 2)
    y = np.asarray(resnet_basic.pad_channels(x, 4, 2, "b"))
    np.testing.assert_array_equal(y[..., 1:3], x[:, ::2, ::2])
    assert not y[..., [0, 3]].any()


@pytest.mark.parametrize("name", [name for name, _ in PUBLISHED])
def test_weights_of_imagenet_are_refused_in_words(name):
    with pytest.raises(ArgumentError, match="There are no ImageNet weights"):
        getattr(applications, name)(weights="imagenet")
