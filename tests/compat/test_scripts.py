"""Scripts in the manner of course material run unchanged, and say what they say on Keras itself.

`recorded.json` holds the facts of real Keras; `record.py` made it.
"""

import json

import pytest
from typer.testing import CliRunner

from etude.cli.app import app
from tests.compat.record import RECORDED, SCRIPTS, facts

EXPECTED = json.loads(RECORDED.read_text())


@pytest.mark.filterwarnings("default")  # a script's own
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_runs_unchanged_and_agrees_with_keras(script, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")

    result = CliRunner().invoke(app, ["exec", "--engine", "numpy", "--seed", "1", str(script)])

    assert result.exit_code == 0, result.output + result.stderr
    assert facts(result.stdout) == EXPECTED[script.name]


def test_every_script_was_recorded():
    assert set(EXPECTED) == {script.name for script in SCRIPTS}
    assert len(SCRIPTS) >= 20
    assert all(EXPECTED.values())
