"""Several optimizers, each for its own variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, Self

from etude.autodiff import stop_recording
from etude.errors import ArgumentError, DtypeError
from etude.optimizers.loss_scale_optimizer import LossScaleOptimizer
from etude.optimizers.optimizer import Optimizer
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.variable import Variable

__all__ = ["MultiOptimizer", "OptimizerMap"]


class OptimizerMap(MutableMapping[str, Any]):
    """A dictionary from paths of variables, or patterns of them, to optimizers.

    Args:
        default_optimizer: the optimizer of all paths that nothing fits.
        optimizer_map: the dictionary to begin with. A key is a path, or a regular expression that
            fits it as a whole.

    Raises:
        DtypeError: the default is no optimizer, or the other argument no dictionary.

    Example:
        >>> from etude.optimizers import SGD, Adam
        >>> optimizers = OptimizerMap(SGD(), {"encoder/.*": Adam()})
        >>> type(optimizers["encoder/dense/kernel"]).__name__
        'Adam'
        >>> type(optimizers["decoder/kernel"]).__name__
        'SGD'
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        if not isinstance(default_optimizer, Optimizer):
            raise DtypeError(
                "`default_optimizer` must be an Optimizer, such as `SGD()`; got "
                f"{default_optimizer!r}."
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise DtypeError(
                "`optimizer_map` must be a dictionary from paths to optimizers; got "
                f"{optimizer_map!r}."
            )
        self._default_optimizer = default_optimizer
        self._optimizer_map: dict[str, Optimizer] = optimizer_map or {}

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all paths that nothing fits."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        fitting = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ArgumentError(
                f"Multiple optimizers assigned to variable {key}: the patterns {fitting} all fit "
                "it. Write them so that at most one does."
            )
        return self._optimizer_map[fitting[0]] if fitting else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if key in self._optimizer_map:
            raise ArgumentError(
                f"'{key}' already exists in the OptimizerMap, with {self._optimizer_map[key]!r}. "
                "Delete it first."
            )
        if not isinstance(key, str):
            raise ArgumentError(f"key must be a string, the path of variables; got {key!r}.")
        if not isinstance(optimizer, Optimizer):
            raise ArgumentError(f"optimizer must be an Optimizer; got {optimizer!r}.")
        if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
            raise ArgumentError(
                f"optimizer cannot be {type(optimizer).__name__}. Wrap the MultiOptimizer as a "
                "whole in a LossScaleOptimizer."
            )
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer of a variable, by its path."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """A map from what `get_config` returned."""
        names = ("default_optimizer", "optimizer_map")
        return cls(*(deserialize_keras_object(config[name], custom_objects) for name in names))


class MultiOptimizer(Optimizer, common_arguments=False):
    """Hands each variable to an optimizer of its own: embeddings to one, and the rest to another.

    Each optimizer has its own learning rate and options: read and set them by `optimizers`.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer.
        loss_scale_factor: the factor that the loss was multiplied with; it takes the place of that
            of the optimizers.
        name: a name.

    Raises:
        ArgumentError: what the map gives for a variable is no optimizer, or one that wraps others.

    Example:
        >>> from etude import ops
        >>> from etude.optimizers import SGD
        >>> slow, fast = Variable([1.0], name="slow"), Variable([1.0], name="fast")
        >>> optimizer = MultiOptimizer(OptimizerMap(SGD(0.5), {"slow": SGD(0.1)}))
        >>> optimizer.apply([ops.ones(1), ops.ones(1)], [slow, fast])
        >>> slow.numpy(), fast.numpy()
        (array([0.9], dtype=float32), array([0.5], dtype=float32))
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Variable], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        self._optimizer_map = optimizer_map
        self._inner_optimizers: list[Optimizer] = []
        self._var_to_optimizer_idx: dict[int, int] = {}
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._include(optimizer)

    def _include(self, optimizer: Optimizer) -> int:
        """The number of an optimizer among those that are known, which it now is."""
        for index, known in enumerate(self._inner_optimizers):
            if known is optimizer:
                return index
        optimizer.loss_scale_factor = self.loss_scale_factor
        self._inner_optimizers.append(optimizer)
        return len(self._inner_optimizers) - 1

    def _var_key(self, variable: Variable) -> int:
        return id(variable)

    def build(self, variables: Sequence[Variable]) -> None:
        """Finds the optimizer of each variable, and makes their state."""
        if self.built:
            return
        for variable in variables:
            optimizer: Any = self._optimizer_map(variable)
            if not isinstance(optimizer, Optimizer):
                raise ArgumentError(
                    f"The optimizer for {variable.path!r} is not an Optimizer instance; got "
                    f"{optimizer!r}."
                )
            if isinstance(optimizer, (LossScaleOptimizer, MultiOptimizer)):
                raise ArgumentError(
                    f"{type(optimizer).__name__} cannot be used inside an MultiOptimizer. Wrap the "
                    "MultiOptimizer as a whole in a LossScaleOptimizer."
                )
            self._var_to_optimizer_idx[self._var_key(variable)] = self._include(optimizer)
        for optimizer, own in self._shares(variables, variables):
            optimizer.build([variable for _, variable in own])
        super().build(variables)

    def _shares(
        self, values: Sequence[Any], variables: Sequence[Variable]
    ) -> list[tuple[Optimizer, list[tuple[Any, Variable]]]]:
        """The optimizers that have any of the variables, with these and what belongs to them."""
        shares: dict[int, list[tuple[Any, Variable]]] = {}
        for value, variable in zip(values, variables, strict=True):
            index = self._var_to_optimizer_idx[self._var_key(variable)]
            shares.setdefault(index, []).append((value, variable))
        return [(self._inner_optimizers[index], share) for index, share in shares.items()]

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers, those of the map in its order, then its default."""
        return self._inner_optimizers

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of all optimizers."""
        inner = [v for optimizer in self._inner_optimizers for v in optimizer.variables]
        return [*super().variables, *inner]

    @property
    def learning_rate(self) -> Any:
        """There is none.

        Raises:
            AttributeError: always; each optimizer has its own.
        """
        raise AttributeError(
            "A MultiOptimizer has no learning rate: read those of its `optimizers`."
        )

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        raise AttributeError(
            "A MultiOptimizer has no learning rate: set those of its `optimizers`."
        )

    @property
    def loss_scale_factor(self) -> float | None:
        """The factor that the loss was multiplied with; assigned, it is that of all optimizers."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        self._loss_scale_factor = factor
        for optimizer in getattr(self, "_inner_optimizers", ()):
            optimizer.loss_scale_factor = factor

    def apply(
        self, grads: Sequence[Any], trainable_variables: Sequence[Variable] | None = None
    ) -> None:
        """Takes one step; see `Optimizer.apply`."""
        gradients = list(grads)
        if not gradients:
            return
        with stop_recording():
            variables = self._known_variables(len(gradients), trainable_variables)
            for optimizer, share in self._shares(gradients, variables):
                optimizer.apply_gradients(share)
            self._iterations.assign_add(1)

    def finalize_variable_values(self, var_list: Sequence[Variable]) -> None:
        """Ends training, as each optimizer does."""
        for optimizer, share in self._shares(var_list, var_list):
            optimizer.finalize_variable_values([variable for _, variable in share])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Self:
        """An optimizer from what `get_config` returned."""
        config = dict(config)
        config["optimizer_map"] = deserialize_keras_object(config["optimizer_map"], custom_objects)
        return cls(**config)
