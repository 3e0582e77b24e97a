"""Weights in HDF5 files, in the layout of Keras 3 (``*.weights.h5``).

Every object that owns variables has a group, under the path of attributes that leads to it:
``layers/dense/vars/0``. Layers in a list are named by their class, with a number from the second
on. The objects are found by their attributes; nothing here knows of layers, models or optimizers.

Files are written beside their place and then moved there, so that a crash leaves the old one. What
is read from a file is only numbers: links in it are refused, and shapes are compared before the
numbers are read.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from etude.errors import ArgumentError, SerializationError, ShapeError
from etude.naming import to_snake_case
from etude.saving.files import write_atomically

__all__ = ["from_bytes", "load", "owners", "read_into", "save", "to_bytes", "write_from"]

ENDING = ".weights.h5"


def save(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Writes the weights of a model, and the state of its optimizer, into a file.

    Raises:
        ArgumentError: the name has another ending, or the file exists and may not be replaced.
    """
    path = _checked_path(filepath)
    if path.exists() and not overwrite:
        raise ArgumentError(f"The file {path} exists, and `overwrite=False` was given.")

    def write(target: Path) -> None:
        with h5py.File(target, "w") as file:
            write_from(model, file)

    write_atomically(path, write)


def load(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Reads the weights of a model, and the state of its optimizer, from a file.

    Raises:
        ArgumentError: the name has another ending, or there is no such file.
        SerializationError: the file is no HDF5 file, or lacks variables.
        ShapeError: variables have other shapes.
    """
    path = _checked_path(filepath)
    if not path.is_file():
        raise ArgumentError(f"There is no file {path}.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise SerializationError(f"{path} cannot be read as an HDF5 file: {error}.") from error
    with file:
        read_into(model, file, skip_mismatch)


def _checked_path(filepath: Any) -> Path:
    path = Path(os.fspath(filepath))
    if not path.name.endswith(ENDING):
        raise ArgumentError(
            f"The filename must end in `{ENDING}`. Received: filepath={filepath}. A whole model is "
            "saved by `model.save('name.keras')`."
        )
    return path


def to_bytes(model: Any) -> bytes:
    """What `save` writes, in memory."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        write_from(model, file)
    return memory.getvalue()


def from_bytes(model: Any, content: bytes, origin: str) -> None:
    """Reads what `to_bytes` returned; ``origin`` names it in messages."""
    try:
        file = h5py.File(io.BytesIO(content), "r")
    except OSError as error:
        raise SerializationError(f"The weights in {origin} cannot be read: {error}.") from error
    with file:
        read_into(model, file)


# ---- walking over objects ---------------------------------------------------------------------


def _owns_variables(value: Any) -> bool:
    return not isinstance(value, type) and (
        hasattr(value, "save_own_variables") or _is_seed_generator(value)
    )


def _is_seed_generator(value: Any) -> bool:
    return type(value).__name__ == "SeedGenerator" and hasattr(value, "state")


def _children(owner: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object that may own variables, the layers of a model first."""
    layers = getattr(owner, "layers", None)
    in_order = isinstance(layers, list) and getattr(owner, "_graph", None) is not None
    if in_order or type(owner).__name__ == "Sequential":
        yield "layers", layers
    for name in sorted(vars(owner), key=str.lower):
        if name not in _HIDDEN and not name.startswith("__"):
            yield name, vars(owner)[name]


# What `Layer` and `Trainer` keep of their own; what users own is found under its own name too.
_HIDDEN = frozenset(
    (
        "_auto_config", "_compile_loss", "_compile_metrics", "_functional", "_graph",
        "_inbound_nodes", "_layers", "_loss_tracker", "_losses", "_metrics",
        "_non_trainable_variables", "_outbound_nodes", "_programs", "_seed_generators", "_tracker",
        "_trainable_variables", "_compile_config", "history", "loss",
    )
)  # fmt: skip


def _walk(owner: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """All objects that own variables, with their paths, each once."""
    if id(owner) in seen:
        return
    seen.add(id(owner))
    yield path, owner
    if _is_seed_generator(owner):
        return
    for name, child in _children(owner):
        inner = f"{path}/{name}" if path else name
        if _owns_variables(child):
            yield from _walk(child, inner, seen)
        elif isinstance(child, (list, tuple, dict, set)):
            yield from _walk_container(child, inner, seen)


def owners(model: Any) -> list[tuple[str, Any]]:
    """All objects in a model that own variables or files, with their paths."""
    return list(_walk(model, "", set()))


def _walk_container(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    used: dict[str, int] = {}
    for item in container.values() if isinstance(container, dict) else container:
        is_owner = _owns_variables(item)
        if not is_owner and not isinstance(item, (list, tuple, dict)):
            continue
        name = to_snake_case(type(item).__name__) if is_owner else "container"
        count = used[name] = used.get(name, -1) + 1
        inner = f"{path}/{name}_{count}" if count else f"{path}/{name}"
        if is_owner:
            yield from _walk(item, inner, seen)
        else:
            yield from _walk_container(item, inner, seen)


# ---- writing and reading ----------------------------------------------------------------------


def write_from(model: Any, file: h5py.File) -> None:
    """Writes the variables of an object, and of those that it owns, into an open file."""
    for path, owner in _walk(model, "", set()):
        store: dict[str, Any] = {}
        if _is_seed_generator(owner):
            store["0"] = owner.state.numpy()
        else:
            owner.save_own_variables(store)
        group = file.require_group(f"{path}/vars" if path else "vars")
        name = getattr(owner, "name", None)
        if isinstance(name, str):
            group.attrs["name"] = name
        for key, value in store.items():
            _write_array(group, key, np.asarray(value))


def _write_array(group: h5py.Group, key: str, value: np.ndarray[Any, Any]) -> None:
    if value.dtype.name == "bfloat16":  # HDF5 has no such type: its bytes are kept, as in Keras
        dataset = group.create_dataset(key, data=value.view("uint16"))
        dataset.attrs["dtype"] = "bfloat16"
    else:
        group.create_dataset(key, data=value)


def read_into(model: Any, file: h5py.File, skip_mismatch: bool = False) -> None:
    """Reads the variables of an object, and of those that it owns, from an open file.

    Raises:
        SerializationError: the file lacks variables, or holds links.
        ShapeError: variables have other shapes.
    """
    found_any = False
    visited: set[str] = set()
    for path, owner in _walk(model, "", set()):
        visited.add(path)
        wanted = [owner.state] if _is_seed_generator(owner) else _variables_of(owner)
        group = _group(file, f"{path}/vars" if path else "vars")
        if group is None or not len(group):
            if wanted and not _may_be_missing(path, owner):
                _complain(
                    SerializationError(
                        f"The file {file.filename} holds no variables for '{path or 'the model'}', "
                        f"which has {len(wanted)}. Its architecture may be another one."
                    ),
                    skip_mismatch,
                )
            continue
        found_any = True
        try:
            _read(owner, wanted, group, path)
        except (ArgumentError, SerializationError) as error:
            _complain(error, skip_mismatch)
    if not found_any and model.weights:
        raise SerializationError(f"The file {file.filename} holds no weights of this model.")
    unused = [path for path in _stored(file) if path not in visited]
    if unused and not skip_mismatch:
        warnings.warn(
            f"The file {file.filename} also holds weights that this model has no place for: "
            f"{', '.join(unused[:5])}{', ...' if len(unused) > 5 else ''}. Was it saved by a "
            "larger model? Pass skip_mismatch=True where that is meant.",
            stacklevel=4,
        )


def _stored(file: h5py.File) -> list[str]:
    """The paths of a file under which layers keep variables; what optimizers keep is left out."""
    found: list[str] = []

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and name.endswith("/vars") and len(item):
            found.append(name.removesuffix("/vars"))

    file.visititems(look)
    return [path for path in found if path.split("/")[0] == "layers"]


def _may_be_missing(path: str, owner: Any) -> bool:
    """Seeds and the optimizer's state need not be in a file of weights."""
    return (
        _is_seed_generator(owner) or path.split("/")[0] == "optimizer" or hasattr(owner, "result")
    )


def _variables_of(owner: Any) -> list[Any]:
    if hasattr(owner, "_own_variables"):
        return owner._own_variables()
    return list(getattr(owner, "variables", []))


def _read(owner: Any, wanted: list[Any], group: h5py.Group, path: str) -> None:
    store = {str(key): _dataset(group, str(key)) for key in group}
    for key, dataset in store.items():
        index = int(key) if key.isdigit() else None
        if index is not None and index < len(wanted):
            shape = tuple(wanted[index].shape)
            if tuple(dataset.shape) != shape:
                raise ShapeError(
                    f"Cannot load '{path}/vars/{key}': the variable '{wanted[index].path}' has the "
                    f"shape {shape}, but the file holds one of shape {tuple(dataset.shape)}."
                )
    values = {key: _array(dataset) for key, dataset in store.items()}
    if _is_seed_generator(owner):
        owner.state.assign(values["0"])
    else:
        owner.load_own_variables(values)


def _array(dataset: h5py.Dataset) -> np.ndarray[Any, Any]:
    value = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16":
        return (value.astype("uint32") << 16).view("float32")
    return value


def _complain(error: Exception, skip_mismatch: bool) -> None:
    if not skip_mismatch:
        raise error
    warnings.warn(f"{error} It is left as it is.", stacklevel=4)


def _group(file: h5py.File, path: str) -> h5py.Group | None:
    """A group by its path, without following links."""
    current: Any = file
    for part in path.split("/"):
        link = current.get(part, getlink=True)
        if link is None:
            return None
        current = _hard(current, part, link)
        if not isinstance(current, h5py.Group):
            raise SerializationError(f"The file {file.filename} holds no group at '{path}'.")
    return current


def _dataset(group: h5py.Group, key: str) -> h5py.Dataset:
    found = _hard(group, key, group.get(key, getlink=True))
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise SerializationError(f"'{group.name}/{key}' is no plain array of numbers.")
    return found


def _hard(group: Any, key: str, link: Any) -> Any:
    if not isinstance(link, h5py.HardLink):
        raise SerializationError(
            f"'{group.name}/{key}' is a link to somewhere else. Such files are not read."
        )
    return group[key]
