"""The first labs on MNIST run, repeat bit for bit, and give the same on both engines.

The labs train on scikit-learn's digits here, as they do where MNIST cannot be had: the tests need
no network, and the path of the stand-in is walked each time.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import etude
from etude import datasets
from etude.labs import find_lab
from etude.labs.running import material, runner
from etude.labs.running.header import DataNeed
from etude.labs.running.notebooks import as_notebook
from etude.labs.running.results import Options, Result

pytestmark = pytest.mark.usefixtures("no_mnist")

LABS = ["mnist-mlp", "mnist-cnn"]
TINY = {"train_images": "640", "test_images": "100"}  # 20 steps of 32 images


class EnoughError(Exception):
    """Twenty steps are done."""


@pytest.fixture
def losses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collects the losses of the first 20 training steps; `fit` itself reports running means."""
    found: list[float] = []
    means: list[float] = []
    fit = etude.Model.fit

    def note(step: int, logs: dict[str, float]) -> None:
        if step == 20:
            raise EnoughError
        means.append(float(logs["loss"]) * (step + 1))
        found.append(means[-1] - (means[-2] if step else 0.0))

    def watched(self, *arguments, callbacks=(), **options):
        watch = etude.callbacks.LambdaCallback(on_train_batch_end=note)
        return fit(self, *arguments, callbacks=[*callbacks, watch], **options)

    monkeypatch.setattr(etude.Model, "fit", watched)
    return found


def run(lab: str, engine: str, out: Path, seed: int = 0, **changes: str) -> Result:
    settings = TINY | {"batch_size": "32", "epochs": "1"} | changes
    options = Options(quick=True, engine=engine, seed=seed, out=out, settings=settings)
    return runner.run(find_lab(lab), options, lambda _: None)


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_runs_and_reports_all_that_it_promises(lab, engine, tmp_path):
    result = run(lab, engine, tmp_path)
    assert result.engine == engine
    assert {score.name for score in result.scores} == set(find_lab(lab).metrics)
    assert 0 <= result.scores[0].value <= 1
    learned = result.desk.history["accuracy"][-1]
    assert learned > 0.2, "20 steps teach more than guessing, which gives 0.1"
    assert {e.kind for e in result.desk.exhibits} >= {"model", "curves", "confusion", "mistakes"}
    assert result.report.stat().st_size < 2_000_000


@pytest.mark.parametrize("lab", LABS)
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(lab, engine, tmp_path, losses):
    runs = []
    for seed in (0, 0, 1):
        losses.clear()
        result = run(lab, engine, tmp_path, seed)
        weights = [np.asarray(w) for w in result.namespace["model"].get_weights()]
        runs.append((list(losses), result.desk.history, weights))
    first, again, other = runs
    assert len(first[0]) == 20
    assert first[:2] == again[:2]
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first[2], again[2], strict=True))
    assert first[0] != other[0]


@pytest.mark.parametrize("lab", LABS)
def test_engines_agree_over_the_first_twenty_steps(lab, tmp_path, losses, monkeypatch):
    pytest.importorskip("jax", reason="the engine xla needs jax")
    # As many images as MNIST gives a quick run: the learning rate climbs over the first epoch.
    digits = material.find(DataNeed("digits", image=(28, 28)), None, seed=0)
    repeated = [np.concatenate([part] * 8) for part in digits.train]
    monkeypatch.setattr(datasets.mnist, "load_data", lambda: (tuple(repeated), digits.test))
    found = {}
    for engine in ("numpy", "xla"):
        losses.clear()
        with pytest.raises(EnoughError):
            options = Options(quick=True, engine=engine, out=tmp_path)
            runner.run(find_lab(lab), options, lambda _: None)
        found[engine] = np.array(losses)
    assert found["numpy"].shape == (20,)
    assert found["numpy"][-5:].mean() < found["numpy"][:5].mean(), "it learns"
    np.testing.assert_allclose(found["xla"], found["numpy"], rtol=1e-4)


@pytest.mark.slow  # Keras takes some 20 s to compile the two networks
@pytest.mark.parametrize("lab", LABS)
def test_a_lab_runs_on_keras_itself(lab, tmp_path):
    pytest.importorskip("keras", reason="Keras is not installed")
    settings = TINY | {"batch_size": "32", "epochs": "1"}
    options = Options(quick=True, framework="keras", out=tmp_path, settings=settings)
    result = runner.run(find_lab(lab), options, lambda _: None)
    assert result.engine == "keras-jax"
    assert result.namespace["keras"].__name__ == "keras"
    assert result.desk.history["accuracy"][-1] > 0.2


@pytest.mark.slow  # a kernel of its own, which fails to reach a network first
@pytest.mark.parametrize("lab", LABS)
def test_a_lab_runs_as_a_notebook_without_the_runner(lab, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="the extra `labs` is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra `labs` is not installed")
    text = as_notebook(find_lab(lab)).replace(
        f'labs.begin(\\"{lab}\\")', f'labs.begin(\\"{lab}\\", quick=True)'
    )
    book = nbformat.reads(text, as_version=4)
    # The kernel is a process of its own: no cache, and no way to anything outside.
    nowhere = "http://127.0.0.1:9"
    unreachable = {"https_proxy": nowhere, "http_proxy": nowhere, "PIP_INDEX_URL": nowhere}
    for name, value in ({"ETUDE_DATA": str(tmp_path / "data")} | unreachable).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("no_proxy", "")
    nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in outputs)
    assert "'mnist' cannot be had" in printed
    assert os.environ["ETUDE_DATA"] not in printed, "one line, without the details"
    html = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    for heading in ("Learning curves", "Which class was taken for which", "The worst mistakes"):
        assert heading in html
