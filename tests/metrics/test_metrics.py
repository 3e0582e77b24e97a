"""Metrics: results and state of Keras over batches, configs, names, masks, and bad input."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest

import etude
from etude import metrics, ops
from etude.errors import ArgumentError, ShapeError, StateError, UnknownNameError

RNG = np.random.default_rng(0)
B, N, C = 3, 8, 5  # batches, samples, classes


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=(B, *shape)).astype("float32")


def chances(*shape: int) -> np.ndarray:
    return RNG.uniform(0.02, 0.98, size=(B, *shape)).astype("float32").round(2)


def bits(*shape: int) -> np.ndarray:
    return RNG.integers(0, 2, (B, *shape)).astype("float32")


LABELS = RNG.integers(0, C, (B, N))
HOT = np.eye(C, dtype="float32")[LABELS]
SCORES = chances(N, C)
PROBABILITIES = SCORES / SCORES.sum(-1, keepdims=True)


class Row(NamedTuple):
    name: str
    y_true: np.ndarray  # B batches of it
    y_pred: np.ndarray
    options: dict[str, Any] = {}  # noqa: RUF012
    weighted: bool = True


ROWS = [
    Row("Accuracy", LABELS, RNG.integers(0, C, (B, N))),
    Row("BinaryAccuracy", bits(N, 2), chances(N, 2)),
    Row("BinaryAccuracy", bits(N), chances(N), {"threshold": 0.7}),
    Row("CategoricalAccuracy", HOT, SCORES),
    Row("SparseCategoricalAccuracy", LABELS, SCORES),
    Row("SparseCategoricalAccuracy", LABELS[..., None], SCORES),
    Row("TopKCategoricalAccuracy", HOT, SCORES, {"k": 2}),
    Row("SparseTopKCategoricalAccuracy", LABELS, SCORES, {"k": 2}),
    Row(
        "SparseTopKCategoricalAccuracy",
        LABELS,
        np.argsort(-SCORES, axis=-1),
        {"k": 2, "from_sorted_ids": True},
    ),
    Row("MeanSquaredError", numbers(N, C), numbers(N, C)),
    Row("RootMeanSquaredError", numbers(N, C), numbers(N, C)),
    Row("MeanAbsoluteError", numbers(N), numbers(N, 1), weighted=False),
    Row("MeanAbsolutePercentageError", numbers(N, C) + 4, numbers(N, C)),
    Row("MeanSquaredLogarithmicError", abs(numbers(N, C)), abs(numbers(N, C))),
    Row("CosineSimilarity", numbers(N, C), numbers(N, C)),
    Row("LogCoshError", numbers(N, C), numbers(N, C)),
    Row("R2Score", numbers(N, 2), numbers(N, 2)),
    Row("R2Score", numbers(N, 2), numbers(N, 2), {"class_aggregation": None}),
    Row(
        "R2Score",
        numbers(N, 2),
        numbers(N, 2),
        {"class_aggregation": "variance_weighted_average", "num_regressors": 3},
    ),
    Row("PearsonCorrelation", numbers(N, C), numbers(N, C)),
    Row("ConcordanceCorrelation", numbers(N, C), numbers(N, C), {"axis": -1}),
    Row("Hinge", bits(N, C), numbers(N, C)),
    Row("SquaredHinge", bits(N, C), numbers(N, C)),
    Row("CategoricalHinge", HOT, SCORES),
    Row("KLDivergence", HOT, PROBABILITIES),
    Row("Poisson", abs(numbers(N, C)), chances(N, C)),
    Row("BinaryCrossentropy", bits(N, C), numbers(N, C), {"from_logits": True}),
    Row("CategoricalCrossentropy", HOT, PROBABILITIES, {"label_smoothing": 0.1}),
    Row("SparseCategoricalCrossentropy", LABELS, numbers(N, C), {"from_logits": True}),
    Row("TruePositives", bits(N), chances(N)),
    Row("FalsePositives", bits(N, 2), chances(N, 2), {"thresholds": [0.2, 0.7]}),
    Row("TrueNegatives", bits(N), chances(N), {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}),
    Row("FalseNegatives", bits(N), chances(N), {"thresholds": 0.6}),
    Row("Precision", bits(N), chances(N)),
    Row("Precision", HOT, SCORES, {"top_k": 2}),
    Row("Precision", HOT, SCORES, {"class_id": 1, "thresholds": [0.3, 0.6]}),
    Row("Recall", bits(N), chances(N)),
    Row("Recall", HOT, SCORES, {"top_k": 3, "class_id": 2}),
    Row("SensitivityAtSpecificity", bits(N), chances(N), {"specificity": 0.5}),
    Row("SpecificityAtSensitivity", bits(N), chances(N), {"sensitivity": 0.5}),
    Row("PrecisionAtRecall", bits(N), chances(N), {"recall": 0.6, "num_thresholds": 20}),
    Row("RecallAtPrecision", bits(N), chances(N), {"precision": 0.6, "num_thresholds": 1}),
    Row("AUC", bits(N), chances(N)),
    Row("AUC", bits(N), chances(N), {"curve": "PR"}),
    Row("AUC", bits(N), chances(N), {"curve": "PRGAIN", "num_thresholds": 10}),
    Row("AUC", bits(N), chances(N), {"curve": "PR", "summation_method": "majoring"}),
    Row("AUC", bits(N), numbers(N), {"summation_method": "minoring", "from_logits": True}),
    Row("AUC", bits(N), chances(N), {"thresholds": [0.3, 0.5, 0.9]}),
    Row("AUC", bits(N, 3), chances(N, 3), {"multi_label": True}, weighted=False),
    Row(
        "AUC",
        bits(N, 3),
        chances(N, 3),
        {"multi_label": True, "num_labels": 3, "label_weights": [0.5, 1.0, 2.0], "curve": "PR"},
        weighted=False,
    ),
    Row("F1Score", HOT, SCORES),
    Row("F1Score", HOT, SCORES, {"average": "weighted"}),
    Row(
        "FBetaScore", bits(N, C), chances(N, C), {"beta": 2.0, "threshold": 0.4, "average": "micro"}
    ),
    Row("FBetaScore", bits(N, C), chances(N, C), {"beta": 0.5, "average": "macro"}),
    Row("IoU", LABELS, RNG.integers(0, C, (B, N)), {"num_classes": C, "target_class_ids": [0, 2]}),
    Row("BinaryIoU", bits(N, 2), chances(N, 2), {"threshold": 0.4}, weighted=False),
    Row("MeanIoU", LABELS, RNG.integers(0, C, (B, N)), {"num_classes": C, "ignore_class": 1}),
    Row("OneHotIoU", HOT, SCORES, {"num_classes": C, "target_class_ids": [1, 3]}),
    Row("OneHotMeanIoU", HOT, SCORES, {"num_classes": C}),
]
IDS = [f"{i}-{row.name}" for i, row in enumerate(ROWS)]
REDUCTIONS = ("Mean", "Sum", "MeanMetricWrapper")

# Keras's own Variables do not know NumPy's newest argument.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def test_every_metric_has_a_row():
    assert {row.name for row in ROWS} | set(REDUCTIONS) == {cls.__name__ for cls in metrics.CLASSES}


def weights(row: Row) -> list[Any]:
    if not row.weighted:
        return [None] * B
    # Counts of regions are integers, and so are their weights.
    kind = "int32" if "IoU" in row.name else "float32"
    return list(RNG.integers(1, 4, (B, N)).astype(kind))


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_results_and_state_equal_keras(engine: str, row: Row):
    for batches in ([None] * B, weights(row)):
        expected = getattr(keras.metrics, row.name)(name="mine", **row.options)
        actual = getattr(metrics, row.name)(name="mine", **row.options)
        for y_true, y_pred, weight in zip(row.y_true, row.y_pred, batches, strict=True):
            expected.update_state(y_true, y_pred, sample_weight=weight)
            actual.update_state(y_true, y_pred, sample_weight=weight)
            np.testing.assert_allclose(
                ops.convert_to_numpy(actual.result()),
                np.asarray(expected.result()),
                rtol=3e-6,
                atol=1e-6,
            )
        assert [v.path for v in actual.variables] == [v.path for v in expected.variables]
        for a, e in zip(actual.variables, expected.variables, strict=True):
            assert a.dtype == e.dtype
            np.testing.assert_allclose(a.numpy(), np.asarray(e), rtol=3e-6, atol=1e-6)
        actual.reset_state()
        assert all((v.numpy() == 0).all() for v in actual.variables)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_config_round_trip(row: Row):
    metric = getattr(metrics, row.name)(name="mine", **row.options)
    config = metrics.serialize(metric)
    again = metrics.deserialize(config)
    assert type(again) is type(metric)
    assert metrics.serialize(again) == config
    if row.options.get("label_weights") is None:  # a tensor in Keras's config
        theirs = keras.metrics.serialize(
            getattr(keras.metrics, row.name)(name="mine", **row.options)
        )
        assert (config["module"], config["class_name"]) == (theirs["module"], theirs["class_name"])
        assert theirs["config"].items() <= config["config"].items()
    for m in (metric, again):
        m.update_state(row.y_true[0], row.y_pred[0])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(metric.result()), ops.convert_to_numpy(again.result())
    )


def test_compiled_equals_eager():
    etude.config.set_engine("xla")
    for row in ROWS:
        eager, fast = (getattr(metrics, row.name)(**row.options) for _ in range(2))
        eager.update_state(row.y_true[0], row.y_pred[0])
        if not fast.variables or len(fast.variables) < len(eager.variables):
            fast.update_state(row.y_true[0], row.y_pred[0])  # makes its state
            fast.reset_state()

        def run(y: Any, p: Any, m: Any = fast) -> Any:
            m.update_state(y, p)
            return ops.convert_to_tensor(m.result())

        result = etude.function(run)(row.y_true[0], row.y_pred[0])
        np.testing.assert_allclose(
            result.numpy(), ops.convert_to_numpy(eager.result()), rtol=3e-6, atol=1e-6
        )


# Those that can be made without arguments.
FREE = [
    name
    for name, cls in metrics.NAMES.items()
    if not {"fn", "num_classes", "recall", "precision", "sensitivity", "specificity"}
    & set(inspect.signature(cls).parameters)
]


@pytest.mark.parametrize("name", FREE)
def test_names_are_those_of_keras(name: str):
    expected, actual = keras.metrics.get(name), metrics.get(name)
    assert type(actual).__name__ == type(expected).__name__
    assert actual.name.rstrip("_0123456789") == expected.name.rstrip("_0123456789")


def test_get_takes_what_keras_takes():
    metric = metrics.Precision()
    assert metrics.get(None) is None
    assert metrics.get(metric) is metric
    assert isinstance(metrics.get(metrics.Recall), metrics.Recall)
    assert metrics.get(metrics.categorical_accuracy) is metrics.categorical_accuracy
    assert metrics.get({"class_name": "AUC", "config": {"curve": "PR"}}).curve == "PR"
    with pytest.raises(
        UnknownNameError, match=r"Unknown metric: 'acuracy'. Did you mean 'accuracy'"
    ):
        metrics.get("acuracy")
    with pytest.raises(ArgumentError, match="Could not interpret metric identifier: 3"):
        metrics.get(3)


# ---- means and sums -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (4,), (4, 3), (4, 3, 2)])
@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_reductions_equal_keras(engine: str, name: str, shape: tuple[int, ...]):
    values = RNG.normal(size=shape).astype("float32")
    candidates = [None, 2.0, RNG.uniform(size=shape[:1]), RNG.uniform(size=shape[:2])]
    for weight in candidates if shape else candidates[:2]:
        expected, actual = getattr(keras.metrics, name)(), getattr(metrics, name)()
        for _ in range(2):
            expected.update_state(values, weight)
            actual.update_state(values, weight)
        np.testing.assert_allclose(float(actual.result()), float(expected.result()), rtol=1e-6)


def test_mean_before_the_first_value_is_zero(engine: str):
    assert float(metrics.Mean().result()) == 0.0


def test_masks_are_honoured(engine: str):
    y_pred = ops.array([[1.0], [2.0], [5.0]])
    y_pred._keras_mask = ops.array([True, True, False])
    metric = metrics.MeanSquaredError()
    metric.update_state(np.zeros((3, 1)), y_pred)
    assert float(metric.result()) == 2.5


def test_a_function_becomes_a_metric_and_is_saved_by_name(engine: str):
    @etude.saving.register_keras_serializable("metrics_test")
    def largest(y_true, y_pred, scale=1.0):
        return scale * ops.max(ops.abs(y_true - y_pred), axis=-1)

    metric = metrics.MeanMetricWrapper(largest, name="largest", scale=2.0)
    again = metrics.deserialize(metrics.serialize(metric))
    assert float(again(np.array([[0.0, 1.0]]), np.array([[0.0, 4.0]]))) == 6.0
    assert again.name == "largest"


def test_dtype(engine: str):
    metric = metrics.Mean(dtype="float64")
    metric.update_state(np.array([0.1, 0.2]))
    assert metric.total.dtype == "float64"
    assert float(metric.result()) == pytest.approx(0.15, rel=1e-12)


def test_uint8_labels_of_many_classes(engine: str):
    scores = np.zeros((1, 300), "float32")
    scores[0, 299] = 1.0
    assert float(metrics.SparseCategoricalAccuracy()(np.array([299 - 256], "uint8"), scores)) == 0.0


# ---- own metrics --------------------------------------------------------------------------------


def test_state_in_attributes_and_inner_metrics_is_found(engine: str):
    class Spread(metrics.Metric):
        def __init__(self, name="spread"):
            super().__init__(name=name)
            self.mean = metrics.Mean(name="inner")
            self.count = self.add_weight(name="count", initializer="zeros")
            self.top = etude.Variable(0.0, trainable=False, name="top")

        def update_state(self, values, sample_weight=None):
            self.mean.update_state(values)
            self.count.assign_add(1)
            self.top.assign(ops.maximum(self.top, ops.max(values)))

        def result(self):
            return {"mean": self.mean.result(), "top": self.top.value, "count": self.count.value}

    metric = Spread()
    result = metric([1.0, 5.0])
    assert {k: float(v) for k, v in result.items()} == {"mean": 3.0, "top": 5.0, "count": 1.0}
    assert [v.name for v in metric.variables] == ["count", "top", "total", "count"]
    metric.reset_state()
    assert all(v.numpy() == 0 for v in metric.variables)


def test_state_in_lists_and_dictionaries_is_found():
    metric = metrics.Mean()
    metric.parts = {"a": [metrics.Mean(), metrics.Sum()], "b": etude.Variable(0.0)}
    metric.again = metric.parts["b"]
    assert len(metric.variables) == 2 + 1 + 2 + 1


def test_forgotten_super_is_named():
    class Forgetful(metrics.Metric):
        def __init__(self):
            self.total = self.add_variable((), "zeros")

    with pytest.raises(StateError, match=r"In metric 'Forgetful', you forgot"):
        Forgetful()


def test_stateless_calls_change_nothing(engine: str):
    metric = metrics.Mean()
    metric.update_state([7.0])
    new = metric.stateless_update_state([ops.array(2.0), ops.array(1.0)], [4.0])
    assert [float(v) for v in new] == [6.0, 2.0]
    assert float(metric.stateless_result(new)) == 3.0
    assert [float(v) for v in metric.stateless_reset_state()] == [0.0, 0.0]
    assert float(metric.result()) == 7.0
    with pytest.raises(ArgumentError, match="Received list with length 1, but expected 2"):
        metric.stateless_result([1.0])


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), r"must be in \[0, 1\]. Received: \[1.5"),
        (lambda: metrics.AUC(curve="abc"), 'Invalid AUC curve value: "abc"'),
        (lambda: metrics.AUC(summation_method="abc"), "Invalid AUC summation method value"),
        (lambda: metrics.AUC(num_thresholds=1), "must be an integer > 1"),
        (lambda: metrics.AUC(num_labels=2), "needed only when `multi_label` is True"),
        (
            lambda: metrics.PrecisionAtRecall(1.5),
            r"Argument `recall` must be in the range \[0, 1\]",
        ),
        (lambda: metrics.PrecisionAtRecall(0.5, 0), "must be an integer > 0"),
        (lambda: metrics.F1Score(average="mean"), "Invalid `average` argument value"),
        (lambda: metrics.FBetaScore(beta=1), "It should be a Python float"),
        (lambda: metrics.FBetaScore(beta=-1.0), "It should be > 0"),
        (lambda: metrics.F1Score(threshold=2.0), "should verify 0 < threshold <= 1"),
        (lambda: metrics.IoU(2, [2]), "Target class id 2 is out of range"),
        (lambda: metrics.R2Score(class_aggregation="sum"), "argument `class_aggregation`"),
        (lambda: metrics.R2Score(num_regressors=-1), "argument `num_regressors`"),
    ],
)
def test_bad_arguments(make: Any, message: str):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("metric", "shapes", "message"),
    [
        (metrics.Precision(), ((3,), (4,)), "incompatible"),
        (metrics.Precision(class_id=1), ((3,), (3,)), "y_pred must be a 2D array"),
        (metrics.R2Score(), ((3, 2, 1), (3, 2, 1)), "R2Score expects 2D inputs"),
        (metrics.F1Score(), ((3,), (3,)), "FBetaScore expects 2D inputs"),
        (metrics.AUC(multi_label=True), ((3,), (3,)), "must have rank 2 when `multi_label=True`"),
    ],
)
def test_wrong_shapes(metric: Any, shapes: Any, message: str):
    with pytest.raises(ShapeError, match=message):
        metric.update_state(np.ones(shapes[0]), np.ones(shapes[1]))


def test_adjusted_r2_without_enough_samples_falls_back(engine: str):
    y_true, y_pred = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]])
    plain, adjusted = metrics.R2Score(), metrics.R2Score(num_regressors=5)
    plain.update_state(y_true, y_pred)
    adjusted.update_state(y_true, y_pred)
    with pytest.warns(UserWarning, match="Falling back to standard R2"):
        assert float(adjusted.result()) == float(plain.result()) == 0.5


def test_float_weights_of_integer_counts_warn(engine: str):
    with pytest.warns(UserWarning, match="You are passing weight as `float`"):
        metrics.MeanIoU(2).update_state([0, 1], [0, 1], sample_weight=np.array([0.5, 1.5]))
