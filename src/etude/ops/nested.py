"""Nested values of loops and branches: between Tensors and arrays, and kept in form by steps."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import OPS, KerasTensor, Tensor, as_tensor, eval_shape
from etude.dtypes import is_float_dtype
from etude.engine import xp
from etude.errors import DtypeError, ShapeError

__all__ = ["Array", "Nested", "arrays", "cast_like", "like", "settled", "tensors", "wrapped"]

Array = Any
Nested = Any


def tensors(structure: Nested) -> Nested:
    """Tensors of all values; None stays."""
    return tree.map_structure(lambda v: None if v is None else as_tensor(v), structure)


def arrays(structure: Nested) -> Nested:
    """Arrays of the active engine of all values; None stays."""
    own = xp().own
    return tree.map_structure(lambda v: None if v is None else own(as_tensor(v).array), structure)


def wrapped(structure: Nested) -> Nested:
    """Tensors around arrays; None stays."""
    return tree.map_structure(lambda v: None if v is None else Tensor(v), structure)


def cast_like(new: Nested, old: Nested) -> Nested:
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


def settled(step: Callable[[Nested], Nested], init: Nested) -> Nested:
    """The first carry as Tensors; numbers of Python take the dtype that the first step gives them.

    Args:
        step: a carry to the next one.
        init: Tensors, arrays and numbers, nested.
    """
    start = tensors(init)
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


def like(new: Nested, old: Nested) -> Nested:
    """Tensors in the precision they had, as with `cast_like`; recorded by the tape."""
    cast_like(arrays(new), arrays(old))
    return tree.map_structure(lambda n, o: None if n is None else as_tensor(n, o.dtype), new, old)
