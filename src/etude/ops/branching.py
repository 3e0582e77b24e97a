"""Branches that can be compiled, with a gradient: cond. How, is told in `etude.ops.captures`."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive, stop_recording
from etude.autodiff.recording import is_recording
from etude.engine import shapes_only, xp
from etude.errors import ShapeError
from etude.ops.captures import Captured, pull_back
from etude.ops.nested import Array, Nested, arrays, tensors, wrapped

__all__ = ["cond"]


@composite
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Calls one of two functions, by a truth value that may be known only when it runs.

    Args:
        pred: a boolean scalar.
        true_fn: called without arguments where it is true.
        false_fn: called otherwise; returns the same structure, shapes and dtypes.

    >>> float(cond(3 > 2, lambda: 1.0, lambda: 0.0))
    1.0
    """
    predicate = OPS["cast"](as_tensor(pred), "bool")
    if shapes_only() and not isinstance(pred, bool):
        return _same_branches(tensors(true_fn()), tensors(false_fn()))
    if not xp().is_traced(predicate.array):
        chosen = true_fn if bool(predicate) else false_fn
        return tensors(chosen())
    if not is_recording():
        branches = [lambda fn=fn: arrays(fn()) for fn in (true_fn, false_fn)]
        return wrapped(xp().cond(predicate.array, *branches, stateful=True))
    return _Cond(true_fn, false_fn).run(predicate)


def _same_branches(first: Nested, second: Nested) -> Nested:
    """What either branch gives: shapes must not depend on a value that is not known yet."""
    kinds = [
        [(t.shape, str(t.dtype)) for t in tree.flatten(v) if t is not None] for v in (first, second)
    ]
    if kinds[0] != kinds[1]:
        raise ShapeError(
            "cond: both branches must return the same structure, shapes and dtypes; got "
            f"{kinds[0]} and {kinds[1]}."
        )
    return second


class _Cond:
    """A branch as a call of the primitive `_cond`, and what is needed to go back."""

    def __init__(self, true_fn: Callable[[], Any], false_fn: Callable[[], Any]):
        self.fns = (true_fn, false_fn)
        self.form: Any = None
        found = [Captured(lambda _, fn=fn: self.branch(fn), []) for fn in self.fns]
        captured = {(t.origin, t.index): t for c in found for t in c.tensors}
        self.captured = list(captured.values())
        self.cells = list(dict.fromkeys(cell for c in found for cell in c.cells))
        read = dict.fromkeys(cell for c in found for cell in c.read if cell not in self.cells)
        self.fixed = [(cell, cell.read()) for cell in read]

    def branch(self, fn: Callable[[], Any]) -> list[Tensor]:
        out = tensors(fn())
        self.form = tree.map_structure(lambda v: None if v is None else 0, out)
        return [t for t in tree.flatten(out) if t is not None]

    def run(self, predicate: Tensor) -> Any:
        outputs = iter(_cond(predicate, *self.captured, branch=self))
        return tree.map_structure(lambda v: None if v is None else next(outputs), self.form)


@primitive
def _cond(*inputs: Array, branch: _Cond) -> tuple[Array, ...]:
    """The chosen branch's outputs, then the cells as they were before."""
    cells = [cell.read() for cell in branch.cells]

    def call(fn: Callable[[], Any]) -> list[Array]:
        with stop_recording():
            return [xp().own(t.array) for t in branch.branch(fn)]

    branches = [lambda fn=fn: call(fn) for fn in branch.fns]
    return (*xp().cond(inputs[0], *branches, stateful=True), *cells)


@_cond.gradient
def _(g: Any, out: Any, *inputs: Tensor, branch: _Cond):
    count = len(out) - len(branch.cells)
    cells, g_out = list(out[count:]), list(g[:count])

    def back(fn: Callable[[], Any]) -> list[Tensor]:
        held = [(c, v.array) for c, v in zip(branch.cells, cells, strict=True)]
        return pull_back(
            lambda _: branch.branch(fn), [], branch.captured, g_out, [*branch.fixed, *held]
        )

    true_fn, false_fn = branch.fns
    gradients = cond(inputs[0], lambda: back(true_fn), lambda: back(false_fn))
    return (None, *gradients)
