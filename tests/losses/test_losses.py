"""Losses: values and gradients of Keras, weights, masks, configs, names, and bad input."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import keras
import numpy as np
import pytest

import etude
from etude import losses, ops
from etude.errors import ArgumentError, DataError, ShapeError, UnknownNameError

RNG = np.random.default_rng(0)
N, C = 6, 4


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


def probabilities(*shape: int) -> np.ndarray:
    p = RNG.uniform(0.05, 1.0, size=shape)
    return (p / p.sum(-1, keepdims=True)).astype("float32")


def one_hot(labels: np.ndarray) -> np.ndarray:
    return np.eye(C, dtype="float32")[labels]


LABELS = RNG.integers(0, C, N)
UNIT = numbers(N, C)
UNIT /= np.linalg.norm(UNIT, axis=-1, keepdims=True)
BITS = RNG.integers(0, 2, (N, C)).astype("float32")
CHANCES = RNG.uniform(0.05, 0.95, (N, C)).astype("float32")


class Row(NamedTuple):
    name: str  # of the class
    function: str
    y_true: np.ndarray
    y_pred: np.ndarray
    options: dict[str, Any] = {}  # noqa: RUF012


ROWS = [
    Row("MeanSquaredError", "mean_squared_error", numbers(N, C), numbers(N, C)),
    Row("MeanAbsoluteError", "mean_absolute_error", numbers(N, C), numbers(N, C)),
    Row(
        "MeanAbsolutePercentageError",
        "mean_absolute_percentage_error",
        numbers(N, C) + 3,
        numbers(N, C),
    ),
    Row(
        "MeanSquaredLogarithmicError",
        "mean_squared_logarithmic_error",
        abs(numbers(N, C)),
        abs(numbers(N, C)),
    ),
    Row("CosineSimilarity", "cosine_similarity", numbers(N, C), numbers(N, C)),
    Row("CosineSimilarity", "cosine_similarity", numbers(N, C), numbers(N, C), {"axis": 0}),
    Row("Huber", "huber", 2 * numbers(N, C), numbers(N, C)),
    Row("Huber", "huber", 2 * numbers(N, C), numbers(N, C), {"delta": 0.3}),
    Row("LogCosh", "log_cosh", 5 * numbers(N, C), numbers(N, C)),
    Row("Hinge", "hinge", 2 * BITS - 1, numbers(N, C)),
    Row("Hinge", "hinge", BITS, numbers(N, C)),
    Row("SquaredHinge", "squared_hinge", BITS, numbers(N, C)),
    Row("CategoricalHinge", "categorical_hinge", one_hot(LABELS), numbers(N, C)),
    Row("KLDivergence", "kl_divergence", probabilities(N, C), probabilities(N, C)),
    Row("Poisson", "poisson", abs(numbers(N, C)), abs(numbers(N, C)) + 0.1),
    Row("BinaryCrossentropy", "binary_crossentropy", BITS, CHANCES),
    Row("BinaryCrossentropy", "binary_crossentropy", BITS, CHANCES, {"label_smoothing": 0.2}),
    Row(
        "BinaryCrossentropy", "binary_crossentropy", BITS, 9 * numbers(N, C), {"from_logits": True}
    ),
    Row("BinaryFocalCrossentropy", "binary_focal_crossentropy", BITS, CHANCES),
    Row(
        "BinaryFocalCrossentropy",
        "binary_focal_crossentropy",
        BITS,
        numbers(N, C),
        {"from_logits": True, "apply_class_balancing": True, "gamma": 3.0, "alpha": 0.4},
    ),
    Row(
        "CategoricalCrossentropy", "categorical_crossentropy", one_hot(LABELS), probabilities(N, C)
    ),
    Row(
        "CategoricalCrossentropy",
        "categorical_crossentropy",
        one_hot(LABELS),
        9 * numbers(N, C),
        {"from_logits": True, "label_smoothing": 0.1},
    ),
    Row(
        "CategoricalFocalCrossentropy",
        "categorical_focal_crossentropy",
        one_hot(LABELS),
        probabilities(N, C),
        {"alpha": 0.5, "gamma": 1.5},
    ),
    Row(
        "CategoricalFocalCrossentropy",
        "categorical_focal_crossentropy",
        one_hot(LABELS),
        numbers(N, C),
        {"from_logits": True},
    ),
    Row(
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        LABELS,
        probabilities(N, C),
    ),
    Row(
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        LABELS[:, None],
        9 * numbers(N, C),
        {"from_logits": True},
    ),
    Row(
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        np.array([0, -1, 2, 3, -1, 1]),
        numbers(N, C),
        {"from_logits": True, "ignore_class": -1},
    ),
    Row("Dice", "dice", BITS, CHANCES),
    Row("Dice", "dice", BITS, CHANCES, {"axis": 1}),
    Row("Tversky", "tversky", BITS, CHANCES, {"alpha": 0.3, "beta": 0.8, "axis": (1,)}),
    Row("Circle", "circle", np.array([0, 0, 1, 1, 2, 2]), UNIT, {"gamma": 4.0, "margin": 0.3}),
    Row(
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
        LABELS,
        probabilities(N, C),
        {"q": 0.7},
    ),
    Row("CTC", "ctc", RNG.integers(1, C, (N, 3)), numbers(N, 5, C)),
]
IDS = [f"{i}-{row.name}" for i, row in enumerate(ROWS)]


def keras_loss(name: str) -> Any:
    return getattr(keras.losses, name, None) or getattr(
        __import__("keras.src.losses.losses", fromlist=[name]), name
    )


def test_every_loss_has_a_row():
    assert {row.name for row in ROWS} == {
        cls.__name__ for cls in losses.CLASSES if cls is not losses.LossFunctionWrapper
    }


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_equals_keras(engine: str, row: Row):
    expected = keras_loss(row.name)(reduction=None, **row.options)(row.y_true, row.y_pred)
    actual = getattr(losses, row.name)(reduction=None, **row.options)(row.y_true, row.y_pred)
    assert actual.dtype == "float32"
    np.testing.assert_allclose(actual.numpy(), np.asarray(expected), rtol=2e-6, atol=2e-6)
    options = {"gamma": 80, **row.options} if row.name == "Circle" else row.options
    values = getattr(losses, row.function)(row.y_true, row.y_pred, **options)
    np.testing.assert_allclose(values.numpy(), np.asarray(expected), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", None]
)
def test_reductions_equal_keras(engine: str, reduction: str | None):
    y_true, y_pred, weights = numbers(N, 3, C), numbers(N, 3, C), RNG.uniform(0.1, 2.0, (N, 3))
    for weight in (None, weights, weights[:, :1], 2.0):
        expected = keras.losses.MeanAbsoluteError(reduction=reduction)(y_true, y_pred, weight)
        actual = losses.MeanAbsoluteError(reduction=reduction)(y_true, y_pred, weight)
        np.testing.assert_allclose(actual.numpy(), np.asarray(expected), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_gradients_equal_those_of_keras(engine: str, row: Row):
    reference = keras_loss(row.name)(**row.options)
    expected = jax.grad(lambda p: reference(row.y_true, p))(row.y_pred)
    y_pred = ops.convert_to_tensor(row.y_pred)
    with etude.GradientTape() as tape:
        tape.watch(y_pred)
        value = getattr(losses, row.name)(**row.options)(row.y_true, y_pred)
    actual = tape.gradient(value, y_pred)
    np.testing.assert_allclose(actual.numpy(), np.asarray(expected), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_config_round_trip(row: Row):
    loss = getattr(losses, row.name)(reduction="sum", name="mine", **row.options)
    config = losses.serialize(loss)
    reference = keras.losses.serialize(
        keras_loss(row.name)(reduction="sum", name="mine", **row.options)
    )
    assert config["class_name"] == reference["class_name"]
    assert config["module"] == reference["module"]
    assert (
        reference["config"].items()
        <= {
            key: list(v)
            if isinstance(v, tuple) and isinstance(reference["config"].get(key), list)
            else v
            for key, v in config["config"].items()
        }.items()
    )
    again = losses.deserialize(config)
    assert type(again) is type(loss)
    assert losses.serialize(again) == config
    np.testing.assert_array_equal(
        again(row.y_true, row.y_pred).numpy(), loss(row.y_true, row.y_pred).numpy()
    )


@pytest.mark.parametrize(
    "name",
    ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE", "kld", "KLD"]
    + [row.function for row in ROWS[:10]]
    + sorted({row.name for row in ROWS} - {"CategoricalGeneralizedCrossEntropy"}),  # not in Keras
)
def test_names_are_those_of_keras(name: str):
    expected, actual = keras.losses.get(name), losses.get(name)
    assert getattr(actual, "__name__", type(actual).__name__) == getattr(
        expected, "__name__", type(expected).__name__
    )


def test_get_takes_what_keras_takes():
    loss = losses.Huber(delta=2.0)
    assert losses.get(None) is None
    assert losses.get(loss) is loss
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert losses.get({"class_name": "Huber", "config": {"delta": 3.0}}).delta == 3.0
    assert losses.get(losses.serialize(losses.mean_squared_error)) is losses.mean_squared_error
    with pytest.raises(UnknownNameError, match=r"Unknown loss: 'msee'. Did you mean 'mse'"):
        losses.get("msee")
    with pytest.raises(ArgumentError, match="Could not interpret loss identifier: 3"):
        losses.get(3)


def test_mask_and_weights_equal_keras(engine: str):
    y_true, y_pred = numbers(3, 5, 2), numbers(3, 5, 2)
    mask = RNG.uniform(size=(3, 5)) > 0.4
    for reduction in ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"):
        for weight in (None, numbers(3, 5) ** 2, numbers(3, 1) ** 2):
            expected_pred = keras.ops.convert_to_tensor(y_pred)
            expected_pred._keras_mask = keras.ops.convert_to_tensor(mask)
            expected = keras.losses.MeanSquaredError(reduction=reduction)(
                y_true, expected_pred, sample_weight=weight
            )
            actual_pred = ops.convert_to_tensor(y_pred)
            actual_pred._keras_mask = ops.convert_to_tensor(mask)
            actual = losses.MeanSquaredError(reduction=reduction)(
                y_true, actual_pred, sample_weight=weight
            )
            np.testing.assert_allclose(actual.numpy(), np.asarray(expected), rtol=1e-6, atol=1e-6)


def test_everything_masked_is_zero_not_nan(engine: str):
    y_pred = ops.ones((2, 3, 1))
    y_pred._keras_mask = ops.zeros((2, 3), dtype="bool")
    assert float(losses.MeanSquaredError()(np.zeros((2, 3, 1)), y_pred)) == 0.0


def test_ranks_are_aligned(engine: str):
    y_true, y_pred = np.array([1.0, 2.0, 3.0]), np.array([[1.0], [1.0], [1.0]])
    assert float(losses.MeanSquaredError()(y_true, y_pred)) == pytest.approx(5 / 3)
    assert losses.mean_squared_error(y_true, y_pred).shape == (3,)


def test_compute_dtype_is_that_asked_for(engine: str):
    y = np.ones((2, 3), "float64")
    assert losses.MeanSquaredError(dtype="float64")(y, 2 * y).dtype == "float64"
    assert losses.MeanSquaredError(dtype="mixed_float16").dtype == "float16"
    assert losses.MeanSquaredError()(y, 2 * y).dtype == "float32"


def test_extreme_logits_stay_finite(engine: str):
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], "float32")
    y = np.array([[1.0, 0.0], [1.0, 0.0]], "float32")
    bce = losses.BinaryCrossentropy(from_logits=True, reduction="none")(y, logits).numpy()
    cce = losses.CategoricalCrossentropy(from_logits=True, reduction="none")(y, logits).numpy()
    np.testing.assert_allclose(bce, [0.0, 1e4])
    np.testing.assert_allclose(cce, [0.0, 2e4])


def test_nests_of_tensors(engine: str):
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            return ops.abs(y_true["a"] - y_pred["a"]) + ops.abs(y_true["b"] - y_pred["b"])

    y_true = {"a": np.array([1.0, 2.0]), "b": np.array([0.0, 0.0])}
    y_pred = {"a": np.array([1.0, 3.0]), "b": np.array([2.0, 0.0])}
    assert float(Both()(y_true, y_pred)) == 1.5


def test_a_function_becomes_a_loss_and_is_saved_by_name():
    @etude.saving.register_keras_serializable("losses_test")
    def largest(y_true, y_pred, scale=1.0):
        return scale * ops.max(ops.abs(y_true - y_pred), axis=-1)

    loss = losses.LossFunctionWrapper(largest, scale=2.0)
    again = losses.deserialize(losses.serialize(loss))
    assert float(again(np.array([[0.0, 1.0]]), np.array([[0.0, 4.0]]))) == 6.0


def test_bad_reduction():
    with pytest.raises(ArgumentError, match="Invalid value for argument `reduction`"):
        losses.MeanSquaredError(reduction="avg")


@pytest.mark.parametrize("labels", [[0, 4], [-1, 0], [np.nan, 1.0]])
def test_labels_out_of_range(engine: str, labels: list[float]):
    with pytest.raises(DataError, match=r"holds the label .* has 4 classes.*from 0 to 3"):
        losses.SparseCategoricalCrossentropy()(np.array(labels), np.full((2, 4), 0.25))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_labels_in_the_dtype_of_the_loss(engine: str, dtype: str):
    loss = losses.SparseCategoricalCrossentropy(dtype=dtype)
    assert loss(np.array([0, 3]), np.full((2, 4), 0.25)).dtype == dtype


def test_labels_can_be_checked_before_a_program_runs():
    loss = losses.LossFunctionWrapper(losses.sparse_categorical_crossentropy, ignore_class=-1)
    loss.check_targets(np.array([-1, 0, 3]), 4)
    with pytest.raises(DataError, match="holds the label 4"):
        loss.check_targets(np.array([-1, 0, 4]), 4)
    losses.MeanSquaredError().check_targets(np.array([-7.0]), 1)


def test_binary_labels_are_checked_but_noisy_ones_pass():
    loss = losses.BinaryCrossentropy()
    loss.check_targets(np.array([-0.05, 0.5, 1.05]), 1)
    for labels, words in (
        ([0, 1, 2], "sparse_categorical_crossentropy"),
        ([-1.0, 1.0], r"'hinge', or make them 0 and 1"),
        (np.full((1, 2, 2), 255), "Divide them by 255"),
    ):
        with pytest.raises(DataError, match=words):
            loss.check_targets(np.array(labels), 1)
    with pytest.warns(UserWarning, match="between 0 and 1"):
        loss.check_targets(np.array([0.5, 3.7]), 1)


def test_wrong_shapes(engine: str):
    with pytest.raises(ShapeError, match=r"one axis less.*sparse_categorical_crossentropy"):
        losses.CategoricalCrossentropy()(np.array([1, 2]), np.full((2, 4), 0.25))
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 4\)"):
        losses.CategoricalCrossentropy()(np.ones((2, 3)), np.full((2, 4), 0.25))
    with pytest.raises(ShapeError, match=r"`sample_weight` of shape \(3,\)"):
        losses.MeanSquaredError()(np.ones((2, 4)), np.ones((2, 4)), sample_weight=np.ones(3))


def test_a_single_class_is_suspicious():
    with pytest.warns(SyntaxWarning, match="Consider using 'binary_crossentropy'"):
        losses.CategoricalCrossentropy()(np.ones((2, 1)), np.ones((2, 1)))


def test_compiled_equals_eager(engine: str):
    for row in ROWS:
        loss = getattr(losses, row.name)(**row.options)
        compiled = etude.function(loss)(ops.convert_to_tensor(row.y_true), row.y_pred)
        np.testing.assert_allclose(
            compiled.numpy(), loss(row.y_true, row.y_pred).numpy(), rtol=2e-6, atol=1e-6
        )
