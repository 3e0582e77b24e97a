"""`Operation`: what can be a step of a graph. Layers are operations with variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from etude import dtype_policies, naming
from etude.autodiff import eval_shape, symbolic
from etude.errors import ArgumentError, DtypeError, StateError
from etude.layers.base import auto_config
from etude.saving.pickling import Saveable

__all__ = ["Operation"]


class Operation(Saveable):
    """A computation that runs on values, and becomes a node of a graph on symbolic tensors.

    A subclass writes ``call``. What it returns for symbolic tensors is found by running ``call``
    abstractly; a subclass may say it itself, in ``compute_output_spec``. An operation has no
    variables: what has some is a `Layer`.

    Args:
        name: by default the class's name with a number.

    Raises:
        ArgumentError: the name is no string, or contains ``/``.

    Example:
        >>> import etude
        >>> class Hypotenuse(etude.Operation):
        ...     def call(self, a, b):
        ...         return etude.ops.sqrt(a * a + b * b)
        >>> hypotenuse = Hypotenuse()
        >>> float(hypotenuse(etude.ops.array(3.0), etude.ops.array(4.0)))
        5.0
        >>> a, b = etude.Input((2,)), etude.Input((2,))
        >>> etude.Model([a, b], hypotenuse(a, b)).output_shape
        (None, 2)
    """

    name: str
    _auto_config: Any
    _inbound_nodes: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Notes the arguments, for `get_config`."""
        instance = object.__new__(cls)
        noted = instance.__dict__  # past the `__setattr__` of layers, which are not set up yet
        noted["_auto_config"] = auto_config.recorded_arguments(cls, args, kwargs)
        noted["_inbound_nodes"] = []
        noted["_outbound_nodes"] = []
        return instance

    def __init__(self, name: str | None = None) -> None:
        self.name = naming.auto_name(type(self).__name__) if name is None else name
        if not isinstance(self.name, str) or "/" in self.name:
            raise ArgumentError(
                "Argument `name` must be a string and cannot contain character `/`, which "
                f"separates layers in a path; got {name!r} of type {type(name).__name__}."
            )

    # ---- calling -------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the operation on values; or, on symbolic tensors, notes the call in their graph."""
        if symbolic.any_symbolic((args, kwargs)):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs of a call, which is noted in their graph."""
        outputs = self.compute_output_spec(*args, **kwargs)
        self._inbound_nodes.append(symbolic.Node(self, args, kwargs, outputs))
        return outputs

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the operation computes; subclasses write it."""
        raise NotImplementedError(
            f"{type(self).__name__} does not have a `call` method implemented. Write a "
            "`call(self, x)` that computes the outputs."
        )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The symbolic outputs for symbolic inputs, by evaluating ``call`` abstractly.

        Raises:
            Exception: what ``call`` raised, with a word on what to do.
        """
        try:
            return eval_shape(self.call, *args, **kwargs)
        except Exception as error:
            error.add_note(
                "Could not automatically infer the output shape / dtype of "
                f"'{self.name}' (of type {type(self).__name__}): its `call()` does not run on "
                "inputs of these shapes. Write a `compute_output_spec()` where it cannot be run "
                "without values."
            )
            raise

    # ---- in a graph ----------------------------------------------------------------------------

    @property
    def input(self) -> Any:
        """The symbolic input of the first call on symbolic tensors; or all of them."""
        return _one_or_all(self._first_node("input").inputs)

    @property
    def output(self) -> Any:
        """The symbolic output of the first call on symbolic tensors; or all of them."""
        return _one_or_all(self._first_node("output").outputs)

    def _first_node(self, wanted: str) -> Any:
        if not self._inbound_nodes:
            raise UncalledError(
                f"{type(self).__name__} '{self.name}' has no defined {wanted}: it has never been "
                "called on a symbolic tensor, as `Input` returns."
            )
        return self._inbound_nodes[0]

    # ---- configs -------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this operation again.

        A subclass that does not override it gets those noted at its construction.

        Raises:
            NoAutoConfig: they cannot be written into a config.
        """
        return self._noted_config(Operation.get_config)

    def _noted_config(self, default: Callable[..., Any]) -> dict[str, Any]:
        """The arguments noted, or the name alone where a subclass overrides ``default``."""
        if type(self).get_config is not default:
            return {"name": self.name}
        return auto_config.full_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The operation, or layer, with these arguments.

        Raises:
            DtypeError: the class does not take them.
        """
        if isinstance(config.get("dtype"), dict):
            policy = dtype_policies.deserialize(config["dtype"])
            is_map = isinstance(policy, dtype_policies.DTypePolicyMap)
            config = {**config, "dtype": policy if is_map else policy.name}
        try:
            return cls(**config)
        except Exception as error:
            raise DtypeError(
                f"{cls.__name__} cannot be made from its config {config}.\n\nThe constructor "
                f"answered: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"


class UncalledError(StateError, AttributeError):
    """A symbolic input or output was asked for before there is one."""


def _one_or_all(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
