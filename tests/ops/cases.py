"""The one table of operations: every registered primitive has a row that runs it."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.ops.case import Case

_FAMILIES = sorted(p.stem for p in (Path(__file__).parent / "families").glob("[!_]*.py"))

ALL: list[Case] = [
    case
    for family in _FAMILIES
    for case in importlib.import_module(f"tests.ops.families.{family}").CASES
]
