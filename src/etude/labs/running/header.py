"""The header of a lab: TOML inside comments, read without running the lab.

The block has the form of PEP 723 ("Inline script metadata"), with the type ``lab``::

    # /// lab
    # title = "A network reads handwritten digits"
    # unit = 2
    # topics = ["Dense", "Dropout"]
    #
    # [data]
    # name = "mnist"
    #
    # [parameters]
    # epochs = {full = 10, quick = 2, help = "passes over the training images"}
    #
    # [metrics.test_accuracy]
    # label = "test accuracy"
    # target = {full = 0.984, quick = 0.93}
    # source = "where the full target was published"
    # ///
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError

__all__ = [
    "FRAMEWORKS",
    "KINDS",
    "UNITS",
    "DataNeed",
    "Header",
    "Metric",
    "Setting",
    "lab_name",
    "read_header",
    "readable",
]

FRAMEWORKS = ("etude", "keras")
"""What a lab's ``keras`` can be."""

KINDS = ("regression", "binary", "classes")
"""What a table can be for: to predict a number, one of two classes, one of several classes."""

UNITS = {
    1: "Foundations",
    2: "Multilayer perceptrons",
    3: "Convolutional networks",
    4: "Transfer and recognition",
    5: "Sequences",
    6: "Unsupervised and generative",
    7: "Decisions and the life cycle",
}

Scalar = bool | int | float | str

# The regular expression of PEP 723, with the type fixed.
_BLOCK = re.compile(r"(?m)^# /// lab$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@dataclass(frozen=True)
class Setting:
    """One parameter of a lab: its value in a full run and in a quick one."""

    name: str
    full: Scalar
    quick: Scalar
    help: str

    def value(self, *, quick: bool) -> Scalar:
        """The value for this kind of run."""
        return self.quick if quick else self.full


@dataclass(frozen=True)
class Metric:
    """One number that a lab reports, and what it has to reach.

    ``target`` holds the keys ``full`` and ``quick``, and some that go before these: ``own`` for
    runs on the user's own data and ``stand_in`` for runs on stand-in data, without which those
    have no target (quick ones have ``stand_in_quick`` where it is there, and none where there is no
    ``quick``), and ``keras`` for runs on Keras itself, where its numbers cannot be ours, as in 32
    bits. A metric with ``own`` alone is reported in runs on the user's own data only.
    """

    name: str
    label: str
    better: str
    target: Mapping[str, float]
    source: str

    def reached(self, value: float, target: float | None) -> bool | None:
        """Whether ``value`` is at least as good as ``target``; None where there is no target."""
        if target is None:
            return None
        return value >= target if self.better == "higher" else value <= target


@dataclass(frozen=True)
class DataNeed:
    """The data set that a lab needs, and what may stand in where it cannot be had.

    ``image`` makes the user's own images welcome, and is the height and width that they get;
    ``channels`` is 1 for grey ones and 3 for colour. ``table`` makes the user's own table welcome,
    and holds the kinds of task that the lab can do.
    """

    name: str | None = None
    stand_in: str | None = None
    image: tuple[int, int] | None = None
    channels: int = 1
    table: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """All that a lab says about itself."""

    name: str
    path: Path
    title: str
    summary: str
    unit: int
    topics: tuple[str, ...]
    data: DataNeed
    parameters: Mapping[str, Setting]
    metrics: Mapping[str, Metric]
    frameworks: tuple[str, ...]


def readable(value: float) -> str:
    """A number with four digits that count; a share close to 1 keeps four places.

    >>> readable(0.99406), readable(12.34567), readable(2), readable(3.21e-12)
    ('0.9941', '12.35', '2', '3.2e-12')
    """
    if float(value).is_integer():
        return f"{value:g}"
    if abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.4g}"


def lab_name(path: Path) -> str:
    """The name of the lab in a file.

    >>> lab_name(Path("labs/mnist_cnn.py"))
    'mnist-cnn'
    """
    return path.stem.replace("_", "-")


def has_header(text: str) -> bool:
    """Whether a text carries a lab's header."""
    return _BLOCK.search(text) is not None


def read_header(path: Path) -> Header:
    """Reads and checks the header of the lab in ``path``; runs nothing.

    Raises:
        ArgumentError: there is no header, it is not TOML, or an entry is missing or wrong.
    """
    return parse_header(path.read_text(encoding="utf-8"), path)


def parse_header(text: str, path: Path) -> Header:
    """The header in the text of a lab; ``path`` names the lab and stands in messages."""
    block = _BLOCK.search(text)
    if block is None:
        raise ArgumentError(
            f"{path} has no lab header: a comment block from '# /// lab' to '# ///' with TOML "
            "inside. `etude labs --help` names a lab to start from."
        )
    lines = [line[2:] for line in block["content"].splitlines()]
    try:
        table = tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise ArgumentError(f"The header of {path} is not valid TOML: {error}.") from error
    return _Reader(path).header(table)


class _Reader:
    """Turns the parsed table into a Header. Each message names the file and the entry."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def header(self, table: Mapping[str, Any]) -> Header:
        known = {"title", "summary", "unit", "topics", "data", "parameters", "metrics"}
        self.no_others(table, known | {"frameworks"}, "the header")
        unit = self.entry(table, "unit", int, "")
        if unit not in UNITS:
            raise self.wrong("unit", f"one of {', '.join(map(str, UNITS))}", unit)
        topics = self.entry(table, "topics", list, "")
        if not topics or not all(isinstance(topic, str) for topic in topics):
            raise self.wrong("topics", "a list of at least one string", topics)
        frameworks = self.entry(table, "frameworks", list, "", list(FRAMEWORKS))
        if not frameworks or not all(name in FRAMEWORKS for name in frameworks):
            raise self.wrong("frameworks", f"a list of {', '.join(FRAMEWORKS)}", frameworks)
        settings = self.entry(table, "parameters", dict, "", {})
        metrics = self.entry(table, "metrics", dict, "", {})
        return Header(
            name=lab_name(self.path),
            path=self.path,
            title=self.entry(table, "title", str, ""),
            summary=self.entry(table, "summary", str, ""),
            unit=unit,
            topics=tuple(topics),
            data=self.data(self.entry(table, "data", dict, "", {})),
            parameters={name: self.setting(name, settings) for name in settings},
            metrics={name: self.metric(name, metrics) for name in metrics},
            frameworks=tuple(frameworks),
        )

    def data(self, table: Mapping[str, Any]) -> DataNeed:
        self.no_others(table, {"name", "stand_in", "image", "channels", "table"}, "[data]")
        image = self.entry(table, "image", list, "data.", [])
        if image and not (len(image) == 2 and all(isinstance(n, int) and n > 0 for n in image)):
            raise self.wrong("data.image", "[height, width] in pixels", image)
        channels = self.entry(table, "channels", int, "data.", 1)
        if channels not in (1, 3):
            raise self.wrong("data.channels", "1 for grey images or 3 for colour", channels)
        return DataNeed(
            name=self.entry(table, "name", str, "data.", "") or None,
            stand_in=self.entry(table, "stand_in", str, "data.", "") or None,
            image=(image[0], image[1]) if image else None,
            channels=channels,
            table=self.kinds(table.get("table", [])),
        )

    def kinds(self, table: Any) -> tuple[str, ...]:
        if table is True:
            return KINDS
        if not isinstance(table, list) or not all(kind in KINDS for kind in table):
            raise self.wrong("data.table", f"true, or a list of {', '.join(KINDS)}", table)
        return tuple(table)

    def setting(self, name: str, tables: Mapping[str, Any]) -> Setting:
        where = f"parameters.{name}."
        table = self.entry(tables, name, dict, "parameters.")
        self.no_others(table, {"full", "quick", "help"}, f"parameters.{name}")
        full = self.entry(table, "full", Scalar, where)
        quick = self.entry(table, "quick", Scalar, where, full)
        if _kind(full) is not _kind(quick):
            raise self.wrong(where + "quick", f"the type of full, {type(full).__name__}", quick)
        return Setting(name, full, quick, self.entry(table, "help", str, where, ""))

    def metric(self, name: str, tables: Mapping[str, Any]) -> Metric:
        where = f"metrics.{name}."
        table = self.entry(tables, name, dict, "metrics.")
        self.no_others(table, {"label", "better", "target", "source"}, f"metrics.{name}")
        target = self.entry(table, "target", dict, where, {})
        known = {"full", "quick", "own", "stand_in", "stand_in_quick", "keras"}
        self.no_others(target, known, where + "target")
        for key in target:
            self.entry(target, key, int | float, where + "target.")
        better = self.entry(table, "better", str, where, "higher")
        if better not in ("higher", "lower"):
            raise self.wrong(where + "better", "'higher' or 'lower'", better)
        # A target that comes from nowhere teaches nothing: its source is not optional.
        source = self.entry(table, "source", str, where, *([] if target else [""]))
        label = self.entry(table, "label", str, where, name.replace("_", " "))
        return Metric(name, label, better, {k: float(v) for k, v in target.items()}, source)

    def entry(
        self, table: Mapping[str, Any], key: str, kind: Any, where: str, *default: Any
    ) -> Any:
        if key not in table:
            if default:
                return default[0]
            raise ArgumentError(f"The header of {self.path} lacks the entry '{where}{key}'.")
        value = table[key]
        # TOML's true is an int to Python; no entry means that by a number.
        stray_bool = isinstance(value, bool) and kind is not Scalar
        if not isinstance(value, kind) or stray_bool:
            raise self.wrong(where + key, getattr(kind, "__name__", str(kind)), value)
        return value

    def no_others(self, table: Mapping[str, Any], known: set[str], where: str) -> None:
        others = sorted(set(table) - known)
        if others:
            raise ArgumentError(
                f"The header of {self.path}: {where} has the unknown entry {others[0]!r}. "
                f"Known: {', '.join(sorted(known))}."
            )

    def wrong(self, key: str, expected: str, got: object) -> ArgumentError:
        return ArgumentError(f"The header of {self.path}: '{key}' must be {expected}; got {got!r}.")


def _kind(value: Scalar) -> type:
    """The type of a setting, with int and float as one."""
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)
