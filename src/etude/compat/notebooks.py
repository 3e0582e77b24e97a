"""Notebooks as cells of plain Python: what IPython adds to the language, put in Python's words.

`%` and `!` lines become calls of `shell` and `magic`, which `etude.compat.execution` gives to the
program. Nothing else of the code is changed.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from etude.errors import DataError

__all__ = ["MAGIC", "SHELL", "Cell", "as_python", "read_notebook"]

SHELL, MAGIC = "__etude_shell__", "__etude_magic__"
"""Names of the functions that the program calls in the place of `!` and `%`."""


class Cell(NamedTuple):
    """A cell of code: its number among them, from 1 on, and its text."""

    number: int
    source: str


def read_notebook(path: Path) -> list[Cell]:
    """The code cells of a notebook.

    Raises:
        DataError: the file is no notebook, or one of another language.
    """
    try:
        book = json.loads(path.read_text(encoding="utf-8"))
        sheets = book.get("worksheets", [book])
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        sources = [_text(c) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} is no Jupyter notebook ({type(error).__name__}: {error})."
        ) from None
    language = book.get("metadata", {}).get("language_info", {}).get("name", "python")
    if language != "python":
        raise DataError(f"{path} is a notebook of {language}; expected one of Python.")
    return [Cell(i, source) for i, source in enumerate(sources, 1)]


def _text(cell: dict[str, Any]) -> str:
    source = cell["source"] if "source" in cell else cell["input"]
    return source if isinstance(source, str) else "".join(source)


def as_python(source: str) -> str:
    r"""The source of a cell as plain Python, line for line.

    >>> print(as_python("files = !ls\n%matplotlib inline\nx = 1"))
    files = __etude_shell__('ls', globals(), quiet=True)
    __etude_magic__('matplotlib inline', globals())
    x = 1
    """
    whole = re.match(r"\s*%%(\w+)[ \t]*([^\n]*)\n?(.*)", source, re.DOTALL)
    if whole:
        return _cell_magic(whole[1], whole[2], whole[3])
    try:
        ast.parse(source)
    except SyntaxError:
        return "\n".join(map(_line, _joined(source)))
    return source


def _cell_magic(name: str, rest: str, body: str) -> str:
    """A cell whose first line is a magic for all of it; that line becomes an empty one."""
    if name in ("time", "timeit", "capture", "prun"):
        return "\n" + as_python(body)
    return f"{MAGIC}({f'%{name} {rest}'!r}, globals(), {body!r})"


def _joined(source: str) -> list[str]:
    """Lines; those that a `!` line goes on in are joined to it, and empty ones keep the count."""
    lines: list[str] = []
    open_shell, skipped = False, 0
    for line in source.split("\n"):
        if open_shell:
            lines[-1 - skipped] = lines[-1 - skipped].rstrip()[:-1] + line.strip()
            lines.append("")
            skipped += 1
        else:
            lines.append(line)
            skipped = 0
        head = lines[-1 - skipped]
        open_shell = bool(re.match(r"\s*(\w+\s*=\s*)?!", head)) and head.rstrip().endswith("\\")
    return lines


def _line(line: str) -> str:
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    target, sign, rest = _parted(body)
    if sign == "!":
        quiet = ", quiet=True" if target else ""  # what a name is given is not shown
        return f"{indent}{target}{SHELL}({rest.lstrip('!')!r}, globals(){quiet})"
    if sign == "%":
        timed = re.match(r"(?:time|timeit|prun)\s+((?:-\w+\s*\d*\s+)*)(.+)", rest)
        return indent + (target + timed[2] if timed else f"{target}{MAGIC}({rest!r}, globals())")
    if body.startswith("?") or re.fullmatch(r"[\w.]+\?+", body):
        return indent + "pass"
    return line


def _parted(body: str) -> tuple[str, str, str]:
    """``name =``, the sign ``!`` or ``%``, and what follows it; no sign for plain Python."""
    found = re.match(r"((?:[\w.]+\s*=\s*)?)([!%])(?![%=])\s*(\S.*)", body)
    return (found[1], found[2], found[3]) if found else ("", "", body)
