"""Labs that train small networks: their targets, and their functions beside closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from etude import datasets
from tests.labs.runs import quick_run, reached

pytest.importorskip("sklearn", reason="the extra `labs` is not installed")

LABS = ("activations-and-initialisation", "feature-engineering", "logistic-regression")


@pytest.fixture(autouse=True)
def clothes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten patterns with noise, in the form of Fashion-MNIST, for machines that cannot have it."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(0, 255, (10, 28, 28))

    def images(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = rng.integers(0, 10, count).astype(np.uint8)
        noisy = 0.4 * patterns[labels] + 0.6 * rng.uniform(0, 255, (count, 28, 28))
        return noisy.astype(np.uint8), labels

    parts = images(1500), images(500)
    monkeypatch.setattr(datasets.fashion_mnist, "load_data", lambda: parts)


@pytest.mark.parametrize("lab", LABS)
def test_a_quick_run_reaches_its_targets(lab, lab_engine, out):
    result = quick_run(lab, lab_engine, out)
    assert False not in reached(result).values()


def test_optimizers_reach_the_targets_that_do_not_depend_on_the_pictures(lab_engine, out):
    result = quick_run("optimizers", lab_engine, out)
    targets = reached(result)
    assert targets["momentum_speedup"] and targets["rules_difference"]
    assert set(result.namespace["results"]) == {*result.namespace["optimizers"], "Adam, cosine"}


def test_steps_in_the_ravine_are_those_of_the_theory(out):
    lab = quick_run("optimizers", "xla", out).namespace
    path = lab["walk"](lab["sgd"], lab["ravine_slope"], (10.0, 1.0), 200, 2 / 101)
    shrunk = np.linalg.norm(path[200]) / np.linalg.norm(path[100])
    assert shrunk == pytest.approx((99 / 101) ** 100, rel=1e-9)
    for point in np.random.default_rng(0).normal(size=(5, 2)):
        steps = 1e-6 * np.eye(2)
        f = lab["rosenbrock"]
        slope = [(f(point + s) - f(point - s)) / 2e-6 for s in steps]
        np.testing.assert_allclose(lab["rosenbrock_slope"](point), slope, rtol=1e-5, atol=1e-5)


def test_the_weights_are_those_of_scikit_learn(out):
    linear = pytest.importorskip("sklearn.linear_model")
    lab = quick_run("logistic-regression", "xla", out).namespace
    reference = linear.LogisticRegression(tol=1e-8, max_iter=10_000)
    reference.fit(lab["x_train"].astype("float64"), lab["y_train"])
    np.testing.assert_allclose(lab["kernel"][:, 0], reference.coef_[0], atol=1e-2)
    says = reference.predict_proba(lab["x_test"].astype("float64"))[:, 1]
    np.testing.assert_allclose(lab["probability"], says, atol=1e-3)
    assert np.all(np.diff(lab["missed"]) <= 0) and np.all(np.diff(lab["alarms"]) >= 0)


def test_features_by_hand_make_the_worlds_linear(out):
    linear = pytest.importorskip("sklearn.linear_model")
    lab = quick_run("feature-engineering", "xla", out).namespace
    for name, (x, y) in lab["test"].items():
        raw = linear.LogisticRegression().fit(x, y).score(x, y)
        known = lab["features"](name, x)
        assert raw < 0.75 < 0.98 < linear.LogisticRegression(C=100).fit(known, y).score(known, y)
    assert lab["known"] > 0.95  # the law of the spirals holds beyond the points it was seen on


def test_signals_keep_or_lose_their_size_as_the_theory_says(out):
    lab = quick_run("activations-and-initialisation", "xla", out).namespace
    small, large = lab["sizes"]["ReLU, 0.01"], lab["sizes"]["ReLU, 0.5"]
    # With n inputs, ReLU and weights of size s, the factor per layer is s √(n / 2).
    for sizes, weight in ((small, 0.01), (large, 0.5)):
        factor = (sizes[-1] / sizes[0]) ** (1 / (len(sizes) - 1))
        assert factor == pytest.approx(weight * np.sqrt(64 / 2), rel=0.15)
    assert lab["dead"]["leaky ReLU"] == [0, 0, 0, 0]
    assert lab["dead"]["ReLU"][0] == 0 < max(lab["dead"]["ReLU"])
