"""What is in a model file, and whether anything in it would be refused, without loading it.

Nothing is made of what the file says: no layer, no array. Configs are read as text, of arrays only
the descriptions.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError, EtudeError, SerializationError
from etude.saving import archive, safetensors_file
from etude.saving.config_checks import odd_name, parsed
from etude.saving.hdf5 import Dataset, File, Group
from etude.saving.numpy_files import NpzFile, npy_header
from etude.saving.refusals import named_errors, program_in
from etude.saving.registration import get_custom_objects, public_object
from etude.saving.stored import DEPTH, open_file

__all__ = ["Array", "Part", "Report", "inspect_file"]

SHOWN = 60  # characters of a text from the file


@dataclass
class Array:
    """An array as the file describes it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int  # bytes


@dataclass
class Part:
    """A layer, or something else that has arrays."""

    name: str
    kind: str = ""
    arrays: list[Array] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(array.size for array in self.arrays)

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return sum(math.prod(array.shape) for array in self.arrays)


@dataclass
class Report:
    """What is in a file.

    Attributes:
        path: the file.
        form: what it is, in words.
        size: its bytes.
        sha256: its hash; empty for a folder.
        facts: what it says of where it comes from.
        parts: layers and other owners of arrays, in their order.
        members: for an archive, its members and their bytes.
        own: classes and functions that it names and Keras has not: they must be yours.
        refusals: why it would not be read; empty where it would.
    """

    path: Path
    form: str = ""
    size: int = 0
    sha256: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)
    members: dict[str, int] = field(default_factory=dict)
    own: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        parts = [
            {
                "name": part.name,
                "class": part.kind,
                "arrays": [vars(array) | {"shape": list(array.shape)} for array in part.arrays],
            }
            for part in self.parts
        ]
        return {**vars(self), "path": str(self.path), "parts": parts}


def inspect_file(filepath: Any) -> Report:
    """Looks into a model file without loading it.

    Args:
        filepath: ``*.keras`` or such a folder, ``*.weights.h5``, ``*.h5``, ``*.safetensors``,
            ``*.weights.json``, ``*.npy`` or ``*.npz``; by its first bytes where the name says none.

    Returns:
        What is in it. A file that would be refused is told of in ``refusals``.

    Raises:
        ArgumentError: there is no such file.
    """
    path = Path(filepath)
    if not path.exists():
        raise ArgumentError(f"There is no file {path}.")
    report = Report(path)
    if path.is_file():
        report.size = path.stat().st_size
        with path.open("rb") as file:
            report.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    reason = program_in(path)
    if reason is not None:
        report.form = "a program, or what would lead to one"
        report.refusals.append(f"It {reason}.")
        return report
    try:
        with named_errors(path):
            _READERS[_form(path)](report)
    except EtudeError as error:
        report.refusals.append(str(error))
    report.own = list(dict.fromkeys(report.own))
    report.refusals = list(dict.fromkeys(report.refusals))
    return report


def _form(path: Path) -> str:
    """Which reader a file is for, by its first bytes; by its name where they say nothing."""
    if path.is_dir():
        return "keras"
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(b"\x89HDF"):
        return "hdf5"
    if start.startswith(b"PK"):
        return "npz" if path.suffix == ".npz" else "keras"
    if start.startswith(b"\x93NUMPY"):
        return "npy"
    if path.name.endswith(".weights.json"):
        return "shards"
    if path.suffix == safetensors_file.ENDING or start[8:9] == b"{":
        return "safetensors"
    return "keras" if path.suffix == ".keras" else "unknown"


def _unknown(report: Report) -> None:
    report.form = "unknown"
    report.refusals.append("It is no file of a model, by its name and its first bytes.")


# ---- archives ---------------------------------------------------------------------------------


def _keras(report: Report) -> None:
    is_folder = report.path.is_dir()
    report.form = f"a model of Keras 3 ({'a folder' if is_folder else 'an archive'})"
    with archive.opened(report.path, str(report.path)) as found:
        names = [archive.METADATA, archive.CONFIG, archive.WEIGHTS, *found.names()]
        for name in names:
            report.members[name] = found.size(name)
        report.size = report.size or sum(report.members.values())
        metadata = parsed(report.path, found.read(archive.METADATA, archive.MAX_CONFIG_BYTES))
        report.facts |= {str(key): str(value) for key, value in metadata.items()}
        config = parsed(report.path, found.read(archive.CONFIG, archive.MAX_CONFIG_BYTES))
        _look_through(report, config)
        with open_file(found.source(archive.WEIGHTS, str(report.path))) as file:
            owners = _owners(report, file)
        for asset in found.names():
            found.size(asset)
    _add_layers(report, config, owners)


def _add_layers(report: Report, config: dict[str, Any], owners: dict[str, Part]) -> None:
    """The layers of a config with their arrays; then what else has arrays."""
    by_name = {part.name: path for path, part in owners.items() if "/" not in path[7:]}
    compiled = config.get("compile_config")
    if isinstance(compiled, dict):
        chosen = {key: compiled[key] for key in ("optimizer", "loss") if compiled.get(key)}
        report.facts |= {f"compiled with {key}": _called(value) for key, value in chosen.items()}
    report.facts["class"] = _called(config)
    used: set[str] = set()
    for layer in _layers_of(config):
        inner = layer.get("config")
        name = str(inner.get("name", "")) if isinstance(inner, dict) else ""
        part = Part(name or str(layer.get("name", "?")), str(layer.get("class_name", "?")))
        start = by_name.get(name)
        for path, owner in owners.items() if start else ():
            if path == start or path.startswith(f"{start}/"):
                part.arrays += owner.arrays
                used.add(path)
        report.parts.append(part)
    rest: dict[str, Part] = {}
    for path, owner in owners.items():
        if path not in used and owner.arrays:
            part = rest.setdefault(path.split("/")[0] or "the model", Part(path.split("/")[0]))
            part.arrays += owner.arrays
    report.parts += rest.values()


def _layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, dict) else None
    found = layers if isinstance(layers, list) else []
    return [layer for layer in found if isinstance(layer, dict)]


def _called(config: Any) -> str:
    return str(config.get("class_name", "?")) if isinstance(config, dict) else str(config)


# ---- configs ----------------------------------------------------------------------------------


def _look_through(report: Report, config: Any) -> None:
    """Notes all in a config that would be refused, and all that only its owner has."""
    open_: list[Any] = [config]
    while open_:
        value = open_.pop()
        if isinstance(value, list):
            open_ += value
        elif isinstance(value, dict):
            open_ += value.values()
            if isinstance(value.get("class_name"), str):
                _look_at(report, value, value["class_name"])


def _look_at(report: Report, config: dict[str, Any], name: str) -> None:
    inner = config.get("config")
    if name == "__lambda__" or (name == "Lambda" and _has_code(inner)):
        report.refusals.append("It holds a Python lambda, which is code and is never run.")
    if name in ("__typespec__",):
        report.refusals.append("It holds a TypeSpec of TensorFlow, of which etude has none.")
    if name.startswith("__"):
        return
    function = str(inner) if name == "function" else None
    module, called = str(config.get("module")), function or name
    if isinstance(inner, dict):
        if isinstance(inner.get("vocabulary"), str):
            report.refusals.append(f"A {name} names the vocabulary file {inner['vocabulary']!r}.")
        if odd_name(inner.get("name")):
            report.refusals.append(f"A {name} is called {inner['name']!r}.")
    is_own = module.partition(".")[0] not in ("keras", "builtins", "etude", "None")
    known = public_object(f"{module}.{called}") or get_custom_objects().get(
        str(config.get("registered_name"))
    )
    if known is None and (is_own or (module.startswith("keras.layers") and not function)):
        report.own.append(f"{module}.{called}")


def _has_code(inner: Any) -> bool:
    if not isinstance(inner, dict):
        return False
    function = inner.get("function")
    return isinstance(function, list) or inner.get("function_type") == "lambda"


# ---- HDF5 -------------------------------------------------------------------------------------


def _hdf5(report: Report) -> None:
    with open_file(report.path) as file:
        text = file.attrs.get("model_config")
        noted = ("keras_version", "backend")
        report.facts |= {name: str(file.attrs[name]) for name in noted if name in file.attrs}
        if text is not None:
            report.form = "a model of Keras 2 (HDF5)"
            config = parsed(report.path, text)
            report.facts["class"] = _called(config)
            _look_through(report, config)
            training = file.attrs.get("training_config")
            if training is not None:
                _look_through(report, parsed(report.path, training))
            classes = {str(_name_of(layer)): _called(layer) for layer in _layers_of(config)}
            report.parts = _old_layers(report, file, classes)
        elif "layer_names" in file.attrs:
            report.form = "weights of Keras 2 (HDF5)"
            report.parts = _old_layers(report, file, {})
        else:
            report.form = "weights of Keras 3 (HDF5)"
            owners = _owners(report, file)
            report.parts = [
                Part(path or "the model", part.name, part.arrays)
                for path, part in owners.items()
                if part.arrays
            ]


def _name_of(layer: dict[str, Any]) -> Any:
    inner = layer.get("config")
    return inner.get("name") if isinstance(inner, dict) else layer.get("name")


def _old_layers(report: Report, file: File, classes: dict[str, str]) -> list[Part]:
    group = file.get("model_weights") if "model_weights" in file else file
    found: dict[str, Part] = {name: Part(name, kind) for name, kind in classes.items()}
    for path, array in _arrays(report, group, "", DEPTH):
        name = path.split("/")[0]
        found.setdefault(name, Part(name)).arrays.append(array)
    if "optimizer_weights" in file:
        arrays = [a for _, a in _arrays(report, file.get("optimizer_weights"), "", DEPTH)]
        found["optimizer"] = Part("optimizer", arrays=arrays)
    return list(found.values())


def _owners(report: Report, file: File) -> dict[str, Part]:
    """The owners of variables in a file of Keras 3, by their paths."""
    found: dict[str, Part] = {}
    for path, array in _arrays(report, file, "", DEPTH):
        owner = path.rpartition("/")[0].removesuffix("vars").rstrip("/")
        found.setdefault(owner, Part("")).arrays.append(array)
    for path in list(_groups(report, file, "", DEPTH)):
        if path.endswith("vars"):
            owner = path.removesuffix("vars").rstrip("/")
            part = found.setdefault(owner, Part(""))
            group: Any = file
            for name in path.split("/"):
                group = group.get(name)
            part.name = str(group.attrs.get("name", part.name))
    return found


def _groups(report: Report, group: Group, path: str, depth: int) -> Iterator[str]:
    if not depth:
        raise SerializationError(f"{report.path} has groups in groups without end.")
    for name in group:
        if group.entries[name][0]:
            continue  # a link, of which `_arrays` has told
        item = _item(report, group, name)
        if isinstance(item, Group):
            inner = f"{path}/{name}" if path else name
            yield inner
            yield from _groups(report, item, inner, depth - 1)


def _arrays(report: Report, group: Any, path: str, depth: int) -> Iterator[tuple[str, Array]]:
    """All arrays below a group; what would be refused is noted, and the rest is gone on with."""
    if not depth:
        raise SerializationError(f"{report.path} has groups in groups without end.")
    for name in group if isinstance(group, Group) else ():
        inner = f"{path}/{name}" if path else name
        item = _item(report, group, name)
        if isinstance(item, Group):
            yield from _arrays(report, item, inner, depth - 1)
        elif isinstance(item, Dataset):
            try:
                item.check()
            except SerializationError as error:
                report.refusals.append(str(error))
            dtype = str(item.attrs.get("dtype", item.dtype))
            yield inner, Array(inner, item.shape, dtype, item.stored)


def _item(report: Report, group: Group, name: str) -> Any:
    try:
        return group.get(name)
    except SerializationError as error:
        report.refusals.append(str(error))
        return None


# ---- others -----------------------------------------------------------------------------------


def _safetensors(report: Report) -> None:
    report.form = "arrays (safetensors)"
    with safetensors_file.opened(report.path) as tensors:
        notes = {k: v for k, v in tensors.metadata.items() if k != safetensors_file.LAYER_NAMES}
        report.facts |= {f"noted as {key}": value for key, value in notes.items()}
        parts: dict[str, Part] = {}
        for name in tensors:
            owner = name.rpartition(".")[0]
            array = Array(name, tensors.shape(name), tensors.dtype(name), tensors.size(name))
            parts.setdefault(owner, Part(owner or name)).arrays.append(array)
        report.parts = list(parts.values())


def _shards(report: Report) -> None:
    report.form = "a map of weights in several files (Keras 3)"
    if report.size > archive.MAX_CONFIG_BYTES:
        raise SerializationError(f"{report.path} is too large for a map of weights.")
    entries = parsed(report.path, report.path.read_bytes()).get("weight_map", {})
    for path, names in entries.items() if isinstance(entries, dict) else ():
        for name in names if isinstance(names, list) else [names]:
            if Path(str(name)).name != name or not report.path.with_name(name).is_file():
                report.refusals.append(f"It names {name!r}, which is no file beside it.")
        report.parts.append(Part(str(path), str(names)))


def _npy(report: Report) -> None:
    report.form = "an array (NumPy)"
    report.parts = [_numpy_part(report, "array", report.path.read_bytes())]


def _npz(report: Report) -> None:
    report.form = "arrays (NumPy)"
    with NpzFile(report.path) as arrays:
        report.parts = [_numpy_part(report, name, arrays.content(name)) for name in arrays]


def _numpy_part(report: Report, name: str, content: bytes) -> Part:
    shape, _, dtype, start = npy_header(content, f"{report.path}: {name!r}")
    if dtype.hasobject:
        report.refusals.append(f"{name!r} holds Python objects, which are pickles.")
    elif math.prod(shape) * dtype.itemsize != len(content) - start:
        report.refusals.append(f"{name!r} declares the shape {shape}, and holds {len(content)}.")
    return Part(name, arrays=[Array(name, shape, str(dtype), len(content) - start)])


_READERS = {
    "hdf5": _hdf5,
    "keras": _keras,
    "npy": _npy,
    "npz": _npz,
    "safetensors": _safetensors,
    "shards": _shards,
    "unknown": _unknown,
}
