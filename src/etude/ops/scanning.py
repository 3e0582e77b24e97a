"""Loops of known length, with a gradient: scan and map. How, is told in `etude.ops.captures`."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive, stop_recording
from etude.autodiff.recording import is_recording
from etude.autodiff.watching import observer
from etude.engine import xp
from etude.errors import ArgumentError, DtypeError
from etude.ops.captures import Captured, pull_back
from etude.ops.nested import Array, Nested, arrays, cast_like, like, settled, tensors, wrapped

__all__ = ["map", "scan"]


@composite
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Nested,
    xs: Nested = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Nested, Nested]:
    """Carries a value along the leading axis: ``carry, y = f(carry, x)`` for each x.

    Args:
        f: one step; takes and returns nested Tensors. The carry keeps shapes and dtypes. It may
            use Tensors and Variables from outside, and assign Variables.
        init: the first carry.
        xs: nested Tensors, (T, ...) each, or None.
        length: T; needed where there are no ``xs``.
        reverse: whether to go from the last step to the first.
        unroll: accepted for Keras; unrolling does not pay on any engine.

    Returns:
        The last carry, and the ys stacked, (T, ...) each, in the order of the xs.

    Raises:
        ArgumentError: there is neither ``xs`` nor ``length``, or their lengths differ.

    >>> last, sums = scan(lambda c, x: (c + x, c + x), 0.0, [1.0, 2.0, 3.0])
    >>> float(last), sums.numpy().tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    if not callable(f):
        raise DtypeError(f"scan: `f` should be a callable. Received: f={f!r}")
    if not isinstance(unroll, bool) and unroll < 1:
        raise ArgumentError(
            f"scan: `unroll` must be an positive integer or boolean. Received: unroll={unroll}"
        )
    if xs is None and length is None:
        raise ArgumentError("scan: Got no `xs` to scan over and no `length`.")
    xs = tensors(_stacked(xs))
    init = settled(lambda carry: f(carry, _first(xs))[0], init) if _has_steps(xs) else tensors(init)
    lengths: set[int] = {t.shape[0] for t in tree.flatten(xs) if t is not None}
    lengths |= set() if length is None else {length}
    if len(lengths) != 1:
        raise ArgumentError(
            "scan expects `xs` with leading axes of one length, or `length`; "
            f"got the lengths {sorted(lengths)}."
        )
    steps = lengths.pop()
    is_watched = observer() is not None and xp().name == "numpy"  # each operation is shown
    if not (is_recording() or is_watched) or steps == 0:
        return _plain_scan(f, init, xs, steps, reverse)
    if xp().name == "numpy":
        return _recorded_loop(f, init, xs, steps, reverse)
    return _Scan(f, init, xs, steps, reverse).run()


def _first(xs: Nested) -> Nested:
    return tree.map_structure(lambda x: None if x is None else x[0], xs)


def _has_steps(xs: Nested) -> bool:
    """Whether there is a first step; a scan over a length alone has one too, on no x."""
    return all(t is None or t.shape[0] > 0 for t in tree.flatten(xs))


def _stacked(xs: Nested) -> Nested:
    """A plain list of numbers is one array, not a structure of them."""
    if isinstance(xs, (list, tuple)) and xs and all(isinstance(v, (int, float)) for v in xs):
        return as_tensor(xs)
    return xs


def _plain_scan(f: Any, init: Nested, xs: Nested, steps: int, reverse: bool) -> Any:
    def step(carry: Nested, x: Nested) -> tuple[Nested, Nested]:
        new, y = f(wrapped(carry), wrapped(x))
        return cast_like(arrays(new), carry), arrays(y)

    last, ys = xp().scan(step, arrays(init), arrays(xs), steps, reverse, stateful=True)
    return wrapped(last), wrapped(ys)


def _recorded_loop(f: Any, init: Nested, xs: Nested, steps: int, reverse: bool) -> Any:
    """The loop in Python, each operation recorded by the tape."""
    carry = init
    ys: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        x = tree.map_structure(lambda v, t=t: None if v is None else v[t], xs)
        before = carry
        carry, ys[t] = f(carry, x)
        carry = like(tensors(carry), before)
    stack = OPS["stack"]
    return carry, tree.map_structure(lambda *y: None if y[0] is None else stack(list(y)), *ys)


class _Scan:
    """A scan as a call of the primitive `_scan`: flat inputs, and what is needed to go back."""

    def __init__(self, f: Any, init: Nested, xs: Nested, steps: int, reverse: bool):
        self.f, self.init, self.xs = f, init, xs
        self.steps, self.reverse = steps, reverse
        self.carry_leaves = tree.flatten(init)
        self.x_leaves = tree.flatten(xs)
        self.y_form: Any = None
        self.y_count = 0
        first = [Tensor(xp().zeros(t.shape[1:], t.dtype)) for t in self.x_leaves if t is not None]
        carries = [t for t in self.carry_leaves if t is not None]
        self.n_carry, self.n_x = len(carries), len(first)
        captured = Captured(lambda operands: self.step(operands)[0], [*carries, *first])
        self.captured, self.cells = captured.tensors, captured.cells
        self.fixed = [(cell, cell.read()) for cell in captured.read]

    def step(self, operands: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """One step on flat operands: all outputs, flat, and the new carry alone."""
        rest = iter(operands)
        carry, x = (
            tree.map_structure(lambda v: None if v is None else next(rest), s)
            for s in (self.init, self.xs)
        )
        new, y = self.f(carry, x)
        tree.assert_same_structure(self.init, new, check_types=False)
        self.y_form = tree.map_structure(lambda v: None if v is None else 0, y)
        new_leaves = [t for t in tree.flatten(like(tensors(new), self.init)) if t is not None]
        y_leaves = [as_tensor(v) for v in tree.flatten(y) if v is not None]
        self.y_count = len(y_leaves)
        return [*new_leaves, *y_leaves], new_leaves

    def run(self) -> tuple[Nested, Nested]:
        inputs = [t for t in (*self.carry_leaves, *self.x_leaves) if t is not None]
        outputs = _scan(*inputs, *self.captured, loop=self)
        carry = iter(outputs[: self.n_carry])
        ys = iter(outputs[self.n_carry : self.n_carry + self.y_count])
        return (
            tree.map_structure(lambda v: None if v is None else next(carry), self.init),
            tree.map_structure(lambda v: None if v is None else next(ys), self.y_form),
        )


@primitive
def _scan(*inputs: Array, loop: _Scan) -> tuple[Array, ...]:
    """A scan on flat inputs: carries, xs, captured.

    The carry and the cells as they were before each step come out last, for the way back.
    """
    carries, xs = inputs[: loop.n_carry], inputs[loop.n_carry : loop.n_carry + loop.n_x]

    def step(carry: list[Array], x: list[Array]) -> tuple[list[Array], list[Array]]:
        cells = [cell.read() for cell in loop.cells]
        with stop_recording():
            outputs, _ = loop.step([Tensor(a) for a in (*carry, *x)])
        arrays = [xp().own(t.array) for t in outputs]
        return arrays[: loop.n_carry], [*arrays[loop.n_carry :], *carry, *cells]

    last, ys = xp().scan(step, list(carries), list(xs), loop.steps, loop.reverse, stateful=True)
    return (*last, *ys)


@_scan.gradient
def _(g: Any, out: Any, *inputs: Tensor, loop: _Scan):
    n_carry, n_x = loop.n_carry, loop.n_x
    xs, captured = list(inputs[n_carry : n_carry + n_x]), list(inputs[n_carry + n_x :])
    g_last, g_ys = list(g[:n_carry]), list(g[n_carry : n_carry + loop.y_count])
    saved = n_carry + loop.y_count
    carries, g_carries = list(out[saved : saved + n_carry]), list(g[saved : saved + n_carry])
    cells = list(out[saved + n_carry :])

    def back(state: Any, step: Any) -> Any:
        d_carry, d_captured = state
        carry, x, held, g_y, g_saved = step
        gradients = pull_back(
            lambda operands: loop.step(operands)[0],
            [*carry, *x], loop.captured, [*d_carry, *g_y],
            [*loop.fixed, *((c, v.array) for c, v in zip(loop.cells, held, strict=True))],
        )  # fmt: skip
        d_before = [d + s for d, s in zip(gradients[:n_carry], g_saved, strict=True)]
        d_x = gradients[n_carry : n_carry + n_x]
        d_new = [d + e for d, e in zip(d_captured, gradients[n_carry + n_x :], strict=True)]
        return (d_before, d_new), d_x

    zeros = [OPS["zeros_like"](t) for t in captured]
    (d_init, d_captured), d_xs = scan(
        back, (g_last, zeros), (carries, xs, cells, g_ys, g_carries), loop.steps, not loop.reverse
    )
    return (*d_init, *d_xs, *d_captured)


@composite
def map(f: Callable[[Any], Any], xs: Nested) -> Nested:
    """Applies a function to each slice along the leading axis, and stacks the results.

    >>> map(lambda x: x * x, [1.0, 2.0, 3.0]).numpy().tolist()
    [1.0, 4.0, 9.0]
    """
    return scan(lambda _, x: (None, f(x)), None, xs)[1]
