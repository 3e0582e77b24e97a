"""Configs without a module, as Keras 2 wrote them."""

from __future__ import annotations

import pytest

import etude
from etude import layers
from etude.errors import ArgumentError, UnknownNameError
from etude.legacy import saving


def test_objects_survive_configs():
    config = saving.serialize_keras_object(layers.Dense(3, name="d"))
    assert (config["class_name"], config["config"]["units"]) == ("Dense", 3)
    again = saving.deserialize_keras_object(config, {"Dense": layers.Dense})
    assert (again.units, again.name) == (3, "d")
    assert saving.serialize_keras_object(None) is saving.deserialize_keras_object(None) is None


def test_names_stand_for_functions_and_classes():
    known = {"relu": etude.activations.relu, "Zeros": etude.initializers.Zeros}
    assert saving.serialize_keras_object(etude.activations.relu) == "relu"
    assert saving.deserialize_keras_object("relu", known) is etude.activations.relu
    assert isinstance(saving.deserialize_keras_object("Zeros", known), etude.initializers.Zeros)
    mine = {"relu": abs}
    assert saving.deserialize_keras_object("relu", known, mine) is abs


def test_what_is_unknown_is_named():
    with pytest.raises(UnknownNameError, match=r"Unknown layer: 'Dens'\. Did you mean 'Dense'"):
        saving.deserialize_keras_object("Dens", {"Dense": layers.Dense}, None, "layer")
    with pytest.raises(ArgumentError, match="Improper config format for layer"):
        saving.deserialize_keras_object({"units": 3}, printable_module_name="layer")
    with pytest.raises(ArgumentError, match="doesn't implement `get_config"):
        saving.serialize_keras_object(3)
