"""`etude doctor`: what works here, and what to install for the rest."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape

from etude import config
from etude.datasets import cache
from etude.engine import machine_code
from etude.engine.kernels import build
from etude.errors import EtudeError
from etude.labs.running import record
from etude.labs.running.facts import cores, processor, version

__all__ = ["doctor"]

# What each optional package is for, and what brings it.
_OPTIONAL = {
    "matplotlib": ("charts in reports", "etude[labs]"),
    "jupytext": ("labs as notebooks", "etude[labs]"),
    "ipykernel": ("running notebooks", "etude[labs]"),
    "scikit-learn": ("the digits that stand in for MNIST, small tables", "etude[labs]"),
    "keras": ("etude run --framework keras", "keras"),
}


class Finding(NamedTuple):
    """One line of the report: what was looked at, whether it works, and what was found."""

    what: str
    works: bool
    found: str
    advice: str = ""


def doctor() -> None:
    """Show engines, devices, versions and caches: what works, and what to install."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    sections = {
        "engines": _engines(),
        "optional packages": _packages(),
        "tools": _tools(),
        "folders": _folders(),
        "machine": _machine(),
    }
    for title, findings in sections.items():
        console.print(f"[bold]{title}[/]")
        for finding in findings:
            mark = "[green]✓[/]" if finding.works else "[yellow]–[/]"
            advice = f"  [yellow]→ {escape(finding.advice)}[/]" if finding.advice else ""
            console.print(f"  {mark} {finding.what:<14} {escape(finding.found)}{advice}")


def _engines() -> Iterator[Finding]:
    try:
        chosen = config.backend()
    except EtudeError as error:
        yield Finding("chosen", False, str(error), "unset ETUDE_ENGINE, or set it to numpy or xla")
        chosen = ""
    mark = {name: "  (chosen)" if name == chosen else "" for name in config.ENGINES}
    yield Finding("numpy", True, f"numpy {version('numpy')} on the processor{mark['numpy']}")
    jax = version("jax")
    if jax is None:
        advice = "pip install 'etude[xla]'"
        yield Finding("xla", False, "jax is not installed: no compiled programs", advice)
        return
    try:
        devices = importlib.import_module("etude.engine.xla").devices()
    except Exception as error:  # a broken driver or a half-installed jax fails in many ways
        first = (str(error).splitlines() or [type(error).__name__])[0]
        advice = "pip install --force-reinstall 'etude[xla]'"
        yield Finding("xla", False, f"jax {jax} is installed and does not start: {first}", advice)
        return
    idle_gpu = shutil.which("nvidia-smi") and not any(d.startswith("gpu") for d in devices)
    advice = "there is an NVIDIA GPU that jax does not see: pip install 'jax[cuda12]'"
    found = f"jax {jax} on {', '.join(devices)}{mark['xla']}"
    yield Finding("xla", True, found, advice if idle_gpu else "")
    if devices[0].startswith("cpu"):
        yield _kernels()


def _kernels() -> Finding:
    """The C++ kernels; asking builds them."""
    built = importlib.import_module("etude.engine.xla_native").loaded()
    if built.path is None:
        return Finding("kernels", False, f"XLA's own serve: {built.reason}")
    return Finding("kernels", True, f"built for this machine: {built.path}")


def _packages() -> Iterator[Finding]:
    for name, (purpose, source) in _OPTIONAL.items():
        installed = version(name)
        if installed is None:
            yield Finding(name, False, f"not installed: {purpose}", f"pip install '{source}'")
        else:
            yield Finding(name, True, f"{installed}: {purpose}")


def _tools() -> Iterator[Finding]:
    compiler = build.compiler()
    if compiler is None:
        advice = "install g++ or clang, or point CXX at a compiler"
        yield Finding("C++ compiler", False, "none: no native kernels", advice)
    else:
        yield Finding("C++ compiler", True, _first_line(compiler, "--version"))
    jupyter = shutil.which("jupyter-lab") or shutil.which("jupyter-notebook")
    advice = "" if jupyter else "pip install jupyterlab"
    yield Finding("Jupyter", bool(jupyter), jupyter or "not installed", advice)


def _folders() -> Iterator[Finding]:
    for what, path in {"data sets": cache.root(), "results": record.home()}.items():
        place = path if path.exists() else _nearest(path)
        writable = os.access(place, os.W_OK)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        found = f"{path}  ({size / 1e6:.1f} MB)" if path.exists() else f"{path}  (not there yet)"
        name = "ETUDE_DATA" if what == "data sets" else "ETUDE_HOME"
        yield Finding(what, writable, found, "" if writable else f"not writable: set {name}")
    yield _machine_code()


def _machine_code() -> Finding:
    """The cache of what was compiled, which the second run of a script need not compile again."""
    path = machine_code.root()
    if path is None:
        return Finding("machine code", False, "not kept: each run compiles anew (ETUDE_CACHE=off)")
    path = path / machine_code.PROGRAMS
    wrong = machine_code.refusal(path)
    if wrong:
        return Finding("machine code", False, str(path), f"{wrong}; or set ETUDE_CACHE")
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Finding("machine code", True, f"{path}  ({size / 1e6:.1f} MB)")


def _machine() -> Iterator[Finding]:
    yield Finding("etude", True, f"{version('etude')} in {Path(__file__).parent.parent}")
    yield Finding("Python", True, f"{platform.python_version()} at {sys.executable}")
    yield Finding("system", True, f"{platform.platform(terse=True)} {platform.machine()}")
    yield Finding("processor", True, f"{processor()}, {cores()} cores")


def _nearest(path: Path) -> Path:
    """The first folder on the way up that exists."""
    return next(parent for parent in path.parents if parent.exists())


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]} ({error})"
    return (done.stdout.splitlines() or [command[0]])[0]
