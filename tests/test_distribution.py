"""The devices of the machine, by Keras's names."""

import os

import pytest

from etude import distribution
from etude.errors import ArgumentError


def test_devices_are_those_of_keras(engine):
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    assert distribution.list_devices("cpu") == keras.distribution.list_devices("cpu")
    if engine == "xla":
        assert distribution.list_devices() == keras.distribution.list_devices()
    assert distribution.get_device_count() == len(distribution.list_devices()) >= 1


def test_what_there_is_not(engine):
    with pytest.raises(ArgumentError, match=r"'cpu', 'gpu', 'tpu'.*'quantum'"):
        distribution.list_devices("quantum")
    with pytest.raises(ArgumentError, match="one device"):
        distribution.set_distribution(object())
    assert distribution.distribution() is None
