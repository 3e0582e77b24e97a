"""Interleaved timings: contenders that take turns, each alone in a process of its own.

A machine's speed drifts while one measures: clocks change, neighbours come and go. So no
contender is measured before another. They all start, warm up, and then wait; a round lets each of
them run once, in turn, while the others stand still. What is compared is the median of a
contender's rounds, and the ratio within each round.

A contender is a process that answers requests over its pipes: a line in, a JSON object out.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

Round = dict[str, Any]


class ContenderError(RuntimeError):
    """A contender ended, or said something else than a result."""


@dataclass
class Contender:
    """A process that measures one thing, once per request.

    Args:
        name: what the table calls it.
        command: the arguments after the Python interpreter; the process must call `serve`.
        environment: variables that it sees besides those of this process.
        python: the interpreter, this one by default.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def __enter__(self) -> Contender:
        """Starts the process and lets it warm up alone."""
        self._process = subprocess.Popen(
            [self.python, *self.command],
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.about = self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the pipes, which ends the process."""
        self._process.__exit__(kind, error, traceback)

    def run(self) -> Round:
        """Asks for one round and waits for its result."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # reading says why
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        return self._read()

    def _read(self) -> Round:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.__exit__(None, None, None)
            status = self._process.returncode
            raise ContenderError(f"{self.name} ended with status {status} before its result.")
        return json.loads(line)


def serve(measure: Callable[[], Round], about: Round) -> None:
    """Makes this process a contender: says `about` once, then answers each line with a round.

    Call it when everything is warm. Standard output becomes standard error, so that whatever a
    framework prints stays out of the answers.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(about), file=answers, flush=True)
    for _ in sys.stdin:
        print(json.dumps(measure()), file=answers, flush=True)


def interleave(contenders: Sequence[Contender], rounds: int) -> list[list[Round]]:
    """The results of every contender, in order; each round begins with another contender."""
    results: list[list[Round]] = [[] for _ in contenders]
    for turn in range(rounds):
        for place in range(len(contenders)):
            who = (turn + place) % len(contenders)
            results[who].append(contenders[who].run())
    return results


@dataclass(frozen=True)
class Spread:
    """The middle and the ends of some measurements.

    >>> Spread.of([3.0, 1.0, 2.0])
    Spread(low=1.0, median=2.0, high=3.0)
    """

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of `values`, of which there is at least one."""
        return cls(min(values), statistics.median(values), max(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """How many times theirs ours is, round by round.

    >>> ratios([4.0, 6.0, 9.0], [2.0, 2.0, 3.0])
    Spread(low=2.0, median=3.0, high=3.0)
    """
    return Spread.of([a / b for a, b in zip(ours, theirs, strict=True)])
