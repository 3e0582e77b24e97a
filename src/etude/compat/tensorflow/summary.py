"""`tf.summary`: what `TensorBoard` shows, written by hand in a training loop.

Scalars are kept as lines of JSON in the folder of the log: step, name and value.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from etude.compat.missing import lacks

_writers: list[Any] = []
_step: list[int | None] = [None]


class SummaryWriter:
    """Writes scalars to a file in a folder."""

    def __init__(self, logdir: Any):
        self._path = Path(str(logdir)) / "scalars.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def as_default(self, step: Any = None) -> Generator[SummaryWriter]:
        """Inside, summaries go to this writer."""
        _writers.append(self)
        if step is not None:
            _step[0] = int(step)
        try:
            yield self
        finally:
            _writers.pop()

    def write(self, record: dict[str, Any]) -> None:
        """Adds a line."""
        with self._path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def flush(self) -> None:
        """Nothing is waiting."""

    def close(self) -> None:
        """Nothing is open."""


def create_file_writer(logdir: Any, *_: Any, **__: Any) -> SummaryWriter:
    """A writer to a folder."""
    return SummaryWriter(logdir)


def scalar(name: str, data: Any, step: Any = None, description: str | None = None) -> bool:
    """Writes a number; returns whether there is a writer."""
    if _writers:
        at = _step[0] if step is None else int(step)
        _writers[-1].write({"step": at, "name": name, "value": float(np.asarray(data))})
    return bool(_writers)


def _unwritten(name: str, data: Any, step: Any = None, **_: Any) -> bool:
    """Accepted: of summaries only scalars are written."""
    return False


audio = histogram = image = text = _unwritten


def trace_on(*_: Any, **__: Any) -> None:
    """Accepted."""


trace_export = trace_off = trace_on


__getattr__ = lacks("tf.summary", __name__)
