"""The state of a layer: variables, sub-layers, metrics and losses, found in its attributes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from etude import constraints, dtype_policies, initializers, naming, regularizers, tree
from etude.autodiff import Tensor
from etude.dtypes import standardize_dtype
from etude.errors import (
    ArgumentError,
    DtypeError,
    MissingNameError,
    NotBuiltError,
    ShapeError,
    did_you_mean,
)
from etude.layers.base.tracking import Tracker, refuse_in_place_of_variable
from etude.variable import Variable

__all__ = ["LayerState"]

LOCKED = (
    "You cannot add new elements of state, weights or layers, once a layer is already built. "
    "Create them in its constructor or in `build()`."
)

_OTHERWISE = {
    "weight": "`kernel` is the matrix of a layer, `weights` the list of all its Variables.",
    "parameters": "The Variables that are trained are `trainable_weights`; all are `weights`.",
    "state_dict": "`get_weights()` gives all values, `save_weights(path)` writes them to a file.",
    "forward": "What a layer computes is its `call`; to run it, call the layer: `layer(x)`.",
}
"""What has another name in Keras."""


class LayerState:
    """What a layer owns. `Layer` adds how it is called."""

    _tracked_as = "layers"
    _dtype_policy: dtype_policies.DTypePolicy
    _path: str | None
    _tracker: Tracker
    _layers: list[Any]
    _metrics: list[Any]
    _seed_generators: list[Any]
    _losses: list[Any]
    _trainable: bool
    name: str
    built: bool

    def _init_state(self) -> None:
        """Makes the lists that attributes are sorted into; runs before any ``__init__``."""
        hidden = self.__dict__  # past `__setattr__`, which needs the tracker
        tracker = hidden["_tracker"] = Tracker()
        hidden["_trainable_variables"] = tracker.stores["trainable_variables"]
        hidden["_non_trainable_variables"] = tracker.stores["non_trainable_variables"]
        hidden["_layers"] = tracker.stores["layers"]
        hidden["_metrics"] = tracker.stores["metrics"]
        hidden["_seed_generators"] = tracker.stores["seed_generators"]
        hidden["_losses"] = []

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor):
            refuse_in_place_of_variable(self, name)
        if not isinstance(value, (bool, int, float, str, type(None))):
            value = self._tracker.track(value)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        object.__delattr__(self, name)
        if value is not None:
            self._tracker.remove(value)

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
        """What to say of an attribute that is not there."""
        text = f"{type(self).__name__!r} object has no attribute {name!r}."
        if name in _OTHERWISE:
            return f"{text} {_OTHERWISE[name]}"
        near = did_you_mean(name, (known for known in dir(self) if not known.startswith("_")))
        if near or self.__dict__.get("built", True):
            return text + near
        return (
            f"{text} The layer is not built: what `build` makes is there after the first call on "
            "data, or after `build(input_shape)`."
        )

    # ---- variables -----------------------------------------------------------------------------

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to the layer.

        Args:
            *args: shape, initializer and dtype may also be given without their names.
            shape: its shape, fully known; ``()`` by default.
            initializer: an initializer or its name; by default ``"glorot_uniform"`` for floats and
                ``"zeros"`` for all else.
            dtype: by default the variable dtype of the layer.
            trainable: whether gradients change it.
            autocast: whether it is cast to the compute dtype where the layer computes with it.
            regularizer: a penalty on it, added to the loss.
            constraint: a function applied to it after every step of the optimizer.
            aggregation: how replicas combine their values; kept, not used.
            overwrite_with_gradient: whether the optimizer assigns the gradient instead of a step.
            name: its name, the last part of its path.

        Raises:
            ArgumentError: the layer is built already, or the shape is not fully known.
        """
        shape, initializer, dtype = _in_order(
            args, {"shape": shape, "initializer": initializer, "dtype": dtype}
        )
        shape = () if shape is None else shape
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(size is None for size in shape):
            raise ShapeError(
                f"Layer '{self.name}': the shape of the weight {name or ''!r} must be fully known "
                f"when it is made; got {shape}. The size of the batch, input_shape[0], is None: "
                "take others, such as input_shape[-1]. Where those are None too, give them in "
                "`Input(shape=...)`."
            )
        dtype = self.variable_dtype if dtype is None else standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if "float" in dtype else "zeros"
        with naming.name_scope(self.name, caller=self):
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name or naming.auto_name("variable"),
            )
            if self._path:
                variable.path = f"{self._path}/{variable.name}"
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._track_variable(variable)
        return variable

    add_variable = add_weight

    def _track_variable(self, variable: Variable) -> None:
        kind = "trainable_variables" if variable.trainable else "non_trainable_variables"
        self._tracker.add(kind, variable)
        if not self.trainable:
            variable.trainable = False

    def _untrack_variable(self, variable: Variable) -> None:
        self._tracker.remove(variable)

    def _lock_state(self) -> None:
        """From now on, nothing new can be owned."""
        if not self._tracker.locked:
            self._tracker.lock(LOCKED)

    def _own_variables(self) -> list[Variable]:
        stores = self._tracker.stores
        return [*stores["trainable_variables"], *stores["non_trainable_variables"]]

    def _walk(self) -> Iterator[LayerState]:
        """The layer and all layers inside, depth first, each once."""
        seen: set[int] = set()
        stack: list[Any] = [self]
        while stack:
            layer = stack.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                stack.extend(reversed(layer._layers))

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        if not recursive:
            return [*([self] if include_self else []), *self._layers]
        found, seen = ([self] if include_self else []), set()
        queue = deque(self._layers)
        while queue:
            layer = queue.popleft()
            if id(layer) not in seen:
                seen.add(id(layer))
                found.append(layer)
                queue.extendleft(layer._layers)
        return found

    @property
    def weights(self) -> list[Variable]:
        """All weights: those of the layer itself, then those of each layer inside."""
        unique: dict[int, Variable] = {}
        for layer in self._walk():
            for variable in layer._own_variables():
                unique.setdefault(id(variable), variable)
        return list(unique.values())

    @property
    def variables(self) -> list[Variable]:
        """The weights and the states of seed generators, without the state of metrics."""
        unique: dict[int, Variable] = {}
        for layer in self._walk():
            states = [generator.state for generator in layer._seed_generators]
            for variable in [*layer._own_variables(), *states]:
                unique.setdefault(id(variable), variable)
        return list(unique.values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that gradients change; none where the layer is frozen."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that gradients leave alone."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def trainable_variables(self) -> list[Variable]:
        """As `trainable_weights`."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that gradients leave alone, states of seed generators included."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable(self) -> bool:
        """Whether gradients change the weights; setting it sets all layers inside as well."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        object.__setattr__(self, "_trainable", value)
        for variable in self._tracker.stores["trainable_variables"]:
            variable.trainable = value
        for layer in self._layers:
            layer.trainable = value

    @property
    def metrics(self) -> list[Any]:
        """The metrics set as attributes of the layer and of those inside."""
        return [metric for layer in self._walk() for metric in layer._metrics]

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of `metrics`."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def get_weights(self) -> list[np.ndarray]:
        """The values of `weights`, as NumPy arrays."""
        return [np.array(variable.numpy()) for variable in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets the values of `weights`.

        Args:
            weights: arrays, in the order and with the shapes of `get_weights`.

        Raises:
            ShapeError: their number or one of their shapes is another.
        """
        own, given = self.weights, list(weights)
        if len(own) != len(given):
            raise ShapeError(
                f"set_weights() on layer '{self.name}' got a list of length {len(given)}, "
                f"expecting {len(own)} weights"
                f"{'' if own else ', because it is not built: call it on data first'}. "
                f"Expected shapes: {[tuple(v.shape) for v in own]}; "
                f"received: {[np.shape(w) for w in given]}."
            )
        for variable, value in zip(own, given, strict=True):
            if tuple(variable.shape) != tuple(np.shape(value)):
                raise ShapeError(
                    f"set_weights() on layer '{self.name}': weight '{variable.path}' has shape "
                    f"{tuple(variable.shape)}; got an array of shape {tuple(np.shape(value))}."
                )
        for variable, value in zip(own, given, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """How many numbers the weights hold.

        Raises:
            NotBuiltError: the layer has no weights yet.
        """
        if not self.built:
            raise NotBuiltError(
                f"Layer '{self.name}' isn't built, so its weights cannot be counted. Call it on "
                "data, or `layer.build(input_shape)`."
            )
        return sum(math.prod(variable.shape) for variable in self.weights)

    def save_own_variables(self, store: Any) -> None:
        """Writes the layer's own variables into a mapping, under ``"0"``, ``"1"``, ..."""
        for index, variable in enumerate(self._own_variables()):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads what `save_own_variables` wrote.

        Raises:
            ShapeError: the number of variables is another.
        """
        own = self._own_variables()
        if len(store.keys()) != len(own):
            hint = "" if own or self.built else " It was never built: call it on data first."
            raise ShapeError(
                f"Layer '{self.name}' has {len(own)} variables, "
                f"{[variable.name for variable in own]}, and received {len(store.keys())} "
                f"variables from the file.{hint}"
            )
        for index, variable in enumerate(own):
            variable.assign(store[str(index)])

    # ---- losses --------------------------------------------------------------------------------

    def add_loss(self, loss: Any) -> None:
        """Adds a scalar to the loss that is minimised; to be used inside of ``call``.

        Raises:
            DtypeError: it is no tensor.
        """
        for value in tree.flatten(loss):
            if not isinstance(value, (Tensor, Variable)):
                raise DtypeError(
                    f"Layer '{self.name}': `add_loss()` takes a tensor, computed in `call()` or "
                    f"`build()`; got {value!r} of type {type(value).__name__}."
                )
            self._losses.append(value)

    @property
    def losses(self) -> list[Any]:
        """What was added in the last call, and the penalties on weights."""
        found: list[Any] = []
        for layer in self._walk():
            found.extend(layer._losses)
        found.extend(v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None)
        return found

    def _clear_losses(self) -> None:
        for layer in self._walk():
            layer._losses.clear()

    # ---- dtypes --------------------------------------------------------------------------------

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """The policy that says which dtypes are computed and stored in."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)

    @property
    def _own_policy(self) -> dtype_policies.DTypePolicy:
        """The policy, or that of this layer's path where `dtype` is a map."""
        policy, path = self._dtype_policy, self._path
        is_map = isinstance(policy, dtype_policies.DTypePolicyMap)
        return policy[path] if is_map and path else policy

    @property
    def compute_dtype(self) -> str:
        """The dtype that float inputs are cast to."""
        return self._own_policy.compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._own_policy.variable_dtype

    @property
    def dtype(self) -> str:
        """As `variable_dtype`."""
        return self._own_policy.variable_dtype

    @property
    def input_dtype(self) -> str:
        """As `compute_dtype`."""
        return self._own_policy.compute_dtype


def _in_order(args: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    """The first arguments of `LayerState.add_weight`, each given by its place or by its name."""
    if args and isinstance(args[0], str):
        raise ArgumentError(
            f"The first argument of add_weight is the shape; got the text '{args[0]}'. Pass a "
            f"name as a keyword argument: add_weight(shape=..., name='{args[0]}')."
        )
    if len(args) > len(named):
        raise DtypeError(
            f"add_weight() takes at most {len(named)} positional arguments, {', '.join(named)}; "
            f"got {len(args)}. Pass the others by their names."
        )
    for name, value in zip(named, args, strict=False):
        if named[name] is not None:
            raise ArgumentError(
                f"add_weight(): `{name}` was passed both positionally and as a keyword argument. "
                "Give it once."
            )
        named[name] = value
    return list(named.values())
