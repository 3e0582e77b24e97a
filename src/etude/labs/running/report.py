"""The report of a run: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping
from datetime import datetime

import jinja2

from etude.labs.running.exhibits import Exhibit
from etude.labs.running.header import UNITS, readable
from etude.labs.running.results import Result

__all__ = ["fragment", "page"]

# What a reader wants first comes first, whatever the order in the lab.
_ORDER = {"drawing": 1, "model": 2}


def page(result: Result, machine: Mapping[str, str]) -> str:
    """The whole page.

    Args:
        result: the run.
        machine: versions and hardware, as `facts.machine` gives them.
    """
    desk = result.desk
    return (
        _templates()
        .get_template("page.html.j2")
        .render(
            header=result.header,
            unit=UNITS[result.header.unit],
            result=result,
            command=_command(result),
            data=desk.material.as_dict() if desk.material else None,
            exhibits_ordered=sorted(desk.exhibits, key=lambda e: _ORDER.get(e.kind, 0)),
            machine=machine,
            finished=f"{datetime.now():%Y-%m-%d %H:%M}",
            minutes=_duration(result.seconds),
            parameters=desk.parameters.as_dict(),
        )
    )


def fragment(exhibit: Exhibit) -> str:
    """One exhibit as HTML, for a notebook."""
    return _templates().get_template("fragment.html.j2").render(exhibit=exhibit)


def _command(result: Result) -> str:
    """The command that repeats the run."""
    desk, header = result.desk, result.header
    words = ["etude run", header.name, f"--seed {desk.seed}"]
    words += ["--quick"] if desk.quick else []
    if result.framework == "etude":
        words.append(f"--engine {result.engine}")
    else:
        words.append(f"--framework {result.framework}")
    words += [f"--data {shlex.quote(str(desk.own_data))}"] if desk.own_data else []
    words += [f"--target {shlex.quote(desk.own_target)}"] if desk.own_target else []
    for name, value in desk.parameters.as_dict().items():
        if value != header.parameters[name].value(quick=desk.quick):
            words.append(f"--epochs {value}" if name == "epochs" else f"--set {name}={value}")
    return " ".join(words)


def _duration(seconds: float) -> str:
    """A time that one can read.

    >>> _duration(95)
    '1 min 35 s'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


@functools.cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("etude.labs.running"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"percent": _percent, "number": readable}
    return environment
