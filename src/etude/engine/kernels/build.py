"""Builds the C++ kernels with this machine's own compiler, once, and keeps what comes out.

The library is named by a hash of the sources, the compiler, its flags, the processor and the
version of jax: when one of them changes, it is built anew. Processes that build at the same time do
not disturb each other; the last to finish leaves the file that all of them could have left.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from etude.engine import machine_code
from etude.files import written_whole

__all__ = ["Built", "compiler", "library"]

SOURCES = Path(__file__).parent
_FLAGS = ("-std=c++17", "-O3", "-ffp-contract=fast", "-fPIC", "-w")
_SECONDS = 300


class Built(NamedTuple):
    """The library of kernels, or why there is none.

    Attributes:
        path: the library, or None.
        key: a hash of all that went into it.
        reason: why there is none, in a few words; empty where there is one.
        is_off: whether they were turned off.
    """

    path: Path | None
    key: str
    reason: str
    is_off: bool = False


def compiler() -> str | None:
    """The path of the C++ compiler: ``$CXX``, or the first of c++, g++ and clang++."""
    named = os.environ.get("CXX")
    candidates = [named] if named else ["c++", "g++", "clang++"]
    return next((path for name in candidates if (path := shutil.which(name))), None)


@functools.cache
def library(headers: Path, version: str) -> Built:
    """The kernels as a library, built if this machine has not built them yet.

    Args:
        headers: where the headers of XLA's foreign functions lie.
        version: of the package that they belong to.
    """
    if os.environ.get("ETUDE_KERNELS", "").lower() in ("off", "0", "none"):
        return Built(None, "", "turned off (ETUDE_KERNELS=off)", is_off=True)
    base, found = machine_code.root(), compiler()
    if base is None:
        return Built(None, "", "there is no place for them (ETUDE_CACHE=off)", is_off=True)
    if found is None:
        return Built(None, "", "there is no C++ compiler: install g++ or clang")
    folder = base / "kernels"
    wrong = machine_code.refusal(folder)
    if wrong:
        return Built(None, "", f"{folder} {wrong}")
    try:
        key = _key(found, version)
        path = folder / f"kernels-{key}.so"
        if not path.exists():
            _build(found, headers, path)
    except subprocess.CalledProcessError as error:
        lines = [line for line in error.stderr.splitlines() if "error" in line]
        return Built(None, "", f"{found} failed: {(lines or [f'status {error.returncode}'])[0]}")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Built(None, "", f"{found} failed: {error}")
    return Built(path, key, "")


def _key(compiler_path: str, version: str) -> str:
    told = subprocess.run([compiler_path, "--version"], capture_output=True, check=True).stdout
    parts = [told, version.encode(), machine_code.processor().encode(), repr(_FLAGS).encode()]
    for source in sorted([*SOURCES.glob("*.h"), *SOURCES.glob("*.cc")]):
        parts += [source.name.encode(), source.read_bytes()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def _build(compiler_path: str, headers: Path, path: Path) -> None:
    print(
        "etude: building its kernels for this machine, once (some seconds; ETUDE_KERNELS=off "
        "does without)",
        file=sys.stderr,
    )
    arm = platform.machine().lower() in ("arm64", "aarch64")
    tuned = "-mcpu=native" if arm else "-march=native"

    def run(*arguments: object) -> None:
        command = [compiler_path, tuned, *_FLAGS, *map(str, arguments)]
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)

    sources = sorted(SOURCES.glob("*.cc"))
    with (
        written_whole(path) as part,
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        objects = [Path(folder) / f"{source.stem}.o" for source in sources]
        for done in [
            pool.submit(run, "-isystem", headers, "-c", source, "-o", to)
            for source, to in zip(sources, objects, strict=True)
        ]:
            done.result()
        run("-shared", *objects, "-o", part)
