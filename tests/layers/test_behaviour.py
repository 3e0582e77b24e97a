"""What single layers promise beyond the table: noise, moments, functions, given weights."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from etude import layers, ops, saving
from etude.errors import DataError, DtypeError, SerializationError, ShapeError

ONES = np.ones((100, 200), "float32")


@pytest.fixture(autouse=True)
def each_engine(engine: str) -> None:
    """Both engines do alike."""


# ---- noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.3, seed=1),
        layers.GaussianDropout(0.3, seed=1),
        layers.GaussianNoise(0.3, seed=1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_noise_keeps_the_mean_and_is_off_outside_training(layer: Any) -> None:
    y = layer(ONES, training=True).numpy()
    assert abs(y.mean() - 1) < 0.02
    assert y.std() > 0.1
    np.testing.assert_array_equal(layer(ONES).numpy(), ONES)
    assert not np.array_equal(layer(ONES, training=True).numpy(), y)


def test_dropout_drops_its_share() -> None:
    y = layers.Dropout(0.25, seed=1)(ONES, training=True).numpy()
    assert abs((y == 0).mean() - 0.25) < 0.01
    np.testing.assert_allclose(y[y > 0], 1 / 0.75, rtol=1e-6)


def test_gaussian_noise_has_its_spread() -> None:
    added = layers.GaussianNoise(0.3, seed=1)(ONES, training=True).numpy() - 1
    assert abs(added.std() - 0.3) < 0.01
    factor = layers.GaussianDropout(0.3, seed=1)(ONES, training=True).numpy()
    assert abs(factor.std() - math.sqrt(0.3 / 0.7)) < 0.01


def test_alpha_dropout_keeps_both_moments() -> None:
    x = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    y = layers.AlphaDropout(0.2, seed=1)(x, training=True).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02


def test_a_seed_repeats_the_noise() -> None:
    a, b = (layers.Dropout(0.5, seed=7)(ONES, training=True).numpy() for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_shared_noise() -> None:
    y = layers.Dropout(0.5, noise_shape=(None, 1), seed=1)(ONES, training=True).numpy()
    assert (y == y[:, :1]).all()
    image = np.ones((4, 5, 6, 50), "float32")
    y = layers.SpatialDropout2D(0.5, seed=1)(image, training=True).numpy()
    assert (y == y[:, :1, :1]).all()
    assert 0 < (y == 0).mean() < 1
    first = layers.SpatialDropout2D(0.5, data_format="channels_first", seed=1)
    y = first(image.transpose(0, 3, 1, 2), training=True).numpy()
    assert (y == y[:, :, :1, :1]).all()


# ---- normalisation ----------------------------------------------------------------------------


def test_batch_normalization_learns_the_moments() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(5.0, 3.0, size=(500, 2)).astype("float32")
    layer = layers.BatchNormalization(momentum=0.5)
    for _ in range(20):
        y = layer(x, training=True).numpy()
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(y.std(axis=0), 1.0, atol=1e-3)
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(axis=0), rtol=1e-3)
    np.testing.assert_allclose(layer(x).numpy(), y, rtol=1e-2, atol=1e-2)


def test_a_frozen_batch_normalization_does_not_learn() -> None:
    layer = layers.BatchNormalization()
    layer(ONES)
    layer.trainable = False
    layer(5 * ONES, training=True)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), 0.0)


def test_normalization_adapts_to_arrays_and_to_batches() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(60, 4)).astype("float32")
    for data in (x, [x[:10], x[10:]], (b for b in (x[:37], x[37:])), ops.convert_to_tensor(x)):
        layer = layers.Normalization()
        layer.adapt(data)
        np.testing.assert_allclose(layer.mean.numpy(), x.mean(axis=0, keepdims=True), rtol=1e-4)
        y = layer(x).numpy()
        np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-5)
        np.testing.assert_allclose(y.std(axis=0), 1.0, rtol=1e-4)
    inverse = layers.Normalization(mean=x.mean(axis=0), variance=x.var(axis=0), invert=True)
    np.testing.assert_allclose(inverse(y).numpy(), x, rtol=1e-3, atol=1e-3)


def test_normalization_takes_pairs_and_forgets_what_it_learnt_before() -> None:
    layer = layers.Normalization(axis=None)
    layer.adapt(ONES)
    layer.adapt([(2 * ONES, ONES), (4 * ONES, ONES)])
    assert float(layer.adapt_mean.numpy()) == 3.0
    assert float(layer.adapt_variance.numpy()) == 1.0


def test_normalization_refuses_data_that_cannot_be() -> None:
    with pytest.raises(DataError, match="empty"):
        layers.Normalization().adapt(iter([]))
    with pytest.raises(DtypeError):
        layers.Normalization().adapt(3)
    with pytest.raises(DtypeError):
        layers.Normalization().adapt(["a", "b"])
    layer = layers.Normalization()
    layer.adapt(ONES)
    with pytest.raises(ShapeError, match="200"):
        layer.adapt(ONES[:, :3])


# ---- embeddings, functions, padding -----------------------------------------------------------


def test_embedding_takes_a_table() -> None:
    table = np.arange(6.0).reshape(3, 2)
    for given in (table, [table]):
        layer = layers.Embedding(3, 2, weights=given)
        np.testing.assert_array_equal(layer(np.array([2, 0])).numpy(), table[[2, 0]])


def test_embedding_takes_ids_of_any_number_type() -> None:
    layer = layers.Embedding(5, 2)
    expected = layer(np.array([1, 4])).numpy()
    for dtype in ("uint8", "int64", "float32"):
        np.testing.assert_array_equal(layer(np.array([1, 4], dtype)).numpy(), expected)


def double(x: Any) -> Any:
    return 2 * x


def test_lambda_is_never_made_of_code_in_a_config() -> None:
    config = json.loads(json.dumps(layers.Lambda(lambda x: 2 * x).get_config()))
    with pytest.raises(SerializationError, match="never"):
        layers.Lambda.from_config(config)
    with saving.custom_object_scope({"double": double}):
        again = layers.Lambda.from_config(layers.Lambda(double).get_config())
    np.testing.assert_array_equal(again(ONES).numpy(), 2 * ONES)


def test_lambda_hands_over_what_the_function_takes() -> None:
    def scaled(x: Any, training: bool | None = None, factor: float = 1.0) -> Any:
        return x * (factor if training else 0.0)

    layer = layers.Lambda(scaled, arguments={"factor": 3.0})
    np.testing.assert_array_equal(layer(ONES, training=True).numpy(), 3 * ONES)
    np.testing.assert_array_equal(layer(ONES).numpy(), 0 * ONES)


def test_lambda_tells_its_shape() -> None:
    assert layers.Lambda(lambda x: x[:, :3]).compute_output_shape((None, 5)) == (None, 3)
    assert layers.Lambda(double, output_shape=(7,)).compute_output_shape((None, 5)) == (None, 7)
    given = layers.Lambda(double, output_shape=lambda shape: (*shape, 1))
    assert given.compute_output_shape((2, 5)) == (2, 5, 1)


def test_causal_convolution_does_not_look_ahead() -> None:
    layer = layers.Conv1D(2, 3, padding="causal")
    x = np.random.default_rng(0).normal(size=(1, 6, 2)).astype("float32")
    before = layer(x).numpy()
    x[:, 4:] += 1
    after = layer(x).numpy()
    np.testing.assert_array_equal(after[:, :4], before[:, :4])
    assert not np.allclose(after[:, 4:], before[:, 4:])


def test_constraints_and_regularizers_reach_the_weights() -> None:
    layer = layers.Conv2D(2, 3, kernel_regularizer="l2", bias_constraint="non_neg")
    layer(np.zeros((1, 5, 5, 1), "float32"))
    assert layer.kernel.regularizer is not None
    assert layer.bias.constraint is not None
    expected = 0.01 * (layer.kernel.numpy() ** 2).sum()
    np.testing.assert_allclose([float(loss) for loss in layer.losses], [expected], rtol=1e-5)


def test_flatten_gives_one_row_for_both_layouts() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    last = layers.Flatten()(x).numpy()
    first = layers.Flatten(data_format="channels_first")(x.transpose(0, 3, 1, 2)).numpy()
    np.testing.assert_array_equal(last, first)
