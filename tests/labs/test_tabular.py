"""The labs on tables: their targets, their functions beside references, and tables never seen."""

from __future__ import annotations

import csv
import functools
import warnings
from pathlib import Path

import numpy as np
import pytest

from etude.labs import find_lab
from etude.labs.running import runner
from etude.labs.running.results import Options, Result

pytest.importorskip("sklearn", reason="the extra `labs` is not installed")


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("reports")


@functools.cache
def quick_run(lab: str, engine: str, out: Path) -> Result:
    """One run serves all tests that only look at what it left."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        options = Options(quick=True, engine=engine, out=out)
        return runner.run(find_lab(lab), options, lambda _: None)


def reached(result: Result) -> dict[str, bool | None]:
    return {score.name: score.reached for score in result.scores}


def unseen(path: Path, rows: int = 400) -> Path:
    """A table with mixed columns, gaps, an identifier and a constant."""
    rng = np.random.default_rng(7)
    age = rng.integers(18, 80, rows)
    city = rng.choice(["Köln", "Ulm", "Bonn"], rows, p=[0.6, 0.3, 0.1])
    member = rng.choice(["yes", "no"], rows)
    score = 0.05 * age + 2 * (city == "Ulm") + np.where(member == "yes", 1, -1)
    score += 0.3 * rng.normal(size=rows)
    tier = np.array(["bronze", "silver", "gold"])[
        np.digitize(score, np.quantile(score, [0.4, 0.8]))
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["id", "age", "city", "member", "country", "score", "tier", "fault"])
        for i in range(rows):
            known = age[i] if i % 17 else "NA"
            number = f"{score[i]:.3f}".replace(".", ",")
            fault = "broken" if score[i] > 4 else "whole"
            table.writerow([i, known, city[i], member[i], "DE", number, tier[i], fault])
    return path


def test_four_tasks_reach_their_targets(engine, out):
    result = quick_run("tabular-mlp", engine, out)
    assert reached(result) == dict.fromkeys(
        ["diabetes_lead", "cancer_lead", "wine_lead", "labels_lead"], True
    )
    kinds = [exhibit.kind for exhibit in result.desk.exhibits]
    assert {"listing", "drawing", "confusion", "model"} <= set(kinds)


def test_engines_agree_on_the_four_tasks(out):
    pytest.importorskip("jax", reason="the engine xla needs jax")
    said = [quick_run("tabular-mlp", e, out).namespace["found"] for e in ("numpy", "xla")]
    for name in said[0]:
        np.testing.assert_allclose(said[0][name][1], said[1][name][1], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("target", ["score", "fault"])
def test_a_table_never_seen_beats_its_baseline(target, tmp_path):
    options = Options(quick=True, data=unseen(tmp_path / "own.csv"), target=target, out=tmp_path)
    result = runner.run(find_lab("tabular-mlp"), options, lambda _: None)
    assert reached(result) == {"own_skill": True}
    assert result.scores[0].value > 0.3
    page = result.report.read_text(encoding="utf-8")
    assert "Which columns count" in page and "identifier" in page and "constant" in page


def test_losses_and_shares_are_those_of_scikit_learn(out):
    metrics = pytest.importorskip("sklearn.metrics")
    lab = quick_run("tabular-mlp", "numpy", out).namespace
    rng = np.random.default_rng(0)
    y, numbers = rng.integers(0, 3, 50), rng.normal(size=50)
    classes, sure = rng.dirichlet(np.ones(3), 50), rng.random((50, 1))
    loss, right = lab["loss_of"], lab["share_right"]
    assert loss("classes", classes, y) == pytest.approx(metrics.log_loss(y, classes))
    assert loss("binary", sure, (y > 0).astype(int)) == pytest.approx(
        metrics.log_loss(y > 0, sure[:, 0])
    )
    assert right("regression", sure, numbers) == pytest.approx(metrics.r2_score(numbers, sure))
    assert right("classes", classes, y) == metrics.accuracy_score(y, classes.argmax(axis=1))
    guess = lab["baseline"]("classes", y, 4)
    assert guess.shape == (4, 3) and np.allclose(guess[0], np.bincount(y) / 50)
