"""What a run ran on: versions and machine, for the report."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

__all__ = ["machine", "version"]


def version(package: str) -> str | None:
    """The installed version of a package, or None. Does not import it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine(framework: str) -> dict[str, str]:
    """Versions and hardware, in the order in which a report shows them."""
    wanted = ["etude", "numpy", "jax", *(["keras"] if framework == "keras" else [])]
    found = {package: version(package) for package in wanted}
    return {
        "Python": platform.python_version(),
        **{package: number for package, number in found.items() if number},
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{processor()}, {cores()} cores",
    }


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
