from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from etude import labs
from etude.errors import ArgumentError, EngineError, UnknownNameError
from etude.labs.running import record, runner
from etude.labs.running.desk import Desk
from etude.labs.running.results import Options

KEYS = {"lab", "engine", "seed", "quick", "seconds", "metrics", "report", "data"}


def silent(heading: str) -> None:
    pass


def test_a_run_gives_scores_a_report_and_a_record(write_lab, small_mnist, tmp_path):
    said: list[str] = []
    options = Options(engine="numpy", seed=3, out=tmp_path / "r")
    result = runner.run(write_lab(), options, said.append)
    assert said == ["Start"]
    found = result.as_dict()
    assert found.keys() == KEYS
    assert (found["lab"], found["engine"], found["seed"]) == ("small-lab", "numpy", 3)
    assert found["metrics"] == {"accuracy": {"value": 0.95, "target": 0.9, "reached": True}}
    assert found["data"]["name"] == "mnist"
    assert Path(found["report"]).is_file()
    last = record.results()[-1]
    assert last["changed"] == {}
    assert {key: last[key] for key in KEYS} == json.loads(json.dumps(found))


def test_quick_runs_have_the_quick_target(write_lab, small_mnist):
    result = runner.run(write_lab(accuracy=0.6), Options(quick=True), silent)
    assert result.scores[0].target == 0.5
    assert not result.missed
    assert runner.run(write_lab(accuracy=0.6), Options(), silent).missed


def test_a_stand_in_has_its_own_target_and_is_named(write_lab, no_mnist, capsys):
    result = runner.run(write_lab(accuracy=0.3), Options(), silent)
    assert result.scores[0].target == 0.25
    assert result.as_dict()["data"]["stand_in_for"] == "mnist"
    assert capsys.readouterr().out.count("cannot be had") == 1
    assert "A stand-in was used" in result.report.read_text(encoding="utf-8")
    quick = runner.run(write_lab(accuracy=0.2), Options(quick=True), silent)
    assert quick.scores[0].target == 0.1
    assert not quick.missed


def test_quick_runs_on_a_stand_in_have_a_target_only_where_quick_ones_have(write_lab, no_mnist):
    from tests.labs.conftest import HEADER

    header = HEADER.replace("quick = 0.5, ", "").replace(", stand_in_quick = 0.1", "")
    lab = write_lab(header=header, accuracy=0.2)
    assert runner.run(lab, Options(quick=True), silent).scores[0].target is None


def test_the_users_own_data_have_no_target(write_lab, tmp_path):
    y = np.arange(6) % 2
    x = np.zeros((6, 28, 28), np.uint8)
    np.savez(tmp_path / "own.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    result = runner.run(write_lab(), Options(data=tmp_path / "own.npz"), silent)
    assert result.as_dict()["metrics"]["accuracy"] == {
        "value": 0.95,
        "target": None,
        "reached": None,
    }
    assert not result.missed


def test_a_float32_reaches_the_target_that_it_stands_for(write_lab):
    assert float(np.float32(0.9)) != 0.9
    desk = Desk(write_lab())
    desk.metric("accuracy", np.float32(0.9))
    assert desk.scores["accuracy"] == 0.9


def test_parameters_come_from_the_header_the_mode_and_the_options(write_lab, small_mnist):
    body = (
        "# %%\nfrom etude import labs\nlab = labs.begin('small-lab')\n"
        "p = lab.parameters\nlab.metric('accuracy', 1.0)\nfound = (p.epochs, p.rate, p.fancy)\n"
    )
    lab = write_lab(body)

    def found(**options):
        return runner.run(lab, Options(**options), silent).namespace["found"]

    assert found() == (3, 0.5, False)
    assert found(quick=True) == (1, 0.5, False)
    assert found(quick=True, epochs=7) == (7, 0.5, False)
    assert found(settings={"rate": "0.125", "fancy": "true"}) == (3, 0.125, True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"epochs": 0}, ArgumentError, "at least 1"),
        ({"settings": {"rat": "1"}}, UnknownNameError, "Did you mean 'rate'"),
        ({"settings": {"rate": "fast"}}, ArgumentError, "type float"),
        ({"settings": {"epochs": "1.5"}}, ArgumentError, "type int"),
        ({"settings": {"fancy": "perhaps"}}, ArgumentError, "type bool"),
        ({"engine": "cuda"}, EngineError, "unknown engine"),
        ({"framework": "torch"}, UnknownNameError, "Unknown framework"),
        ({"framework": "keras", "engine": "numpy"}, ArgumentError, "--engine"),
    ],
)
def test_wrong_options_stop_before_the_lab_starts(write_lab, options, error, said):
    lab = write_lab("# %%\nraise SystemExit('the lab was started')\n")
    with pytest.raises(error, match=said):
        runner.run(lab, Options(**options), silent)


def test_a_lab_that_needs_etude_says_so(write_lab):
    lab = write_lab("# %%\nraise SystemExit('the lab was started')\n")
    lab = dataclasses.replace(lab, frameworks=("etude",))
    with pytest.raises(ArgumentError, match="runs on etude only"):
        runner.run(lab, Options(framework="keras"), silent)


def test_a_file_in_the_place_of_the_folder_stops_before_the_lab_starts(write_lab, tmp_path):
    (tmp_path / "file").write_text("")
    lab = write_lab("# %%\nraise SystemExit('the lab was started')\n")
    with pytest.raises(ArgumentError, match="no report can be written"):
        runner.run(lab, Options(out=tmp_path / "file"), silent)


def test_a_metric_that_was_promised_and_never_came_is_an_error(write_lab):
    lab = write_lab("# %%\nfrom etude import labs\nlab = labs.begin('small-lab')\n")
    with pytest.raises(ArgumentError, match=r"declares the metric 'accuracy'"):
        runner.run(lab, Options(), silent)


def test_metrics_are_checked(write_lab):
    desk = Desk(write_lab())
    with pytest.raises(UnknownNameError, match="accuracy"):
        desk.metric("acuracy", 0.5)
    with pytest.raises(ArgumentError, match="diverged"):
        desk.metric("accuracy", float("nan"))
    with pytest.raises(AttributeError, match="Did you mean 'epochs'"):
        _ = desk.parameters.epoch


@pytest.mark.parametrize("fails_with", ["KeyboardInterrupt", "ZeroDivisionError"])
def test_a_run_that_ends_early_leaves_nothing_behind(write_lab, tmp_path, home, fails_with):
    lab = write_lab(f"# %%\nraise {fails_with}\n")
    with pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
        runner.run(lab, Options(out=tmp_path / "r"), silent)
    assert list((tmp_path / "r").iterdir()) == []
    assert not home.exists()
    assert labs.current() is None, "the desk was left"


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    record.write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        record.write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.glob(".report*")) == []


def test_errors_point_into_the_lab(write_lab):
    lab = write_lab("# %%\nx = 1\n\n# %%\ny = x / 0\n")
    with pytest.raises(ZeroDivisionError) as error:
        runner.run(lab, Options(), silent)
    last = error.traceback[-1]
    assert Path(str(last.path)) == lab.path
    assert lab.path.read_text().splitlines()[last.lineno] == "y = x / 0"


def test_two_reports_never_share_a_name(write_lab, small_mnist):
    lab = write_lab()
    paths = {runner.run(lab, Options(), silent).report for _ in range(3)}
    assert len(paths) == 3


def test_records_survive_torn_lines_and_unwritable_folders(home, monkeypatch, tmp_path):
    record.append({"lab": "a", "seed": 1})
    with (home / "results.jsonl").open("a") as file:
        file.write('{"lab": "a", "se')
        file.write('\n{"lab": "b"}\n[1]\n')
    assert record.results() == [{"lab": "a", "seed": 1}, {"lab": "b"}]
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("ETUDE_HOME", str(tmp_path / "blocked"))
    record.append({"lab": "a"})
    assert record.results() == []


def test_a_notebook_gets_a_desk_without_a_runner():
    desk = labs.begin("mnist-cnn", quick=True, seed=5)
    assert (desk.header.name, desk.seed) == ("mnist-cnn", 5)
    assert desk.parameters.epochs == desk.header.parameters["epochs"].quick
    assert labs.current() is None
    with pytest.raises(UnknownNameError, match="mnist-cnn"):
        labs.begin("mnist-cmm")


def test_a_lab_in_the_working_folder_can_be_opened_without_a_runner(write_lab):
    header = write_lab()
    assert labs.begin("small-lab").header.title == header.title
