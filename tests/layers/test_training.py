"""Layers in models: `fit` makes the loss smaller, on both engines alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import etude
from etude import config, layers

SEQUENCES = (8, 5, 4)
IMAGES = (8, 6, 6, 2)
STACKS: dict[str, tuple[tuple[int, ...], Callable[[], list[Any]]]] = {
    "dense": (SEQUENCES, lambda: [layers.Flatten(), layers.Dense(8, "relu")]),
    "einsum": (SEQUENCES, lambda: [layers.EinsumDense("abc,cd->ad", 8)]),
    "activations": (SEQUENCES, lambda: [layers.PReLU(), layers.ELU(), layers.Flatten()]),
    "norms": (
        SEQUENCES,
        lambda: [
            layers.LayerNormalization(),
            layers.BatchNormalization(),
            layers.GroupNormalization(2),
            layers.RMSNormalization(),
            layers.UnitNormalization(),
            layers.Flatten(),
        ],
    ),
    "convolution": (
        IMAGES,
        lambda: [
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(2),
            layers.Conv2DTranspose(3, 2, strides=2),
            layers.SeparableConv2D(3, 2),
            layers.AveragePooling2D(2),
            layers.GlobalAveragePooling2D(),
        ],
    ),
    "noise": (
        SEQUENCES,
        lambda: [
            layers.Dropout(0.1, seed=1),
            layers.GaussianNoise(0.01, seed=2),
            layers.SpatialDropout1D(0.1, seed=3),
            layers.Flatten(),
        ],
    ),
    "recurrence": (
        SEQUENCES,
        lambda: [
            layers.Masking(),
            layers.LSTM(4, return_sequences=True),
            layers.GRU(4, return_sequences=True),
            layers.SimpleRNN(4),
        ],
    ),
    "recurrent dropout": (
        SEQUENCES,
        lambda: [layers.LSTM(4, dropout=0.1, recurrent_dropout=0.1, seed=1)],
    ),
    "wrappers": (
        SEQUENCES,
        lambda: [
            layers.TimeDistributed(layers.Dense(4)),
            layers.Bidirectional(layers.GRU(3)),
        ],
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks_learn_alike_on_both_engines(name: str) -> None:
    pytest.importorskip("jax")
    shape, stack = STACKS[name]
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=shape).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    losses = []
    for engine in ("numpy", "xla"):
        config.set_engine(engine)
        etude.utils.set_random_seed(0)
        model = etude.Sequential([layers.Input(shape[1:]), *stack(), layers.Dense(1)])
        model.compile(optimizer=etude.optimizers.SGD(0.03), loss="mse")
        history = model.fit(x, y, epochs=8, batch_size=4, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


def test_attention_learns_in_a_functional_model(engine: str) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 5, 4)).astype("float32"), rng.normal(size=(8, 1)).astype("float32")
    inputs = layers.Input((5, 4))
    attended = layers.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
    plain = layers.Attention(use_scale=True)([inputs, inputs])
    merged = layers.Concatenate()([layers.Add()([inputs, attended]), plain])
    model = etude.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling1D()(merged)))
    model.compile(optimizer="adam", loss="mse")
    history = model.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_a_shared_layer_has_one_set_of_weights(engine: str) -> None:
    inputs = [layers.Input((3,)), layers.Input((3,))]
    shared = layers.Dense(4)
    model = etude.Model(inputs, layers.Dot(1)([shared(x) for x in inputs]))
    assert len(model.weights) == 2
    assert model([np.ones((2, 3), "float32")] * 2).shape == (2, 1)
