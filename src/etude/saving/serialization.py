"""Objects as configs, and configs as objects, in the form that Keras 3 writes.

A config is a dictionary that can be written as JSON:

    {"module": "keras.losses", "class_name": "Huber", "config": {"delta": 2.0, ...},
     "registered_name": None}

``config`` is what the object's ``get_config`` returns, serialized in turn. Reading one looks the
class up in `etude.saving.registration` and calls its ``from_config``. Nothing is imported,
unpickled or evaluated, whatever the config says, and no flag changes that: a lambda, which Keras
writes as bytecode, is refused.
"""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import Composite, KerasTensor, Primitive
from etude.autodiff import is_tensor as _is_tensor
from etude.dtype_policies import DTypePolicy, DTypePolicyMap, FloatDTypePolicy
from etude.dtypes import standardize_dtype
from etude.errors import ConfigTypeError, DtypeError, SerializationError
from etude.ops import image
from etude.ops.core import convert_to_tensor
from etude.saving.config_checks import (
    UnrestorableError,
    not_found,
    refuse_lambda,
    refuse_odd_counts,
    refuse_odd_name,
    refuse_registered_name,
    refuse_typespec,
)
from etude.saving.object_sharing import shared_objects
from etude.saving.registration import (
    CustomObjectScope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    public_name,
    public_object,
    register_public,
    scoped_objects,
)

__all__ = [
    "deserialize_keras_object",
    "deserialize_member",
    "serialize_dict",
    "serialize_keras_object",
]

register_public("keras", DTypePolicy, FloatDTypePolicy=FloatDTypePolicy)
register_public("keras.dtype_policies", DTypePolicyMap)

Config = dict[str, Any]

# Where Keras looks for a function that a config names without its module.
FUNCTION_MODULES = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
)
CLASS_MODULES = tuple(f"{module}." for module in ("layers", "models", *FUNCTION_MODULES))
FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, Primitive, Composite)


# ---- objects to configs -----------------------------------------------------------------------


def serialize_keras_object(obj: Any) -> Any:
    """An object as a config: plain values, lists and dictionaries.

    Args:
        obj: a layer, loss, optimizer, ..., a function, an array, or a nest of these.

    Raises:
        SerializationError: the object has no ``get_config``.

    >>> from etude.initializers import Zeros
    >>> serialize_keras_object(Zeros())["class_name"]
    'Zeros'
    >>> serialize_keras_object([1, slice(2)])[1]["config"]
    {'start': None, 'stop': 2, 'step': None}
    """
    if obj is None or isinstance(obj, (str, int, float, bool)):
        return obj.item() if isinstance(obj, np.generic) else obj
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return serialize_dict(obj)
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, FUNCTIONS):
        return _serialize_function(obj)
    return _serialize_instance(obj)


def serialize_dict(obj: dict[str, Any]) -> dict[str, Any]:
    """A dictionary with serialized values.

    >>> serialize_dict({"axis": (0, 1)})
    {'axis': (0, 1)}
    """
    return {key: serialize_keras_object(value) for key, value in obj.items()}


def _serialize_special(obj: Any) -> Config | None:
    """The config of a value that JSON has no form for; ``None`` where it is no such value."""
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        bounds = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_dict(bounds)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, KerasTensor):
        return _serialize_symbol(obj)
    if _is_tensor(obj) and not isinstance(obj, np.ndarray):
        value, kind = np.asarray(convert_to_tensor(obj).numpy()), "__tensor__"
    elif isinstance(obj, np.ndarray) and obj.ndim > 0:
        value, kind = obj, "__numpy__"
    else:
        return None
    content = {"value": value.tolist(), "dtype": standardize_dtype(value.dtype)}
    return {"class_name": kind, "config": content}


def _serialize_symbol(tensor: KerasTensor) -> Config:
    """A symbolic tensor by itself; where it comes from is known to the model that holds it."""
    content = {"shape": tensor.shape, "dtype": tensor.dtype, "keras_history": None}
    return {"class_name": "__keras_tensor__", "config": content}


def _serialize_function(function: Any) -> Config:
    shared, name = shared_objects(), get_registered_name(function)
    if function.__name__ == "<lambda>" and shared is not None and shared.named is not None:
        name = f"<lambda>{len(shared.named)}"
    elif function.__name__ == "<lambda>":
        warnings.warn(
            "A lambda was serialized: only its place is kept, and the result cannot be loaded "
            "again. Use a named function, decorated with "
            "@etude.saving.register_keras_serializable().",
            stacklevel=3,
        )
        return {"class_name": "__lambda__", "config": {"value": None}}
    named = _named_function(name)  # an activation or a loss: these are found without a module
    op = None if named is not None else _named_op(name)
    if shared is not None and function is not (named or op):
        shared.note(name, function)
    return {
        "module": "keras.ops" if _is_op(op) else "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def _is_op(value: Any) -> bool:
    return isinstance(value, (Primitive, Composite))


def _serialize_instance(obj: Any) -> Config:
    cls = type(obj)
    name = public_name(cls)
    if name is not None:
        module, _, class_name = name.rpartition(".")
        config: Config = {"module": module, "class_name": class_name}
        registered_name = None
    else:
        config = {"module": cls.__module__, "class_name": cls.__name__}
        registered_name = get_registered_name(cls)
        shared = shared_objects()
        if shared is not None:
            shared.note(registered_name, cls)
    config |= {"config": _own_config(obj), "registered_name": registered_name}
    for key in ("build_config", "compile_config"):
        get = getattr(obj, f"get_{key}", None)
        extra = get() if get is not None else None
        if extra is not None:
            config[key] = serialize_dict(extra)
    _share_config(obj, config)
    return config


def _own_config(obj: Any) -> Any:
    if not hasattr(obj, "get_config"):
        if hasattr(obj, "__name__"):
            return get_registered_name(obj)
        raise SerializationError(
            f"{obj!r} cannot be saved: its class, {type(obj).__name__}, must implement the "
            "`get_config()` method, which returns the arguments of the constructor."
        )
    config = obj.get_config()
    if not isinstance(config, dict):
        raise SerializationError(
            f"{type(obj).__name__}.get_config() must return a dict, the arguments of the "
            f"constructor by name; got {config!r}."
        )
    return serialize_dict(config)


def _share_config(obj: Any, config: Config) -> None:
    if config["module"] == "__main__":
        config["module"] = None  # another program's __main__ is another module
    shared = shared_objects()
    if shared is None:
        return
    before = shared.configs.setdefault(id(obj), config)
    shared.alive.append(obj)
    if before is not config:
        before["shared_object_id"] = config["shared_object_id"] = id(obj)


# ---- configs to objects -----------------------------------------------------------------------


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
    *,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """The object that a config describes.

    Args:
        config: what `serialize_keras_object` returned.
        custom_objects: names in the config, and the classes and functions of yours that they mean.
        safe_mode: as in Keras, but without effect: what Keras calls unsafe is never done.
        module_objects: names of the module that asks, for configs that name no module.

    Raises:
        SerializationError: the config names something that is not registered, or is malformed.

    >>> config = {"module": "keras.initializers", "class_name": "Constant",
    ...           "config": {"value": 2.0}, "registered_name": None}
    >>> from etude import initializers
    >>> deserialize_keras_object(config).value
    2.0
    >>> deserialize_keras_object({"module": "os", "class_name": "system", "config": {}})
    Traceback (most recent call last):
    etude.errors.SerializationError: Could not locate class 'system' of module 'os'. ...
    """
    if not isinstance(custom_objects or {}, dict):
        raise DtypeError(
            "`custom_objects` is a dictionary from names to classes and functions, as in "
            f"{{'MyLayer': MyLayer}}; got {type(custom_objects).__name__}: {custom_objects!r}."
        )
    custom_objects = {**(custom_objects or {}), **scoped_objects(), **get_custom_objects()}
    if isinstance(config, str):
        return _deserialize_string(config, custom_objects, module_objects)
    if config is None or isinstance(config, (int, float)):
        return config
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(item, custom_objects, safe_mode) for item in config]
    if not isinstance(config, dict):
        raise SerializationError(f"Could not parse config: {config}")
    if "class_name" not in config or "config" not in config:
        if module_objects is not None:
            raise SerializationError(
                "Expected a dictionary with the keys 'class_name' and 'config'. "
                f"Unknown `config` as a `dict`, config={config}"
            )
        return {
            key: deserialize_keras_object(value, custom_objects, safe_mode)
            for key, value in config.items()
        }
    if not isinstance(config["class_name"], str):
        raise SerializationError(
            f"Expected 'class_name' to be a str; got {config['class_name']!r}."
        )
    if config["class_name"] in _SPECIAL:
        return _SPECIAL[config["class_name"]](config["config"])
    if config["class_name"] == "function":
        return _deserialize_function(config, custom_objects, module_objects)
    return _deserialize_instance(config, custom_objects, module_objects)


def deserialize_member(
    config: Any, members: dict[str, Any], custom_objects: dict[str, Any] | None = None
) -> Any:
    """What a config, or a name, describes within one module: its classes and functions by name.

    A name that is unknown, or an object, comes back as it is.

    >>> deserialize_member("largest", {"largest": max})
    <built-in function max>
    """
    if not isinstance(config, (str, dict)):
        return config
    return deserialize_keras_object(config, custom_objects, module_objects=members)


def _deserialize_string(
    name: str, custom_objects: dict[str, Any], module_objects: dict[str, Any] | None
) -> Any:
    found = custom_objects.get(name)
    if found is not None or module_objects is None:
        return name if found is None else found
    found = module_objects.get(name, name)
    return found() if isinstance(found, type) else found


def _deserialize_function(
    config: Config, custom_objects: dict[str, Any], module_objects: dict[str, Any] | None
) -> Any:
    name, module = config["config"], config.get("module")
    if not isinstance(name, str):
        raise ConfigTypeError(
            "Expected 'config' to be a non-null str, the name of the function; got "
            f"{type(name).__name__}. The config: {config}"
        )
    custom = get_registered_object(name, custom_objects)
    if custom is not None:
        return custom
    found = public_object(f"{module}.{name}")
    if found is None and module == "builtins":
        found = _named_function(name)
    if found is None and str(module).startswith(("keras.ops", "keras.src.ops", "etude.ops")):
        found = _named_op(name)
    if found is not None:
        refuse_registered_name(config, name, f"{module}.{name}")
        return found
    if module_objects and name in module_objects:
        return module_objects[name]
    if ">" not in name:  # Keras up to 3.6 wrote custom functions without their package
        for full_name, found in custom_objects.items():
            if full_name.endswith(f">{name}"):
                return found
    raise not_found("function", name, config)


def _named_function(name: str) -> Any:
    """The function that Keras means by a name without a module; None where there is none."""
    found = (public_object(f"keras.{module}.{name}") for module in FUNCTION_MODULES)
    return next((function for function in found if function is not None), None)


def _named_op(name: str) -> Any:
    """The op with a name; None where there is none."""
    known = name in ops.__all__ or name in image.__all__
    found = getattr(ops, name, None) or getattr(image, name, None)
    return found if known and _is_op(found) else None


def _deserialize_instance(
    config: Config, custom_objects: dict[str, Any], module_objects: dict[str, Any] | None
) -> Any:
    inner = config["config"] if config["config"] is not None else {}
    if not isinstance(inner, dict):
        raise ConfigTypeError(
            f"Expected 'config' to be a dict, the arguments of {config['class_name']}; got "
            f"{type(inner).__name__}. The config: {config}"
        )
    shared, shared_id = shared_objects(), config.get("shared_object_id")
    if shared is not None and shared_id in shared.objects:
        return shared.objects[shared_id]
    cls = _find_class(config, custom_objects, module_objects)
    if isinstance(cls, FUNCTIONS):
        return cls
    instance = _instantiate(cls, dict(inner), config, custom_objects)
    if shared is not None and shared_id is not None:
        shared.objects[shared_id] = instance
    return instance


def _class_without_module(name: str) -> Any:
    """The class of a config of Keras 2, which names no module."""
    found = (public_object(f"keras.{part}{name}") for part in ("", *CLASS_MODULES))
    return next((cls for cls in found if cls is not None), None)


def _find_class(
    config: Config, custom_objects: dict[str, Any], module_objects: dict[str, Any] | None
) -> Any:
    name, module = config["class_name"], config.get("module")
    custom = get_registered_object(config.get("registered_name", name), custom_objects)
    if custom is not None:
        return custom
    found = public_object(f"{module}.{name}")
    if found is not None:
        refuse_registered_name(config, name, f"{module}.{name}")
        return found
    found = custom_objects.get(name) or (module_objects or {}).get(name)
    if found is None and "module" not in config:
        found = _class_without_module(name)
    if found is None:
        raise not_found("class", name, config)
    return found


def _instantiate(cls: Any, inner: Config, config: Config, custom_objects: dict[str, Any]) -> Any:
    if not hasattr(cls, "from_config"):
        raise UnrestorableError(
            f"Unable to reconstruct an instance of '{config['class_name']}', which has no class "
            f"method `from_config(config)`. The config: {config}"
        )
    refuse_odd_name(inner.get("name"), config)
    if str(config.get("module")).startswith("keras.layers"):
        refuse_odd_counts(inner, config)
    with CustomObjectScope(custom_objects):
        try:
            instance = cls.from_config(inner)
        except TypeError as error:
            raise UnrestorableError(
                f"{cls.__name__} could not be deserialized properly. If its `get_config()` returns "
                "layers or other objects, see that they are explicitly deserialized in its "
                "`from_config()`, by `etude.saving.deserialize_keras_object`."
                f"\n\nThe config: {config}\n\nThe class answered: {error}"
            ) from error
        if config.get("build_config") and not instance.built:
            instance.build_from_config(config["build_config"])
            instance.built = True
        if config.get("compile_config"):
            instance.compile_from_config(config["compile_config"])
            instance.compiled = True
    return instance


def _deserialize_symbol(inner: Config) -> KerasTensor:
    return KerasTensor(tuple(inner["shape"]), dtype=inner["dtype"])


def _deserialize_slice(inner: Config) -> slice:
    return slice(*(deserialize_keras_object(inner[key]) for key in ("start", "stop", "step")))


_SPECIAL: dict[str, Callable[[Config], Any]] = {
    "__keras_tensor__": _deserialize_symbol,
    "__tensor__": lambda inner: convert_to_tensor(inner["value"], dtype=inner["dtype"]),
    "__numpy__": lambda inner: np.array(inner["value"], dtype=standardize_dtype(inner["dtype"])),
    "__bytes__": lambda inner: inner["value"].encode("utf-8"),
    "__ellipsis__": lambda inner: Ellipsis,
    "__slice__": _deserialize_slice,
    "__lambda__": refuse_lambda,
    "__typespec__": refuse_typespec,
}
