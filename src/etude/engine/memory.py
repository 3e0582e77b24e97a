"""Memory that a process keeps for its next step instead of giving it back to the system.

A compiled step takes one large block for all that it computes on the way, and frees it at its end.
The C library gives such a block back to the system at once; the next step gets fresh pages, each of
which the system has to clear and map: where steps are short, that can be half of their time. Here
the C library is told to keep what is freed, up to half a gigabyte at the end of its heap. The
price: the process stays larger than it must be. Where that comes to a quarter of the machine's
memory, all goes back, and things are as they were. ``ETUDE_KEEP_MEMORY=off`` never begins.
"""

from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path
from typing import Any

__all__ = ["give_back_if_large", "keep_freed"]

SHARE = 0.25
"""Of the machine's memory: a process that is larger keeps nothing."""

# The numbers of malloc.h: threads share one heap, all blocks lie in it, and so many free bytes at
# its end stay.
_SETTINGS = {"M_ARENA_MAX": (-8, 1), "M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 1 << 29)}
_DEFAULTS = {"M_MMAP_MAX": (-4, 65536), "M_TRIM_THRESHOLD": (-1, 128 << 10)}

_library: Any = None  # the C library, while it keeps what is freed


def keep_freed() -> bool:
    """Has the C library keep freed memory, if it is one that can; returns whether it does."""
    if os.environ.get("ETUDE_KEEP_MEMORY", "").lower() in ("off", "0", "no"):
        return False
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False  # who has set them has a plan of their own
    global _library
    try:
        _library = ctypes.CDLL(None)
        taken = [_library.mallopt(number, value) == 1 for number, value in _SETTINGS.values()]
    except (OSError, AttributeError):
        _library, taken = None, [False]
    return all(taken)


def give_back_if_large(share: float = SHARE) -> bool:
    """Ends the keeping for good in a process that has grown large; returns whether it did.

    Args:
        share: of the machine's memory, from which a process is large.
    """
    global _library
    if _library is None:
        return False
    resident = int(Path("/proc/self/statm").read_text().split()[1])  # pages
    if resident < share * os.sysconf("SC_PHYS_PAGES"):
        return False
    for number, value in _DEFAULTS.values():
        _library.mallopt(number, value)
    _library.malloc_trim(0)
    _library = None
    return True
