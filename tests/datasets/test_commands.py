from __future__ import annotations

import importlib.util
import shutil
import stat
import sys
from pathlib import Path

import pytest

from etude.datasets import commands
from etude.errors import FetchError

WHEEL = "thing-1.0-py3-none-any.whl"


def fake(path: Path, script: str) -> str:
    """A program that is a Python script."""
    path.write_text(f"#!{sys.executable}\nimport sys, pathlib, os\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "down").mkdir()
    return tmp_path / "down"


@pytest.fixture
def pip(tmp_path, monkeypatch):
    """Puts a script in the place of pip."""

    def install(script: str) -> None:
        program = fake(tmp_path / "fakepip", script)
        monkeypatch.setattr(commands, "_pip", lambda: [program])

    return install


def test_pip_is_asked_for_one_wheel_without_dependencies(pip, folder, monkeypatch):
    monkeypatch.delenv("PIP_DEFAULT_TIMEOUT", raising=False)
    pip(f"pathlib.Path('{WHEEL}').write_text(chr(10).join(sys.argv[1:]))")
    path = commands.pip_download("thing==1.0", WHEEL, folder, 10)
    assert path == folder / WHEEL
    asked = path.read_text().split("\n")
    assert asked[0] == "download" and "thing==1.0" in asked
    assert {"--no-deps", "--only-binary=:all:", "--no-input", "--timeout=8"} <= set(asked)
    assert not [option for option in asked if option.startswith("--platform")]


def test_a_timeout_that_the_user_has_set_stays(pip, folder, monkeypatch):
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "180")
    pip(f"pathlib.Path('{WHEEL}').write_text(chr(10).join(sys.argv[1:]))")
    assert "--timeout" not in commands.pip_download("t", WHEEL, folder, 1).read_text()


def test_the_tags_of_a_wheel_choose_the_platform():
    assert commands.platform_options(
        "a-1-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"
    ) == [
        "--implementation=cp",
        "--python-version=312",
        "--abi=cp312",
        "--platform=manylinux_2_27_x86_64",
        "--platform=manylinux_2_28_x86_64",
    ]


def test_pip_finds_nothing(pip, folder):
    pip("sys.exit('WARNING: x\\nERROR: No matching distribution found for thing==1.0\\nbye')")
    for _ in range(3):  # an index that answers is asked again
        with pytest.raises(
            FetchError, match=r"pip failed: ERROR: No matching distribution found for thing==1\.0$"
        ):
            commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_two_failures_to_reach_an_index_are_remembered(pip, folder):
    pip("sys.exit('WARNING: connection broken by X\\nERROR: No matching distribution')")
    for _ in range(2):
        with pytest.raises(FetchError, match=r"\(the network could not be reached\)$"):
            commands.pip_download("thing==1.0", WHEEL, folder, 1)
    with pytest.raises(FetchError, match="skipped: pip could not reach the network a moment ago"):
        commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_a_success_in_between_clears_the_memory(pip, folder):
    for _ in range(3):
        pip("sys.exit('ERROR: connection broken by X')")
        with pytest.raises(FetchError, match="pip failed"):
            commands.pip_download("thing==1.0", WHEEL, folder, 1)
        pip(f"pathlib.Path('{WHEEL}').write_text('x')")
        commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_pip_delivers_nothing(pip, folder):
    pip("")
    with pytest.raises(FetchError, match=r"expected one file \*\.whl, got \[\]"):
        commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_pip_that_hangs_is_ended(pip, folder, monkeypatch):
    monkeypatch.setattr(commands, "DEADLINE", 0.5)
    pip("import time; time.sleep(60)")
    with pytest.raises(FetchError, match="pip did not end within"):
        commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_no_pip_at_all(folder, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(
        FetchError, match=r"pip is not installed \(`python -m ensurepip` installs it\)"
    ):
        commands.pip_download("thing==1.0", WHEEL, folder, 1)


def test_a_pip_on_the_path_will_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    assert commands._pip() == ["/bin/pip3"]


def test_no_apt_get(folder, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FetchError, match="there is no apt-get here"):
        commands.apt_download("thing", folder, 1)


def test_apt_get(folder, tmp_path, monkeypatch):
    program = fake(
        tmp_path / "apt", "pathlib.Path('thing_1_all.deb').write_text(sys.argv[-1] + os.getcwd())"
    )
    monkeypatch.setattr(shutil, "which", lambda name: program)
    path = commands.apt_download("thing", folder, 1)
    assert path.name == "thing_1_all.deb" and path.read_text() == f"thing{folder}"


def test_apt_get_with_old_lists(folder, tmp_path, monkeypatch):
    program = fake(tmp_path / "apt", "sys.exit('E: Unable to locate package thing')")
    monkeypatch.setattr(shutil, "which", lambda name: program)
    with pytest.raises(FetchError, match=r"Unable to locate package thing .*`apt-get update`"):
        commands.apt_download("thing", folder, 1)


def test_a_program_that_cannot_be_started(folder, tmp_path, monkeypatch):
    (tmp_path / "apt").write_text("not executable")
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "apt"))
    with pytest.raises(FetchError, match="apt-get cannot be started: Permission denied"):
        commands.apt_download("thing", folder, 1)
