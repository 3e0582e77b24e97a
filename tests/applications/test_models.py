"""Every network against Keras: parameters, layers, weights, configs, predictions."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from etude import applications
from tests.applications import reference
from tests.applications.families import PARAMETERS, SMALL

CONSTRUCTORS = sorted(PARAMETERS)


@cache
def pair(name: str) -> tuple[Any, Any]:
    """Both networks, with their classifiers for 10 classes, built once for all tests."""
    options = {**SMALL[name], "classes": 10, "classifier_activation": None}
    return reference.ours(name, **options), reference.theirs(name, **options)


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_parameters(name):
    # Without the input's size nothing else changes, and small images are quicker; only VGG is
    # linked to the size of its images.
    options = {} if "VGG" in name else {"input_shape": (75, 75, 3)}
    assert reference.ours(name, **options).count_params() == PARAMETERS[name]


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_arguments_are_those_of_keras(name):
    ours = inspect.signature(getattr(applications, name)).parameters
    theirs = inspect.signature(getattr(keras.applications, name)).parameters
    assert [(p.name, p.default) for p in ours.values()] == [
        (p.name, p.default) for p in theirs.values()
    ]
    assert all(f"    {p}: " in getattr(applications, name).__doc__ for p in ours)


@pytest.mark.parametrize("name", SMALL)
def test_layers_weights_and_configs_are_those_of_keras(name):
    ours, theirs = pair(name)
    assert ours.name == theirs.name
    assert reference.names(ours) == reference.names(theirs)
    assert reference.shapes(ours) == reference.shapes(theirs)
    assert [w.trainable for w in ours.weights] == [w.trainable for w in theirs.weights]
    for a, b in zip(ours.layers[1:], theirs.layers[1:], strict=True):
        assert a.get_config() == b.get_config()


LARGE = ("DenseNet121", "Xception")  # to compile them takes most of the time of this file


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in LARGE else ()) for n in SMALL]
)
def test_predictions_are_those_of_keras(name):
    ours, theirs = pair(name)
    weights = reference.random_weights(ours)
    ours.set_weights(weights)
    with reference.keras_alone():
        theirs.set_weights(weights)
    x = np.random.default_rng(1).uniform(-1, 1, (2, *ours.input_shape[1:])).astype("float32")
    expected = reference.call_keras(theirs, x)
    scale = np.abs(expected).max()
    assert scale > 1e-3  # something arrives at the end
    np.testing.assert_allclose(ours(x).numpy() / scale, expected / scale, rtol=0, atol=1e-4)


@pytest.mark.parametrize("pooling", [None, "avg", "max"])
@pytest.mark.parametrize("name", SMALL)
def test_without_the_classifier(name, pooling):
    if pooling == "avg" and name in ("DenseNet121", "VGG19"):
        pytest.skip("of the same family's code, the other poolings are enough")
    options = {**SMALL[name], "include_top": False, "pooling": pooling}
    ours, theirs = reference.ours(name, **options), reference.theirs(name, **options)
    assert reference.names(ours) == reference.names(theirs)
    assert ours.output_shape == theirs.output_shape
