"""What a function uses from outside, and the way back through a call of it.

Loops and branches have gradients that are found without recording what happens inside: the
reverse pass runs each step (or the chosen branch) again under a tape of its own. What the body
uses from outside, Tensors and Variables, is found once by evaluating it abstractly, and becomes
an input of the primitive. Cells that the body writes are put back, in the reverse pass, to what
they held at that step, so that a random mask is the same one.
"""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import OPS, GradientTape, Tensor, as_tensor
from etude.autodiff.primitive import Leaf, RecordedCall, next_sequence
from etude.engine import Cell, Frame, xp

__all__ = ["Captured", "pull_back"]

Array = Any
Nested = Any


class Captured:
    """What a function uses from outside, found by evaluating it abstractly.

    Attributes:
        tensors: the recorded Tensors and Variables that its result depends on.
        cells: the cells that it writes.
        read: the cells that it only reads.
    """

    def __init__(self, fn: Callable[..., Any], operands: list[Tensor]):
        self.tensors: list[Tensor] = []
        self.cells: list[Cell] = []
        self.read: list[Cell] = []
        specs = [(t.shape, str(t.dtype)) for t in operands]

        def run(arrays: list[Array]) -> list[Array]:
            start = next_sequence()
            placeholders = [Tensor(a, Leaf()) for a in arrays]
            with Frame() as frame, GradientTape():
                out = [t for t in tree.flatten(fn(placeholders)) if t is not None]
            self.cells = list(frame.writes)
            self.read = [cell for cell in frame.reads if cell not in frame.writes]
            inner = {t.origin for t in placeholders}
            self.tensors = _outside([as_tensor(t) for t in out], start, inner)
            return [as_tensor(t).array for t in out]

        xp().eval_shape(run, specs)


def _outside(outputs: list[Tensor], start: int, inner: set[Any]) -> list[Tensor]:
    """Recorded Tensors from before ``start`` on which outputs depend."""
    found: dict[tuple[Any, int], Tensor] = {}
    seen: set[RecordedCall] = set()
    waiting = list(outputs)
    while waiting:
        t = waiting.pop()
        if t.origin is None or t.origin in inner:
            continue
        if isinstance(t.origin, RecordedCall) and t.origin.seq >= start:
            if t.origin not in seen:
                seen.add(t.origin)
                waiting.extend(x for x in t.origin.inputs if x is not None)
        else:
            owner: Any = getattr(t.origin, "owner", None)
            fresh = owner.__etude_source__() if hasattr(owner, "__etude_source__") else t
            found.setdefault((t.origin, t.index), fresh)
    return list(found.values())


def pull_back(
    fn: Callable[[list[Tensor]], list[Tensor]],
    operands: list[Tensor],
    captured: list[Tensor],
    cotangents: list[Tensor],
    cells: list[tuple[Cell, Array]],
) -> list[Tensor]:
    """Gradients of <outputs, cotangents> with respect to operands and captured Tensors.

    The function runs again with all cells that it uses bound to what they held when it ran first;
    what it writes is dropped.
    """
    identity = OPS["reshape"]  # a Tensor of its own: the operand may have a place already
    sources = [identity(t, t.shape) for t in operands]
    with GradientTape(persistent=True) as tape:
        for t in sources:
            t.origin = t.origin or Leaf()
        with Frame(cells):
            outputs = fn(sources)
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.origin is not None]
    return tape.gradient(
        [y for y, _ in pairs],
        [*sources, *captured],
        [g for _, g in pairs],
        unconnected_gradients="zero",
    )
