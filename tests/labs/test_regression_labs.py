"""The labs of linear and logistic regression: their targets, and their functions beside others."""

from __future__ import annotations

import numpy as np
import pytest

from etude import datasets
from tests.labs.runs import quick_run, reached

pytest.importorskip("sklearn", reason="the extra `labs` is not installed")


@pytest.fixture(autouse=True)
def cars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers in the form of the real cars, for machines that cannot have these."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=(120, 1))
    measured = size + 0.4 * rng.normal(size=(120, 6))
    x = np.hstack([measured, np.eye(3)[rng.integers(0, 3, 120)]])
    y = 23 - 5 * size[:, 0] + x[:, 8] + rng.normal(size=120)
    parts = (x[:90], y[:90]), (x[90:], y[90:])
    monkeypatch.setattr(datasets.auto_mpg, "load_data", lambda: parts)


def test_linear_regression_reaches_its_targets(lab_engine, out):
    result = quick_run("linear-regression", lab_engine, out)
    assert False not in reached(result).values()
    assert len(result.desk.exhibits) == 8


def test_the_closed_form_is_scikit_learns_and_its_gradient_that_of_differences(out):
    linear = pytest.importorskip("sklearn.linear_model")
    lab = quick_run("linear-regression", "xla", out).namespace
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    w, b = lab["closed_form"](x, y)
    reference = linear.LinearRegression().fit(x, y)
    np.testing.assert_allclose(w, reference.coef_, rtol=1e-10)
    assert b == pytest.approx(reference.intercept_)

    w, b = rng.normal(size=4), 0.3
    dw, db = lab["gradient"](x, y, w, b)
    for i, step in enumerate(1e-6 * np.eye(4)):
        above, below = lab["loss"](x, y, w + step, b), lab["loss"](x, y, w - step, b)
        assert dw[i] == pytest.approx((above - below) / 2e-6, abs=1e-7)
    above, below = lab["loss"](x, y, w, b + 1e-6), lab["loss"](x, y, w, b - 1e-6)
    assert db == pytest.approx((above - below) / 2e-6, abs=1e-7)


def test_of_many_best_weights_descent_and_formula_find_the_shortest(out):
    lab = quick_run("linear-regression", "xla", out).namespace
    x, y = lab["x"], lab["y"]
    assert np.linalg.matrix_rank(x) == x.shape[1] - 1  # the three origins
    shortest = np.linalg.pinv(x) @ y
    np.testing.assert_allclose(lab["exact_w"], shortest, atol=1e-10)
    np.testing.assert_allclose(lab["kernel"][:, 0], shortest, atol=1e-4)
    np.testing.assert_allclose(lab["tape_w"], shortest, atol=1e-4)


def test_descent_keeps_to_the_rate_that_the_condition_number_promises(out):
    lab = quick_run("linear-regression", "xla", out).namespace
    distance, kappa, _, _ = lab["descents"]["diabetes"]
    assert kappa == pytest.approx(np.linalg.cond(lab["d"]) ** 2)
    late = (distance[4000] / distance[2000]) ** (1 / 2000)
    assert late == pytest.approx((kappa - 1) / (kappa + 1), rel=1e-4)
