"""A table in a text file, as people have them: any delimiter, any encoding, rows that do not fit.

Whatever is unusual is put right where that is safe, and told in words either way.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from etude.errors import DataError

__all__ = ["SUFFIXES", "Sheet", "lines_named", "read_sheet"]

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".data")
"""The names of files that are taken for tables."""

_LARGEST = 256 * 2**20
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Sheet:
    """The cells of a file, as text.

    Attributes:
        path: the file.
        columns: the texts of each column by its name, all of one length, without white space
            around them.
        lines: where each row stands in the file, counted from 1.
        delimiter: what stands between the cells.
        notes: what was put right, in words.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]
    delimiter: str
    notes: list[str] = field(default_factory=list)


def read_sheet(path: Path) -> Sheet:
    """Reads a file of delimited text.

    Raises:
        DataError: it is no such file, or holds no table.
    """
    notes: list[str] = []
    text = _text(path, notes)
    delimiter = _delimiter(text, path)
    rows, lines = _rows(text, delimiter, path)
    names = _names(rows, lines, notes)
    rows, lines = _fitted(rows, lines, len(names), path, notes)
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return Sheet(path, columns, lines, delimiter, notes)


def lines_named(lines: Sequence[int]) -> str:
    """Where rows stand, the first few of them.

    >>> lines_named([3]), lines_named([3, 5, 9, 12, 40])
    ('line 3', 'lines 3, 5, 9 and 2 more')
    """
    first = ", ".join(map(str, lines[:3]))
    if len(lines) == 1:
        return f"line {first}"
    return f"lines {first}" + (f" and {len(lines) - 3} more" if len(lines) > 3 else "")


def _text(path: Path, notes: list[str]) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(
                f"{path} is larger than {_LARGEST // 2**20} MiB. Take a sample of its rows."
            )
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _decoded(data, "utf-16", path)
    if data[:4] == b"PK\x03\x04" or data[:4] == b"\xd0\xcf\x11\xe0" or b"\0" in data[:4096]:
        raise DataError(
            f"{path} is not text: it looks like a spreadsheet or another program's file. Save it "
            "there as CSV, and give that."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        notes.append("The file is not in UTF-8; it was read as Windows-1252 (Western European).")
        return data.decode("cp1252", errors="replace")


def _decoded(data: bytes, encoding: str, path: Path) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} begins like {encoding.upper()}, but is damaged ({error.reason}). Save it as "
            "CSV in UTF-8."
        ) from error


def _delimiter(text: str, path: Path) -> str:
    """The delimiter by which the most of the first lines have one and the same number of cells."""
    sample = text.splitlines()[:100]
    best, found = (0.0, 0), ""
    for delimiter in _DELIMITERS:
        reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
        try:
            widths = [len(row) for row in reader if any(row)]
        except csv.Error:
            continue
        if not widths:
            continue
        width, often = Counter(widths).most_common(1)[0]
        score = (round(often / len(widths), 1), width)
        if width > 1 and score > best:
            best, found = score, delimiter
    if not found:
        kinds = ", ".join(_DELIMITERS.values())
        raise DataError(
            f"{path} holds no table with at least two columns: no {kinds} divides its lines into "
            "cells. Save the table as CSV, with the names of the columns in its first line."
        )
    return found


def _rows(text: str, delimiter: str, path: Path) -> tuple[list[list[str]], list[int]]:
    """The rows that are not blank, and the line on which each begins."""
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, skipinitialspace=True)
    rows, lines, begin = [], [], 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row])
                lines.append(begin)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}, line {reader.line_num}: {error}. Often a quotation mark was not closed."
        ) from error
    return rows, lines


def _names(rows: list[list[str]], lines: list[int], notes: list[str]) -> list[str]:
    """Takes the names of the columns from the first row, each made one of its kind."""
    if any(cell and not _NUMBER.fullmatch(cell) for cell in rows[0]):
        given = rows.pop(0)
        lines.pop(0)
    else:
        notes.append(
            "The first line holds numbers, not names: the columns are called 'column 1', "
            "'column 2' and so on."
        )
        given = [f"column {i + 1}" for i in range(len(rows[0]))]
    while (
        len(given) > 1 and given[-1] == "" and not any(any(row[len(given) - 1 :]) for row in rows)
    ):
        given.pop()  # each line ends with a delimiter
    if rows and all(len(row) == len(given) + 1 and row[-1] for row in rows):
        given.insert(0, "")  # R names the rows in a first column, and that column not at all
    names: list[str] = []
    for i, name in enumerate(given):
        plain = name or f"column {i + 1}"
        unique, copy = plain, 2
        while unique in names:
            unique, copy = f"{plain} ({copy})", copy + 1
        if not name:
            notes.append(f"Column {i + 1} has no name; it is called {unique!r}.")
        elif unique != name:
            notes.append(f"There is more than one column {name!r}; one is called {unique!r}.")
        names.append(unique)
    return names


def _fitted(
    rows: list[list[str]], lines: list[int], width: int, path: Path, notes: list[str]
) -> tuple[list[list[str]], list[int]]:
    """Rows of one width: short ones are filled up, long ones left out."""
    kept, places, short, long = [], [], [], []
    for row, line in zip(rows, lines, strict=True):
        if any(row[width:]):
            long.append(line)
            continue
        if len(row) < width:
            short.append(line)
        kept.append(row[:width] + [""] * (width - len(row)))
        places.append(line)
    if len(long) > max(1, len(rows) // 5):
        raise DataError(
            f"{path}: {len(long)} of {len(rows)} rows have more cells than the {width} columns "
            f"({lines_named(long)}). Perhaps a decimal comma is taken for a delimiter: save the "
            "table with semicolons, or put such cells into quotation marks."
        )
    if long:
        notes.append(f"Rows with more cells than columns were left out ({lines_named(long)}).")
    if short:
        notes.append(f"Rows with too few cells miss the last values ({lines_named(short)}).")
    return kept, places
