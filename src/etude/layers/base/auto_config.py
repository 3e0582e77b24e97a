"""Configs without writing ``get_config``: the constructor's arguments, noted as it is called."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from etude import tree
from etude.errors import SerializationError

__all__ = ["NoAutoConfig", "full_config", "recorded_arguments"]

_SERIALIZABLE = (str, int, float, bool, type(None))

_HELP = """Write a `get_config()` that returns what the constructor needs, as in:

    class Scale(Layer):
        def __init__(self, factor, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}"""


class NoAutoConfig(SerializationError, NotImplementedError):
    """The constructor got arguments that no config can hold."""


@functools.lru_cache(maxsize=1024)
def _signature(cls: type) -> inspect.Signature:
    return inspect.signature(cls.__init__)


def recorded_arguments(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The constructor's arguments by name, defaults included, without ``name``.

    Returns:
        A dictionary; or a string that says why a config cannot be made from the arguments.
    """
    signature = _signature(cls)
    own_name, *parameters = signature.parameters.values()
    if any(p.kind is p.POSITIONAL_ONLY for p in parameters):
        return "positional-only or variadic positional arguments"
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:  # the constructor itself will raise it, with a better traceback
        return "arguments that do not fit its signature"
    bound.apply_defaults()
    found = dict(bound.arguments)
    found.pop(own_name.name)
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            found.update(found.pop(parameter.name))
        elif parameter.kind is parameter.VAR_POSITIONAL and found.pop(parameter.name):
            return "positional-only or variadic positional arguments"
    found.pop("name", None)
    if all(isinstance(leaf, _SERIALIZABLE) for leaf in tree.flatten(found)):
        return found
    return "non-serializable argument values"


def full_config(instance: Any) -> dict[str, Any]:
    """The config of an instance whose class has no ``get_config`` of its own.

    Raises:
        NoAutoConfig: its arguments cannot be written into a config.
    """
    recorded = instance.__dict__.get("_auto_config")
    if not isinstance(recorded, dict):
        raise NoAutoConfig(
            f"Object {type(instance).__name__} was created by passing {recorded} to `__init__()`, "
            f"and therefore must override `get_config()` to be serializable. {_HELP}"
        )
    parameters = _signature(type(instance)).parameters.values()
    takes_name = any(p.name == "name" or p.kind is p.VAR_KEYWORD for p in parameters)
    return {**({"name": instance.name} if takes_name else {}), **recorded}
