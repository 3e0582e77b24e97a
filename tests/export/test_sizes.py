"""Numbers that follow open sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from etude.export.sizes import Box, Size, Unruly

WHOLE = st.integers(-4, 4)


@given(WHOLE, WHOLE, WHOLE, WHOLE, st.integers(1, 50), st.integers(1, 50))
def test_multilinear_numbers_are_found(a, b, c, d, s, t):
    box = Box({"s": 2, "t": 13}, {"s": 3, "t": 20})

    def number(s, t):
        return a + b * s + c * t + d * s * t

    found = box.size([number(corner["s"], corner["t"]) for corner in box.corners])
    assert number(s, t) == (found if isinstance(found, int) else found.at({"s": s, "t": t}))


def test_others_are_not():
    box = Box({"t": 13}, {"t": 20})
    assert box.size([6, 10]) == Unruly((6, 10))
    assert box.size([13, 20]) == Size(((1, ("t",)),))
    assert box.size([13, 20]).name == "t"
