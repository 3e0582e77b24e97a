"""Functions of functions: one of several, over slices, in a tree; and derivatives of one's own."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from etude import tree
from etude.autodiff import GradientTape, Tensor, as_tensor, composite, primitive
from etude.dtypes import is_float_dtype
from etude.errors import ArgumentError, GradientError, ShapeError
from etude.ops.branching import cond
from etude.ops.core import cast, stop_gradient
from etude.ops.creation import zeros_like
from etude.ops.elementwise import clip
from etude.ops.joining import concatenate
from etude.ops.reduction import sum
from etude.ops.scanning import map
from etude.ops.shape import axis_index, broadcast_to, flip, reshape

__all__ = [
    "associative_scan",
    "custom_gradient",
    "jvp",
    "switch",
    "vectorize",
    "vectorized_map",
]

Array = Any
Nested = Any


# --- choice and repetition ----------------------------------------------------------------------


@composite
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Calls one of several functions, by a number that may be known only when it runs.

    Args:
        index: an integer scalar; one out of range counts as the nearest.
        branches: functions of the operands; all return the same structure, shapes and dtypes.
        *operands: what they are called with.

    >>> float(switch(1, [lambda x: x, lambda x: x * x], 3.0))
    9.0
    """
    if not branches:
        raise ArgumentError("switch expects one branch or more.")
    place = clip(cast(as_tensor(index), "int32"), 0, len(branches) - 1)
    operands = tree.map_structure(as_tensor, operands)

    def choose(i: int) -> Any:
        if i == len(branches) - 1:
            return branches[i](*operands)
        return cond(place <= i, lambda: branches[i](*operands), lambda: choose(i + 1))

    return tree.map_structure(lambda v: None if v is None else as_tensor(v), choose(0))


@composite
def vectorized_map(function: Callable[[Any], Any], elements: Nested) -> Nested:
    """Applies a function to each slice along the leading axis, and stacks the results.

    Args:
        function: takes a slice of the elements, in their structure.
        elements: nested tensors, (N, ...) each.

    >>> vectorized_map(lambda pair: pair[0] + pair[1], ([1.0, 2.0], [3.0, 4.0])).numpy().tolist()
    [4.0, 6.0]
    """
    if isinstance(elements, (list, tuple)):
        parts = [e if tree.is_nested(e) and not _is_array(e) else as_tensor(e) for e in elements]
        elements = type(elements)(parts)  # type: ignore[call-arg]
    return map(function, elements)


def _is_array(value: Any) -> bool:
    """Whether nested lists hold nothing but numbers."""
    return all(isinstance(leaf, (bool, int, float)) for leaf in tree.flatten(value))


@composite
def associative_scan(
    f: Callable[[Any, Any], Any], elems: Nested, reverse: bool = False, axis: int = 0
) -> Nested:
    """Running combinations along an axis: out_k = f(... f(f(x_0, x_1), x_2) ..., x_k).

    In log₂ n rounds: each joins every place with the one that lies twice as far back as before.

    Args:
        f: combines two structures like ``elems``, of any length along the axis; f(f(a, b), c) =
            f(a, f(b, c)).
        elems: nested tensors, of one size n along the axis.
        reverse: whether to begin at the end.
        axis: along which axis.

    Source: Hillis and Steele, Data parallel algorithms, 1986.

    >>> associative_scan(lambda a, b: a + b, as_tensor([1.0, 2.0, 3.0])).numpy().tolist()
    [1.0, 3.0, 6.0]
    """
    if not callable(f):
        raise ArgumentError(f"associative_scan: Argument `f` should be a function; got {f!r}.")
    x = tree.map_structure(as_tensor, elems)
    leaves = tree.flatten(x)
    places = [axis_index(axis, t.ndim) for t in leaves]
    sizes = {t.shape[place] for t, place in zip(leaves, places, strict=True)}
    if len(sizes) != 1:
        raise ShapeError(
            "associative_scan: Elements must have the same first dimension (the size along "
            f"`axis`); got sizes {sorted(sizes)} along axis {axis}."
        )
    n, reach, part = sizes.pop(), 1, functools.partial(_slice, axis=axis)
    if reverse:
        x = tree.map_structure(lambda t: flip(t, axis), x)
    while reach < n:
        joined = f(
            tree.map_structure(lambda t, r=reach: part(t, 0, n - r), x),
            tree.map_structure(lambda t, r=reach: part(t, r, n), x),
        )
        x = tree.map_structure(
            lambda t, j, r=reach: concatenate([part(t, 0, r), as_tensor(j, t.dtype)], axis),
            x,
            joined,
        )
        reach *= 2
    return tree.map_structure(lambda t: flip(t, axis), x) if reverse else x


def _slice(x: Tensor, start: int, stop: int, axis: int) -> Tensor:
    return x[(*(slice(None),) * axis_index(axis, x.ndim), slice(start, stop))]


# --- loops over leading axes --------------------------------------------------------------------


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """A function that applies another to each element, or to each stack of core axes.

    Args:
        pyfunc: takes scalars, or tensors of the axes that the signature names.
        excluded: positions and names of arguments that are passed on as they are.
        signature: the core axes of arguments and results, e.g. ``"(n),(n)->()"``.

    >>> add = vectorize(lambda a, b: a + b)
    >>> add([[1.0], [2.0]], [10.0, 20.0]).numpy().tolist()
    [[11.0, 21.0], [12.0, 22.0]]
    """
    left_out: set[Any] = set(excluded or ())
    cores = None if signature is None else _cores(signature)

    @functools.wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        moving = {i: as_tensor(a) for i, a in enumerate(args) if i not in left_out}
        moving |= {k: as_tensor(v) for k, v in kwargs.items() if k not in left_out}
        if cores is not None and len(cores) != len(moving):
            raise ArgumentError(f"vectorize: {signature!r} does not fit {len(moving)} arguments.")
        ranks = dict(zip(moving, cores or [0] * len(moving), strict=True))
        outer = _broadcast(t.shape[: t.ndim - ranks[k]] for k, t in moving.items())
        count = math.prod(outer)
        rows = {
            k: reshape(
                broadcast_to(t, (*outer, *t.shape[t.ndim - ranks[k] :])),
                (count, *t.shape[t.ndim - ranks[k] :]),
            )
            for k, t in moving.items()
        }

        def call(row: dict[Any, Tensor]) -> Any:
            positional = [row.get(i, a) for i, a in enumerate(args)]
            return pyfunc(*positional, **{k: row.get(k, v) for k, v in kwargs.items()})

        found = map(call, rows)
        return tree.map_structure(lambda t: reshape(t, (*outer, *t.shape[1:])), found)

    return vectorized


def _cores(signature: str) -> list[int]:
    """How many core axes each argument has."""
    if not re.fullmatch(r"\s*\([^()]*\)(\s*,\s*\([^()]*\))*\s*->.*", signature):
        raise ArgumentError(f"vectorize: {signature!r} is no signature such as '(n),(n)->()'.")
    arguments = re.findall(r"\(([^()]*)\)", signature.split("->")[0])
    return [len([name for name in axes.split(",") if name.strip()]) for axes in arguments]


def _broadcast(shapes: Any) -> tuple[int, ...]:
    """The shape that shapes broadcast to."""
    out: tuple[int, ...] = ()
    for shape in shapes:
        rank = len(shape) if len(shape) > len(out) else len(out)
        pairs = zip((1,) * (rank - len(out)) + out, (1,) * (rank - len(shape)) + shape, strict=True)
        merged = [(m, n) for m, n in pairs]
        if any(m != n and 1 not in (m, n) for m, n in merged):
            raise ShapeError(f"vectorize: the shapes {out} and {shape} do not broadcast.")
        out = tuple(n if m == 1 else m for m, n in merged)
    return out


# --- derivatives of one's own -------------------------------------------------------------------


def custom_gradient(f: Callable[..., tuple[Any, Callable[..., Any]]]) -> Callable[..., Any]:
    """Decorator: a function with a gradient that it says itself.

    Args:
        f: takes tensors (or Variables), and returns its output and a function that takes the
            gradient by the output (one for each output), and returns the gradient by each argument.

    Returns:
        A function of the same arguments, which returns the output alone.

    >>> @custom_gradient
    ... def softened(x):
    ...     return x * x, lambda upstream: upstream * 0.5
    >>> x = as_tensor(3.0)
    >>> with GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = softened(x)
    >>> float(y), float(tape.gradient(y, x))
    (9.0, 0.5)
    """

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        inputs = [as_tensor(a) for a in tree.flatten(args)]
        output, grad_fn = f(*tree.pack_sequence_as(args, inputs), **kwargs)
        leaves = [stop_gradient(as_tensor(t)) for t in tree.flatten(output)]
        found = _own_gradient(*leaves, *inputs, count=len(leaves), rule=grad_fn)
        return tree.pack_sequence_as(output, list(found)) if tree.is_nested(output) else found[0]

    return wrapped


@primitive
def _own_gradient(*arrays: Array, count: int, rule: Callable[..., Any]) -> tuple[Array, ...]:
    """The first ``count`` arrays as they are, recorded as depending on the others by a rule."""
    return arrays[:count]


@_own_gradient.gradient
def _(g: Any, out: Any, *inputs: Tensor, count: int, rule: Callable[..., Any]):
    found = tree.flatten(rule(*g))
    expected = len(inputs) - count
    if len(found) != expected:
        raise GradientError(
            f"custom_gradient: the gradient function must return one gradient for each of the "
            f"{expected} arguments; got {len(found)}."
        )
    return (*(None,) * count, *found)


@composite
def jvp(
    fun: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False
) -> tuple[Any, ...]:
    """A function's value, and its derivative along a direction: y = f(x), ẏ = J(x) ẋ.

    By two passes backwards: uᵀJ is linear in u, and its derivative by u, along ẋ, is J ẋ.

    Args:
        fun: takes tensors, one for each primal; returns nested tensors.
        primals: x, a list or tuple of nested tensors.
        tangents: ẋ, in the structure of the primals.
        has_aux: whether ``fun`` returns a pair of outputs and something that is passed through.

    Returns:
        y and ẏ, and what was passed through.

    >>> y, slope = jvp(lambda x: x * x, [3.0], [1.0])
    >>> float(y), float(slope)
    (9.0, 6.0)
    """
    if not isinstance(primals, (list, tuple)) or not isinstance(tangents, (list, tuple)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError("jvp: primals and tangents are lists or tuples, one per argument.")
    tree.assert_same_structure(list(primals), list(tangents), check_types=False)
    points = tree.map_structure(lambda t: reshape(t, as_tensor(t).shape), list(primals))
    directions = [as_tensor(t) for t in tree.flatten(list(tangents))]
    aux = None
    with GradientTape() as outer:
        with GradientTape() as inner:
            sources = [t for t in tree.flatten(points) if is_float_dtype(t.dtype)]
            inner.watch(sources)
            out = fun(*points)
            if has_aux:
                out, aux = out
            out = tree.map_structure(as_tensor, out)
        leaves = tree.flatten(out)
        weights = [zeros_like(t) for t in leaves]
        outer.watch([u for u in weights if is_float_dtype(u.dtype)])
        pulled = inner.gradient(leaves, sources, weights, unconnected_gradients="zero")
        moving = [
            d
            for d, p in zip(directions, tree.flatten(points), strict=True)
            if is_float_dtype(p.dtype)
        ]
        total: Any = as_tensor(0.0)
        for row, direction in zip(pulled, moving, strict=True):
            total = total + sum(row * cast(direction, row.dtype))
    along = outer.gradient(total, weights, unconnected_gradients="zero")
    value = tree.map_structure(lambda t: Tensor(t.array), out)
    result = (value, tree.pack_sequence_as(out, along) if tree.is_nested(out) else along[0])
    return (*result, aux) if has_aux else result
