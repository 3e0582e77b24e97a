"""`etude run all`, on labs that take no time."""

from __future__ import annotations

import json

import pytest

from etude.cli import labs
from etude.labs.running.header import read_header

pytestmark = pytest.mark.usefixtures("three_labs")


@pytest.fixture
def three_labs(small_lab, monkeypatch):
    """One lab that reaches only its quick target, one that fails, one without its data."""
    text = small_lab.read_text().replace("lab.load_data()\n", "")
    headers = []
    for name, body in (
        ("good", text),
        ("broken", text + "1 / 0\n"),
        ("missing", text + "raise FetchError('The data set [x] cannot be had.')\n"),
    ):
        path = small_lab.parent / f"{name}.py"
        path.write_text(
            body.replace('"small-lab"', f'"{name}"').replace(
                "import sys\n", "import sys\nfrom etude.errors import FetchError\n"
            )
        )
        headers.append(read_header(path))
    monkeypatch.setattr(labs, "catalog", lambda: headers)
    return headers


def test_a_lab_that_fails_keeps_no_other_from_running(etude):
    ended = etude("run", "all", "--quick", "--engine", "numpy")
    assert ended.status == 1
    rows = {line.split()[0]: line for line in ended.out.splitlines()}
    assert "0.7000 ✓" in rows["good"]
    assert "numpy" in rows["good"]
    assert "failed, status 1" in rows["broken"]
    assert "ZeroDivisionError" in rows["broken"]
    assert "no data" in rows["missing"]
    assert "[x] cannot be had" in rows["missing"]
    assert [line.split()[0] for line in ended.err.splitlines()] == ["1/3", "2/3", "3/3"]


def test_json_has_one_line_with_all_labs(etude, three_labs, monkeypatch):
    monkeypatch.setattr(labs, "catalog", lambda: three_labs[::2])
    ended = etude("run", "all", "--json", "--seed", 3, "--engine", "numpy")
    assert ended.status == 3, "data that cannot be had are no fault"
    assert ended.out.count("\n") == 1
    good, missing = json.loads(ended.out)["labs"]
    assert (good["lab"], good["seed"], good["quick"]) == ("good", 3, False)
    assert missing["lab"] == "missing"
    assert missing["status"] == 3


def test_a_missed_target_counts_where_it_is_required(etude, three_labs, monkeypatch):
    monkeypatch.setattr(labs, "catalog", lambda: three_labs[:1])
    assert etude("run", "all", "--engine", "numpy").status == 0
    assert etude("run", "all", "--engine", "numpy", "--require-target").status == 4
    assert etude("run", "all", "--engine", "numpy", "--require-target", "--quick").status == 0


def test_options_for_one_lab_are_refused_for_all(etude):
    ended = etude("run", "all", "--epochs", 3, "--data", "x.csv", "--target", "y")
    assert ended.status == 2
    assert "--epochs, --data, --target: what is right for one lab" in ended.err
