"""Where machine code is kept between runs: compiled programs, and kernels.

What is read back from there is run, so only its user may write to such a folder, and what one
processor can run another may not: each kind of processor has its own. ``ETUDE_CACHE`` names another
place, or turns the caches ``off``.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import stat
from pathlib import Path

import platformdirs

__all__ = ["PROGRAMS", "processor", "refusal", "root"]

PROGRAMS = "programs"
"""The folder below the root in which compiled programs lie."""


def root() -> Path | None:
    """The folder of etude's caches of machine code, or None where they are turned off."""
    chosen = os.environ.get("ETUDE_CACHE")
    if chosen and chosen.lower() in ("off", "0", "none"):
        return None
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_cache_path("etude", appauthor=False)


def refusal(path: Path) -> str | None:
    """Makes a folder that only its user can write to; says what is wrong where that fails."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        return f"cannot be made: {error.strerror or error}"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a folder"
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return "belongs to another user"
    if found.st_mode & 0o022:
        return "can be written by others: chmod go-w it"
    return None if os.access(path, os.W_OK) else "cannot be written to"


@functools.cache
def processor() -> str:
    """A short name for what code may be compiled for: the processor's features, and the cores."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        features = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        features = f"{platform.processor()} {platform.node()}"  # a home folder may be on many
    told = f"{platform.machine()} {features} {os.cpu_count()}"
    return hashlib.sha256(told.encode()).hexdigest()[:12]
