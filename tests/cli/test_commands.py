from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

import pytest

from etude.labs import find_lab


@pytest.mark.parametrize("command", ["labs", "run", "notebook", "doctor", "data"])
def test_every_command_has_help(etude, command):
    assert command in etude("--help").out
    for flag in ("--help", "-h"):
        ended = etude(command, flag)
        assert ended.status == 0
        assert "Usage: etude " + command in ended.out


def test_run_explains_each_of_its_options(etude):
    text = re.sub(r"\x1b\[[0-9;]*m", "", etude("run", "--help").out)
    options = ["quick", "engine", "framework", "epochs", "set", "data", "seed", "out", "json"]
    for option in [*options, "require-target"]:
        assert f"--{option}" in text


def test_version(etude):
    ended = etude("--version")
    assert ended.status == 0
    assert re.fullmatch(r"etude \d+\.\d+.*\n", ended.out)


def test_no_command_shows_the_help(etude):
    ended = etude()
    assert "Usage: etude" in ended.out + ended.err


def test_help_and_labs_import_neither_jax_nor_matplotlib(tmp_path):
    code = (
        "import sys\n"
        "from etude.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'jax', 'matplotlib', 'jinja2', 'jupytext', 'keras', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    for arguments in (["--help"], ["labs"], ["run", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**os.environ, "ETUDE_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr


def test_the_command_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "etude", "--version"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == version("etude")


def test_labs_lists_what_there_is_and_how_it_went(etude, tmp_path):
    before = etude("labs").out
    for text in ("mnist-cnn", "mnist-mlp", "Convolutional networks", "0.9925", "not run yet"):
        assert text in before
    result = {
        "lab": "mnist-cnn",
        "engine": "xla",
        "quick": False,
        "seconds": 184.0,
        "date": "2026-01-02T03:04:05+00:00",
        "metrics": {"test_accuracy": {"value": 0.9941, "target": 0.9925, "reached": True}},
    }
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "results.jsonl").write_text(json.dumps(result) + "\n")
    after = etude("labs").out
    assert "0.9941 ✓ xla full 2026-01-02" in after
    assert "3 min 04 s" in after
    assert (
        "| mnist-cnn | mnist | xla | ? | test accuracy | 0.9941 ✓"
        in etude("labs", "--markdown").out
    )
    assert after.count("not run yet") == before.count("not run yet") - 1


def test_notebook_writes_a_valid_notebook_and_keeps_an_older_one(etude, tmp_path):
    nbformat = pytest.importorskip("nbformat", reason="the extra `labs` is not installed")
    assert etude("notebook", "mnist-cnn").status == 0
    path = tmp_path / "mnist_cnn.ipynb"
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"
    path.write_text("my work")
    ended = etude("notebook", "mnist-cnn")
    assert ended.status == 2
    assert "--force" in ended.err
    assert path.read_text() == "my work"
    assert etude("notebook", "mnist-cnn", "--force").status == 0
    assert nbformat.read(path, as_version=4) == book, "the same lab gives the same notebook"
    assert etude("notebook", "mnist-mlp", "--out", "deep/er/m.ipynb").status == 0
    nbformat.validate(nbformat.read(tmp_path / "deep" / "er" / "m.ipynb", as_version=4))


def test_notebook_without_jupytext_says_what_to_install(etude, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupytext", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    ended = etude("notebook", "mnist-cnn")
    assert ended.status == 2
    assert "etude[labs]" in ended.err


def test_notebook_to_a_place_that_cannot_be_written(etude, tmp_path):
    pytest.importorskip("jupytext", reason="the extra `labs` is not installed")
    (tmp_path / "file").write_text("")
    ended = etude("notebook", "mnist-cnn", "--out", tmp_path / "file" / "x.ipynb")
    assert ended.status == 2
    assert "cannot be written" in ended.err


def test_a_notebook_is_the_lab_behind_a_cell_that_installs():
    jupytext = pytest.importorskip("jupytext", reason="the extra `labs` is not installed")
    lab = find_lab("mnist-cnn")
    from etude.labs.running.notebooks import INSTALL, as_notebook

    book = jupytext.reads(as_notebook(lab), fmt="ipynb")
    original = jupytext.reads(lab.path.read_text(encoding="utf-8"), fmt="py:percent")
    found = [(c.cell_type, c.source) for c in book.cells]
    assert found[0] == ("code", INSTALL)
    assert found[1:] == [(c.cell_type, c.source) for c in original.cells]


def test_doctor_reports_engines_packages_and_folders(etude, tmp_path):
    ended = etude("doctor")
    assert ended.status == 0
    for text in ("numpy", "xla", "C++ compiler", "matplotlib", str(tmp_path / "home"), "Python"):
        assert text in ended.out


def test_doctor_says_where_machine_code_is_kept(etude, tmp_path, monkeypatch):
    monkeypatch.setenv("ETUDE_CACHE", str(tmp_path / "code"))
    assert str(tmp_path / "code" / "programs") in etude("doctor").out
    (tmp_path / "code" / "programs").chmod(0o777)
    assert "can be written by others: chmod go-w it" in etude("doctor").out
    monkeypatch.setenv("ETUDE_CACHE", "off")
    assert "each run compiles anew" in etude("doctor").out


def test_doctor_says_what_to_install(etude, monkeypatch):
    from etude.cli import doctor

    real = doctor.version
    missing = {"jax", "matplotlib"}
    monkeypatch.setattr(doctor, "version", lambda name: None if name in missing else real(name))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    text = " ".join(etude("doctor").out.split())
    assert "– xla jax is not installed: no compiled programs → pip install 'etude[xla]'" in text
    assert "– matplotlib not installed: charts in reports → pip install 'etude[labs]'" in text
    assert "– C++ compiler none" in text


def test_doctor_survives_an_engine_that_does_not_start(etude, monkeypatch):
    from etude.cli import doctor

    def broken(name: str) -> None:
        raise RuntimeError("driver version is insufficient\nmore lines")

    monkeypatch.setattr(doctor.importlib, "import_module", broken)
    ended = etude("doctor")
    assert ended.status == 0
    assert "does not start: driver version is insufficient" in ended.out
    assert "more lines" not in ended.out


def test_doctor_sees_a_gpu_that_jax_does_not_see(etude, monkeypatch):
    from etude.cli import doctor
    from etude.engine.kernels import build

    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(doctor, "_first_line", lambda *command: "a compiler")
    engine = type("Engine", (), {"devices": staticmethod(lambda: ["cpu:0 (cpu)"])})
    engine.loaded = staticmethod(lambda: build.Built(None, "", "turned off"))
    monkeypatch.setattr(doctor.importlib, "import_module", lambda name: engine)
    text = " ".join(etude("doctor").out.split())
    assert "GPU that jax does not see" in text
    assert "– kernels XLA's own serve: turned off" in text
    engine.devices = staticmethod(lambda: ["gpu:0 (NVIDIA H200)"])
    text = etude("doctor").out
    assert "gpu:0 (NVIDIA H200)" in text
    assert "does not see" not in text
