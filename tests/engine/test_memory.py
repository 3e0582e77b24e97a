"""The memory of one step serves the next."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from etude.engine import memory

SCRIPT = """
import resource, sys
import numpy as np
from etude import ops
from etude.engine import memory, xp
xp()
if sys.argv[1:]:
    print(memory.give_back_if_large(0.9), memory.give_back_if_large(0.0), end=" ")
x = ops.convert_to_tensor(np.ones((1 << 24), "float32"))
counts = []
for _ in range(6):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    y = (x + 1.0).numpy()  # 64 MiB, which are free again a round later
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(counts[-1])
"""

glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="the C library is not glibc: nothing to set"
)


def faults(*arguments: str, **variables: str) -> int:
    """Pages that the system had to bring for the last of some equal steps."""
    environment = {key: value for key, value in os.environ.items() if "MALLOC" not in key}
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env={**environment, "ETUDE_ENGINE": "xla", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    *said, count = ended.stdout.split()
    assert said == ["False", "True"] * bool(arguments)
    return int(count)


@glibc
def test_a_step_takes_the_pages_of_the_one_before() -> None:
    pages = (1 << 26) // os.sysconf("SC_PAGE_SIZE")
    assert faults(ETUDE_KEEP_MEMORY="off") > pages // 2
    assert faults() < pages // 100


@glibc
def test_a_process_that_has_grown_large_gives_its_memory_back() -> None:
    pages = (1 << 26) // os.sysconf("SC_PAGE_SIZE")
    assert faults("give back") > pages // 2


@glibc
def test_who_has_settings_of_their_own_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ETUDE_KEEP_MEMORY", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    assert not memory.keep_freed()
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    monkeypatch.setenv("ETUDE_KEEP_MEMORY", "off")
    assert not memory.keep_freed()
