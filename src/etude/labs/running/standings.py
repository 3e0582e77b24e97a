"""How the labs stand: the best and the latest of the runs on record.

Only runs that can be compared count: with the lab's own parameters, on its own data. Records are
files that an older version may have written: what such a record lacks is taken as not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from etude.labs.running.header import UNITS, Header, readable

__all__ = ["best", "clock", "comparable", "markdown", "scores"]

Run = Mapping[str, Any]


def comparable(header: Header, runs: Iterable[Run], *, quick: bool) -> list[Run]:
    """The runs of a lab that were full ones (or quick ones), changed nothing, and used its data."""
    return [
        run
        for run in runs
        if run.get("lab") == header.name
        and bool(run.get("quick")) is quick
        and not run.get("changed")
        and (run.get("data") or {}).get("stand_in_for") is None
    ]


def best(header: Header, runs: Sequence[Run]) -> Run | None:
    """The run that reached the most targets, and among those the one best in the first metric."""

    def merit(run: Run) -> tuple[int, float]:
        found = run.get("metrics", {})
        reached = sum(entry.get("reached") is True for entry in found.values())
        first = next(iter(header.metrics.values()), None)
        value = found.get(first.name, {}).get("value") if first else None
        if first is None or value is None:
            return reached, float("-inf")
        return reached, value if first.better == "higher" else -value

    return max(runs, key=merit, default=None)


def scores(run: Run) -> str:
    """The metrics of a run in a line: each value, and whether it reached its target.

    >>> scores({"metrics": {"accuracy": {"value": 0.99406, "target": 0.9925, "reached": True}}})
    '0.9941 ✓'
    """
    return ", ".join(_value(entry) for entry in run.get("metrics", {}).values())


def clock(seconds: float) -> str:
    """A duration as a reader says it.

    >>> clock(184.4), clock(9.6)
    ('3 min 04 s', '10 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def markdown(headers: Sequence[Header], runs: Sequence[Run]) -> str:
    """A page with the latest full run of every lab on every engine, beside its targets."""
    return "\n".join(_page(headers, runs)) + "\n"


def _page(headers: Sequence[Header], runs: Sequence[Run]) -> Iterator[str]:
    yield "# The labs, and what they reached"
    yield ""
    yield "Written by `etude labs --markdown` from the records of full runs. Each row is the latest"
    yield "run with the lab's own parameters and data; ✓ marks a target that was reached."
    unit = None
    for header in headers:
        if header.unit != unit:
            unit = header.unit
            yield from ("", f"## {unit} {UNITS[unit]}", "")
            yield "| lab | data | engine | seed | metric | value | target | time | date |"
            yield "|---|---|---|---|---|---|---|---|---|"
        latest = {run.get("engine", "?"): run for run in comparable(header, runs, quick=False)}
        for engine in sorted(latest, reverse=True):  # xla before numpy before Keras
            yield from _rows(header, engine, latest[engine])
        if not latest:
            yield f"| {header.name} | {_data(header, {})} | – | – | no full run yet | | | | |"


def _rows(header: Header, engine: str, run: Run) -> Iterator[str]:
    """One row per metric; what belongs to the whole run stands in the first."""
    lead = f"{header.name} | {_data(header, run)} | {engine} | {run.get('seed', '?')}"
    tail = f"{clock(run.get('seconds', 0))} | {run.get('date', '')[:10]}"
    for name, metric in header.metrics.items():
        entry = run.get("metrics", {}).get(name)
        if entry is None:  # a metric that is younger than the run
            continue
        sign = {"higher": "≥", "lower": "≤"}[metric.better]
        target = "" if entry.get("target") is None else f"{sign} {entry['target']:g}"
        yield f"| {lead} | {metric.label} | {_value(entry)} | {target} | {tail} |"
        lead, tail = " | | | ", " | "


def _value(entry: Mapping[str, Any]) -> str:
    reached = entry.get("reached")
    mark = "" if reached is None else " ✓" if reached else " ✗"
    return readable(entry["value"]) + mark


def _data(header: Header, run: Run) -> str:
    return (run.get("data") or {}).get("name") or header.data.name or "–"
