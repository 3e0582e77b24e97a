"""Scopes in which Variables have other values, and keep their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from etude.autodiff import Tensor, as_tensor
from etude.engine.cell import Frame
from etude.errors import ArgumentError, ShapeError
from etude.variable import Variable

__all__ = ["StatelessScope", "SymbolicScope"]


class StatelessScope:
    """Inside, Variables have given values; what is assigned to them stays within the scope.

    Args:
        state_mapping: pairs of a Variable and its value.
        collect_losses: kept for Keras.
        initialize_variables: kept for Keras: Variables that are made inside have their values.

    Raises:
        ArgumentError: what is to be given a value is no Variable.
        ShapeError: a value has another shape than its Variable.

    Example:
        >>> v = Variable([1.0, 2.0])
        >>> with StatelessScope([(v, [10.0, 20.0])]) as scope:
        ...     _ = v.assign_add([1.0, 1.0])
        >>> scope.get_current_value(v).numpy().tolist(), v.numpy().tolist()
        ([11.0, 21.0], [1.0, 2.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, Any]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ) -> None:
        self.collect_losses = collect_losses
        self.initialize_variables = initialize_variables
        self.losses: list[Any] = []
        values = [(v, _value_of(v, value)) for v, value in state_mapping or ()]
        self._frame = Frame((v.cell, tensor.array) for v, tensor in values)

    def __enter__(self) -> StatelessScope:
        self._frame.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._frame.__exit__(*error)

    def add_loss(self, loss: Any) -> None:
        """Adds to ``losses``."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, Any]) -> None:
        """Sets the value that a Variable has in the scope, from a pair of both."""
        variable, value = update
        self._frame.write(variable.cell, _value_of(variable, value).array)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """The value that a Variable has in the scope; None where that is its own."""
        array = self._frame.values.get(variable.cell)
        return None if array is None else Tensor(array)


def _value_of(variable: Any, value: Any) -> Tensor:
    if not isinstance(variable, Variable):
        raise ArgumentError(
            "Invalid reference variable in StatelessScope: all keys in argument `mapping` must be "
            f"Variable instances; got {variable!r}. `state_mapping` holds pairs of a Variable and "
            "its value."
        )
    tensor = as_tensor(value, variable.dtype)
    if tuple(tensor.shape) != variable.shape:
        raise ShapeError(
            "Invalid variable value in StatelessScope: all values in argument `mapping` must be "
            f"tensors with the shape of their Variable; {variable.path!r} has {variable.shape}, "
            f"got {tensor.shape}."
        )
    return tensor


class SymbolicScope:
    """Kept for Keras: marks code that works on symbolic tensors; here these are known as such."""

    def __enter__(self) -> SymbolicScope:
        return self

    def __exit__(self, *_: object) -> None:
        return None
