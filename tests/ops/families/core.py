"""Conversion, and what stops a gradient."""

from __future__ import annotations

import math

from tests.ops.case import Case
from tests.ops.families._rows import at, each, normal

CASES = [
    Case("stop_gradient", normal((2, 3)), lambda x: x, differentiable=()),
    Case("cast", normal((2, 3)), each(math.trunc), {"dtype": "int32"}, differentiable=()),
    Case(
        "saturate_cast",
        normal((2, 3)),
        each(lambda x: min(max(math.trunc(x), 0), 255)),
        {"dtype": "uint8"},
        differentiable=(),
        special=(at([-3.0, 7.9, 300.0], [0, 7, 255]),),
    ),
]
