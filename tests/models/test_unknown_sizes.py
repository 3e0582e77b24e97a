"""Sizes that are not known stay open in what is built while shapes are found."""

import numpy as np

from etude import Input, Layer, Model, Sequential, layers


class Block(Layer):
    """A layer with a model inside that is built when it is first called, on symbols perhaps."""

    def __init__(self):
        super().__init__()
        self.inner = Sequential([layers.Dense(6, activation="relu"), layers.Dense(4)])

    def call(self, x):
        return x + self.inner(x)


def test_a_model_inside_of_a_layer_keeps_open_sizes(engine):
    x = Input((None, 4))
    model = Model(x, Block()(Block()(x)))
    assert model.output_shape == (None, None, 4)
    for length in (3, 5, 83):
        assert model.predict(np.ones((2, length, 4)), verbose=0).shape == (2, length, 4)


def test_a_model_that_fit_built_has_an_open_batch(engine):
    model = Sequential([layers.Dense(3), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), batch_size=5, verbose=0)
    assert model.output_shape == (None, 2)
    assert model.layers[0].output.shape == (None, 3)


def test_batches_of_one_size_are_seen_in_the_shapes(engine):
    """As Keras on TensorFlow shows them."""
    model = Sequential([layers.Dense(3), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 2)), batch_size=4, verbose=0)
    assert model.output_shape == (4, 2)
    assert model.predict(np.ones((7, 4)), verbose=0).shape == (7, 2)


def test_a_stateful_layer_keeps_its_batch(engine):
    model = Sequential([layers.SimpleRNN(3, stateful=True)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2, 1)), np.ones((4, 3)), batch_size=2, verbose=0)
    assert model.output_shape == (2, 3)
