"""The labs on tables: their targets, their functions beside references, and tables never seen."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from etude import datasets
from etude.errors import DataError, FetchError
from etude.labs import find_lab
from etude.labs.running import runner
from etude.labs.running.results import Options
from tests.labs.runs import quick_run, reached

pytest.importorskip("sklearn", reason="the extra `labs` is not installed")


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


def test_four_tasks_reach_their_targets(lab_engine, out):
    result = quick_run("tabular-mlp", lab_engine, out)
    assert reached(result) == dict.fromkeys(
        ["diabetes_lead", "cancer_lead", "wine_lead", "labels_lead"], True
    )
    kinds = [exhibit.kind for exhibit in result.desk.exhibits]
    assert {"listing", "drawing", "confusion", "model"} <= set(kinds)


@pytest.mark.slow  # the labs train on both engines for it
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
    lab = quick_run("tabular-mlp", "xla", out).namespace
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


@pytest.fixture
def customers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in the form of churn's: 1,500 customers, who leave by contract, tenure and price."""
    rng = np.random.default_rng(3)
    rows = 1500
    contract = rng.choice(["Month-to-month", "One year", "Two year"], rows, p=[0.55, 0.2, 0.25])
    tenure = rng.integers(0, 73, rows).astype(float)
    charges = rng.uniform(18, 120, rows)
    z = 2.0 * (contract == "Month-to-month") - 0.04 * tenure + 0.02 * charges - 2.5
    y = (rng.random(rows) < 1 / (1 + np.exp(-z))).astype(np.int64)
    total = np.where(tenure == 0, np.nan, tenure * charges)
    columns = {"contract": contract, "tenure": tenure, "charges": charges, "total": total}

    def part(rows: slice) -> tuple[dict[str, np.ndarray], np.ndarray]:
        return {name: column[rows] for name, column in columns.items()}, y[rows]

    parts = part(slice(None, 1200)), part(slice(1200, None))
    monkeypatch.setattr(datasets.churn, "load_data", lambda: parts)


@pytest.fixture
def swiss_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    """No banknotes of UCI, and 200 notes in the form of the Swiss ones."""
    rng = np.random.default_rng(4)
    y = np.arange(200) % 2
    x = rng.normal([215, 130, 130, 9, 10, 141.5], 0.4, (200, 6))
    x[:, 3] += 2 * y
    x[:, 5] -= 2 * y

    def fail() -> None:
        raise FetchError("The data set 'banknotes' cannot be had.")

    monkeypatch.setattr(datasets.banknotes, "load_data", fail)
    parts = (x[:160], y[:160]), (x[160:], y[160:])
    monkeypatch.setattr(datasets.swiss_banknotes, "load_data", lambda: parts)


def test_churn_ranks_decides_and_agrees_with_references(customers, lab_engine, out):
    metrics = pytest.importorskip("sklearn.metrics")
    options = Options(quick=True, engine=lab_engine, out=out)
    result = runner.run(find_lab("churn"), options, lambda _: None)
    by_name = {score.name: score.value for score in result.scores}
    assert by_name["roc_auc"] > 0.78 and by_name["area_difference"] < 1e-9
    assert by_name["lead"] > -0.02
    lab = result.namespace
    said = np.round(lab["said"], 2)  # with equal ones among them
    false, true, _ = lab["roc"](lab["y"], said)
    expected = metrics.roc_curve(lab["y"], said, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])
    call = lab["said"] >= 0.5
    counts = metrics.confusion_matrix(lab["y"], call)
    assert lab["cost"](0.5, lab["said"], lab["y"]) == pytest.approx(
        (counts[0, 1] + 5 * counts[1, 0]) / len(call)
    )
    accuracy, recall, precision, _ = lab["at"](0.5, lab["said"], lab["y"])
    assert accuracy == metrics.accuracy_score(lab["y"], call)
    assert recall == metrics.recall_score(lab["y"], call)
    assert precision == metrics.precision_score(lab["y"], call)


def test_churn_shapes_by_training_rows_alone(customers, out):
    lab = runner.run(find_lab("churn"), Options(quick=True, engine="numpy", out=out), str).namespace
    rows = np.arange(100)
    rows = rows[~(lab["columns"]["contract"][rows] == "Two year")]
    shape = lab["fit_shape"](rows)
    made = shape(rows)
    assert made.shape[1] == 3 + 1 + 2, "numbers, one gap, two of three contracts"
    np.testing.assert_allclose(made[:, :2].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(made[:, :2].std(axis=0), 1, atol=1e-5)
    others = np.flatnonzero(lab["columns"]["contract"] == "Two year")[:5]
    assert not shape(others)[:, -2:].any(), "a contract that training never saw"
    counts = [np.bincount(lab["y"][lab["fold"] == k]) for k in range(5)]
    assert np.ptp(counts, axis=0).max() <= 1, "the folds have the same shares"


def test_banknotes_stand_in_and_reach_their_targets(swiss_notes, lab_engine, out):
    result = runner.run(
        find_lab("banknotes"), Options(quick=True, engine=lab_engine, out=out), lambda _: None
    )
    assert set(reached(result).values()) == {True}
    assert result.desk.material.stand_in_for == "banknotes"
    assert all(score.target is not None for score in result.scores)


@pytest.mark.parametrize("lab", ["churn", "banknotes"])
def test_other_labs_take_a_table_with_two_classes(lab, tmp_path):
    path = unseen(tmp_path / "own.csv")
    result = runner.run(
        find_lab(lab), Options(quick=True, data=path, target="fault", out=tmp_path), str
    )
    assert set(reached(result).values()) <= {True, None}
    with pytest.raises(DataError, match="holds 3 classes"):
        runner.run(find_lab(lab), Options(data=path, target="tier", out=tmp_path), str)
