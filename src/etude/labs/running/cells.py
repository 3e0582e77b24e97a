"""A lab's file as cells: the percent format, split without running anything."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Cell", "split_cells", "use_framework"]

_MARK = re.compile(r"^# %%(?P<title>[^\n\[]*)(\[(?P<kind>\w+)\])?")
_FRAMEWORK = re.compile(r"(?m)^import etude as keras$")


@dataclass(frozen=True)
class Cell:
    """One cell: ``kind`` is code, markdown or raw; ``line`` is that of its first source line."""

    kind: str
    source: str
    line: int

    @property
    def heading(self) -> str | None:
        """The first heading of a markdown cell, without its marks."""
        if self.kind != "markdown":
            return None
        for line in self.source.splitlines():
            found = re.match(r"#+ +(.+)", line)
            if found:
                return found[1]
        return None


def split_cells(text: str) -> list[Cell]:
    r"""The cells of a file in percent format.

    >>> [cell.kind for cell in split_cells("# %% [markdown]\n# # Title\n# %%\nx = 1\n")]
    ['markdown', 'code']
    """
    cells: list[Cell] = []
    kind, start, lines = "code", 1, []
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _MARK.match(line)
        if mark is None:
            lines.append(line)
            continue
        _close(cells, kind, start, lines)
        kind, start, lines = _kind_of(mark["kind"]), number + 1, []
    _close(cells, kind, start, lines)
    return cells


def use_framework(source: str, framework: str) -> str:
    """Rebinds a lab's ``keras`` to another framework. No line moves.

    >>> use_framework("import etude as keras", "keras")
    'import keras as keras'
    """
    return _FRAMEWORK.sub(f"import {framework} as keras", source)


def _kind_of(mark: str | None) -> str:
    return {"markdown": "markdown", "md": "markdown", "raw": "raw"}.get(mark or "", "code")


def _close(cells: list[Cell], kind: str, start: int, lines: list[str]) -> None:
    if kind != "code":
        lines = [re.sub(r"^# ?", "", line) for line in lines]
    source = "\n".join(lines).rstrip()
    if source.strip():
        cells.append(Cell(kind, source, start))
