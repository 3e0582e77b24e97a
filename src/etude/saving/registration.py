"""Which names in a config stand for which classes and functions.

A config is data: it names classes, and a name is looked up here and nowhere else. Nothing is ever
imported because a config says so. There are three sources, looked at in this order:

1. the custom objects that a caller hands over, or that a `CustomObjectScope` holds;
2. what a user registered by `register_keras_serializable`;
3. etude's own public classes and functions, registered by `register_public` under the names that
   they have in Keras (``keras.layers.Dense``), so that configs of the two are interchangeable.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from etude.errors import ArgumentError

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "public_name",
    "public_object",
    "register_keras_serializable",
    "register_public",
    "scoped_objects",
]

T = TypeVar("T")

_custom_objects: dict[str, Any] = {}  # "package>name" -> object
_custom_names: dict[Any, str] = {}  # object -> "package>name"
_public_objects: dict[str, Any] = {}  # "keras.layers.Dense" -> object
_public_names: dict[Any, str] = {}  # object -> "keras.layers.Dense"
_scope: ContextVar[dict[str, Any] | None] = ContextVar("custom_object_scope", default=None)


# ---- etude's own classes ----------------------------------------------------------------------


def register_public(module: str, *objects: Any, **aliases: Any) -> None:
    """Makes classes and functions known under the names that they have in Keras.

    Args:
        module: the public module of Keras, e.g. ``"keras.losses"``.
        *objects: classes and functions, known as ``module.__name__``. The first registration of
            an object decides the name that is written into configs.
        **aliases: further names in the same module.

    >>> register_public("keras.examples", ArgumentError, Argument=ArgumentError)
    >>> public_name(ArgumentError)
    'keras.examples.ArgumentError'
    >>> public_object("keras.examples.Argument") is ArgumentError
    True
    """
    for name, obj in [(o.__name__, o) for o in objects] + list(aliases.items()):
        _public_objects[f"{module}.{name}"] = obj
        _public_names.setdefault(obj, f"{module}.{name}")


def public_name(obj: Any) -> str | None:
    """The name that one of etude's own objects has in Keras, or ``None``."""
    try:
        return _public_names.get(obj)
    except TypeError:  # not hashable, so it was never registered
        return None


def public_object(name: str) -> Any | None:
    """The object of etude that has this name in Keras, or ``None``."""
    return _public_objects.get(name)


# ---- objects of users -------------------------------------------------------------------------


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """A decorator that makes a class or function of your own known to loading.

    Args:
        package: the first half of the name ``package>name``.
        name: the second half; the object's own name if it is not given.

    Raises:
        ArgumentError: the class has no ``get_config``.

    >>> @register_keras_serializable("my_package")
    ... def double(x):
    ...     return 2 * x
    >>> get_registered_name(double)
    'my_package>double'
    >>> get_registered_object("my_package>double")(3)
    6
    """

    def decorator(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ArgumentError(
                "Cannot register a class that does not have a get_config() method. Let "
                f"{obj.__name__}.get_config() return the arguments of the constructor."
            )
        own_name: str = obj.__name__  # type: ignore[attr-defined]
        registered_name = f"{package}>{name if name is not None else own_name}"
        _custom_objects[registered_name] = obj
        _custom_names[obj] = registered_name
        return obj

    return decorator


def get_custom_objects() -> dict[str, Any]:
    """The live dictionary of all that `register_keras_serializable` registered.

    >>> isinstance(get_custom_objects(), dict)
    True
    """
    return _custom_objects


def get_registered_name(obj: Any) -> str:
    """The name under which an object was registered, or else its own name.

    >>> get_registered_name(len)
    'len'
    """
    try:
        return _custom_names[obj]
    except (KeyError, TypeError):
        return obj.__name__


def get_registered_object(
    name: str,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
) -> Any | None:
    """The object that a name stands for, or ``None``.

    Args:
        name: the name as it stands in a config.
        custom_objects: names given by the user.
        module_objects: names given by the module that asks.

    >>> get_registered_object("square", {"square": abs})
    <built-in function abs>
    """
    for names in (scoped_objects(), _custom_objects, custom_objects, module_objects):
        if names and name in names:
            return names[name]
    return None


class CustomObjectScope:
    """A ``with`` block inside which names in configs may stand for objects of your own.

    Scopes can be nested; the inner one wins. The functions and classes are known under the keys
    of the dictionary, whatever they are called themselves.

    Args:
        custom_objects: names and what they stand for.

    Example:
        >>> with CustomObjectScope({"root": abs}):
        ...     get_registered_object("root")
        <built-in function abs>
        >>> get_registered_object("root") is None
        True
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        self._token = _scope.set({**scoped_objects(), **self.custom_objects})
        return self

    def __exit__(self, *exception: object) -> None:
        _scope.reset(self._token)


custom_object_scope = CustomObjectScope


def scoped_objects() -> dict[str, Any]:
    """The names of all open scopes."""
    return _scope.get() or {}
