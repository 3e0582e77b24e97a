"""`etude run all`: every lab in a process of its own, and one table."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etude.cli.status import FAULT, INTERRUPTED, NO_DATA, TARGET_MISSED
from etude.labs.running import standings
from etude.labs.running.header import Header

__all__ = ["run"]


class Ended(NamedTuple):
    """How the run of a lab ended: its status, what it found, and its last words."""

    header: Header
    status: int
    result: dict[str, Any] | None
    words: str


def run(headers: Sequence[Header], arguments: Sequence[str], *, as_json: bool) -> int:
    """Runs labs one after the other, and prints one table.

    A lab that fails, or whose data cannot be had, does not keep the others from running.

    Args:
        headers: the labs.
        arguments: options for each of them, as on the command line.
        as_json: print one line of JSON in the place of the table.

    Returns:
        The status of the command: the gravest of all labs.
    """
    ended: list[Ended] = []
    try:
        for number, header in enumerate(headers, start=1):
            print(f"{number}/{len(headers)} {header.name}", end="", file=sys.stderr, flush=True)
            ended.append(_run(header, arguments))
            print(": " + ", ".join(_cells(ended[-1])[-2:]), file=sys.stderr)
    except KeyboardInterrupt:
        print("\netude: interrupted; the labs that had ended:", file=sys.stderr)
        _show(ended, as_json)
        return INTERRUPTED
    _show(ended, as_json)
    found = {end.status for end in ended}
    others = found - {0, NO_DATA, TARGET_MISSED}
    return FAULT if others else max(found & {NO_DATA, TARGET_MISSED}, default=0)


def _run(header: Header, arguments: Sequence[str]) -> Ended:
    command = [sys.executable, "-m", "etude", "run", str(header.path), "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    words = (done.stderr.strip().splitlines() or [""])[-1].removeprefix("etude: ")
    return Ended(header, done.returncode, json.loads(lines[-1]) if lines else None, words)


def _show(ended: Sequence[Ended], as_json: bool) -> None:
    if as_json:
        labs = [
            end.result or {"lab": end.header.name, "status": end.status, "error": end.words}
            for end in ended
        ]
        typer.echo(json.dumps({"labs": labs}, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("lab", "engine", "data", "result", "time"):
        table.add_column(column, no_wrap=column == "lab")
    for end in ended:
        table.add_row(end.header.name, *map(escape, _cells(end)))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)


def _cells(end: Ended) -> tuple[str, ...]:
    if end.result is None:
        word = "no data" if end.status == NO_DATA else f"failed, status {end.status}"
        return "–", "–", f"{word} ({end.words})", "–"
    data = end.result["data"] or {}
    stand_in = f" in place of {data['stand_in_for']}" if data.get("stand_in_for") else ""
    return (
        end.result["engine"],
        f"{data.get('name', '–')}{stand_in}",
        standings.scores(end.result),
        standings.clock(end.result["seconds"]),
    )
