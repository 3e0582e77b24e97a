"""Einstein's summation. Its gradient is an einsum again, with the output in an operand's place."""

from __future__ import annotations

import string
from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.creation import eye
from etude.ops.elementwise import in_one_dtype
from etude.ops.products import in_wider
from etude.ops.shape import broadcast_to, expand_dims

__all__ = ["einsum"]

Array = Any


@composite
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Products summed over the letters that the result does not name.

    Args:
        subscripts: a letter for each axis, e.g. ``"bij,bjk->bik"``; ``...`` stands for axes that
            broadcast. Without an arrow, the result has the letters that occur once, by alphabet.
        *operands: the tensors.
        **kwargs: ``optimize`` is accepted; the engine chooses the order in any case.

    Raises:
        ArgumentError: the subscripts do not fit the operands.

    >>> einsum("ij,j->i", [[1, 2], [3, 4]], [1, 10]).numpy().tolist()
    [21, 43]
    """
    tensors = in_one_dtype(*operands)
    return _einsum(*tensors, subscripts=_explicit(subscripts, [t.ndim for t in tensors]))


def _explicit(subscripts: str, ranks: list[int]) -> str:
    """Subscripts with an arrow, and with letters in the place of ``...``."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ArgumentError(
            f"einsum: {subscripts!r} describes {len(terms)} operands; got {len(ranks)}."
        )
    open_axes = [
        rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)
    ]
    for i, (term, n) in enumerate(zip(terms, open_axes, strict=True)):
        if n < 0 or (n > 0 and "..." not in term):
            raise ArgumentError(
                f"einsum: {term!r} in {subscripts!r} does not fit operand {i} of {ranks[i]} axes."
            )
    free = [c for c in string.ascii_letters if c not in subscripts]
    widest = max((n for t, n in zip(terms, open_axes, strict=True) if "..." in t), default=0)
    letters = "".join(free[:widest])
    terms = [t.replace("...", letters[widest - n :]) for t, n in zip(terms, open_axes, strict=True)]
    if arrow:
        return ",".join(terms) + "->" + right.replace("...", letters)
    named = "".join(terms)
    once = sorted(c for c in set(named) if named.count(c) == 1 and c not in letters)
    return ",".join(terms) + "->" + letters + "".join(once)


@primitive
def _einsum(*xs: Array, subscripts: str) -> Array:
    """`einsum` with explicit subscripts, on operands of one dtype."""
    _sizes(subscripts, [x.shape for x in xs])
    return in_wider(lambda *arrays: xp().einsum(subscripts, *arrays, optimize=True), *xs)


def _sizes(subscripts: str, shapes: list[tuple[int, ...]]) -> dict[str, int]:
    """The size of each letter.

    Raises:
        ShapeError: a letter has two sizes.
    """
    found: dict[str, int] = {}
    for term, shape in zip(subscripts.partition("->")[0].split(","), shapes, strict=True):
        for c, n in zip(term, shape, strict=True):
            if found.get(c, 1) not in (1, n) and n != 1:
                raise ShapeError(
                    f"einsum: the letter {c!r} of {subscripts!r} has the sizes {found[c]} and {n} "
                    f"for operands of shapes {', '.join(map(str, shapes))}."
                )
            found[c] = n if n != 1 else found.get(c, 1)
    return found


@_einsum.gradient
def _(g: Tensor, out: Tensor, *xs: Tensor, subscripts: str):
    return tuple(lambda i=i: _by_operand(i, g, xs, subscripts) for i in range(len(xs)))


def _by_operand(i: int, g: Tensor, xs: tuple[Tensor, ...], subscripts: str) -> Tensor:
    """The gradient by operand i: an einsum of the output's gradient and the other operands."""
    left, _, right = subscripts.partition("->")
    terms = left.split(",")
    sizes = _sizes(subscripts, [x.shape for x in xs])
    own = terms[i]
    operands = [g, *(x for j, x in enumerate(xs) if j != i)]
    names = [right, *(t for j, t in enumerate(terms) if j != i)]
    wanted = ""
    free = [c for c in string.ascii_letters if c not in subscripts]
    for c in own:
        if c in wanted:  # a diagonal was read: write to it, through an identity matrix
            d = free.pop()
            operands.append(eye(sizes[c], dtype=g.dtype))
            names.append(c + d)
            c = d
        wanted += c
    known = "".join(c for c in wanted if any(c in n for n in names))
    found = _einsum(*operands, subscripts=",".join(names) + "->" + known)
    for axis, c in enumerate(wanted):  # a letter that was only summed over
        if c not in known:
            found = expand_dims(found, axis)
    return broadcast_to(
        found, tuple(sizes.get(c, sizes[o]) for c, o in zip(wanted, own, strict=True))
    )
