"""Compiled programs kept on disk, so that a script's second run starts training at once.

JAX stores and finds them, by a hash of the program, its options and the versions of what compiled
it; here is decided where and how much. Who has set JAX's own ``JAX_COMPILATION_CACHE_DIR`` is left
alone.
"""

# Jax leaves many of its types open:
# pyright: reportUnknownMemberType=false, reportAttributeAccessIssue=false
from __future__ import annotations

import os
import time
import warnings
from pathlib import Path

import jax
from jax.version import __version__ as version

from etude.engine.machine_code import PROGRAMS, processor, refusal, root
from etude.files import remove

__all__ = ["MOST_BYTES", "folder", "start", "sweep"]

MOST_BYTES = 1 << 30
"""What a sweep leaves; the programs that were used last stay."""

_MOST_FILES = 20_000
_SWEEP_SECONDS = 24 * 3600
_SWEPT = "swept"


def folder(base: Path) -> Path:
    """Where the programs of this processor and these versions lie; not made yet."""
    return base / PROGRAMS / f"jax-{version}-{processor()}"


def start() -> None:
    """Has JAX keep its programs in our folder, unless that is turned off or unsafe."""
    base = root()
    if base is None or jax.config.jax_compilation_cache_dir is not None:
        return
    place = folder(base)
    if refusal(place):  # `etude doctor` says it
        return
    sweep(place)
    jax.config.update("jax_compilation_cache_dir", str(place))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    # A file that was cut short, by a full disk or a killed process, only costs a compilation.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")


def sweep(place: Path, most: int = MOST_BYTES, every: float = _SWEEP_SECONDS) -> None:
    """Deletes the programs that were not used for longest, if there are too many; once a day.

    Args:
        place: the folder.
        most: the bytes that may stay.
        every: seconds from one sweep to the next.
    """
    mark = place / _SWEPT
    try:
        if time.time() - mark.stat().st_mtime < every:
            return
    except OSError:
        pass  # never swept
    try:
        mark.touch()
        found = [(entry.stat(), Path(entry)) for entry in os.scandir(place)]
    except OSError:
        return  # another process sweeps, or nothing may be written here
    total = 0
    found.sort(key=lambda pair: max(pair[0].st_atime, pair[0].st_mtime), reverse=True)
    for count, (facts, path) in enumerate(found):
        total += facts.st_size
        if (total > most or count > _MOST_FILES) and path.name != _SWEPT:
            remove(path)
