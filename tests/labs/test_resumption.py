"""A lab that was interrupted goes on where it was: the same numbers, curves and weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from etude.errors import ArgumentError
from etude.labs.running import runner
from etude.labs.running.results import Options

BODY = """\
# %%
from pathlib import Path

import numpy as np

import etude as keras
from etude import labs

lab = labs.begin("small-lab")
keras.utils.set_random_seed(lab.seed)
lab.load_data()
x = np.random.normal(size=(20, 3))
y = x.sum(axis=1)


class Stop(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2 and Path("stop").exists():
            raise KeyboardInterrupt


def trained(*callbacks):
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=4, verbose=0, batch_size=5, callbacks=list(callbacks))
    return model


first = trained()
second = trained(Stop())
lab.metric("accuracy", 0.95)
weights = [*first.get_weights(), *second.get_weights()]
history = second.history.history
"""  # noqa: E501


def silent(heading: str) -> None:
    pass


@pytest.fixture
def lab(write_lab, small_mnist):
    return write_lab(body=BODY)


def run(lab, **options):
    return runner.run(lab, Options(engine="numpy", **options), silent).namespace


def same(one, other) -> bool:
    weights = zip(one["weights"], other["weights"], strict=True)
    return one["history"] == other["history"] and all((a == b).all() for a, b in weights)


def interrupted(lab, home: Path) -> list[str]:
    Path("stop").touch()
    with pytest.raises(KeyboardInterrupt):
        run(lab)
    Path("stop").unlink()
    (folder,) = (home / "checkpoints").iterdir()
    return sorted(path.name for path in folder.iterdir())


def test_a_lab_goes_on_and_ends_as_if_nothing_had_been(lab, home, capsys):
    expected = run(lab)
    assert len(expected["history"]["loss"]) == 4
    assert interrupted(lab, home) == ["fit-1", "fit-2"]
    assert same(run(lab, resume=True), expected)
    assert not list((home / "checkpoints").iterdir()), "a run that has ended needs no checkpoint"
    assert same(run(lab, resume=True), expected), "there is nothing to go on from"
    assert "it begins anew" in capsys.readouterr().err


def test_without_being_asked_a_run_begins_anew(lab, home):
    expected = run(lab)
    interrupted(lab, home)
    assert same(run(lab), expected)
    assert not list((home / "checkpoints").iterdir())


def test_other_options_have_other_checkpoints(lab, home):
    interrupted(lab, home)
    assert not runner.has_checkpoint(lab, Options(engine="numpy", seed=1))
    assert not runner.has_checkpoint(lab, Options(engine="numpy", epochs=7))
    assert runner.has_checkpoint(lab, Options(engine="numpy"))
    lab.path.write_text(lab.path.read_text() + "\n# changed\n")
    assert not runner.has_checkpoint(lab, Options(engine="numpy"))


def test_a_home_that_cannot_be_written_costs_the_checkpoints_not_the_run(lab, home):
    home.mkdir()
    (home / "checkpoints").write_text("in the way")
    with pytest.warns(UserWarning, match="has no checkpoint to go on from"):
        assert len(run(lab)["history"]["loss"]) == 4


def test_keras_makes_no_checkpoints_here(lab):
    with pytest.raises(ArgumentError, match="--resume goes on from checkpoints of etude"):
        runner.run(lab, Options(framework="keras", resume=True), silent)
