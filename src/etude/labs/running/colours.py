"""The four colours of the figures: Okabe and Ito's, which colour-blind readers tell apart.

A line should have a marker or a dash of its own besides. Dark pages replace the colours.
"""

from __future__ import annotations

from typing import Final

__all__ = ["BLUE", "GREEN", "ORANGE", "PINK"]

BLUE: Final = "#0072b2"
ORANGE: Final = "#d55e00"
GREEN: Final = "#009e73"
PINK: Final = "#cc79a7"
