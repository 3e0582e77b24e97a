"""Masks: where they come from, which layers hand them on, and what they change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from etude import layers
from etude.layers.base.masks import get_mask

IDS = np.array([[3, 1, 0, 0], [2, 0, 0, 0]])
PRESENT = IDS != 0


@pytest.fixture(autouse=True)
def each_engine(engine: str) -> None:
    """Both engines hand masks on alike."""


def embedded() -> Any:
    return layers.Embedding(5, 3, mask_zero=True)(IDS)


def mask_of(output: Any) -> np.ndarray | None:
    mask = get_mask(output)
    return None if mask is None else np.asarray(mask.numpy())


def test_embedding_masks_zeros() -> None:
    np.testing.assert_array_equal(mask_of(embedded()), PRESENT)
    assert mask_of(layers.Embedding(5, 3)(IDS)) is None


def test_masking_masks_a_value() -> None:
    x = np.where(PRESENT[..., None], 1.0, 7.0).repeat(2, axis=-1)
    output = layers.Masking(7.0)(x)
    np.testing.assert_array_equal(mask_of(output), PRESENT)
    np.testing.assert_array_equal(output.numpy(), PRESENT[..., None].repeat(2, axis=-1))


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(2),
        layers.Dropout(0.5),
        layers.Activation("relu"),
        layers.LayerNormalization(),
        layers.BatchNormalization(),
        layers.TimeDistributed(layers.Dense(2)),
        layers.LSTM(2, return_sequences=True),
        layers.Bidirectional(layers.GRU(2, return_sequences=True)),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_masks_pass_through(layer: Any) -> None:
    np.testing.assert_array_equal(mask_of(layer(embedded())), PRESENT)


@pytest.mark.parametrize(
    "layer",
    [layers.LSTM(2), layers.GlobalAveragePooling1D(), layers.Bidirectional(layers.GRU(2))],
    ids=lambda layer: type(layer).__name__,
)
def test_masks_end_with_the_steps(layer: Any) -> None:
    assert mask_of(layer(embedded())) is None


def test_a_lost_mask_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="mask"):
        layers.Conv1D(2, 2)(embedded())


def test_states_have_no_mask() -> None:
    output, *states = layers.LSTM(2, return_sequences=True, return_state=True)(embedded())
    np.testing.assert_array_equal(mask_of(output), PRESENT)
    assert [mask_of(state) for state in states] == [None, None]


def test_merged_masks() -> None:
    other = layers.Embedding(5, 3, mask_zero=True)(IDS[:, ::-1])
    either = PRESENT | PRESENT[:, ::-1]
    for layer in (layers.Add(), layers.Maximum(), layers.Multiply()):
        np.testing.assert_array_equal(mask_of(layer([embedded(), other])), either)
    both = layers.Concatenate(axis=1)([embedded(), other])
    np.testing.assert_array_equal(mask_of(both), np.hstack([PRESENT, PRESENT[:, ::-1]]))
    assert mask_of(layers.Add()([embedded(), np.zeros((2, 4, 3), "float32")])) is None


def test_masked_elements_do_not_count_in_a_maximum() -> None:
    a = layers.Masking(-1.0)(np.array([[[-1.0], [5.0]]]))
    b = layers.Masking(-1.0)(np.array([[[-3.0], [-1.0]]]))
    assert layers.Maximum()([a, b]).numpy().tolist() == [[[-3.0], [5.0]]]
    assert layers.Multiply()([a, b]).numpy().tolist() == [[[-3.0], [5.0]]]


def test_padding_does_not_change_a_masked_recurrence() -> None:
    layer = layers.GRU(3)
    embedding = layers.Embedding(5, 3, mask_zero=True)
    padded = layer(embedding(np.array([[2, 3, 0, 0]]))).numpy()
    plain = layer(embedding(np.array([[2, 3]]))).numpy()
    np.testing.assert_allclose(padded, plain, rtol=1e-6)


def test_attention_hands_on_the_mask_of_the_query() -> None:
    query = embedded()
    output = layers.MultiHeadAttention(2, 3)(query, np.zeros((2, 5, 3), "float32"))
    np.testing.assert_array_equal(mask_of(output), PRESENT)
    np.testing.assert_array_equal(mask_of(query), PRESENT)


def test_attention_does_not_see_masked_keys() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    embedding = layers.Embedding(5, 3, mask_zero=True)
    query = np.ones((1, 2, 3), "float32")
    padded = layer(query, embedding(np.array([[2, 3, 0]]))).numpy()
    plain = layer(query, embedding(np.array([[2, 3]]))).numpy()
    np.testing.assert_allclose(padded, plain, rtol=1e-5)


def test_lambda_makes_masks() -> None:
    doubled = layers.Lambda(lambda x: 2 * x, mask=lambda inputs, mask: mask)
    np.testing.assert_array_equal(mask_of(doubled(embedded())), PRESENT)
