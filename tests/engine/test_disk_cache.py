"""Compiled programs are found again by the next process, and only where that is safe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from etude.engine import machine_code, xla_disk_cache

SCRIPT = """
import numpy as np, jax
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name))
import etude
model = etude.Sequential([etude.Input((3,)), etude.layers.Dense(2, kernel_initializer="ones")])
model.compile("sgd", "mse")
model.fit(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), epochs=2, verbose=0)
print(sum(name.endswith("cache_hits") for name in hits), *model.get_weights()[0].ravel())
"""


def run(cache: str | Path, **variables: str) -> tuple[int, list[str], str]:
    """Hits of the cache, the trained weights and what was said, of a process of its own."""
    environment = {**os.environ, "ETUDE_ENGINE": "xla", "ETUDE_CACHE": str(cache), **variables}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )
    hits, *weights = ended.stdout.split()
    return int(hits), weights, ended.stderr


def entries(folder: Path) -> list[Path]:
    """The compiled programs below a folder."""
    return sorted(folder.rglob("*-cache"))


def test_a_second_process_compiles_nothing_and_survives_broken_files(tmp_path: Path):
    first_hits, weights, _ = run(tmp_path / "cache")
    stored = entries(tmp_path / "cache")
    assert first_hits < len(stored)
    hits, again, _ = run(tmp_path / "cache")
    assert hits >= len(stored)
    assert again == weights
    assert entries(tmp_path / "cache") == stored
    for path in stored:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    hits, again, said = run(tmp_path / "cache")
    assert (hits, again, said) == (0, weights, "")


def test_the_cache_can_be_turned_off_or_left_to_jax(tmp_path: Path):
    home = {"XDG_CACHE_HOME": str(tmp_path / "home")}
    assert run("off", **home)[0] == 0
    assert run(tmp_path / "ours", **home, JAX_COMPILATION_CACHE_DIR=str(tmp_path / "theirs"))
    assert entries(tmp_path) == entries(tmp_path / "theirs")


@pytest.mark.skipif(os.name == "nt", reason="folders have no such permissions there")
def test_nothing_is_kept_where_others_can_write(tmp_path: Path):
    place = xla_disk_cache.folder(tmp_path)
    assert machine_code.refusal(place) is None
    assert place.stat().st_mode & 0o777 == 0o700
    place.chmod(0o777)
    assert "chmod go-w" in str(machine_code.refusal(place))
    hits, _, _ = run(tmp_path)
    assert hits == 0
    assert entries(tmp_path) == []


def test_what_is_no_folder_of_ours_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    assert machine_code.refusal(tmp_path / "folder") is None
    assert "cannot be made" in str(machine_code.refusal(tmp_path / "file"))
    assert "not a folder" in str(machine_code.refusal(tmp_path / "link"))


def test_a_sweep_keeps_what_was_used_last(tmp_path: Path):
    now = time.time()
    for age in range(5):
        path = tmp_path / f"{age}-cache"
        path.write_bytes(bytes(100))
        os.utime(path, (now - 10 * age, now - 10 * age))
    xla_disk_cache.sweep(tmp_path, most=250)
    assert [path.name for path in entries(tmp_path)] == ["0-cache", "1-cache"]
    (tmp_path / "new-cache").write_bytes(bytes(1000))
    xla_disk_cache.sweep(tmp_path, most=250)
    assert len(entries(tmp_path)) == 3, "swept twice within a day"
    xla_disk_cache.sweep(tmp_path, most=250, every=0)
    assert entries(tmp_path) == []


def test_each_kind_of_processor_has_a_folder_of_its_own(tmp_path: Path, monkeypatch):
    here = xla_disk_cache.folder(tmp_path)
    monkeypatch.setattr(xla_disk_cache, "processor", lambda: "another")
    assert xla_disk_cache.folder(tmp_path) != here
    assert here.parent == tmp_path / "programs"
