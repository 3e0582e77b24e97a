"""Tables for the labs: columns of numbers and of categories, and one column to predict.

A table comes from a lab's data set or from a file of the user's own. Nothing is learned from rows
that are kept for testing: means, categories and the like come from the training part.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from etude.datasets.arrays import stratified_split
from etude.errors import DataError, did_you_mean
from etude.labs.running.columns import Column, has_decimal_commas, is_missing, read_column
from etude.labs.running.delimited import SUFFIXES, lines_named, read_sheet

__all__ = ["OTHER", "Rows", "Table", "check_own", "from_arrays", "read_table"]

OTHER = "(other)"
"""The category of all that is rare in the training part, or not there at all."""

_TEST_SHARE = 0.2
_FEWEST_ROWS = 20
_FEWEST_OF_A_CLASS = 4
_MOST_CLASSES = 100
_MOST_CATEGORIES = 50

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class Rows:
    """Some rows of a table.

    Attributes:
        columns: by name; float64 with NaN for what is missing, or texts. Shape (n,) each.
        y: what is to be predicted, shape (n,): numbers, or labels from 0.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    y: npt.NDArray[Any]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Table:
    """A table to learn from.

    Attributes:
        name: of the data set, or the path of the user's file.
        target: the column to predict.
        kind: of the task: ``"regression"``, ``"binary"`` or ``"classes"``.
        numbers: the names of the columns that hold numbers.
        categories: the names of those that hold categories.
        train: the rows to learn from.
        test: the rows to be tested on.
        class_names: by label; none where a number is predicted.
        own: whether this is the user's file.
        notes: what was put right or left out, in words.
        about: per column: its name, what it is taken for, what was done.
    """

    name: str
    target: str
    kind: str
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    train: Rows
    test: Rows
    class_names: list[str]
    own: bool = False
    notes: list[str] = field(default_factory=list)
    about: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def features(self) -> list[str]:
        """The names of the columns of `arrays`."""
        names = []
        for name in self.numbers:
            names += [name, f"{name} is missing"] if self._has_gaps(name) else [name]
        return names + [f"{name} = {v}" for name in self.categories for v in self.values(name)]

    def values(self, name: str) -> list[str]:
        """The categories of a column, as the training part has them, in order."""
        return sorted(set(self.train[name].tolist()) - {OTHER})

    def arrays(self) -> tuple[Arrays, Arrays]:
        """The table as ``(x_train, y_train), (x_test, y_test)``, each x of shape (n, features).

        A number that is missing becomes the mean of the training part, and a column of 0 and 1
        says where. A category becomes one column of 0 and 1 for each value that the training part
        has; a value that it has not is all zeros.
        """
        return (self._matrix(self.train), self.train.y), (self._matrix(self.test), self.test.y)

    def _has_gaps(self, name: str) -> bool:
        return bool(np.isnan(self.train[name]).any())

    def _matrix(self, rows: Rows) -> npt.NDArray[np.float64]:
        columns: list[npt.NDArray[Any]] = []
        for name in self.numbers:
            known = ~np.isnan(rows[name])
            columns.append(np.where(known, rows[name], np.nanmean(self.train[name])))
            columns += [~known] if self._has_gaps(name) else []
        columns += [rows[name] == v for name in self.categories for v in self.values(name)]
        return np.stack(columns, axis=1).astype(np.float64)  # (n, features)


def check_own(path: Path, target: str | None, kinds: Sequence[str]) -> None:
    """Reads the user's table, to tell before a lab begins whether it can be used.

    Raises:
        DataError: it cannot.
    """
    read_table(path, target, kinds, seed=0)


def read_table(path: Path, target: str | None, kinds: Sequence[str], *, seed: int) -> Table:
    """The user's table, split into rows to learn from and rows to be tested on.

    Args:
        path: a file of delimited text.
        target: the name of the column to predict.
        kinds: the kinds of task that the lab can do, of `header.KINDS`.
        seed: decides which rows are for testing: a fifth of each class.

    Raises:
        DataError: the file holds no table that the lab can learn from. The message says why.
    """
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        found = "that is something else" if path.exists() else "there is nothing at that path"
        raise DataError(
            f"--data {path}: this lab takes a table, a file that ends in {', '.join(SUFFIXES)}; "
            f"{found}."
        )
    status = path.stat()
    # The runner asks before the lab begins, and the lab again: the file is read once.
    found = _read(path, (status.st_mtime_ns, status.st_size), target, tuple(kinds))
    labels = np.zeros(len(found.y)) if found.kind == "regression" else found.y
    parts = stratified_split(labels, _TEST_SHARE, seed, at_least=1)
    return _assembled(str(path), found, parts)


class _Found(NamedTuple):
    """What a file holds, before it is split."""

    target: str
    kind: str
    columns: list[Column]
    y: npt.NDArray[Any]
    class_names: list[str]
    notes: tuple[str, ...]
    about: list[tuple[str, str, str]]


@functools.lru_cache(maxsize=1)
def _read(path: Path, _: tuple[int, int], target: str | None, kinds: tuple[str, ...]) -> _Found:
    """Reads a file, as it is at a time and with a size."""
    sheet = read_sheet(path)
    target = _chosen(target, list(sheet.columns), path)
    comma = any(has_decimal_commas(cells) for cells in sheet.columns.values())
    given = [i for i, cell in enumerate(sheet.columns[target]) if not is_missing(cell)]
    notes = list(sheet.notes)
    _must_be_enough(len(given), target, path)
    if len(given) < len(sheet.lines):
        without = [sheet.lines[i] for i in sorted(set(range(len(sheet.lines))) - set(given))]
        notes.append(f"Rows without a {target!r} were left out ({lines_named(without)}).")
    y_column = read_column(
        target, [sheet.columns[target][i] for i in given], decimal_comma=comma, target=True
    )
    kind, y, names, kept = _target(y_column, kinds, path, notes)
    rows = [given[i] for i in kept]
    _must_be_enough(len(rows), target, path)
    columns = [
        read_column(name, [cells[i] for i in rows], decimal_comma=comma)
        for name, cells in sheet.columns.items()
        if name != target
    ]
    about = [(c.name, c.what, c.note) for c in columns]
    about.insert(list(sheet.columns).index(target), (target, _KIND_IN_WORDS[kind], y_column.note))
    columns = [column for column in columns if column.kind != "nothing"]
    if not columns:
        raise DataError(
            f"{path}: no column is left to predict {target!r} from. "
            + " ".join(f"{name!r}: {note}." for name, _, note in about if note)
        )
    notes += _copies(columns, y) + _givers_away(columns, y, kind, target)
    return _Found(target, kind, columns, y, names, tuple(notes), about)


def from_arrays(
    name: str,
    target: str,
    train: tuple[Any, npt.NDArray[Any]],
    test: tuple[Any, npt.NDArray[Any]],
    features: Sequence[str],
    class_names: Sequence[str],
) -> Table:
    """The table of a data set.

    Args:
        name: of the data set.
        target: what is to be predicted.
        train: x and y; x is a matrix, or columns by name.
        test: the same.
        features: the names of a matrix's columns.
        class_names: by label; none where a number is predicted.
    """
    kinds = {0: "regression", 2: "binary"}
    parts = [
        Rows(x if isinstance(x, Mapping) else dict(zip(features, x.T, strict=True)), y)
        for x, y in (train, test)
    ]
    first = parts[0].columns
    numbers = tuple(n for n, c in first.items() if np.issubdtype(c.dtype, np.number))
    categories = tuple(n for n in first if n not in numbers)
    kind = kinds.get(len(class_names), "classes")
    return Table(name, target, kind, numbers, categories, parts[0], parts[1], list(class_names))


_KIND_IN_WORDS = {
    "regression": "to predict: a number",
    "binary": "to predict: one of two classes",
    "classes": "to predict: one of several classes",
}


def _chosen(target: str | None, names: list[str], path: Path) -> str:
    shown = ", ".join(map(repr, names[:40])) + (", ..." if len(names) > 40 else "")
    if target is None:
        raise DataError(
            f"Which column of {path} is to be predicted? Say it with --target, as in --target "
            f"{_quoted(names[-1])}. The columns are {shown}."
        )
    if target in names:
        return target
    alike = [name for name in names if name.lower() == target.strip().lower()]
    if len(alike) == 1:
        return alike[0]
    raise DataError(
        f"{path} has no column {target!r}.{did_you_mean(target, names, cutoff=0.5)} "
        f"The columns are {shown}."
    )


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'


def _target(
    column: Column, kinds: Sequence[str], path: Path, notes: list[str]
) -> tuple[str, npt.NDArray[Any], list[str], list[int]]:
    """The kind of task, the values to predict, the classes, and which rows can be used."""
    values = column.values
    if column.kind == "nothing" or len(values) == 0:
        raise DataError(f"{path}: the column {column.name!r} is empty: nothing can be predicted.")
    if column.kind == "number" and not column.positive:
        known = np.flatnonzero(~np.isnan(values))
        number, different = values[known], np.unique(values[known])
        whole = bool(np.all(number == np.round(number)))
        as_classes = whole and len(different) <= 10 and len(number) >= 5 * len(different)
        if "regression" in kinds and not (as_classes and len(kinds) > 1 and len(different) > 1):
            _must_vary(len(different), column.name, path)
            return "regression", number, [], known.tolist()
        if not as_classes:
            raise DataError(
                f"{path}: {column.name!r} holds {len(different)} different numbers, and this lab "
                f"predicts {_words(kinds)}. Choose another --target, or the lab tabular-mlp."
            )
        notes.append(f"The {len(different)} whole numbers of {column.name!r} are taken as classes.")
        texts = np.array([f"{v:g}" for v in number], dtype=object)
        return _classes(column.name, texts, known.tolist(), kinds, path, notes, ordered=True)
    if column.positive:
        texts = np.where(values == 1, "yes", "no").astype(object)
        return _classes(
            column.name, texts, list(range(len(texts))), kinds, path, notes, ordered=True
        )
    return _classes(column.name, values, list(range(len(values))), kinds, path, notes)


def _classes(
    name: str,
    texts: npt.NDArray[Any],
    rows: list[int],
    kinds: Sequence[str],
    path: Path,
    notes: list[str],
    *,
    ordered: bool = False,
) -> tuple[str, npt.NDArray[Any], list[str], list[int]]:
    counts = Counter(texts.tolist())
    _must_vary(len(counts), name, path)
    tiny = {value: count for value, count in counts.items() if count < _FEWEST_OF_A_CLASS}
    large = sorted(set(counts) - set(tiny), key=_by_number)
    if len(large) < 2 or len(large) > _MOST_CLASSES:
        raise DataError(
            f"{path}: {name!r} has {len(counts)} different texts in {len(texts)} rows, of which "
            f"{len(large)} stand in at least {_FEWEST_OF_A_CLASS} rows. Between 2 and "
            f"{_MOST_CLASSES} such classes are needed: is it the column you meant?"
        )
    if tiny:
        some = ", ".join(f"{value!r} ({count})" for value, count in list(tiny.items())[:5])
        notes.append(
            f"Classes of {name!r} with fewer than {_FEWEST_OF_A_CLASS} rows were left out: {some}"
            f"{', ...' if len(tiny) > 5 else ''}."
        )
    kind = "binary" if len(large) == 2 else "classes"
    if kind not in kinds:
        raise DataError(
            f"{path}: {name!r} holds {len(large)} classes, and this lab predicts {_words(kinds)}. "
            "Choose another --target, or the lab tabular-mlp."
        )
    if kind == "binary" and not ordered:
        large.sort(key=lambda value: -counts[value])
        notes.append(f"{large[1]!r}, the rarer of the two, is the class that is looked for.")
    kept = [i for i, text in enumerate(texts) if text not in tiny]
    label = {value: i for i, value in enumerate(large)}
    y = np.array([label[texts[i]] for i in kept], np.int64)
    return kind, y, large, [rows[i] for i in kept]


def _by_number(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return np.inf, text


def _must_vary(different: int, name: str, path: Path) -> None:
    if different < 2:
        raise DataError(
            f"{path}: {name!r} is the same in every row, so there is nothing to predict. Choose "
            "another --target."
        )


def _must_be_enough(count: int, target: str, path: Path) -> None:
    if count < _FEWEST_ROWS:
        raise DataError(
            f"{path} has {count} rows with a {target!r} to learn from. At least {_FEWEST_ROWS} are "
            "needed, and some hundreds are better."
        )


def _words(kinds: Sequence[str]) -> str:
    return " or ".join(_KIND_IN_WORDS[kind].removeprefix("to predict: ") for kind in kinds)


def _assembled(
    name: str, found: _Found, parts: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
) -> Table:
    train, test = parts
    notes = list(found.notes)
    learned: dict[str, npt.NDArray[Any]] = {}
    kept: list[Column] = []
    for column in found.columns:
        values = column.values
        if column.kind == "category":
            values = _known_categories(column, train, test, notes)
        elif len(np.unique(values[train][~np.isnan(values[train])])) < 2:
            notes.append(f"{column.name!r} never varies in the training part; left out.")
            continue
        learned[column.name] = values
        kept.append(column)
    learn, check = (Rows({n: v[rows] for n, v in learned.items()}, found.y[rows]) for rows in parts)
    return Table(
        name,
        found.target,
        found.kind,
        tuple(column.name for column in kept if column.kind == "number"),
        tuple(column.name for column in kept if column.kind == "category"),
        learn,
        check,
        found.class_names,
        own=True,
        notes=notes,
        about=list(found.about),
    )


def _known_categories(
    column: Column,
    train: npt.NDArray[np.int64],
    test: npt.NDArray[np.int64],
    notes: list[str],
) -> npt.NDArray[Any]:
    """The texts of a column, with one name for all that the training part does not teach."""
    counts = Counter(column.values[train].tolist())
    known = {value for value, _ in counts.most_common(_MOST_CATEGORIES)}
    if len(counts) > len(known):
        notes.append(
            f"{column.name!r}: the {len(known)} most frequent of {len(counts)} values are told "
            "apart, the others are one."
        )
    strange = sorted(set(column.values[test].tolist()) - set(counts))
    if strange:
        some = ", ".join(map(repr, strange[:3])) + (", ..." if len(strange) > 3 else "")
        notes.append(
            f"{column.name!r}: {some} stands in test rows only, so nothing was learned about it."
        )
    return np.array([v if v in known else OTHER for v in column.values], dtype=object)


def _copies(columns: list[Column], y: npt.NDArray[Any]) -> list[str]:
    texts = [column.values.astype(str).tolist() for column in columns]  # where nan equals nan
    rows = Counter(zip(*texts, y.tolist(), strict=True))
    count = sum(rows.values()) - len(rows)
    if count == 0:
        return []
    return [
        f"{count} rows are exact copies of others. Where these are no accident, look for the same "
        "thing measured twice: the test then asks what was learned by heart."
    ]


def _givers_away(columns: list[Column], y: npt.NDArray[Any], kind: str, target: str) -> list[str]:
    """Warns of columns that say the answer, as another spelling of it does."""
    found = []
    for column in columns:
        if column.kind == "category":
            pairs = len(set(zip(column.values.tolist(), y.tolist(), strict=True)))
            tells = pairs == len(set(column.values.tolist())) and len(y) > 10 * pairs
        else:
            tells = kind != "classes" and _correlated(column.values, y)
        if tells:
            found.append(
                f"{column.name!r} alone tells {target!r}. Would you know it before the answer is "
                "known? If not, take that column out of the file."
            )
    return found


def _correlated(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> bool:
    known = ~np.isnan(x)
    a, b = x[known] - x[known].mean(), y[known] - y[known].mean()
    lengths = np.sqrt(np.sum(a * a) * np.sum(b * b))
    return bool(lengths > 0 and abs(np.sum(a * b)) > 0.9999 * lengths)
