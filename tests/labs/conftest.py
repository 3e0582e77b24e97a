"""Labs small enough to run in a blink, and data that need no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from etude import datasets
from etude.errors import FetchError
from etude.labs.running.header import Header, read_header

HEADER = """\
title = "A lab for tests"
summary = "It trains nothing."
unit = 1
topics = ["testing"]

[data]
name = "mnist"
stand_in = "digits"
image = [28, 28]

[parameters]
epochs = {full = 3, quick = 1, help = "passes"}
rate = {full = 0.5, quick = 0.5}
fancy = {full = false, quick = false}

[metrics.accuracy]
target = {full = 0.9, quick = 0.5, stand_in = 0.25, stand_in_quick = 0.1}
source = "made up"
"""

BODY = """\
# %% [markdown]
# # Start

# %%
from types import SimpleNamespace
import numpy as np
from etude import labs

lab = labs.begin("small-lab")
(x_train, y_train), (x_test, y_test) = lab.load_data()
n = len(lab.class_names)
rng = np.random.default_rng(lab.seed)
probabilities = rng.dirichlet(np.ones(n), size=len(x_test))
lab.show_curves(SimpleNamespace(history={"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]}))
lab.show_confusion(y_test, probabilities.argmax(axis=-1))
lab.show_mistakes(x_test, y_test, probabilities)
lab.metric("accuracy", ACCURACY)
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's own records or working folder."""
    monkeypatch.setenv("ETUDE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the reports of runs that several tests look at."""
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(params=["xla", pytest.param("numpy", marks=pytest.mark.slow)])
def lab_engine(request: pytest.FixtureRequest) -> str:
    """Both engines, for labs that train for long; the default run trains on one."""
    if request.param == "xla":
        pytest.importorskip("jax", reason="the engine xla needs jax")
    return request.param


@pytest.fixture
def write_lab(tmp_path: Path) -> Callable[..., Header]:
    """Writes a lab, and returns its header."""

    def write(body: str = BODY, header: str = HEADER, accuracy: float = 0.95) -> Header:
        comments = "".join(f"# {line}".rstrip() + "\n" for line in header.splitlines())
        path = tmp_path / "small_lab.py"
        text = f"# %% [raw]\n# /// lab\n{comments}# ///\n\n{body}"
        path.write_text(text.replace("ACCURACY", str(accuracy)), encoding="utf-8")
        return read_header(path)

    return write


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """MNIST as noise: 50 images to train on, 30 to test on, every class in both."""
    rng = np.random.default_rng(0)

    def images(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 28, 28), np.uint8), (np.arange(n) % 10).astype(np.uint8)

    monkeypatch.setattr(datasets.mnist, "load_data", lambda: (images(50), images(30)))


@pytest.fixture
def no_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no MNIST and cannot get it."""

    def fail() -> None:
        raise FetchError("The data set 'mnist' cannot be had. Tried, in this order:\n  1. nothing")

    monkeypatch.setattr(datasets.mnist, "load_data", fail)
