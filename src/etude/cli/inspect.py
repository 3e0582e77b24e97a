"""`etude inspect`: what is in a model file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etude.cli.data import megabytes
from etude.cli.status import BAD_INPUT

if TYPE_CHECKING:
    from etude.saving.inspection import Part, Report

__all__ = ["inspect"]

WIDEST = 60  # characters of a name
ROWS = 200  # parts that are listed


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model, or weights.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is in a model file, and whether it would be refused, without loading it.

    Ends with the status 2 where something in the file would be refused.
    """
    from etude.saving.inspection import inspect_file  # noqa: PLC0415  (only here)

    report = inspect_file(file)
    if as_json:
        typer.echo(json.dumps(report.as_dict()))
    else:
        for line in _lines(report):
            typer.echo(line)
    if report.refusals:
        sys.exit(BAD_INPUT)


def _lines(report: Report) -> list[str]:
    lines = [f"{plain(str(report.path))}: {report.form or 'not readable'}"]
    if report.sha256:
        lines.append(f"  {report.size:,} bytes, SHA-256 {report.sha256}")
    lines += [f"  {plain(name)}: {plain(value)}" for name, value in report.facts.items()]
    lines += [f"  member {plain(name)}: {size:,} bytes" for name, size in report.members.items()]
    if report.parts:
        lines += ["", *_table(report.parts[:ROWS])]
        if len(report.parts) > ROWS:
            lines.append(f"  ... and {len(report.parts) - ROWS} more")
        count, size = (sum(getattr(p, a) for p in report.parts) for a in ("count", "size"))
        lines.append(f"  {count:,} numbers, {megabytes(size)}")
    lines.append("")
    for name in report.own:
        lines.append(f"Needs {plain(name)}: a class or function of your own, registered or given.")
    if report.refusals:
        lines += [f"Refused: {plain(reason, 400)}" for reason in report.refusals]
    else:
        lines.append("Nothing in it would be refused.")
    return lines


def _table(parts: list[Part]) -> list[str]:
    rows = [(plain(part.name), plain(part.kind), _shapes(part)) for part in parts]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    return [f"  {a:{widths[0]}}  {b:{widths[1]}}  {c}".rstrip() for a, b, c in rows]


def _shapes(part: Part) -> str:
    shown = [f"{array.shape} {plain(array.dtype)}" for array in part.arrays[:4]]
    more = f", and {len(part.arrays) - 4} more" if len(part.arrays) > 4 else ""
    return ", ".join(shown) + more


def plain(text: str, widest: int = WIDEST) -> str:
    r"""A text from a file as it can be printed: without what would command the terminal.

    >>> plain("dense" + chr(27) + "[2J")
    'dense\\x1b[2J'
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shown if len(shown) <= widest else f"{shown[: widest - 3]}..."
