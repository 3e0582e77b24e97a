"""What the texts of a column mean: numbers, yes and no, dates, categories, or nothing at all.

The decisions are made for a whole column, and each comes with words that say what was done.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MISSING", "Column", "has_decimal_commas", "is_missing", "read_column"]

MISSING = "(missing)"
"""The category of a cell that holds nothing."""

_EMPTY = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", "---", ".", "..."}
_EMPTY |= {"missing", "(missing)", "<na>", "#value!", "#div/0!", "#null!", "n.a.", "k.a."}
_YES = {"yes", "y", "true", "t", "ja", "oui", "sí", "si", "on"}
_NO = {"no", "n", "false", "f", "nein", "non", "off"}
_DOT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_DOT_GROUPS = re.compile(r"[-+]?\d{1,3}([, ']\d{3})+(\.\d+)?")
_COMMA = re.compile(r"[-+]?(\d+(,\d*)?|,\d+)([eE][-+]?\d+)?")
_COMMA_GROUPS = re.compile(r"[-+]?\d{1,3}([. ']\d{3})+(,\d+)?")
_SURELY_COMMA = re.compile(r"[-+]?(\d*,(\d{1,2}|\d{4,})|0,\d+|\d{1,3}(\.\d{3})+,\d+)")
_UNITS = re.compile(r"^[$€£¥]\s*|\s*[$€£¥%]$")
_DATES = ("%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y")  # after ISO 8601
_TIMES = ("", " %H:%M", " %H:%M:%S")
_NAMES_OF_IDENTIFIERS = re.compile(r"(^|[_ .-])(id|ids|uuid|guid|index|nr|no)$|^unnamed|^row", re.I)


@dataclass(frozen=True)
class Column:
    """One column, read.

    Attributes:
        name: its name.
        kind: ``"number"``, ``"category"``, or ``"nothing"`` where nothing can be learned from it.
        values: float64 with NaN where a number is missing, else texts.
        what: what it is taken for, in a few words.
        note: what the user should know, or the empty string.
        positive: of a column of yes and no, as numbers 1 and 0, whether it is one.
    """

    name: str
    kind: str
    values: npt.NDArray[Any]
    what: str
    note: str = ""
    positive: bool = False


def is_missing(cell: str) -> bool:
    """Whether a cell says, in one of the usual spellings, that nothing is known.

    >>> is_missing("N/A"), is_missing("0")
    (True, False)
    """
    return cell.lower() in _EMPTY


def has_decimal_commas(cells: Sequence[str]) -> bool:
    """Whether numbers in a column are surely written with decimal commas.

    >>> has_decimal_commas(["3,5", "4,25"]), has_decimal_commas(["1,234", "5,678"])
    (True, False)
    """
    given = [cell for cell in cells if cell and not is_missing(cell)]
    numbers = sum(bool(_COMMA.fullmatch(c) or _COMMA_GROUPS.fullmatch(c)) for c in given)
    return numbers > 0.9 * len(given) and any(_SURELY_COMMA.fullmatch(c) for c in given)


def read_column(
    name: str, cells: Sequence[str], *, decimal_comma: bool, target: bool = False
) -> Column:
    """Finds out what a column holds.

    Args:
        name: its name.
        cells: its texts.
        decimal_comma: how to read ``1,234`` where the column itself does not tell.
        target: whether it is to be predicted: then it is not left out for what it holds.
    """
    given = [cell for cell in cells if not is_missing(cell)]
    texts = np.array([MISSING if is_missing(cell) else cell for cell in cells], dtype=object)
    if not given:
        return Column(name, "nothing", texts, "empty", "no value in any row; left out")
    if len(set(given)) == 1 and not target:
        if len(given) == len(cells):
            said = f"the same value, {_short(given[0])}, in every row; left out"
            return Column(name, "nothing", texts, "constant", said)
        return Column(name, "number", (texts != MISSING).astype(float), "given or not")
    for reader in (_yes_and_no, _numbers, _dates):
        column = reader(name, cells, given, decimal_comma)
        if column is not None:
            return column if target else _unless_an_identifier(column)
    return Column(name, "category", texts, "category") if target else _categories(name, texts)


def _yes_and_no(name: str, cells: Sequence[str], given: Sequence[str], _: bool) -> Column | None:
    said = {cell.lower() for cell in given}
    if not (said & _YES and said & _NO and said <= _YES | _NO):
        return None
    values = np.array([_as_yes(cell) for cell in cells])
    return Column(name, "number", values, "yes or no, as 1 or 0", _missing(values), positive=True)


def _as_yes(cell: str) -> float:
    return np.nan if is_missing(cell) else float(cell.lower() in _YES)


def _numbers(
    name: str, cells: Sequence[str], given: Sequence[str], decimal_comma: bool
) -> Column | None:
    bare = [_UNITS.sub("", cell) for cell in given]
    points = any(_DOT.fullmatch(c) and not _COMMA_GROUPS.fullmatch(c) for c in bare if "." in c)
    comma = has_decimal_commas(bare) or (decimal_comma and not points)
    read = _comma_number if comma else _dot_number
    values = np.array([np.nan if is_missing(c) else read(_UNITS.sub("", c)) for c in cells])
    odd = [c for c, v in zip(cells, values, strict=True) if np.isnan(v) and not is_missing(c)]
    # Some strange words make no category of a column of numbers; many do.
    if len(odd) > 0.1 * len(given) or _codes(bare):
        return None
    notes = []
    if comma and any("," in cell for cell in bare):
        notes.append("read with decimal commas")
    if odd:
        notes.append(f"{len(odd)} cells are no numbers ({_some(odd)}): taken as missing")
    elif bare != list(given):
        notes.append(f"units left out, as in {_short(next(c for c in given if c not in bare))}")
    notes += [said] if (said := _missing(values)) else []
    return Column(name, "number", values, "number", "; ".join(notes))


def _dot_number(text: str) -> float:
    if _DOT.fullmatch(text):
        return _finite(text)
    return _finite(re.sub("[, ']", "", text)) if _DOT_GROUPS.fullmatch(text) else np.nan


def _comma_number(text: str) -> float:
    if _COMMA_GROUPS.fullmatch(text):
        return _finite(re.sub("[. ']", "", text).replace(",", "."))
    if _COMMA.fullmatch(text):
        return _finite(text.replace(",", "."))
    return _finite(text) if _DOT.fullmatch(text) else np.nan


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) < 1e30 else np.nan  # larger than that, it is no measurement


def _codes(given: Sequence[str]) -> bool:
    """Whether these are codes in digits, as postcodes: 01069 is not a number of anything."""
    return any(len(c) > 1 and c[0] == "0" and c.isdigit() for c in given)


def _dates(name: str, cells: Sequence[str], given: Sequence[str], _: bool) -> Column | None:
    if not any(mark in given[0] for mark in "-/."):
        return None
    found: list[tuple[str, npt.NDArray[np.float64]]] = []
    for form in ("", *(date + time for date in _DATES for time in _TIMES)):
        try:
            _day(given[0], form)
            values = np.array([np.nan if is_missing(c) else _day(c, form) for c in cells])
        except ValueError:
            continue
        found.append((form, values))
    if not found:
        return None
    notes = [f"read as {_date_in_words(found[0][0])}"]
    if len(found) > 1:
        notes[0] += f" (it could be {_date_in_words(found[1][0])})"
    notes += [said] if (said := _missing(found[0][1])) else []
    return Column(name, "number", found[0][1], "date, in days since 1970", "; ".join(notes))


def _day(cell: str, form: str) -> float:
    """Days since 1970, by the clock on the wall, whatever time zone is named."""
    moment = datetime.strptime(cell, form) if form else datetime.fromisoformat(cell)
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86400


def _date_in_words(form: str) -> str:
    for code, word in (("%Y", "year"), ("%m", "month"), ("%d", "day"), ("%H:%M", "time")):
        form = form.replace(code, word)
    return form.replace(":%S", "") or "year-month-day"


def _unless_an_identifier(column: Column) -> Column:
    values = column.values
    known = values[~np.isnan(values)]
    if len(known) == 0 or np.all(known == known[0]):
        return Column(column.name, "nothing", values, "constant", "never varies; left out")
    whole = np.all(known == np.round(known)) and column.what == "number"
    if len(known) < 10 or not whole or len(np.unique(known)) < len(known):
        return column
    rising = bool(np.all(np.diff(known) > 0))  # with gaps, where rows were taken out
    running = np.ptp(known) == len(known) - 1 or (rising and np.ptp(known) < 1.5 * len(known))
    if running or _NAMES_OF_IDENTIFIERS.search(column.name):
        said = "a running number" if running else "a number of its own for every row"
        return Column(column.name, "nothing", values, "identifier", f"{said}; left out")
    return column


def _categories(name: str, texts: npt.NDArray[Any]) -> Column:
    counts = Counter(texts[texts != MISSING].tolist())
    total = sum(counts.values())
    if len(counts) == total >= 10:
        said = f"a text of its own in every row, as {_short(next(iter(counts)))}; left out"
        return Column(name, "nothing", texts, "identifier or free text", said)
    if len(counts) > 0.5 * total and total >= 10:
        said = f"{len(counts)} different texts in {total} rows say little; left out"
        return Column(name, "nothing", texts, "free text", said)
    absent = len(texts) - total
    notes = [f"{absent} missing: a category of their own"] if absent else []
    what = f"category, {len(counts)} values"
    return Column(name, "category", texts, what, "; ".join(notes))


def _missing(values: npt.NDArray[Any]) -> str:
    count = int(np.isnan(values).sum())
    return f"{count} missing" if count else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 24 else text[:21] + "...")


def _some(texts: Sequence[str]) -> str:
    different = list(dict.fromkeys(texts))
    return ", ".join(map(_short, different[:3])) + (", ..." if len(different) > 3 else "")
