"""Configs as Keras 2 wrote them: a name and arguments, without a module."""

from __future__ import annotations

import inspect
from typing import Any

from etude.errors import ArgumentError, unknown_name
from etude.saving.registration import get_registered_name, get_registered_object, scoped_objects

__all__ = ["deserialize_keras_object", "serialize_keras_object"]


def serialize_keras_object(instance: Any) -> Any:
    """The config of an object, or the name of a function.

    Raises:
        ArgumentError: it is neither.

    >>> serialize_keras_object(abs)
    'abs'
    """
    if instance is None:
        return None
    if hasattr(instance, "get_config"):
        name = get_registered_name(type(instance))
        return {"class_name": name, "config": instance.get_config()}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ArgumentError(
        f"Cannot serialize {instance!r}, because it doesn't implement `get_config()`, and it is no "
        "function with a name."
    )


def deserialize_keras_object(
    identifier: Any,
    module_objects: dict[str, Any] | None = None,
    custom_objects: dict[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that a config or a name describes.

    Args:
        identifier: what `serialize_keras_object` returned; None and functions stay as they are.
        module_objects: classes and functions by name, to look among.
        custom_objects: the same, of your own; they come first.
        printable_module_name: what the objects are called in messages, such as "layer".

    Raises:
        UnknownNameError: the name is not known.
        ArgumentError: it is no config.

    >>> deserialize_keras_object("abs", {"abs": abs})
    <built-in function abs>
    """
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        found = _find(identifier, custom_objects, module_objects, printable_module_name)
        return found() if inspect.isclass(found) else found
    if not isinstance(identifier, dict) or not {"class_name", "config"} <= identifier.keys():
        raise ArgumentError(
            f"Improper config format for {printable_module_name}: expected a dictionary with "
            f"'class_name' and 'config'; got {identifier!r}."
        )
    name, config = identifier["class_name"], identifier["config"]
    cls = _find(name, custom_objects, module_objects, printable_module_name)
    if not hasattr(cls, "from_config"):
        return cls(**config)
    if "custom_objects" in inspect.signature(cls.from_config).parameters:
        return cls.from_config(
            config, custom_objects={**scoped_objects(), **(custom_objects or {})}
        )
    return cls.from_config(config)


def _find(name: str, custom: Any, module: Any, kind: str) -> Any:
    found = get_registered_object(name, custom, module)
    if found is None:
        raise unknown_name(kind, name, {**(custom or {}), **(module or {})})
    return found
