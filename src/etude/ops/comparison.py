"""Comparison, logic, bits, and kinds of floats: results without derivatives."""

from __future__ import annotations

from typing import Any

from etude.autodiff import Tensor, composite, primitive
from etude.dtypes import is_float_dtype
from etude.engine import shapes_only, xp
from etude.errors import DtypeError
from etude.ops.elementwise import not_bool

__all__ = [
    "allclose",
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "right_shift",
    "signbit",
]

Array = Any

TRUTH = "truth values have no derivative"
BITS = "integers have no derivative"


# --- comparison -------------------------------------------------------------------------------


@primitive(cast="same")
def equal(x1: Array, x2: Array) -> Array:
    """Whether x1 = x2, element by element; NaN equals nothing.

    >>> equal([1, 2], [1, 3]).numpy().tolist()
    [True, False]
    """
    return xp().equal(x1, x2)


equal.no_gradient(TRUTH)


@primitive(cast="same")
def not_equal(x1: Array, x2: Array) -> Array:
    """Whether x1 ≠ x2, element by element.

    >>> not_equal([1, 2], [1, 3]).numpy().tolist()
    [False, True]
    """
    return xp().not_equal(x1, x2)


not_equal.no_gradient(TRUTH)


@primitive(cast="same")
def less(x1: Array, x2: Array) -> Array:
    """Whether x1 < x2, element by element.

    >>> less([1, 2], 2).numpy().tolist()
    [True, False]
    """
    return xp().less(x1, x2)


less.no_gradient(TRUTH)


@primitive(cast="same")
def less_equal(x1: Array, x2: Array) -> Array:
    """Whether x1 ≤ x2, element by element.

    >>> less_equal([1, 2, 3], 2).numpy().tolist()
    [True, True, False]
    """
    return xp().less_equal(x1, x2)


less_equal.no_gradient(TRUTH)


@primitive(cast="same")
def greater(x1: Array, x2: Array) -> Array:
    """Whether x1 > x2, element by element.

    >>> greater([1, 3], 2).numpy().tolist()
    [False, True]
    """
    return xp().greater(x1, x2)


greater.no_gradient(TRUTH)


@primitive(cast="same")
def greater_equal(x1: Array, x2: Array) -> Array:
    """Whether x1 ≥ x2, element by element.

    >>> greater_equal([1, 2, 3], 2).numpy().tolist()
    [False, True, True]
    """
    return xp().greater_equal(x1, x2)


greater_equal.no_gradient(TRUTH)


@primitive(cast="float", arity=2)
def isclose(
    x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Array:
    """Whether |x1 - x2| ≤ atol + rtol |x2|; infinities are close to themselves.

    Args:
        x1: any numbers.
        x2: the reference.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    >>> isclose([1.0, 2.0], [1.0 + 1e-7, 2.1]).numpy().tolist()
    [True, False]
    """
    return xp().isclose(x1, x2, rtol, atol, equal_nan)


isclose.no_gradient(TRUTH)


@composite
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Whether all elements are close; see `isclose`.

    >>> bool(allclose([1.0, 2.0], [1.0, 2.0]))
    True
    """
    return _all_true(isclose(x1, x2, rtol, atol, equal_nan))


@primitive
def _all_true(x: Array) -> Array:
    """Whether all elements hold: one truth value."""
    return xp().all(x)


_all_true.no_gradient(TRUTH)


# --- logic ------------------------------------------------------------------------------------


@primitive
def logical_and(x1: Array, x2: Array) -> Array:
    """Whether both hold; numbers other than 0 hold.

    >>> logical_and([True, True], [True, False]).numpy().tolist()
    [True, False]
    """
    return xp().logical_and(x1, x2)


logical_and.no_gradient(TRUTH)


@primitive
def logical_or(x1: Array, x2: Array) -> Array:
    """Whether one of two holds.

    >>> logical_or([False, True], [False, False]).numpy().tolist()
    [False, True]
    """
    return xp().logical_or(x1, x2)


logical_or.no_gradient(TRUTH)


@primitive
def logical_xor(x1: Array, x2: Array) -> Array:
    """Whether exactly one of two holds.

    >>> logical_xor([True, True], [True, False]).numpy().tolist()
    [False, True]
    """
    return xp().logical_xor(x1, x2)


logical_xor.no_gradient(TRUTH)


@primitive
def logical_not(x: Array) -> Array:
    """Whether it does not hold.

    >>> logical_not([True, False]).numpy().tolist()
    [False, True]
    """
    return xp().logical_not(x)


logical_not.no_gradient(TRUTH)


# --- bits -------------------------------------------------------------------------------------


def _bits(*arrays: Array) -> tuple[Array, ...]:
    """Arrays as they are, of integers or truth values; where only shapes are wanted, of anything.

    A symbolic tensor may have been given no dtype; what comes in the end is checked when it runs.
    """
    if is_float_dtype(arrays[0].dtype):
        if not shapes_only():
            raise DtypeError(f"Bits are those of integers; got dtype {arrays[0].dtype}.")
        return tuple(xp().astype(a, "int32") for a in arrays)
    return arrays


@primitive(cast="same")
def bitwise_and(x: Array, y: Array) -> Array:
    """The bits that both have.

    >>> int(bitwise_and(6, 3))
    2
    """
    return xp().bitwise_and(*_bits(x, y))


bitwise_and.no_gradient(BITS)


@primitive(cast="same")
def bitwise_or(x: Array, y: Array) -> Array:
    """The bits that one of two has.

    >>> int(bitwise_or(6, 3))
    7
    """
    return xp().bitwise_or(*_bits(x, y))


bitwise_or.no_gradient(BITS)


@primitive(cast="same")
def bitwise_xor(x: Array, y: Array) -> Array:
    """The bits that exactly one of two has.

    >>> int(bitwise_xor(6, 3))
    5
    """
    return xp().bitwise_xor(*_bits(x, y))


bitwise_xor.no_gradient(BITS)


@primitive
def bitwise_not(x: Array) -> Array:
    """All bits turned over: -x - 1 for signed integers.

    >>> int(bitwise_not(6))
    -7
    """
    return xp().invert(*_bits(x))


bitwise_not.no_gradient(BITS)


@composite
def bitwise_invert(x: Any) -> Tensor:
    """All bits turned over: another name of `bitwise_not`.

    >>> int(bitwise_invert(6))
    -7
    """
    return bitwise_not(x)


@primitive(cast="same")
def left_shift(x: Array, y: Array) -> Array:
    """The bits of x moved up by y places: x · 2^y.

    >>> int(left_shift(3, 2))
    12
    """
    return xp().left_shift(*_bits(*not_bool(x, y)))


left_shift.no_gradient(BITS)


@composite
def bitwise_left_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved up by y places: another name of `left_shift`.

    >>> int(bitwise_left_shift(3, 2))
    12
    """
    return left_shift(x, y)


@primitive(cast="same")
def right_shift(x: Array, y: Array) -> Array:
    """The bits of x moved down by y places: ⌊x / 2^y⌋.

    >>> int(right_shift(13, 2))
    3
    """
    return xp().right_shift(*_bits(*not_bool(x, y)))


right_shift.no_gradient(BITS)


@composite
def bitwise_right_shift(x: Any, y: Any) -> Tensor:
    """The bits of x moved down by y places: another name of `right_shift`.

    >>> int(bitwise_right_shift(13, 2))
    3
    """
    return right_shift(x, y)


# --- kinds of floats --------------------------------------------------------------------------


@primitive
def isnan(x: Array) -> Array:
    """Whether it is not a number.

    >>> isnan([1.0, float("nan")]).numpy().tolist()
    [False, True]
    """
    return xp().isnan(x)


isnan.no_gradient(TRUTH)


@primitive
def isinf(x: Array) -> Array:
    """Whether it is +∞ or -∞.

    >>> isinf([1.0, -float("inf")]).numpy().tolist()
    [False, True]
    """
    return xp().isinf(x)


isinf.no_gradient(TRUTH)


@primitive
def isfinite(x: Array) -> Array:
    """Whether it is neither NaN nor infinite.

    >>> isfinite([1.0, float("nan"), float("inf")]).numpy().tolist()
    [True, False, False]
    """
    return xp().isfinite(x)


isfinite.no_gradient(TRUTH)


@primitive
def isposinf(x: Array) -> Array:
    """Whether it is +∞.

    >>> isposinf([float("inf"), -float("inf")]).numpy().tolist()
    [True, False]
    """
    return x == float("inf") if is_float_dtype(x.dtype) else xp().zeros(x.shape, "bool")


isposinf.no_gradient(TRUTH)


@primitive
def isneginf(x: Array) -> Array:
    """Whether it is -∞.

    >>> isneginf([float("inf"), -float("inf")]).numpy().tolist()
    [False, True]
    """
    return x == -float("inf") if is_float_dtype(x.dtype) else xp().zeros(x.shape, "bool")


isneginf.no_gradient(TRUTH)


@primitive
def signbit(x: Array) -> Array:
    """Whether the sign bit is set: below zero, or -0.0.

    >>> signbit([-0.0, 0.0, -2.0]).numpy().tolist()
    [True, False, True]
    """
    return xp().signbit(x) if x.dtype != "bool" else xp().zeros(x.shape, "bool")


signbit.no_gradient(TRUTH)
