"""Loops of a length that may be known only when they run: while_loop, fori_loop."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive, stop_recording
from etude.autodiff.recording import is_recording
from etude.autodiff.tensor import traced_message
from etude.autodiff.watching import is_hidden
from etude.engine import xp
from etude.errors import GradientError, TracingError
from etude.ops.captures import Captured
from etude.ops.nested import Array, Nested, arrays, cast_like, settled, wrapped
from etude.ops.scanning import scan

__all__ = ["fori_loop", "while_loop"]


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

    start = settled(once, (loop_vars,) if single else loop_vars)

    def carry_on(state: Any) -> Array:
        count, values = state
        ok = _known(as_tensor(cond(*wrapped(values)), "bool")).reshape(())
        if maximum_iterations is None:
            return ok
        return xp().logical_and(ok, count < maximum_iterations)

    def step(state: Any) -> Any:
        count, values = state
        new = once(wrapped(values))
        packed = tree.pack_sequence_as(values, tree.flatten(arrays(new)))
        return count + xp().ones_like(count), cast_like(packed, values)

    with stop_recording():
        zero = xp().zeros((), "int32")
        _, last = xp().while_loop(carry_on, step, (zero, arrays(start)), stateful=True)
    result = _no_way_back(lambda values: body(*values), start, wrapped(last))
    return result[0] if single else result


def _known(decides: Tensor) -> Array:
    """What decides how often a loop runs: no list of single operations can hold such a loop."""
    if is_hidden(decides.array):
        raise TracingError(traced_message(decides, "how often a loop runs, out of the values"))
    return decides.array


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

    sources = [t for t in leaves if t.origin is not None] + Captured(flat, leaves).tensors
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
    start = settled(lambda value: body_fun(as_tensor(0, "int32"), value), init_val)
    if isinstance(lower, int) and isinstance(upper, int) and is_recording():
        steps = OPS["arange"](lower, max(upper, lower), dtype="int32")
        return scan(lambda value, i: (body_fun(i, value), None), start, steps)[0]
    first, end = as_tensor(lower, "int32"), as_tensor(upper, "int32")

    def step(state: Any) -> Any:
        i, value = state
        new = arrays(body_fun(Tensor(i), wrapped(value)))
        return i + xp().ones_like(i), cast_like(new, value)

    with stop_recording():
        last = xp().while_loop(
            lambda state: state[0] < _known(end),
            step,
            (_known(first), arrays(start)),
            stateful=True,
        )[1]
    return _no_way_back(lambda value: body_fun(Tensor(first.array), value), start, wrapped(last))
