"""What an optimizer remembers between steps: its Variables, how they are set, saved, loaded."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from etude import initializers
from etude.errors import (
    ArgumentError,
    MissingNameError,
    NotBuiltError,
    StateError,
    did_you_mean,
)
from etude.initializers import Initializer
from etude.variable import Variable

__all__ = ["OptimizerState", "Slots"]

Slots = list[Any]  # one Variable per trainable variable

_OTHERWISE = {
    "lr": "It is `learning_rate`: read it by `float(optimizer.learning_rate)`, set it by "
    "`optimizer.learning_rate = 0.001`.",
    "step": "`apply(gradients, variables)` takes a step.",
    "minimize": "Take gradients with a `GradientTape`, then call `apply(gradients, variables)`.",
    "zero_grad": "Nothing needs clearing: a `GradientTape` gives the gradients of one step.",
    "get_weights": "The state is in `variables`; `save_own_variables(store)` writes it.",
}
"""What older versions, or other libraries, have."""


class OptimizerState:
    """The Variables of an optimizer; `Optimizer` inherits it.

    Attributes:
        name: the name of the optimizer, which the paths of its Variables begin with.
        built: whether the slots are there.
    """

    name: str
    built: bool
    _variables: list[Variable]
    _trainable_variables: list[Variable]
    _index_of: dict[int, int]  # id of a trainable variable -> its place among them

    if TYPE_CHECKING:  # `Optimizer` supplies it

        def apply(self, grads: Sequence[Any]) -> None: ...  # noqa: D102

    def __setattr__(self, name: str, value: Any) -> None:
        if "_variables" not in self.__dict__ and name != "_variables":
            raise StateError(
                f"In optimizer '{type(self).__name__}', you forgot `super().__init__()`. Make it "
                "the first line of the constructor."
            )
        if name == "lr" and type(self).__module__.startswith("etude."):  # others may have their own
            raise MissingNameError(
                f"{type(self).__name__!r} object has no attribute 'lr', and as a new one it would "
                f"change nothing. {_OTHERWISE['lr']}"
            )
        if isinstance(value, Variable):
            self._track_variable(value)
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # checkers shall go on to find names that are not there

        def __getattr__(self, name: str) -> Any:
            """Only reached for what is not there: says so, with near names.

            Raises:
                MissingNameError: always; or what a property of that name raised.
            """
            if name.startswith("__"):  # Python asks for these by itself
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)  # a property, which says why itself
            raise MissingNameError(lambda: self._explain_missing(name))

    def _explain_missing(self, name: str) -> str:
        text = f"{type(self).__name__!r} object has no attribute {name!r}."
        if name in _OTHERWISE:
            return f"{text} {_OTHERWISE[name]}"
        known = (known for known in dir(self) if not known.startswith("_"))
        return text + did_you_mean(name, known)

    @property
    def variables(self) -> list[Variable]:
        """The state: the number of steps, the learning rate if it is a number, then the slots."""
        return list(self._variables)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy finds its own Variables, not those of the original."""
        self.__dict__.update(state)
        known = self.__dict__.get("_trainable_variables", [])
        self.__dict__["_index_of"] = {id(v): i for i, v in enumerate(known)}

    def _track_variable(self, variable: Variable) -> None:
        if all(variable is not known for known in self._variables):
            self._variables.append(variable)

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A new Variable of the state.

        Args:
            shape: its shape.
            initializer: an initializer or its name.
            dtype: its dtype.
            aggregation: kept for Keras.
            layout: kept for Keras.
            name: its name.
        """
        variable = Variable(
            initializers.get(initializer),
            shape=shape,
            dtype=dtype,
            trainable=False,
            aggregation=aggregation,
            name=name,
        )
        variable.path = f"{self.name}/{variable.name}"
        self._track_variable(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """A new Variable of the state, of the shape and dtype of another one.

        Args:
            reference_variable: the other one.
            name: what is appended to its path to make the name.
            initializer: an initializer or its name.
        """
        return self.add_variable(
            reference_variable.shape,
            initializer,
            dtype=reference_variable.dtype,
            name=f"{reference_variable.path.replace('/', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """One slot, or one of each name, for every variable.

        Args:
            trainable_variables: the variables.
            name: the name of the slot, or several.
            initializer: an initializer, or one for each name.

        Returns:
            A list with one Variable per variable, or a tuple of such lists, one per name. In the
            place of a variable that is overwritten by its gradient stands None.
        """
        names = [name] if isinstance(name, str) else list(name)
        single = isinstance(initializer, (str, Initializer))
        firsts = [initializer] * len(names) if single else list(initializer)
        if len(names) != len(firsts):
            raise ArgumentError(
                f"Each name needs its initializer; got {len(names)} names, {name!r}, and "
                f"{len(firsts)} initializers, {initializer!r}."
            )
        slots: tuple[Slots, ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for slot, slot_name, first in zip(slots, names, firsts, strict=True):
                slot.append(
                    None
                    if variable.overwrite_with_gradient
                    else self.add_variable_from_reference(variable, slot_name, first)
                )
        return slots[0] if isinstance(name, str) else slots

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index_of[id(variable)]

    # ---- values in and out ----------------------------------------------------------------------

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """What `apply` would make of given values, without changing anything.

        Args:
            optimizer_variables: values of `variables`.
            grads: gradients.
            trainable_variables: values of the variables that the optimizer was built with.

        Returns:
            The new values of the trainable variables, and those of the optimizer's.
        """
        if not self.built:
            raise NotBuiltError(
                f"{type(self).__name__}.stateless_apply() works on weights that exist already: "
                "call `optimizer.build(trainable_variables)` first."
            )
        state = [*self._trainable_variables, *self.variables]
        values = [*trainable_variables, *optimizer_variables]
        if len(trainable_variables) != len(self._trainable_variables) or len(values) != len(state):
            raise ArgumentError(
                "Arguments `trainable_variables` and `optimizer_variables` must be lists of "
                "tensors corresponding 1:1 to the variables that the optimizer was built "
                f"with and to {type(self).__name__}().variables. Received "
                f"{len(trainable_variables)} and {len(optimizer_variables)} values, but expected "
                f"{len(self._trainable_variables)} and {len(self.variables)}."
            )
        before = [variable.value for variable in state]
        try:
            for variable, value in zip(state, values, strict=True):
                variable.assign(value)
            self.apply(grads)
            after = [variable.value for variable in state]
        finally:
            for variable, value in zip(state, before, strict=True):
                variable.assign(value)
        count = len(self._trainable_variables)
        return after[:count], after[count:]

    def assign(self, variable: Variable, value: Any) -> None:
        """Sets a variable; as ``variable.assign``, for code that is written for Keras."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Adds to a variable; as ``variable.assign_add``."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtracts from a variable; as ``variable.assign_sub``."""
        variable.assign_sub(value)

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the state.

        Args:
            weights: one value for each of `variables`.

        Raises:
            NotBuiltError: `build` was not called.
            ShapeError: a value has another shape.
        """
        if not self.built:
            raise NotBuiltError(
                "You are calling `set_weights()`, but this optimizer has no weights yet: call "
                "`optimizer.build(trainable_variables)` first."
            )
        for variable, weight in zip(self.variables, weights, strict=False):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Writes the state into a dictionary of arrays."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads the state from a dictionary of arrays; warns where their number differs."""
        if len(store.keys()) != len(self.variables):
            warnings.warn(
                f"Skipping variable loading for optimizer '{self.name}': the file holds "
                f"{len(store.keys())} variables, and it has {len(self.variables)}. It is left as "
                "it is.",
                stacklevel=2,
            )
            return
        for i, variable in enumerate(self.variables):
            variable.assign(store[str(i)])
