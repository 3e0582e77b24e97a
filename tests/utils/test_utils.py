"""Helpers, beside those of Keras."""

import random

import keras
import numpy as np
import pytest

import etude
from etude import utils
from etude.errors import ArgumentError, DataError
from tests.parity.reference import keras_alone


@pytest.mark.parametrize("labels", [[0, 2, 1], [[0], [2]], [[0, 1], [2, 2]], np.array([1.0, 0.0])])
@pytest.mark.parametrize("classes", [None, 5])
def test_to_categorical_is_that_of_keras(labels, classes):
    with keras_alone():
        expected = keras.utils.to_categorical(labels, classes)
    found = utils.to_categorical(labels, classes)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_to_categorical_refuses_labels_out_of_range():
    with pytest.raises(DataError, match=r"from 0 to 2.*from 1 to 3"):
        utils.to_categorical([1, 2, 3], 3)
    with pytest.raises(DataError, match="no labels"):
        utils.to_categorical([])


def test_to_categorical_of_tensors(engine):
    found = utils.to_categorical(etude.ops.convert_to_tensor([[1], [0]]), 2)
    assert found.numpy().tolist() == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("maxlen", [None, 2, 5])
@pytest.mark.parametrize("sequences", [[[1], [2, 3, 4], []], [[[1, 2]], [[3, 4], [5, 6]]]])
def test_pad_sequences_is_that_of_keras(sequences, maxlen, padding, truncating):
    options = {"padding": padding, "truncating": truncating, "value": 7}
    expected = keras.utils.pad_sequences(sequences, maxlen, **options)
    found = utils.pad_sequences(sequences, maxlen, **options)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"sequences": 3}, "iterable"),
        ({"sequences": [1, 2]}, "non-iterable: 1"),
        ({"sequences": [[1]], "padding": "left"}, "'pre' or 'post'"),
        ({"sequences": [[1]], "value": "x"}, "not compatible"),
        ({"sequences": [[[1, 2]], [[1]]]}, "different from expected shape"),
    ],
)
def test_pad_sequences_explains_mistakes(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        utils.pad_sequences(**arguments)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("order", [1, 2])
def test_normalize_is_that_of_keras(axis, order):
    x = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 1.0]])
    with keras_alone():
        expected = keras.utils.normalize(x, axis=axis, order=order)
    np.testing.assert_allclose(utils.normalize(x, axis, order), np.asarray(expected), rtol=1e-6)


def test_normalize_along_the_first_axis():  # where Keras 3.15.1 fails
    found = utils.normalize(np.array([[3.0, 0.0], [4.0, 0.0]]), axis=0)
    np.testing.assert_allclose(found, [[0.6, 0.0], [0.8, 0.0]])


def test_a_seed_decides_everything(engine):
    def draws():
        utils.set_random_seed(11)
        layer = etude.layers.Dense(3)
        layer(np.ones((1, 2), "float32"))
        return random.random(), np.random.rand(), layer.get_weights()[0].tolist()

    assert draws() == draws()
    with pytest.raises(Exception, match="integer"):
        utils.set_random_seed("x")
