"""The harness: contenders take turns, wait in between, and fail loudly."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.harness import Contender, ContenderError, Spread, interleave, ratios
from benchmarks.import_time import seconds_to_import
from benchmarks.mlp_batch32 import CONTENDERS, compare, synthetic_digits

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


def test_synthetic_digits_are_no_zeros():
    x, y = synthetic_digits(500)
    assert x.shape == (500, 784)
    assert x.dtype == "float32"
    assert (x > 0).mean() > 0.99
    assert x.max() <= 1
    assert set(y) == set(range(10))


def test_import_time_measures_in_a_fresh_interpreter(tmp_path):
    seconds, with_jax = seconds_to_import("json", str(tmp_path))
    assert seconds > 0
    assert not with_jax


def test_mlp_batch32_compares_etude_with_keras(capsys):
    assert "keras-jax" in CONTENDERS
    compare(["etude-xla", "keras-jax"], rounds=1, samples=320, epochs=1)
    table = capsys.readouterr().out
    assert "etude-xla" in table
    assert "keras-jax 3.15.1" in table
