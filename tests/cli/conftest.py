"""The command, run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from etude import datasets
from etude.cli import main
from etude.errors import FetchError

LAB = """\
# %% [raw]
# /// lab
# title = "A lab for tests"
# summary = "It trains nothing."
# unit = 1
# topics = ["testing"]
# [data]
# name = "mnist"
# stand_in = "digits"
# image = [28, 28]
# [parameters]
# epochs = {full = 3, quick = 1}
# [metrics.accuracy]
# target = {full = 0.9, quick = 0.5, stand_in = 0.5}
# source = "made up"
# ///

# %%
import sys
from etude import labs

lab = labs.begin("small-lab")
lab.load_data()
print("noise on stdout")
lab.metric("accuracy", 0.7)
"""


class Ended(NamedTuple):
    """How a call of the command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def etude(tmp_path: Path, monkeypatch, capsys) -> Callable[..., Ended]:
    """Calls the command with arguments, in an empty folder and with records of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETUDE_HOME", str(tmp_path / "home"))

    def call(*arguments: object) -> Ended:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        code = end.value.code
        return Ended(int(code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def small_lab(tmp_path: Path) -> Path:
    """A lab that takes no time; it scores 0.7, between the quick target and the full one."""
    path = tmp_path / "small_lab.py"
    path.write_text(LAB, encoding="utf-8")
    return path


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST as ten empty images."""
    part = (np.zeros((10, 28, 28), np.uint8), np.arange(10, dtype=np.uint8))
    monkeypatch.setattr(datasets.mnist, "load_data", lambda: (part, part))


@pytest.fixture
def no_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no MNIST and cannot get it."""

    def fail() -> None:
        raise FetchError("The data set 'mnist' cannot be had. Tried, in this order:\n  1. nothing")

    monkeypatch.setattr(datasets.mnist, "load_data", fail)
