"""What goes into a run of a lab, and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etude.labs.running.desk import Desk
from etude.labs.running.header import FRAMEWORKS, Header

__all__ = ["FRAMEWORKS", "Options", "Result", "Score"]


@dataclass(frozen=True)
class Options:
    """How to run a lab.

    Attributes:
        quick: take the quick values of the parameters.
        engine: ``"numpy"`` or ``"xla"``; None leaves the engine as it is.
        framework: what the lab's ``keras`` is: ``"etude"``, or ``"keras"`` itself.
        epochs: in place of the parameter ``epochs``.
        settings: other parameters by name, as text.
        data: the user's own data.
        target: the column of the user's own table that is to be predicted.
        seed: of everything random.
        out: the folder for the report.
        resume: go on where the last run with these options was interrupted.
    """

    quick: bool = False
    engine: str | None = None
    framework: str = "etude"
    epochs: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None
    target: str | None = None
    seed: int = 0
    out: Path = Path("reports")
    resume: bool = False


@dataclass(frozen=True)
class Score:
    """A metric of a run beside its target."""

    name: str
    label: str
    value: float
    target: float | None
    better: str
    reached: bool | None
    source: str


@dataclass(frozen=True)
class Result:
    """What a run gave."""

    header: Header
    desk: Desk
    engine: str
    framework: str
    seconds: float
    scores: tuple[Score, ...]
    report: Path
    namespace: dict[str, Any]

    @property
    def missed(self) -> bool:
        """Whether any target was missed."""
        return any(score.reached is False for score in self.scores)

    def as_dict(self) -> dict[str, Any]:
        """The object that ``etude run --json`` prints."""
        return {
            "lab": self.header.name,
            "engine": self.engine,
            "seed": self.desk.seed,
            "quick": self.desk.quick,
            "seconds": round(self.seconds, 3),
            "metrics": {
                s.name: {"value": s.value, "target": s.target, "reached": s.reached}
                for s in self.scores
            },
            "report": str(self.report),
            "data": self.desk.material.as_dict() if self.desk.material else None,
        }
