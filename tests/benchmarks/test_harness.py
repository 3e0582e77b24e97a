"""The harness: contenders take turns, wait in between, and fail loudly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import etude
from benchmarks.harness import Contender, ContenderError, Spread, interleave, ratios
from benchmarks.import_time import seconds_to_import
from benchmarks.models import MODELS, multiply_adds
from benchmarks.training import best_peer, main
from etude import config

COUNTER = """
from benchmarks.harness import serve
rounds = []
def measure():
    rounds.append(None)
    print("noise that a framework prints")
    return {"round": len(rounds), "name": NAME}
serve(measure, about={"version": "1"})
"""


def counter(name: str) -> Contender:
    path = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return Contender(name, ["-c", f"NAME = {name!r}\n{COUNTER}"], environment=path)


def test_contenders_take_turns_and_their_output_stays_apart(monkeypatch):
    order = []
    run = Contender.run
    monkeypatch.setattr(Contender, "run", lambda self: order.append(self.name) or run(self))
    with counter("a") as a, counter("b") as b:
        assert a.about == {"version": "1"}
        results = interleave([a, b], rounds=3)
    assert [r["round"] for r in results[0]] == [1, 2, 3]
    assert {r["name"] for r in results[1]} == {"b"}
    assert order == ["a", "b", "b", "a", "a", "b"]


def test_a_contender_that_ends_early_is_named():
    with (
        pytest.raises(ContenderError, match="broken ended with status 3"),
        Contender("broken", ["-c", "raise SystemExit(3)"]),
    ):
        pass


def test_spread_and_ratios():
    assert Spread.of([2.0]) == Spread(2.0, 2.0, 2.0)
    assert ratios([1.0, 8.0], [2.0, 2.0]) == Spread(0.5, 2.25, 4.0)


@pytest.mark.parametrize("name", MODELS)
def test_data_fit_the_models_and_are_no_zeros(name: str):
    config.set_engine("numpy")
    reference = MODELS[name]
    x, y = reference.data(24)
    assert x.std() > 0.1
    assert len(np.unique(y)) > 1
    model = reference.build(etude)
    assert model.compute_output_shape((24, *x.shape[1:]))[0] == 24
    assert multiply_adds(model) > 50_000
    loss = model.evaluate(x[:2], y[:2], verbose=0, return_dict=True)["loss"]
    assert 0 < loss < 10


def test_multiply_adds_of_a_convolution_are_counted_by_hand():
    layers = etude.layers
    x = inputs = etude.Input((8, 6, 3))
    x = layers.Conv2D(5, 3, 2, padding="same")(x)  # 4x3 places, 3x3x3 numbers, 5 filters
    x = layers.DepthwiseConv2D(3, padding="same")(x)  # 4x3 places, 9 numbers, 5 channels
    x = layers.Conv2DTranspose(2, 2, 2)(x)  # from 4x3 places, 5 numbers to 2x2x2
    outputs = layers.Dense(7)(layers.Flatten()(x))  # 8x6x2 to 7
    expected = 12 * 27 * 5 + 12 * 9 * 5 + 12 * 5 * 8 + 96 * 7
    assert multiply_adds(etude.Model(inputs, outputs)) == expected


def test_the_best_peer_is_the_one_with_the_highest_median():
    found = best_peer(["ours", "slow", "fast"], [[4.0, 4.0, 6.0], [1.0, 9.0, 1.0], [2.0, 2.0, 2.0]])
    assert found == {"name": "fast", "ratio": 2.0, "low": 2.0, "high": 3.0}


def test_import_time_measures_in_a_fresh_interpreter(tmp_path):
    seconds, with_jax = seconds_to_import("json", str(tmp_path))
    assert seconds > 0
    assert not with_jax


def test_training_compares_etude_with_keras(capsys, tmp_path):
    options = ["--models", "mlp-32", "--against", "keras-jax", "--rounds", "1", "--samples", "320"]
    main([*options, "--json", str(tmp_path / "bench.json")])
    table = capsys.readouterr().out
    assert "keras-jax 3.15.1" in table
    found = json.loads((tmp_path / "bench.json").read_text())["models"]["mlp-32"]
    assert set(found["contenders"]) == {"etude-xla", "keras-jax"}
    assert found["best_peer"]["name"] == "keras-jax"
    for row in found["contenders"].values():
        assert row["first_step_seconds"] > 0
        assert row["rounds"][0]["samples_per_second"] > 0
        assert row["rounds"][0]["loss"] == pytest.approx(2, abs=1)
