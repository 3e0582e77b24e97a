"""Small models and data for the tests of training."""

import numpy as np

import etude
from etude import Input, Sequential, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = (X[:, :3].sum(1) > 0).astype("int32") + (X[:, 3] > 1)


def classifier(dropout=0.0, batch_norm=False, **options):
    """Three classes from six numbers."""
    etude.utils.set_random_seed(7)
    parts = [Input((6,)), layers.Dense(8, activation="relu")]
    parts += [layers.BatchNormalization()] if batch_norm else []
    parts += [layers.Dropout(dropout)] if dropout else []
    model = Sequential([*parts, layers.Dense(3, activation="softmax")])
    options = {
        "optimizer": etude.optimizers.SGD(0.1),
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        **options,
    }
    model.compile(**options)
    return model
