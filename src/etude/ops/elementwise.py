"""Arithmetic, element by element: sums, products, powers, rounding, extrema, choice.

Operands broadcast as in NumPy; rules give gradients of the broadcast shape, and the tape sums
them. Where a derivative jumps, the docstring says which value is taken.
"""

from __future__ import annotations

import math
from typing import Any

from etude.autodiff import OPS, Tensor, as_tensor, composite, primitive
from etude.dtypes import GREATEST, is_float_dtype, is_int_dtype, result_type
from etude.engine import xp
from etude.errors import ArgumentError
from etude.ops.core import cast

__all__ = [
    "abs",
    "absolute",
    "add",
    "ceil",
    "clip",
    "divide",
    "divide_no_nan",
    "fabs",
    "floor",
    "floor_divide",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "power",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sqrt",
    "square",
    "subtract",
    "true_divide",
    "trunc",
    "where",
]

Array = Any

STEPS = "it is constant between its jumps: the derivative is zero wherever it exists"


def in_one_dtype(*values: Any) -> list[Tensor]:
    """Values as Tensors of the dtype in which they are combined; Python numbers are weak."""
    scalars = (bool, int, float)
    known = [v if isinstance(v, scalars) else as_tensor(v) for v in values]
    dtype = result_type(*(type(v) if isinstance(v, scalars) else str(v.dtype) for v in known))
    return [as_tensor(v, dtype) for v in known]


def constant(value: float, like: Array) -> Array:
    """A number in the dtype of an array: NumPy would take a Python float for more than bfloat16.

    >>> constant(0.5, xp().zeros((2,), "float16")).dtype == "float16"
    True
    """
    return xp().asarray(value, dtype=like.dtype)


def not_bool(*arrays: Array) -> tuple[Array, ...]:
    """Arrays, with truth values as the integers 0 and 1."""
    return tuple(xp().astype(a, "int32") if a.dtype == "bool" else a for a in arrays)


# --- sums and products ------------------------------------------------------------------------


@primitive(cast="same")
def add(x1: Array, x2: Array) -> Array:
    """x1 + x2. Shapes in: any that broadcast; out: the broadcast shape.

    >>> add([1, 2], 10).numpy().tolist()
    [11, 12]
    """
    return xp().add(x1, x2)


@add.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return g, g


@primitive(cast="same")
def subtract(x1: Array, x2: Array) -> Array:
    """x1 - x2.

    >>> subtract([1, 2], 10).numpy().tolist()
    [-9, -8]
    """
    return xp().subtract(x1, x2)


@subtract.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return g, lambda: -g


@primitive(cast="same")
def multiply(x1: Array, x2: Array) -> Array:
    """x1 · x2, element by element.

    >>> multiply([1, 2], [3, 4]).numpy().tolist()
    [3, 8]
    """
    return xp().multiply(x1, x2)


@multiply.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return lambda: g * x2, lambda: g * x1


@primitive(cast="float")
def divide(x1: Array, x2: Array) -> Array:
    """x1 / x2, a float also for integers.

    >>> divide([1, 2], 4).numpy().tolist()
    [0.25, 0.5]
    """
    return xp().divide(x1, x2)


@divide.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return lambda: g / x2, lambda: -g * out / x2  # d(a/b)/db = -a/b² = -(a/b)/b


@composite
def true_divide(x1: Any, x2: Any) -> Tensor:
    """x1 / x2: another name of `divide`.

    >>> float(true_divide(1, 4))
    0.25
    """
    return divide(x1, x2)


@primitive(cast="float")
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """x1 / x2, and 0 where x2 = 0; there both derivatives are 0, too.

    >>> divide_no_nan([1.0, 2.0], [0.0, 4.0]).numpy().tolist()
    [0.0, 0.5]
    """
    zero = x2 == 0
    return xp().where(zero, 0, x1 / xp().where(zero, 1, x2))


@divide_no_nan.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return lambda: divide_no_nan(g, x2), lambda: divide_no_nan(-g * out, x2)


@primitive(cast="same")
def floor_divide(x1: Array, x2: Array) -> Array:
    """⌊x1 / x2⌋. Constant between its jumps: no derivative.

    >>> floor_divide([7, -7], 2).numpy().tolist()
    [3, -4]
    """
    return xp().floor_divide(*not_bool(x1, x2))


floor_divide.no_gradient(STEPS)


@primitive(cast="same")
def mod(x1: Array, x2: Array) -> Array:
    """x1 - x2 ⌊x1 / x2⌋: the remainder, with the sign of x2.

    At a jump the derivatives are those of the branch that the forward took.

    >>> mod([7, -7], 3).numpy().tolist()
    [1, 2]
    """
    return xp().mod(*not_bool(x1, x2))


@mod.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return g, lambda: -g * floor_divide(x1, x2)


@primitive
def negative(x: Array) -> Array:
    """-x.

    >>> negative([1, -2]).numpy().tolist()
    [-1, 2]
    """
    return xp().negative(x)


@negative.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (-g,)


@primitive(cast="float")
def reciprocal(x: Array) -> Array:
    """1 / x.

    >>> reciprocal([2.0, 4.0]).numpy().tolist()
    [0.5, 0.25]
    """
    return 1 / x


@reciprocal.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (-g * out * out,)  # d(1/x) = -1/x²


# --- powers and roots -------------------------------------------------------------------------


@primitive(cast="same")
def power(x1: Array, x2: Array) -> Array:
    """x1 to the power x2.

    The derivative by the base is x2·x1^(x2-1), and 0 for x2 = 0 whatever the base. The derivative
    by the exponent is x1^x2 · ln x1, and 0 for x1 = 0.

    >>> power([2.0, 3.0], 2).numpy().tolist()
    [4.0, 9.0]
    """
    x1, x2 = not_bool(x1, x2)
    return x1**x2


@power.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    def by_base() -> Tensor:
        lowered = where(x2 == 0, 1, x2) - 1  # 0⁻¹ would make 0·∞ of the zero that x2 brings
        return g * x2 * power(x1, lowered)

    def by_exponent() -> Tensor:
        return g * out * OPS["log"](where(x1 == 0, 1, x1))

    return by_base, by_exponent


@primitive
def square(x: Array) -> Array:
    """x².

    >>> square([-2, 3]).numpy().tolist()
    [4, 9]
    """
    (x,) = not_bool(x)
    return x * x


@square.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * (2 * x),)


@primitive(cast="float")
def sqrt(x: Array) -> Array:
    """√x, NaN for negative x. The derivative at 0 is infinite.

    >>> sqrt([4.0, 9.0]).numpy().tolist()
    [2.0, 3.0]
    """
    return xp().sqrt(x)


@sqrt.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * 0.5 / out,)


@primitive(cast="float")
def rsqrt(x: Array) -> Array:
    """1 / √x.

    >>> rsqrt([4.0, 16.0]).numpy().tolist()
    [0.5, 0.25]
    """
    return 1 / xp().sqrt(x)


@rsqrt.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (g * -0.5 * out * out * out,)  # d x^(-1/2) = -1/2 x^(-3/2)


# --- sign and rounding ------------------------------------------------------------------------


@primitive
def absolute(x: Array) -> Array:
    """|x|; of x + iy, √(x² + y²). The derivative at 0 is 0.

    >>> absolute([-2, 3]).numpy().tolist()
    [2, 3]
    """
    return xp().absolute(x)


@absolute.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    if x.dtype.kind == "c":  # ∂|z|/∂x - i ∂|z|/∂y = z̄ / |z|
        return (g * divide_no_nan(OPS["conjugate"](x), out),)
    return (g * sign(x),)


@composite
def abs(x: Any) -> Tensor:
    """|x|: another name of `absolute`.

    >>> float(abs(-2.0))
    2.0
    """
    return absolute(x)


@composite
def fabs(x: Any) -> Tensor:
    """|x| as a float.

    >>> float(fabs(-2))
    2.0
    """
    x = as_tensor(x)
    return absolute(x if is_float_dtype(x.dtype) else cast(x, result_type(str(x.dtype), float)))


@primitive
def sign(x: Array) -> Array:
    """-1, 0 or 1, by the sign of x; NaN stays NaN. Constant between its jumps: no derivative.

    >>> sign([-2.0, 0.0, 3.0]).numpy().tolist()
    [-1.0, 0.0, 1.0]
    """
    return xp().sign(x)


sign.no_gradient(STEPS)


@primitive(cast="float")
def floor(x: Array) -> Array:
    """⌊x⌋, the greatest integer that is not above x. No derivative.

    >>> floor([-1.5, 1.5]).numpy().tolist()
    [-2.0, 1.0]
    """
    return xp().floor(x)


floor.no_gradient(STEPS)


@primitive(cast="float")
def ceil(x: Array) -> Array:
    """⌈x⌉, the least integer that is not below x. No derivative.

    >>> ceil([-1.5, 1.5]).numpy().tolist()
    [-1.0, 2.0]
    """
    return xp().ceil(x)


ceil.no_gradient(STEPS)


@primitive
def trunc(x: Array) -> Array:
    """x without its fraction: rounded towards 0. No derivative.

    >>> trunc([-1.5, 1.5]).numpy().tolist()
    [-1.0, 1.0]
    """
    return xp().trunc(x) if is_float_dtype(x.dtype) else x


trunc.no_gradient(STEPS)


@primitive(arity=1)
def round(x: Array, decimals: int = 0) -> Array:
    """x rounded to some decimals, halves to the even neighbour. No derivative.

    Args:
        x: any numbers.
        decimals: digits kept after the point; negative ones round before it.

    >>> round([0.5, 1.5, 2.46], 1).numpy().tolist(), round([0.5, 1.5]).numpy().tolist()
    ([0.5, 1.5, 2.5], [0.0, 2.0])
    """
    if not is_float_dtype(x.dtype):
        if decimals >= 0:
            return x
        factor = 10.0**-decimals
        wide = xp().astype(x, "float64")
        return xp().astype(xp().round(wide / factor) * factor, str(x.dtype))
    return xp().round(x, decimals)


round.no_gradient(STEPS)


# --- extrema and choice -----------------------------------------------------------------------


@primitive(cast="same")
def maximum(x1: Array, x2: Array) -> Array:
    """The greater of x1 and x2; NaN where one is NaN. At ties each gets half of the gradient.

    >>> maximum([1, 5], [3, 2]).numpy().tolist()
    [3, 5]
    """
    return xp().maximum(x1, x2)


@maximum.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return lambda: g * _wins(x1 > x2, x1 >= x2, g), lambda: g * _wins(x2 > x1, x2 >= x1, g)


def _wins(strictly: Tensor, at_least: Tensor, like: Tensor) -> Tensor:
    """1 where an operand wins, 1/2 where it draws, 0 where it loses."""
    return 0.5 * (cast(strictly, like.dtype) + cast(at_least, like.dtype))


@primitive(cast="same")
def minimum(x1: Array, x2: Array) -> Array:
    """The lesser of x1 and x2; NaN where one is NaN. At ties each gets half of the gradient.

    >>> minimum([1, 5], [3, 2]).numpy().tolist()
    [1, 2]
    """
    return xp().minimum(x1, x2)


@minimum.gradient
def _(g: Tensor, out: Tensor, x1: Tensor, x2: Tensor):
    return lambda: g * _wins(x1 < x2, x1 <= x2, g), lambda: g * _wins(x2 < x1, x2 <= x1, g)


@composite
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """x brought into [x_min, x_max]: min(max(x, x_min), x_max).

    Args:
        x: any numbers.
        x_min: the least value, broadcast to x; None for no bound.
        x_max: the greatest value, likewise. At a bound x and the bound share the gradient.

    >>> clip([-1.0, 0.5, 2.0], 0.0, 1.0).numpy().tolist()
    [0.0, 0.5, 1.0]
    """
    x = as_tensor(x)
    if x.dtype == "bool":
        x = cast(x, "int32")
    if x_min is not None:
        x = maximum(x, x_min)
    return x if x_max is None else minimum(x, x_max)


@composite
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """x1 where the condition holds, x2 elsewhere.

    The side that is not taken gets no gradient; a NaN in its own derivative still comes through
    (0·NaN), so make its argument harmless first.

    Args:
        condition: truth values; without x1 and x2 the result is `nonzero` of them.
        x1: broadcasts with the condition and x2.
        x2: likewise.

    Raises:
        ArgumentError: only one of x1 and x2 is given.

    >>> where([True, False], [1, 2], 0).numpy().tolist()
    [1, 0]
    """
    if x1 is None and x2 is None:
        return OPS["nonzero"](condition)
    if x1 is None or x2 is None:
        raise ArgumentError(
            "where(): `x1` and `x2` either both should be `None`, or both be given. Received: "
            f"x1={x1}, x2={x2}"
        )
    x1, x2 = in_one_dtype(x1, x2)
    return _select(condition, x1, x2)


@primitive
def _select(condition: Array, x1: Array, x2: Array) -> Array:
    """`where` on operands of one dtype."""
    return xp().where(condition, x1, x2)


@_select.gradient
def _(g: Tensor, out: Tensor, condition: Tensor, x1: Tensor, x2: Tensor):
    return None, lambda: where(condition, g, 0), lambda: where(condition, 0, g)


@primitive(arity=1)
def nan_to_num(
    x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """x with NaN and the infinities replaced; what is replaced has the derivative 0.

    Args:
        x: any numbers.
        nan: stands for NaN.
        posinf: stands for +∞; the greatest number of the dtype by default.
        neginf: stands for -∞; the least number of the dtype by default.

    >>> nan_to_num([math.nan, -math.inf, 2.0], neginf=-1.0).numpy().tolist()
    [0.0, -1.0, 2.0]
    """
    if is_int_dtype(x.dtype) or x.dtype == "bool":
        return x
    greatest = GREATEST[str(x.dtype)]
    high = greatest if posinf is None else posinf
    low = -greatest if neginf is None else neginf
    finite = xp().where(x == -math.inf, constant(low, x), x)
    finite = xp().where(x == math.inf, constant(high, x), finite)
    return xp().where(xp().isnan(x), constant(nan, x), finite)


@nan_to_num.gradient
def _(g: Tensor, out: Tensor, x: Tensor):
    return (where(OPS["isfinite"](x), g, 0),)
