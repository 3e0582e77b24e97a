"""Loops and branches that can be compiled: scan, while_loop, fori_loop, cond.

`scan` and `cond` have gradients. They are found without recording what happens inside: the
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
from etude.autodiff import (
    OPS,
    GradientTape,
    KerasTensor,
    Tensor,
    as_tensor,
    composite,
    eval_shape,
    primitive,
    stop_recording,
)
from etude.autodiff.primitive import Leaf, Node, next_sequence
from etude.autodiff.recording import is_recording
from etude.dtypes import is_float_dtype
from etude.engine import Cell, Frame, shapes_only, xp
from etude.errors import ArgumentError, DtypeError, GradientError, ShapeError

__all__ = ["cond", "fori_loop", "map", "scan", "while_loop"]

Array = Any
Nested = Any


def _tensors(structure: Nested) -> Nested:
    return tree.map_structure(lambda v: None if v is None else as_tensor(v), structure)


def _arrays(structure: Nested) -> Nested:
    own = xp().own
    return tree.map_structure(lambda v: None if v is None else own(as_tensor(v).array), structure)


def _wrapped(structure: Nested) -> Nested:
    return tree.map_structure(lambda v: None if v is None else Tensor(v), structure)


class _Captured:
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
            inner = {t.node for t in placeholders}
            self.tensors = _outside([as_tensor(t) for t in out], start, inner)
            return [as_tensor(t).array for t in out]

        xp().eval_shape(run, specs)


def _outside(outputs: list[Tensor], start: int, inner: set[Any]) -> list[Tensor]:
    """Recorded Tensors from before ``start`` on which outputs depend."""
    found: dict[tuple[Any, int], Tensor] = {}
    seen: set[Node] = set()
    waiting = list(outputs)
    while waiting:
        t = waiting.pop()
        if t.node is None or t.node in inner:
            continue
        if isinstance(t.node, Node) and t.node.seq >= start:
            if t.node not in seen:
                seen.add(t.node)
                waiting.extend(x for x in t.node.inputs if x is not None)
        else:
            owner: Any = getattr(t.node, "owner", None)
            fresh = owner.__etude_source__() if hasattr(owner, "__etude_source__") else t
            found.setdefault((t.node, t.index), fresh)
    return list(found.values())


# --- scan -------------------------------------------------------------------------------------


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
    xs = _tensors(_stacked(xs))
    init = (
        _settled(lambda carry: f(carry, _first(xs))[0], init) if _has_steps(xs) else _tensors(init)
    )
    lengths: set[int] = {t.shape[0] for t in tree.flatten(xs) if t is not None}
    lengths |= set() if length is None else {length}
    if len(lengths) != 1:
        raise ArgumentError(
            "scan expects `xs` with leading axes of one length, or `length`; "
            f"got the lengths {sorted(lengths)}."
        )
    steps = lengths.pop()
    if not is_recording() or steps == 0:
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
        new, y = f(_wrapped(carry), _wrapped(x))
        return _cast_like(_arrays(new), carry), _arrays(y)

    last, ys = xp().scan(step, _arrays(init), _arrays(xs), steps, reverse, stateful=True)
    return _wrapped(last), _wrapped(ys)


def _cast_like(new: Nested, old: Nested) -> Nested:
    """The carry's arrays in the precision they had.

    Raises:
        ShapeError: a shape is another than before the step.
        DtypeError: whole numbers have become fractions, which would be cut off.
    """

    def one(n: Any, o: Any) -> Any:
        if n is None or (n.dtype == o.dtype and n.shape == o.shape):
            return n
        if n.shape != o.shape:
            raise ShapeError(
                "The body of a loop must return what it was given, in shape and dtype, as one step "
                f"serves for all rounds; got {n.dtype}{tuple(n.shape)} for "
                f"{o.dtype}{tuple(o.shape)}. Start with a value of the final shape."
            )
        if is_float_dtype(n.dtype) and not is_float_dtype(o.dtype):
            raise DtypeError(
                f"The body of a loop returned {n.dtype} for a value that began as {o.dtype}: "
                "fractions would be cut off. Start with a float, such as 0.0."
            )
        return xp().astype(n, str(o.dtype))

    return tree.map_structure(one, new, old)


def _settled(step: Callable[[Nested], Nested], init: Nested) -> Nested:
    """The first carry as Tensors; numbers of Python take the dtype that the first step gives them.

    Args:
        step: a carry to the next one.
        init: Tensors, arrays and numbers, nested.
    """
    start = _tensors(init)
    leaves = [(leaf, t) for leaf, t in zip(tree.flatten(init), tree.flatten(start), strict=True)]
    weak = [isinstance(leaf, (int, float)) and not isinstance(leaf, bool) for leaf, _ in leaves]
    if not any(weak):
        return start
    symbols = tree.map_structure(
        lambda t: None if t is None else KerasTensor(t.shape, t.dtype), start
    )
    after = tree.flatten(eval_shape(step, symbols))
    if len(after) != len(leaves):
        return start
    settled = [
        OPS["cast"](t, a.dtype) if is_weak and is_float_dtype(a.dtype) else t
        for (_, t), a, is_weak in zip(leaves, after, weak, strict=True)
    ]
    return tree.pack_sequence_as(start, settled)


def _recorded_loop(f: Any, init: Nested, xs: Nested, steps: int, reverse: bool) -> Any:
    """The loop in Python, each operation recorded by the tape."""
    carry = init
    ys: list[Any] = [None] * steps
    for t in reversed(range(steps)) if reverse else range(steps):
        x = tree.map_structure(lambda v, t=t: None if v is None else v[t], xs)
        before = carry
        carry, ys[t] = f(carry, x)
        carry = _like(_tensors(carry), before)
    stack = OPS["stack"]
    return carry, tree.map_structure(lambda *y: None if y[0] is None else stack(list(y)), *ys)


def _like(new: Nested, old: Nested) -> Nested:
    """Tensors in the precision they had, as `_cast_like`; recorded by the tape."""
    _cast_like(_arrays(new), _arrays(old))
    return tree.map_structure(lambda n, o: None if n is None else as_tensor(n, o.dtype), new, old)


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
        captured = _Captured(lambda operands: self.step(operands)[0], [*carries, *first])
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
        new_leaves = [t for t in tree.flatten(_like(_tensors(new), self.init)) if t is not None]
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
        gradients = _pull_back(
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


def _pull_back(
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
            t.node = t.node or Leaf()
        with Frame(cells):
            outputs = fn(sources)
    pairs = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.node is not None]
    return tape.gradient(
        [y for y, _ in pairs],
        [*sources, *captured],
        [g for _, g in pairs],
        unconnected_gradients="zero",
    )


# --- cond -------------------------------------------------------------------------------------


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
        return _same_branches(_tensors(true_fn()), _tensors(false_fn()))
    if not xp().is_traced(predicate.array):
        chosen = true_fn if bool(predicate) else false_fn
        return _tensors(chosen())
    if not is_recording():
        branches = [lambda fn=fn: _arrays(fn()) for fn in (true_fn, false_fn)]
        return _wrapped(xp().cond(predicate.array, *branches, stateful=True))
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
        found = [_Captured(lambda _, fn=fn: self.branch(fn), []) for fn in self.fns]
        captured = {(t.node, t.index): t for c in found for t in c.tensors}
        self.captured = list(captured.values())
        self.cells = list(dict.fromkeys(cell for c in found for cell in c.cells))
        read = dict.fromkeys(cell for c in found for cell in c.read if cell not in self.cells)
        self.fixed = [(cell, cell.read()) for cell in read]

    def branch(self, fn: Callable[[], Any]) -> list[Tensor]:
        out = _tensors(fn())
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
        return _pull_back(
            lambda _: branch.branch(fn), [], branch.captured, g_out, [*branch.fixed, *held]
        )

    true_fn, false_fn = branch.fns
    gradients = cond(inputs[0], lambda: back(true_fn), lambda: back(false_fn))
    return (None, *gradients)


# --- loops of open length ---------------------------------------------------------------------


@composite
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Nested,
    maximum_iterations: int | None = None,
) -> Nested:
    """Repeats ``loop_vars = body(*loop_vars)`` while ``cond(*loop_vars)`` is true.

    Args:
        cond: takes the loop variables, returns a boolean scalar.
        body: takes them, returns new ones of the same shapes and dtypes.
        loop_vars: a list or tuple of nested Tensors, or one Tensor.
        maximum_iterations: stop after so many rounds in any case.

    Raises:
        GradientError: when a tape is asked to go back through it: how many steps there are is
            known only when it runs. Use `scan`, or `fori_loop` with fixed bounds.

    >>> while_loop(lambda i: i < 10, lambda i: (i * 2,), (3,))[0].numpy().tolist()
    12
    """
    single = not isinstance(loop_vars, (list, tuple))

    def once(values: Nested) -> Nested:
        new = body(*values)
        return new if isinstance(new, (list, tuple)) and not (single and len(new) != 1) else (new,)

    start = _settled(once, (loop_vars,) if single else loop_vars)

    def carry_on(state: Any) -> Array:
        count, values = state
        ok = as_tensor(cond(*_wrapped(values)), "bool").array.reshape(())
        if maximum_iterations is None:
            return ok
        return xp().logical_and(ok, count < maximum_iterations)

    def step(state: Any) -> Any:
        count, values = state
        new = once(_wrapped(values))
        packed = tree.pack_sequence_as(values, tree.flatten(_arrays(new)))
        return count + xp().ones_like(count), _cast_like(packed, values)

    with stop_recording():
        zero = xp().zeros((), "int32")
        _, last = xp().while_loop(carry_on, step, (zero, _arrays(start)), stateful=True)
    result = _no_way_back(lambda values: body(*values), start, _wrapped(last))
    return result[0] if single else result


@primitive
def _end_of_loop(*arrays: Array, n: int) -> tuple[Array, ...]:
    """The values after a loop, recorded as depending on those before it."""
    return arrays[n:]


@_end_of_loop.gradient
def _(g: Any, out: Any, *inputs: Tensor):
    raise GradientError(
        "There is no gradient through a loop whose number of steps is known only when it runs "
        "(`while_loop`, or `fori_loop` with bounds that are Tensors). Use `ops.scan`, or "
        "`fori_loop` with bounds that are Python integers."
    )


def _no_way_back(body: Callable[[Nested], Any], before: Nested, after: Nested) -> Nested:
    """The values after a loop; where a tape could go back through it, it will meet an error."""
    if not is_recording():
        return after
    leaves = [t for t in tree.flatten(before) if t is not None]

    def flat(operands: list[Tensor]) -> list[Any]:
        rest = iter(operands)
        values = tree.map_structure(lambda v: None if v is None else next(rest), before)
        return tree.flatten(body(values))

    sources = [t for t in leaves if t.node is not None] + _Captured(flat, leaves).tensors
    results = [t for t in tree.flatten(after) if t is not None]
    if not sources or not results:
        return after
    ends = iter(_end_of_loop(*sources, *results, n=len(sources)))
    return tree.map_structure(lambda v: None if v is None else next(ends), after)


@composite
def fori_loop(
    lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Nested
) -> Nested:
    """Repeats ``value = body_fun(i, value)`` for i from ``lower`` to ``upper`` - 1.

    With bounds that are Python integers there is a gradient; with Tensors there is none, but one
    program serves any number of steps.

    Args:
        lower: the first i.
        upper: one more than the last i.
        body_fun: takes i (an int32 scalar) and the value, returns a value of the same form.
        init_val: the first value, nested Tensors or None.

    >>> float(fori_loop(0, 4, lambda i, total: total + 1.5, 0.0))
    6.0
    """
    start = _settled(lambda value: body_fun(as_tensor(0, "int32"), value), init_val)
    if isinstance(lower, int) and isinstance(upper, int) and is_recording():
        steps = OPS["arange"](lower, max(upper, lower), dtype="int32")
        return scan(lambda value, i: (body_fun(i, value), None), start, steps)[0]
    first, end = as_tensor(lower, "int32"), as_tensor(upper, "int32")

    def step(state: Any) -> Any:
        i, value = state
        new = _arrays(body_fun(Tensor(i), _wrapped(value)))
        return i + xp().ones_like(i), _cast_like(new, value)

    with stop_recording():
        last = xp().while_loop(
            lambda state: state[0] < end.array, step, (first.array, _arrays(start)), stateful=True
        )[1]
    return _no_way_back(lambda value: body_fun(Tensor(first.array), value), start, _wrapped(last))


@composite
def map(f: Callable[[Any], Any], xs: Nested) -> Nested:
    """Applies a function to each slice along the leading axis, and stacks the results.

    >>> map(lambda x: x * x, [1.0, 2.0, 3.0]).numpy().tolist()
    [1.0, 4.0, 9.0]
    """
    return scan(lambda _, x: (None, f(x)), None, xs)[1]
