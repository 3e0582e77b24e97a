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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from etude.errors import ArgumentError, NotBuiltError, SerializationError, ShapeError
from etude.saving import legacy_h5, safetensors_file, shards
from etude.saving.archive import WEIGHTS, opened
from etude.saving.files import write_atomically
from etude.saving.hdf5 import Dataset
from etude.saving.hdf5.source import Source
from etude.saving.owners import is_seed_generator, named_weights, owners, variables_of
from etude.saving.refusals import named_errors, refuse_programs
from etude.saving.stored import StoredFile, open_file

__all__ = [
    "as_array",
    "from_source",
    "load",
    "parts",
    "read_into",
    "save",
    "to_bytes",
    "write_from",
    "write_part",
]

ENDING, SHARDED = ".weights.h5", ".weights.json"


def save(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    max_shard_size: float | None = None,
    objects_to_skip: Any = (),
) -> None:
    """Writes the weights of a model, and the state of its optimizer, into a file.

    Raises:
        ArgumentError: the name has another ending, or the file exists and may not be replaced.
        NotBuiltError: the model has no weights yet.
    """
    _require_built(model)
    path = Path(os.fspath(filepath))
    endings = (ENDING,) if max_shard_size is None else (ENDING, SHARDED)
    if path.suffix == safetensors_file.ENDING and max_shard_size is None:
        _refuse_existing(path, overwrite)
        safetensors_file.save(path, *named_weights(model, objects_to_skip))
        return
    if not path.name.endswith(endings):
        raise ArgumentError(
            f"The filename must end in `{endings[-1]}`, or in `.safetensors`. Received: filepath="
            f"{filepath}. A whole model is saved by `model.save('name.keras')`."
        )
    _refuse_existing(path, overwrite)
    if max_shard_size is not None:
        shards.save(parts(model, objects_to_skip), path, max_shard_size, write_part)
        return

    def write(target: Path) -> None:
        with h5py.File(target, "w") as file:
            write_from(model, file, objects_to_skip)

    write_atomically(path, write)


def _refuse_existing(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise ArgumentError(f"The file {path} exists, and `overwrite=False` was given.")


def _require_built(model: Any) -> None:
    if not getattr(model, "built", True):
        raise NotBuiltError(
            f"Model '{getattr(model, 'name', type(model).__name__)}' has not been built, so it has "
            "no weights to save yet. Call it on data first, or `build(input_shape)`."
        )


def load(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    objects_to_skip: Any = (),
    by_name: bool | None = None,
) -> None:
    """Reads the weights of a model, and the state of its optimizer, from a file.

    Args:
        model: the model.
        filepath: ``*.weights.h5``, ``*.weights.json`` with the files that it names, ``*.keras``,
            ``*.safetensors``, or ``*.h5`` of Keras 2.
        skip_mismatch: whether what does not fit is left as it is.
        objects_to_skip: layers that are left as they are.
        by_name: for safetensors and files of Keras 2: whether layers are found by their names.

    Raises:
        ArgumentError: the name has another ending, or there is no such file.
        SerializationError: the file is no HDF5 file, or lacks variables.
        ShapeError: variables have other shapes.
    """
    path = Path(os.fspath(filepath))
    refuse_programs(path)
    old = path.suffix in (".h5", ".hdf5") and not path.name.endswith(ENDING)
    is_tensors = path.suffix == safetensors_file.ENDING
    if not path.name.endswith((ENDING, SHARDED, ".keras")) and not old and not is_tensors:
        raise ArgumentError(
            f"File format not supported: filepath={filepath}. Weights are read from `.keras`, "
            "`.weights.h5`, `.weights.json` and `.safetensors` files, and from `.h5` files of "
            "Keras 2."
        )
    if by_name is not None and not old and not is_tensors:
        raise ArgumentError(
            "`by_name` only supports loading legacy '.h5' or '.hdf5' files. Received: "
            f"{filepath}. In other files layers are found by their places in the model."
        )
    if objects_to_skip and (old or path.suffix == ".keras"):
        raise ArgumentError(
            f"`objects_to_skip` only supports loading '.weights.h5' files. Received: {filepath}"
        )
    if not path.is_file():
        raise ArgumentError(f"There is no file {path}.")
    with named_errors(path):
        if is_tensors:
            named = named_weights(model, objects_to_skip)
            known = named_weights(model)[0]
            safetensors_file.load(path, *named, known, skip_mismatch, bool(by_name))
        elif old:
            with open_file(path) as file:
                legacy_h5.read_weights(model, file, skip_mismatch, bool(by_name))
        elif path.suffix == ".json":
            with shards.opened(path) as source:
                read_into(model, source, skip_mismatch, objects_to_skip)
        elif path.suffix == ".keras":
            with opened(path, str(path)) as archive:
                from_source(model, archive.source(WEIGHTS, str(path)), skip_mismatch)
        else:
            with open_file(path) as file:
                read_into(model, StoredFile(file), skip_mismatch, objects_to_skip)


def to_bytes(model: Any) -> bytes:
    """What `save` writes, in memory."""
    memory = io.BytesIO()
    with h5py.File(memory, "w") as file:
        write_from(model, file)
    return memory.getvalue()


def from_source(model: Any, source: Source, skip_mismatch: bool = False) -> None:
    """Reads what `to_bytes` returned, from wherever it lies."""
    with open_file(source, source.name) as file:
        read_into(model, StoredFile(file), skip_mismatch)


# ---- writing and reading ----------------------------------------------------------------------


def write_from(model: Any, file: h5py.File, objects_to_skip: Any = ()) -> None:
    """Writes the variables of an object, and of those that it owns, into an open file."""
    for part in parts(model, objects_to_skip):
        write_part(file, *part)


def parts(model: Any, objects_to_skip: Any = ()) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """For each object that owns variables its path, its name, and their values."""
    skipped = {id(item) for item in objects_to_skip or ()}
    for path, owner in owners(model):
        store: dict[str, Any] = {}
        if id(owner) in skipped:
            continue
        if is_seed_generator(owner):
            store["0"] = owner.state.numpy()
        else:
            owner.save_own_variables(store)
        yield path, getattr(owner, "name", None), store


def write_part(file: h5py.File, path: str, name: Any, store: dict[str, Any]) -> None:
    """Writes the variables of one object, under its path, with its name beside them."""
    group = file.require_group(f"{path}/vars" if path else "vars")
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


def read_into(
    model: Any, source: Any, skip_mismatch: bool = False, objects_to_skip: Any = ()
) -> None:
    """Reads the variables of an object, and of those that it owns.

    Args:
        model: the object.
        source: a `StoredFile`, or what is like one.
        skip_mismatch: whether what does not fit is left as it is.
        objects_to_skip: objects that are left as they are.

    Raises:
        SerializationError: the file lacks variables, or holds links.
        ShapeError: variables have other shapes.
    """
    found_any = False
    visited: set[str] = set()
    missing: list[tuple[str, Any]] = []
    skipped = {id(item) for item in objects_to_skip or ()}
    for path, owner in owners(model):
        visited.add(path)
        if id(owner) in skipped:
            continue
        store = source.variables(path)
        if not store:
            if variables_of(owner) and not _may_be_missing(path, owner):
                missing.append((path, owner))
            elif _reads_by_itself(owner):
                _try(lambda o=owner: o.load_own_variables({}), skip_mismatch)
            continue
        found_any = True
        _try(lambda o=owner, s=store, p=path: _read(o, s, p), skip_mismatch)
    for path, owner in missing:
        alias = _alias(model, owner, path, source)
        if alias:
            visited.add(alias)
            found_any = True
            _read(owner, source.variables(alias), alias)
            continue
        _try(lambda o=owner, p=path: _raise_missing(source.filename, o, p), skip_mismatch)
    if not found_any and getattr(model, "weights", None) and not skipped:
        raise SerializationError(f"The file {source.filename} holds no weights of this model.")
    _warn_of_unused(source, visited, skip_mismatch)


def _raise_missing(filename: str, owner: Any, path: str) -> None:
    raise SerializationError(
        f"The file {filename} holds no variables for '{path or 'the model'}', which has "
        f"{len(variables_of(owner))} and received 0 variables. Its architecture may be another one."
    )


def _try(read: Callable[[], None], skip_mismatch: bool) -> None:
    """Reads; an error becomes a warning where mismatches are skipped."""
    try:
        read()
    except (ArgumentError, SerializationError) as error:
        if not skip_mismatch:
            raise
        warnings.warn(f"{error} It is left as it is.", stacklevel=5)


def _alias(model: Any, owner: Any, path: str, source: Any) -> str | None:
    """Another path to an object: a property of the class of the object that owns it."""
    outer_path, _, own = path.rpartition("/")
    for found, outer in owners(model):
        if found != outer_path:
            continue
        for kept, shown in getattr(type(outer), "saved_names", {}).items():
            alias = f"{outer_path}/{kept}"  # so etude wrote it once
            if shown == own and source.variables(alias):
                return alias
        if type(outer).__module__.startswith("etude."):
            continue
        for name in dir(type(outer)):
            if isinstance(getattr(type(outer), name, None), property) and name[0] != "_":
                try:
                    is_same = getattr(outer, name) is owner
                except Exception:  # a property of the user's that does not work now
                    continue
                alias = f"{outer_path}/{name}" if outer_path else name
                if is_same and source.variables(alias):
                    return alias
    return None


def _warn_of_unused(source: Any, visited: set[str], skip_mismatch: bool) -> None:
    """Warns where layers in the file are none of the model; what optimizers keep is left out."""
    paths = [path for path in source.paths() if path.split("/")[0] == "layers"]
    unused = [path for path in paths if path not in visited]
    if unused and not skip_mismatch:
        warnings.warn(
            f"The file {source.filename} also holds weights that this model has no place for: "
            f"{', '.join(unused[:5])}{', ...' if len(unused) > 5 else ''}. Was it saved by a "
            "larger model? Pass skip_mismatch=True where that is meant.",
            stacklevel=4,
        )


def _may_be_missing(path: str, owner: Any) -> bool:
    """Seeds and the optimizer's state need not be in a file of weights."""
    return is_seed_generator(owner) or _is_of_optimizer(path) or hasattr(owner, "result")


def _is_of_optimizer(path: str) -> bool:
    return path.split("/")[0] == "optimizer"


def _reads_by_itself(owner: Any) -> bool:
    """Whether the user wrote a method for it: it is called also where nothing was written."""
    method = getattr(type(owner), "load_own_variables", None)
    return method is not None and not method.__module__.startswith("etude.")


def _read(owner: Any, store: dict[str, Dataset], path: str) -> None:
    misfit = _misfit(variables_of(owner), store, path)
    if misfit and _is_of_optimizer(path):
        # Layers may have been frozen since, or compiled with another optimizer: no reason to lose
        # what the model has learnt.
        warnings.warn(
            f"Skipping variable loading for optimizer '{getattr(owner, 'name', path)}': {misfit} "
            "Were other layers frozen, or was another optimizer at work? It is left as it is; the "
            "weights of the layers are read.",
            stacklevel=6,
        )
    elif misfit:
        raise ShapeError(misfit)
    elif is_seed_generator(owner):
        if "0" not in store:
            raise SerializationError(f"The file holds no state of the seed generator '{path}'.")
        owner.state.assign(as_array(store["0"]))
    else:
        owner.load_own_variables(_Arrays(store))


def _misfit(wanted: list[Any], store: dict[str, Dataset], path: str) -> str | None:
    """What to tell of the first variable in a file that has another shape here."""
    for key, dataset in store.items():
        index = int(key) if key.isdecimal() and len(key) < 10 else None
        if index is None or index >= len(wanted):
            continue
        shape, stored = tuple(wanted[index].shape), tuple(dataset.shape)
        if stored != shape:
            return (
                f"Cannot load '{path}/vars/{key}': the variable '{wanted[index].path}' has the "
                f"shape {shape}, but the file holds one of shape {stored}; they must match."
            )
    return None


class _Arrays(Mapping[str, Any]):
    """Arrays by their numbers, each read when it is asked for: they need not fit in at once."""

    def __init__(self, store: dict[str, Dataset]) -> None:
        self._store = store

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return as_array(self._store[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)


def as_array(dataset: Dataset) -> np.ndarray[Any, Any]:
    """The numbers of a dataset; bfloat16, which NumPy does not have, as float32."""
    value = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16" and value.dtype.name == "uint16":
        return (value.astype("uint32") << 16).view("float32")
    return value
