"""Memory that a process keeps for its next step instead of giving it back to the system.

A compiled step takes one large block for all that it computes on the way, and frees it at its end.
The C library gives such a block back to the system at once; the next step gets fresh pages, each of
which the system has to clear and map: where steps are short, that can be half of their time. Here
the C library is told to keep what is freed, up to half a gigabyte at the end of its heap. The
price: the process stays larger than it must be. ``ETUDE_KEEP_MEMORY=off`` leaves it as it is.
"""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["keep_freed"]

# The numbers of malloc.h: threads share one heap, all blocks lie in it, and so many free bytes at
# its end stay.
_SETTINGS = {"M_ARENA_MAX": (-8, 1), "M_MMAP_MAX": (-4, 0), "M_TRIM_THRESHOLD": (-1, 1 << 29)}


def keep_freed() -> bool:
    """Has the C library keep freed memory, if it is one that can; returns whether it does."""
    if os.environ.get("ETUDE_KEEP_MEMORY", "").lower() in ("off", "0", "no"):
        return False
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return False
    if any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ):
        return False  # who has set them has a plan of their own
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    taken = [mallopt(number, value) == 1 for number, value in _SETTINGS.values()]
    return all(taken)
