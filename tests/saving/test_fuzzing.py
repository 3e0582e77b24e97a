"""A short form of `make fuzz`: some damaged files of each format load or are refused."""

import pytest

import etude

pytest.importorskip("resource", reason="limits of processes are those of Unix")

from tests.saving import fuzzing

CASES = {
    "keras": 60,
    "layers.keras": 60,
    "weights.h5": 120,
    "h5": 60,
    "safetensors": 250,
    "weights.json": 50,
}


@pytest.fixture(autouse=True)
def logging():
    yield
    etude.config.enable_interactive_logging()


@pytest.mark.parametrize("kind", fuzzing.FORMATS)
def test_damaged_files_load_or_are_refused(kind):
    fuzzer = fuzzing.run(kind, start=0, count=CASES.get(kind, 300))
    assert not fuzzer.faults
    assert fuzzer.counts["loaded"] and fuzzer.counts["refused"]


def test_cases_repeat(tmp_path):
    etude.config.set_engine("numpy")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    one, two = (fuzzing.Fuzzer("safetensors", tmp_path / name) for name in ("a", "b"))
    assert [one.changed(i)[1] for i in range(20)] == [two.changed(i)[1] for i in range(20)]


def test_a_fault_is_seen(tmp_path, monkeypatch):
    etude.config.set_engine("numpy")
    fuzzer = fuzzing.Fuzzer("npz", tmp_path)

    def fail(path):
        raise KeyError("no error of etude's")

    monkeypatch.setattr(fuzzer, "bases", [(fail, fuzzer.bases[0][1])])
    fuzzer.run(0)
    assert "KeyError" in fuzzer.faults[0]
    monkeypatch.setattr(fuzzing, "PATIENCE", 0.05)

    def sleep(path):
        while True:
            pass

    monkeypatch.setattr(fuzzer, "bases", [(sleep, fuzzer.bases[0][1])])
    fuzzer.run(1)
    assert "more than 0.05 s" in fuzzer.faults[1]
    hoard = []
    monkeypatch.setattr(fuzzing, "PATIENCE", 20.0)
    monkeypatch.setattr(fuzzing, "SPARE", 1 << 20)

    def take(path):
        hoard.append(b"x" * (1 << 28))

    monkeypatch.setattr(fuzzer, "bases", [(take, fuzzer.bases[0][1])])
    fuzzer.run(2)
    assert fuzzer.faults[2].endswith("of memory")
