"""The kernels are built once, where that is safe, and XLA's own serve where they cannot be had."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from etude.engine import machine_code
from etude.engine.kernels import build

SCRIPT = """
import numpy as np
from etude.engine import xla, xla_kernels
x = xla.array(np.ones((1, 4, 4, 2), "float32"))
y = xla_kernels.conv(x, xla.array(np.ones((3, 3, 2, 1), "float32")), (1, 1), ((0, 0),) * 2, (1, 1))
print(np.asarray(y).ravel())
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ETUDE_CACHE", str(tmp_path))
    monkeypatch.delenv("ETUDE_KERNELS", raising=False)
    return tmp_path


def compiler(path: Path, does: str) -> str:
    """A stand-in for a compiler: a script that is called as one."""
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "stand-in 1" && exit\n{does}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


WRITES = """for last; do :; done
case " $* " in *" -shared "*) echo built >> "$(dirname "$0")/log" ;; esac
sleep 0.1; echo code > "$last\""""


def found(version: str = "1") -> build.Built:
    return build.library.__wrapped__(Path("/headers"), version)


@pytest.mark.skipif(build.compiler() is None, reason="there is no C++ compiler")
def test_the_kernels_themselves_are_built_where_there_is_a_compiler() -> None:
    """The tests of what they compute are passed over where they were not built."""
    pytest.importorskip("jax", reason="they are built for the engine xla")
    from etude.engine import xla_native

    built = xla_native.loaded()
    assert built.path is not None or built.is_off, built.reason


def test_it_is_built_once_per_version_and_compiler(cache: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", compiler(cache / "c++", WRITES))
    first = found()
    assert first.path is not None
    assert first.path.read_text() == "code\n"
    assert found() == first
    other = found("2")
    assert other.path != first.path
    assert (cache / "log").read_text().split() == ["built"] * 2
    monkeypatch.setattr(machine_code, "processor", lambda: "another")
    assert found().key not in (first.key, other.key)


def test_many_may_build_at_once(cache: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", compiler(cache / "c++", WRITES))
    with ThreadPoolExecutor(8) as pool:
        every = list(pool.map(lambda _: found(), range(8)))
    assert len(set(every)) == 1
    assert every[0].path is not None
    assert [path.name for path in (cache / "kernels").iterdir()] == [every[0].path.name]


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        ("echo 'x.cc:1: error: no such thing' >&2; exit 1", "error: no such thing"),
        ("exit 3", "status 3"),
    ],
)
def test_a_compiler_that_fails_leaves_nothing(cache: Path, monkeypatch, does, reason) -> None:
    monkeypatch.setenv("CXX", compiler(cache / "c++", does))
    built = found()
    assert built.path is None
    assert reason in built.reason
    assert list((cache / "kernels").iterdir()) == []


def test_why_there_are_none(cache: Path, monkeypatch) -> None:
    monkeypatch.setenv("CXX", str(cache / "missing"))
    assert "no C++ compiler: install g++ or clang" in found().reason
    monkeypatch.setenv("CXX", compiler(cache / "c++", WRITES))
    (cache / "kernels").mkdir(mode=0o700)
    (cache / "kernels").chmod(0o777)
    assert "can be written by others" in found().reason
    monkeypatch.setenv("ETUDE_CACHE", "off")
    assert "ETUDE_CACHE=off" in found().reason
    monkeypatch.setenv("ETUDE_KERNELS", "off")
    assert "ETUDE_KERNELS=off" in found().reason


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"ETUDE_KERNELS": "off"}, ""),
        ({"CXX": "no-such-compiler"}, "etude: no native kernels, XLA's serve: there is no C++"),
    ],
)
def test_without_kernels_xla_serves(variables: dict[str, str], said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout == "[18. 18. 18. 18.]\n"
    assert ended.stderr.startswith(said)
    assert len(ended.stderr.splitlines()) == bool(said)
