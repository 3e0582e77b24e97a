"""The arguments of ``call``; how their shapes reach ``build`` and ``compute_output_shape``."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

from etude import tree
from etude.autodiff import KerasTensor, Tensor, symbolic
from etude.errors import ArgumentError, DtypeError
from etude.variable import Variable

__all__ = ["BoundCall", "CallSignature", "is_tensor_like", "is_text_array", "shapes_for"]

_NAMED = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.KEYWORD_ONLY,
)


def is_tensor_like(value: Any) -> bool:
    """Whether a value is a tensor, a variable or a symbolic tensor."""
    return isinstance(value, (Tensor, KerasTensor, Variable))


def is_text_array(value: Any) -> bool:
    """Whether a value is an array of text, or of objects, which no tensor can hold."""
    return getattr(getattr(value, "dtype", None), "kind", "") in ("O", "U", "S")


class CallSignature:
    """What ``call`` of a layer takes; read once per layer, since binding happens at every call."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = inspect.signature(function)
        self.owner = ".".join(getattr(function, "__qualname__", "call").split(".")[-2:])
        parameters = self.signature.parameters.values()
        self.names = [p.name for p in parameters if p.kind in _NAMED]
        self.positional = [
            p.name for p in parameters if p.kind in _NAMED and p.kind is not p.KEYWORD_ONLY
        ]
        needed = [p.name for p in parameters if p.default is p.empty and p.kind in _NAMED]
        filled_in = ("training", *(n for n in needed if n.endswith("mask")))
        self.needs_several = len([name for name in needed if name not in filled_in]) > 1
        self.accepts = frozenset(self.names)
        self.takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self.mask_names = [name for name in self.names if name == "mask" or name.endswith("_mask")]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BoundCall:
        """Pairs arguments with their names.

        Raises:
            DtypeError: the arguments do not fit the signature.
        """
        if len(args) == 1 and not kwargs and self.positional and not self.needs_several:
            return BoundCall({self.positional[0]: args[0]})  # by far the most frequent call
        try:
            bound = dict(self.signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise DtypeError(
                f"{self.owner}() cannot be called so: {error}; it takes ({', '.join(self.names)})."
            ) from error
        shape = getattr(bound.get("training"), "shape", ())
        if shape:
            raise DtypeError(
                f"`training` is True or False; got an array of shape {tuple(shape)}. Targets are "
                "no part of a call: `model(x)` predicts, `model.fit(x, y)` trains."
            )
        return BoundCall(bound)


class BoundCall:
    """The arguments of one call, by name."""

    __slots__ = ("arguments",)

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments

    @property
    def first(self) -> Any:
        """The first argument; ``None`` where there is none."""
        return next(iter(self.arguments.values()), None)

    def tensors(self) -> dict[str, Any]:
        """Those arguments that are tensors, or structures of tensors.

        Raises:
            ArgumentError: a structure mixes tensors with other values.
        """
        return {
            name: value for name, value in self.arguments.items() if _holds_tensors(name, value)
        }

    def shapes(self) -> dict[str, Any]:
        """``{"x_shape": (None, 3)}`` for every tensor argument ``x`` that is no mask."""
        return {
            f"{name}_shape": tree.map_structure(_shape, value)
            for name, value in self.tensors().items()
            if name not in ("mask", "args", "kwargs")
        }


def _shape(value: Any) -> Any:
    return None if value is None else symbolic.opened(value.shape)


def _holds_tensors(name: str, value: Any) -> bool:
    if is_tensor_like(value):
        return True
    if not tree.is_nested(value) or not value:
        return False
    leaves = tree.flatten(value)
    found = [is_tensor_like(leaf) for leaf in leaves]
    if not any(found):
        return False
    if not all(ok or leaf is None for ok, leaf in zip(found, leaves, strict=True)):
        raise ArgumentError(
            f"call() argument `{name}` holds tensors beside other values: {value}. Make all of "
            "them tensors, or pass the others as an argument of their own."
        )
    return True


@functools.lru_cache(maxsize=1024)
def _parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    return tuple(p.name for p in parameters if p.kind in _NAMED)


def shapes_for(
    method: Callable[..., Any], call: BoundCall, known: CallSignature, layer: Any
) -> Any:
    """The keyword arguments of ``build`` or ``compute_output_shape`` for one call.

    A method with one argument gets the shape of the first tensor. One with several gets each shape
    under the name of its ``call`` argument with the ending ``_shape``.

    Raises:
        ArgumentError: an argument of the method has no such name.
    """
    names = _parameter_names(getattr(method, "__func__", method))
    names = names[1:] if hasattr(method, "__self__") else names  # whatever `self` is called
    shapes = call.shapes()
    if len(names) == 1:
        texts = (tuple(x.shape) for x in call.arguments.values() if is_text_array(x))
        return {names[0]: next(itertools.chain(shapes.values(), texts), None)}
    for name in names:
        argument = name.removesuffix("_shape")
        if argument == name:
            problem = f"got the argument `{name}`, which does not end in `_shape`"
        elif argument not in known.accepts:
            problem = f"got `{name}`, but `call()` does not have argument `{argument}`"
        else:
            continue
        raise ArgumentError(
            f"{type(layer).__name__}.{method.__name__}() takes several shapes, and each is named "
            "after an argument of `call()` with `_shape` at the end: `call(self, a, b)` goes with "
            f"`{method.__name__}(self, a_shape, b_shape)`; {problem}. `call()` has {known.names}."
        )
    return {name: shapes[name] for name in names if name in shapes}
