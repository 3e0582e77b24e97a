from __future__ import annotations

import json

import pytest

from etude.labs.running import standings


def a_run(value: float, target: float = 0.9, **more) -> dict:
    entry = {"value": value, "target": target, "reached": value >= target}
    return {"lab": "small-lab", "engine": "xla", "quick": False, "seed": 0, "seconds": 61.4} | {
        "metrics": {"accuracy": entry},
        "date": "2026-01-02T03:04:05+00:00",
        **more,
    }


@pytest.fixture
def header(write_lab):
    return write_lab()


def test_only_runs_that_changed_nothing_are_compared(header):
    plain = a_run(0.91)
    runs = [
        plain,
        a_run(0.99, changed={"epochs": 100}),
        a_run(0.99, data={"name": "digits", "stand_in_for": "mnist"}),
        a_run(0.99, quick=True),
        a_run(0.99, lab="another"),
        {"lab": "small-lab", "quick": True},
    ]
    assert standings.comparable(header, runs, quick=False) == [plain]
    assert standings.comparable(header, runs, quick=True) == [runs[3], runs[5]]


def test_the_best_run_reached_most_targets_and_then_the_best_value(header):
    runs = [a_run(0.91), a_run(0.95), a_run(0.96, target=0.97), {"lab": "small-lab"}]
    assert standings.best(header, runs) is runs[1]
    assert standings.best(header, runs[2:]) is runs[2]
    assert standings.best(header, []) is None


def test_lower_is_better_where_the_header_says_so(write_lab):
    from tests.labs.conftest import HEADER

    header = write_lab(
        header=HEADER.replace("[metrics.accuracy]", '[metrics.accuracy]\nbetter = "lower"')
    )
    runs = [a_run(0.91), a_run(0.95)]
    assert standings.best(header, runs) is runs[0]


def test_the_page_has_the_latest_run_of_each_engine(header):
    runs = [a_run(0.99), a_run(0.91), a_run(0.8, engine="numpy"), a_run(0.97, changed={"a": 1})]
    rows = [
        line for line in standings.markdown([header], runs).splitlines() if line.startswith("|")
    ]
    assert rows[2:] == [
        "| small-lab | mnist | xla | 0 | accuracy | 0.9100 ✓ | ≥ 0.9 | 1 min 01 s | 2026-01-02 |",
        "| small-lab | mnist | numpy | 0 | accuracy | 0.8000 ✗ | ≥ 0.9 | 1 min 01 s | 2026-01-02 |",
    ]
    assert "no full run yet" in standings.markdown([header], [a_run(0.99, quick=True)])


def test_every_table_row_has_all_columns(header):
    page = standings.markdown([header], [json.loads(json.dumps(a_run(0.5)))])
    assert {line.count("|") for line in page.splitlines() if line.startswith("|")} == {10}
