"""Recurrent layers and attention as ONNX files, with masks and open lengths."""

from __future__ import annotations

import pytest

from etude import Input, Model, Sequential, config, layers, ops
from tests.export.checks import images, onnx_error, tokens


@pytest.fixture(autouse=True)
def on_numpy():
    config.set_engine("numpy")


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent(kind, tmp_path):
    layer = getattr(layers, kind)
    inputs = Input((7, 3))
    outputs = [
        layer(5)(layer(4, return_sequences=True)(inputs)),
        layers.Bidirectional(layer(4, return_sequences=True))(inputs),
        layer(4, go_backwards=True, use_bias=False)(inputs),
        *layer(4, return_state=True)(inputs),
        layer(4, activation="relu", return_sequences=True)(inputs),  # by `ops.scan`
        layer(4, unroll=True)(inputs),
    ]
    assert onnx_error(Model(inputs, outputs), [images(7, 3)], tmp_path) < 1e-5


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent_with_masks_and_an_open_length(kind, tmp_path):
    layer = getattr(layers, kind)
    model = Sequential([
        Input((None,), dtype="int32"),
        layers.Embedding(9, 4, mask_zero=True),
        layers.Bidirectional(layer(4, return_sequences=True)),
        layer(5),
    ])  # fmt: skip
    assert onnx_error(model, [tokens(7)], tmp_path) < 1e-5
    assert onnx_error(model, [tokens(11)], tmp_path) < 1e-5


def test_gru_with_the_reset_gate_before(tmp_path):
    inputs, ids = Input((7, 3)), Input((7,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(ids)
    outputs = [layers.GRU(4, reset_after=False)(x) for x in (inputs, embedded)]
    assert onnx_error(Model([inputs, ids], outputs), [images(7, 3), tokens()], tmp_path) < 1e-5


def test_from_sequence_to_sequence(tmp_path):
    source = Input((None,), dtype="int32", name="source")
    target = Input((None,), dtype="int32", name="target")
    _, h, c = layers.LSTM(4, return_state=True)(layers.Embedding(9, 8, mask_zero=True)(source))
    decoder = layers.LSTM(4, return_sequences=True)
    states = decoder(layers.Embedding(9, 8, mask_zero=True)(target), initial_state=[h, c])
    model = Model([source, target], layers.Dense(9, activation="softmax")(states))
    assert onnx_error(model, [tokens(7), tokens(5)], tmp_path) < 1e-5


def test_convolutional_lstm(tmp_path):
    model = Sequential([Input((4, 6, 3)), layers.ConvLSTM1D(3, 2, padding="same")])
    assert onnx_error(model, [images(4, 6, 3)], tmp_path) < 1e-5


def transformer(length: int | None) -> Model:
    ids = Input((length,), dtype="int32")
    x = layers.Embedding(9, 8, mask_zero=True)(ids)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True))
    forward = layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    x = layers.LayerNormalization()(x + forward)
    return Model(ids, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.parametrize("length", [7, None])
def test_transformer_block(length, tmp_path):
    assert onnx_error(transformer(length), [tokens(7)], tmp_path) < 1e-5


def test_attention(tmp_path):
    a, b = Input((7, 8)), Input((5, 8))
    outputs = [
        layers.Attention()([a, b]),
        layers.AdditiveAttention()([a, b]),
        layers.GroupQueryAttention(4, 4, 2)(a, b),
        *layers.MultiHeadAttention(2, 4)(a, b, return_attention_scores=True),
    ]
    assert onnx_error(Model([a, b], outputs), [images(7, 8), images(5, 8)], tmp_path) < 1e-5


def test_inputs_of_one_open_length(tmp_path):
    ids, seen = Input((None,), dtype="int32", name="ids"), Input((None,), dtype="bool", name="seen")
    x = layers.Embedding(9, 8)(ids)
    x = layers.MultiHeadAttention(2, 4)(x, x, attention_mask=seen[:, None, :])
    assert onnx_error(Model([ids, seen], x), [tokens(), tokens() > 2], tmp_path) < 1e-5


def test_loops_of_known_length_are_unrolled(tmp_path):
    inputs = Input((3,))
    looped = layers.Lambda(lambda x: ops.fori_loop(0, 3, lambda i, v: v * 2 + 1, x))(inputs)
    scanned = layers.Lambda(
        lambda x: ops.scan(lambda c, v: (c + v, c * v), x[:, 0], ops.transpose(x))[1]
    )(inputs)
    assert onnx_error(Model(inputs, [looped, scanned]), [images(3)], tmp_path) < 1e-5
