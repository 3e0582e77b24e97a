"""Recurrent layers beyond the table: kept states, cells of one's own, what cells share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from etude import GradientTape, layers, ops
from etude.autodiff import KerasTensor
from etude.errors import ArgumentError, ShapeError, StateError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 3)).astype("float32")
KINDS = [layers.LSTM, layers.GRU, layers.SimpleRNN]


@pytest.fixture(autouse=True)
def each_engine(engine: str) -> None:
    """Both engines keep states alike."""


every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
def test_a_stateful_layer_goes_on_where_it_was(kind: Any) -> None:
    layer = kind(4, stateful=True, return_sequences=True)
    halves = [layer(X[:, :3]).numpy(), layer(X[:, 3:]).numpy()]
    layer.reset_state()
    np.testing.assert_allclose(np.hstack(halves), layer(X).numpy(), rtol=1e-5, atol=1e-6)
    assert [w.name for w in layer.weights] == ["kernel", "recurrent_kernel", "bias"]


def test_a_stateful_layer_has_one_batch_size() -> None:
    layer = layers.GRU(4, stateful=True)
    with pytest.raises(ShapeError, match="batch"):
        layer(KerasTensor((None, 6, 3)))
    layer(X)
    with pytest.raises(ShapeError, match="batch"):
        layer(X[:1])


def test_both_directions_keep_states() -> None:
    layer = layers.Bidirectional(layers.LSTM(2, stateful=True))
    first = layer(X).numpy()
    assert len(layer.states) == 4
    assert not np.allclose(layer(X).numpy(), first)
    layer.reset_state()
    np.testing.assert_allclose(layer(X).numpy(), first, rtol=1e-5, atol=1e-6)
    with pytest.raises(StateError, match="stateful"):
        layers.Bidirectional(layers.LSTM(2)).reset_state()


@every_kind
def test_the_loop_gives_what_the_primitive_gives(kind: Any) -> None:
    usual = kind(4, return_sequences=True)
    loop = layers.RNN(usual.cell, return_sequences=True)
    unrolled = layers.RNN(usual.cell, return_sequences=True, unroll=True)
    expected = usual(X).numpy()
    np.testing.assert_allclose(loop(X).numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(unrolled(X).numpy(), expected, rtol=1e-5, atol=1e-6)


@every_kind
def test_attributes_of_the_cell_are_those_of_the_layer(kind: Any) -> None:
    layer = kind(4, dropout=0.1, recurrent_dropout=0.2, use_bias=False)
    assert (layer.units, layer.dropout, layer.recurrent_dropout) == (4, 0.1, 0.2)
    assert layer.use_bias is False
    assert layer.activation is layer.cell.activation


@every_kind
def test_dropout_is_the_same_at_all_steps_and_new_for_each_batch(kind: Any) -> None:
    layer = kind(8, dropout=0.5, seed=1)
    layer(X)
    ones = np.ones((1, 5, 3), "float32")
    first = layer(ones, training=True).numpy()
    assert not np.allclose(first, layer(ones, training=True).numpy())
    np.testing.assert_allclose(layer(ones).numpy(), layer(ones).numpy())
    assert layer.cell._dropout_mask is None


@every_kind
def test_recurrent_dropout_has_gradients(kind: Any) -> None:
    layer = kind(4, recurrent_dropout=0.5, seed=1)
    with GradientTape() as tape:
        loss = ops.sum(layer(X, training=True) ** 2)
    for gradient in tape.gradient(loss, layer.trainable_weights):
        assert np.isfinite(gradient.numpy()).all()
        assert np.abs(gradient.numpy()).max() > 0


class Accumulator(layers.Layer):
    """A cell that adds up what it sees."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size
        self.state_size = size

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        total = states[0] + inputs
        return total, [total]


def test_a_cell_of_ones_own() -> None:
    layer = layers.RNN(Accumulator(3), return_sequences=True, return_state=True)
    outputs, state = layer(X)
    np.testing.assert_allclose(outputs.numpy(), X.cumsum(axis=1), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state.numpy(), X.sum(axis=1), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape((None, 6, 3)) == ((None, 6, 3), (None, 3))


def test_both_directions_of_a_cell_of_ones_own() -> None:
    layer = layers.Bidirectional(layers.RNN(Accumulator(3), return_sequences=True), "sum")
    expected = X.cumsum(axis=1) + X[:, ::-1].cumsum(axis=1)[:, ::-1]
    np.testing.assert_allclose(layer(X).numpy(), expected, rtol=1e-5, atol=1e-6)


class PlainCell:
    """A cell that is no layer."""

    state_size = 3

    def call(self, inputs: Any, states: Any) -> tuple[Any, list[Any]]:
        return inputs, [states[0] + 1]


def test_a_cell_that_is_no_layer() -> None:
    layer = layers.RNN(PlainCell(), return_state=True)
    output, count = layer(X)
    np.testing.assert_allclose(output.numpy(), X[:, -1])
    np.testing.assert_allclose(count.numpy(), 6.0)


def test_cudnn_can_be_asked_for() -> None:
    layers.LSTM(2, use_cudnn=True)(X)
    with pytest.raises(ArgumentError, match="use_cudnn"):
        layers.LSTM(2, use_cudnn=True, activation="relu")(X)
    both = layers.Bidirectional(layers.GRU(2, use_cudnn=False))
    assert both.forward_layer.use_cudnn is False
    assert both.backward_layer.use_cudnn is False


def test_unrolling_needs_a_length() -> None:
    with pytest.raises(ShapeError, match="unroll"):
        layers.LSTM(2, unroll=True)(KerasTensor((None, None, 3)))


def test_initial_states_of_another_number() -> None:
    with pytest.raises(ShapeError, match="state"):
        layers.LSTM(2)(X, initial_state=[np.zeros((2, 2), "float32")])


def test_layers_of_a_pair_must_fit_together() -> None:
    with pytest.raises(ArgumentError, match="go_backwards"):
        layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2))
    with pytest.raises(ArgumentError, match="return_sequences"):
        layers.Bidirectional(
            layers.LSTM(2),
            backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True),
        )


def test_weights_of_a_pair_can_be_given() -> None:
    given = [w.numpy() + 1 for w in _built(layers.Bidirectional(layers.LSTM(2))).weights]
    layer = _built(layers.Bidirectional(layers.LSTM(2), weights=given))
    for weight, value in zip(layer.weights, given, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def _built(layer: Any) -> Any:
    layer(X)
    return layer


def test_steps_of_a_stateful_layer_are_seen_one_by_one() -> None:
    """Batch normalisation inside TimeDistributed follows each step's moments, as in Keras."""
    layer = layers.TimeDistributed(layers.BatchNormalization(momentum=0.5))
    layer(X, training=True)
    mean = np.zeros(3)
    for t in range(6):
        mean = 0.5 * mean + 0.5 * X[:, t].mean(axis=0)
    np.testing.assert_allclose(layer.layer.moving_mean.numpy(), mean, rtol=1e-5, atol=1e-6)
