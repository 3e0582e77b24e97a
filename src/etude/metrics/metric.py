"""The base class of all metrics: state that batches are added to, and a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

from etude import initializers, ops, tree
from etude.autodiff import Tensor
from etude.errors import ArgumentError, StateError
from etude.layers.base.tracking import refuse_in_place_of_variable
from etude.losses.loss import compute_dtype
from etude.naming import auto_name
from etude.saving.pickling import Saveable
from etude.variable import Variable

__all__ = ["Metric"]


class Metric(Saveable):
    """A number that is gathered over many batches.

    Subclasses make their state by `add_variable`, change it in `update_state`, and return a number
    from `result`. What they do is made of operations, so that it can be part of a compiled program.

    Args:
        dtype: the dtype of the state and of the result, or a dtype policy.
        name: a name; by default made from that of the class.

    Example:
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest"):
        ...         super().__init__(name=name)
        ...         self.largest = self.add_variable((), "zeros", name="largest")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.largest
        >>> metric = Largest()
        >>> metric.update_state([0.0], [3.0])
        >>> metric.update_state([0.0], [1.0])
        >>> float(metric.result())
        3.0
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []
        self.name = name or auto_name(type(self).__name__)
        self._dtype = compute_dtype(dtype)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor):
            refuse_in_place_of_variable(self, name)
        if name not in ("_variables", "_metrics"):
            for leaf in tree.flatten(value):
                if isinstance(leaf, (Variable, Metric)):
                    self._track(leaf)
        super().__setattr__(name, value)

    def _track(self, part: Variable | Metric) -> None:
        self._check_super_called()
        known: list[Any] = self._variables if isinstance(part, Variable) else self._metrics
        if all(part is not other for other in known):
            known.append(part)

    def __reduce__(self) -> Any:
        return (*super().__reduce__(), [variable.numpy() for variable in self.variables])

    def __setstate__(self, values: list[Any]) -> None:
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)

    def _check_super_called(self) -> None:
        if "_variables" not in self.__dict__:
            raise StateError(
                f"In metric '{type(self).__name__}', you forgot `super().__init__()`. Make it the "
                "first line of the constructor."
            )

    @property
    def dtype(self) -> str:
        """The dtype of the result."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """The state, that of metrics inside of this one included."""
        inner = [variable for metric in self._metrics for variable in metric.variables]
        return [*self._variables, *inner]

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """A new Variable of the state.

        Args:
            shape: its shape.
            initializer: an initializer or its name.
            dtype: its dtype; `etude.config.floatx` by default.
            aggregation: kept for Keras.
            name: its name.
        """
        self._check_super_called()
        variable = Variable(
            initializers.get(initializer),
            shape=tuple(shape),
            dtype=dtype,
            trainable=False,
            aggregation=aggregation,
            synchronization="on_read",
            name=name,
        )
        variable.path = f"{self.name.replace('/', '>')}/{variable.name}"
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new Variable of the state: `add_variable` under its older name."""
        return self.add_variable(shape, initializer or "zeros", dtype=dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define `update_state`.")

    def result(self) -> Any:
        """The number for all batches so far."""
        raise NotImplementedError(f"{type(self).__name__} must define `result`.")

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Adds a batch, and returns the number for all batches so far."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    # ---- without state ----------------------------------------------------------------------

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Tensor]:
        """What `update_state` would make of given values of `variables`."""

        def update() -> list[Tensor]:
            self.update_state(*args, **kwargs)
            return [variable.value for variable in self.variables]

        return self._with_values(metric_variables, update)

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """What `result` would be for given values of `variables`."""
        return self._with_values(metric_variables, self.result)

    def stateless_reset_state(self) -> list[Tensor]:
        """The values of `variables` before the first batch."""

        def reset() -> list[Tensor]:
            self.reset_state()
            return [variable.value for variable in self.variables]

        return self._with_values([variable.value for variable in self.variables], reset)

    def _with_values(self, values: Sequence[Any], function: Callable[[], Any]) -> Any:
        """Calls a function while the state has other values."""
        variables = self.variables
        if len(values) != len(variables):
            raise ArgumentError(
                f"{type(self).__name__}: `metric_variables` holds one value for each entry of "
                f"`variables`. Received list with length {len(values)}, but expected "
                f"{len(variables)}."
            )
        before = [variable.value for variable in variables]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return function()
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable.assign(value)

    # ---- configs ----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A metric from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
