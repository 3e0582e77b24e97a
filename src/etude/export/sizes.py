"""Sizes that are not known before a program runs, found by running it with several.

With unknown sizes s, t, ... a number inside of the program (a size to reshape to, the end of a
slice) is taken to be multilinear,

    n(s, t) = a + b s + c t + d s t,

which is settled by its values at two sizes of each: at the corners of a box.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from etude.errors import ExportError

__all__ = ["Box", "Size", "Unruly"]


@dataclass(frozen=True)
class Size:
    """A size that depends on unknown ones: a sum of products.

    Attributes:
        terms: factors and the names of what they multiply: ``((3, ("batch",)), (1, ()))`` is
            3 · batch + 1.
    """

    terms: tuple[tuple[int, tuple[str, ...]], ...]

    def at(self, sizes: dict[str, int]) -> int:
        """The number, for known sizes.

        >>> Size(((3, ("batch",)), (1, ()))).at({"batch": 5})
        16
        """
        return sum(factor * prod(sizes[name] for name in names) for factor, names in self.terms)

    @property
    def name(self) -> str | None:
        """The name of the unknown size that it is; None where it is computed from them."""
        match self.terms:
            case ((1, (name,)),):
                return name
        return None


@dataclass(frozen=True)
class Unruly:
    """A size that is no multilinear function of the unknown ones, e.g. half of one, rounded.

    Attributes:
        values: what it was at the corners.
    """

    values: tuple[int, ...]

    def refusal(self) -> ExportError:
        """The error where such a size is needed."""
        return ExportError(
            f"A number inside of the model is one of {sorted(set(self.values))}, and follows the "
            "open sizes of the inputs in no simple way. Give `input_signature` with known sizes."
        )


@dataclass(frozen=True)
class Box:
    """The corners at which a program is run.

    Attributes:
        low: the smaller size of each unknown, by name.
        high: the greater one.
    """

    low: dict[str, int]
    high: dict[str, int]

    @property
    def corners(self) -> list[dict[str, int]]:
        """All combinations, the one of smaller sizes first."""
        return [
            {
                name: (self.high if up else self.low)[name]
                for name, up in zip(self.low, ups, strict=True)
            }
            for ups in itertools.product((False, True), repeat=len(self.low))
        ]

    def size(self, values: Sequence[int]) -> Size | Unruly | int:
        """The size with these values at the corners.

        >>> Box({"n": 2}, {"n": 3}).size([7, 10])
        Size(terms=((1, ()), (3, ('n',))))
        """
        if len(set(values)) == 1:
            return values[0]
        terms: dict[tuple[str, ...], Fraction] = {}
        for value, corner in zip(values, self.corners, strict=True):
            # Lagrange's polynomial of a corner: a product of (s - other) / (own - other).
            polynomial = {(): Fraction(value)}
            for name, own in corner.items():
                other = self.low[name] if own == self.high[name] else self.high[name]
                grown: dict[tuple[str, ...], Fraction] = {}
                for names, factor in polynomial.items():
                    share = factor / (own - other)
                    grown[(*names, name)] = grown.get((*names, name), Fraction()) + share
                    grown[names] = grown.get(names, Fraction()) - share * other
                polynomial = grown
            for names, factor in polynomial.items():
                terms[names] = terms.get(names, Fraction()) + factor
        found = sorted((names, factor) for names, factor in terms.items() if factor)
        if any(factor.denominator != 1 for _, factor in found):
            return Unruly(tuple(values))
        return Size(tuple((int(factor), names) for names, factor in found))
