"""What labs scored: one line of JSON per run, appended to a file in the user's data folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from etude.saving.files import write_atomically

__all__ = ["append", "home", "results", "write_whole"]


def home() -> Path:
    """The folder for what etude keeps: ``$ETUDE_HOME``, or the user's data folder."""
    chosen = os.environ.get("ETUDE_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path("etude", appauthor=False)


def append(result: Mapping[str, Any]) -> None:
    """Adds a run to the records.

    One line is one write to a file opened for appending: two runs that end at once leave two
    whole lines. A folder that cannot be written costs the record, not the run.
    """
    line = json.dumps(result, ensure_ascii=False) + "\n"
    with suppress(OSError):
        path = _path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line)


def results() -> list[dict[str, Any]]:
    """All recorded runs, the oldest first. Lines that are not whole are passed over."""
    runs: list[dict[str, Any]] = []
    try:
        lines = _path().read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return runs
    for line in lines:
        with suppress(ValueError):
            run = json.loads(line)
            if isinstance(run, dict) and isinstance(run.get("lab"), str):
                runs.append(run)
    return runs


def write_whole(path: Path, text: str) -> None:
    """Writes a text file so that it is there as a whole or not at all.

    Raises:
        FileError: the disk is full, or the folder may not be written to.
    """
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def _path() -> Path:
    return home() / "results.jsonl"
