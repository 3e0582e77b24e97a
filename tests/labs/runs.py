"""Runs of labs, as the tests of several of them need them."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path

from etude.labs import find_lab
from etude.labs.running import runner
from etude.labs.running.results import Options, Result


def run(lab: str, engine: str, out: Path, data: Path | None = None, **settings: str) -> Result:
    """A quick run of a lab, in which a warning is a fault."""
    options = Options(quick=True, engine=engine, out=out, data=data, settings=settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return runner.run(find_lab(lab), options, lambda _: None)


@functools.cache
def quick_run(lab: str, engine: str, out: Path) -> Result:
    """One run serves all tests of a file that only look at what it left."""
    return run(lab, engine, out)


def reached(result: Result) -> dict[str, bool | None]:
    """Whether each metric reached its target; None where it has none."""
    return {score.name: score.reached for score in result.scores}
