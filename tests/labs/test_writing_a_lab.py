"""The lab that docs/writing-a-lab.md shows is one that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from etude.labs.running import runner
from etude.labs.running.header import Header, read_header
from etude.labs.running.results import Options

GUIDE = Path(__file__).parents[2] / "docs" / "writing-a-lab.md"


@pytest.fixture
def shown(tmp_path: Path) -> Header:
    [code] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "my_first_lab.py"
    path.write_text(code, encoding="utf-8")
    return read_header(path)


@pytest.mark.parametrize("quick", [False, True])
def test_the_lab_of_the_guide_reaches_its_targets(shown, engine, quick, tmp_path):
    result = runner.run(shown, Options(quick=quick, engine=engine, out=tmp_path), lambda _: None)
    assert [score.reached for score in result.scores] == [True]
    assert result.report.is_file()


def test_the_guide_names_every_way_to_show_something():
    from etude.labs import Desk

    text = GUIDE.read_text(encoding="utf-8")
    ways = [name for name in vars(Desk) if name.startswith("show_")]
    assert [name for name in ways if f"lab.{name}(" not in text] == []
