"""The labs that compute with NumPy alone: their targets, and their functions beside references."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from etude.labs import find_lab
from etude.labs.running import runner
from etude.labs.running.results import Options, Result


def run(lab: str, engine: str, out: Path, **settings: str) -> Result:
    options = Options(quick=True, engine=engine, out=out, settings=settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return runner.run(find_lab(lab), options, lambda _: None)


def test_the_perceptron_reaches_its_targets(engine, tmp_path):
    result = run("perceptron", engine, tmp_path)
    assert {score.name: score.reached for score in result.scores} == dict.fromkeys(
        find_lab("perceptron").metrics, True
    )
    for name, count in (("AND", 1), ("OR", 3), ("XOR", 2)):
        assert np.sum(result.namespace["tables"][name] == 1) == count
    repeats = result.namespace["first_repeat"]
    x = result.namespace["with_one"](result.namespace["corners"])
    assert repeats(x, result.namespace["tables"]["AND"], 5) is None
    assert repeats(x, result.namespace["tables"]["XOR"], 50) is not None


def test_the_widest_margin_is_the_solution_of_the_quadratic_program(tmp_path):
    optimize = pytest.importorskip("scipy.optimize", reason="the extra `labs` is not installed")
    lab = run("perceptron", "numpy", tmp_path).namespace
    signed = lab["setosa_train"][:, None] * lab["x_one"]  # (N, D)
    # The shortest w with y (w · x) of at least 1: its margin 1 / |w| is the widest.
    outside = {"type": "ineq", "fun": lambda w: signed @ w - 1, "jac": lambda w: signed}
    found = optimize.minimize(
        lambda w: w @ w / 2, 2 * lab["u"] / lab["gamma"], jac=lambda w: w, constraints=[outside]
    )
    assert found.success
    widest = 1 / np.linalg.norm(found.x)
    assert lab["gamma"] <= widest * (1 + 1e-6)
    assert lab["gamma"] == pytest.approx(widest, rel=5e-3)
