"""Python's operators for everything that stands for an array.

They are looked up by name among the registered operations, since those live on a floor above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etude.autodiff.tensor import Tensor

OPS: dict[str, Any] = {}
"""Every public operation, primitive or composite, by name."""


class Operators:
    """Mixin with the operators of Python, each the operation of that name in `etude.ops`."""

    __slots__ = ()
    __array_priority__ = 1000

    def __add__(self, other: Any) -> Tensor:
        return OPS["add"](self, other)

    def __radd__(self, other: Any) -> Tensor:
        return OPS["add"](other, self)

    def __sub__(self, other: Any) -> Tensor:
        return OPS["subtract"](self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return OPS["subtract"](other, self)

    def __mul__(self, other: Any) -> Tensor:
        return OPS["multiply"](self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return OPS["multiply"](other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return OPS["divide"](self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return OPS["divide"](other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return OPS["floor_divide"](self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return OPS["floor_divide"](other, self)

    def __mod__(self, other: Any) -> Tensor:
        return OPS["mod"](self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return OPS["mod"](other, self)

    def __pow__(self, other: Any) -> Tensor:
        return OPS["power"](self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return OPS["power"](other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return OPS["matmul"](self, other)

    def __rmatmul__(self, other: Any) -> Tensor:
        return OPS["matmul"](other, self)

    def __neg__(self) -> Tensor:
        return OPS["negative"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Tensor:
        return OPS["abs"](self)

    def __invert__(self) -> Tensor:
        return OPS["logical_not" if str(self.dtype) == "bool" else "bitwise_not"](self)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> Any:
        return OPS["equal"](self, other)

    def __ne__(self, other: object) -> Any:
        return OPS["not_equal"](self, other)

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Tensor:
        return OPS["less"](self, other)

    def __le__(self, other: Any) -> Tensor:
        return OPS["less_equal"](self, other)

    def __gt__(self, other: Any) -> Tensor:
        return OPS["greater"](self, other)

    def __ge__(self, other: Any) -> Tensor:
        return OPS["greater_equal"](self, other)

    def _logic(self, kind: str, first: Any, second: Any) -> Tensor:
        prefix = "logical_" if str(self.dtype) == "bool" else "bitwise_"  # type: ignore[attr-defined]
        return OPS[prefix + kind](first, second)

    def __and__(self, other: Any) -> Tensor:
        return self._logic("and", self, other)

    def __rand__(self, other: Any) -> Tensor:
        return self._logic("and", other, self)

    def __or__(self, other: Any) -> Tensor:
        return self._logic("or", self, other)

    def __ror__(self, other: Any) -> Tensor:
        return self._logic("or", other, self)

    def __xor__(self, other: Any) -> Tensor:
        return self._logic("xor", self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return self._logic("xor", other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return OPS["left_shift"](self, other)

    def __rshift__(self, other: Any) -> Tensor:
        return OPS["right_shift"](self, other)

    def __round__(self, ndigits: int | None = None) -> Tensor:
        return OPS["round"](self, decimals=ndigits or 0)

    def __getitem__(self, key: Any) -> Tensor:
        return OPS["getitem"](self, key)
