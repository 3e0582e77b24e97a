"""Whole models in files: ``*.keras``, an archive of a config and of weights, as Keras 3 writes it.

An archive has three members: ``metadata.json``, ``config.json`` (layers, their connections, and
what ``compile`` was told), and ``model.weights.h5``; and below ``assets/`` the files of layers. How
one from a stranger is read stands in `etude.saving.archive`; nothing is imported or executed.
"""

from __future__ import annotations

import datetime
import io
import json
import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from etude.allowance import allowed
from etude.errors import ArgumentError, SerializationError
from etude.saving import assets
from etude.saving.archive import (
    CONFIG,
    MAX_CONFIG_BYTES,
    METADATA,
    WEIGHTS,
    Archive,
    Folder,
    no_model,
    opened,
)
from etude.saving.files import write_atomically
from etude.saving.object_sharing import object_sharing
from etude.saving.owners import owners
from etude.saving.refusals import named_errors, refuse_programs
from etude.saving.serialization import (
    deserialize_keras_object,
    serialize_keras_object,
)

__all__ = [
    "from_archive",
    "load_model",
    "save_model",
    "stored_configs",
    "to_archive",
]

KERAS_VERSION = "3.15.1"  # the version whose form is written


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Writes a model, its weights and the state of its optimizer into a file ``*.keras``.

    Args:
        model: the model.
        filepath: the file; ``*.h5`` writes the older format of Keras.
        overwrite: whether a file of that name may be replaced.
        zipped: if false, ``filepath`` is a folder with the members of the archive as files.
        **kwargs: ``include_optimizer``, for ``*.h5``.

    Raises:
        ArgumentError: the name has another ending, an argument is unknown, or the file may not be
            replaced.
    """
    if "save_format" in kwargs:
        raise ArgumentError(
            "The `save_format` argument is deprecated in Keras 3. Please remove this argument and "
            "pass a file path with either `.keras` or `.h5` extension. Received: "
            f"save_format={kwargs['save_format']}"
        )
    include_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs:
        raise ArgumentError(f"The following argument(s) are not supported: {list(kwargs)}")
    path = Path(os.fspath(filepath))
    is_old = path.suffix in (".h5", ".hdf5")
    if zipped is False and path.suffix == ".keras":
        raise ArgumentError(
            "When saving an unzipped model, the filepath should not end in `.keras`: it is a "
            f"folder. Received: filepath={filepath}"
        )
    if zipped is not False and path.suffix != ".keras" and not is_old:
        raise ArgumentError(
            "Invalid filepath extension for saving. A model is saved as one file whose name ends "
            f"in `.keras`; got {filepath}. Weights alone are saved by "
            "`model.save_weights('name.weights.h5')`."
        )
    if path.exists() and not overwrite:
        raise ArgumentError(f"The file {path} exists, and `overwrite=False` was given.")
    if is_old and zipped is not False:
        from etude.saving import legacy_h5  # noqa: PLC0415  (h5py is slow to import)

        legacy_h5.save(model, path, include_optimizer)
        return
    members = _members(model)
    if zipped is False:
        path.mkdir(parents=True, exist_ok=True)
        for name, content in members.items():
            write_atomically(path / name, lambda part, content=content: _write(part, content))
        return

    write_atomically(path, lambda target: _write(target, _zipped(members)))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _zipped(members: dict[str, bytes]) -> bytes:
    import zipfile  # noqa: PLC0415  (slow to import)

    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return memory.getvalue()


def to_archive(obj: Any) -> tuple[bytes, dict[str, Any]]:
    """A layer, model, loss, metric or optimizer as the bytes of a ``*.keras`` file.

    Returns:
        The bytes; and the classes and functions of users that are named in them.
    """
    with object_sharing(keep_names=True) as met:
        config = serialize_keras_object(obj)
    return _zipped(_members(obj, config)), met.named or {}


def from_archive(content: bytes, custom_objects: dict[str, Any]) -> Any:
    """What `to_archive` was given, made anew; read as `load_model` reads it.

    Args:
        content: the bytes of a ``*.keras`` file.
        custom_objects: names in it, and the classes and functions that they mean.
    """
    with opened(io.BytesIO(content), "the archive") as archive:
        return _restored(archive, _config(archive), custom_objects, is_own=True)


def _restored(
    archive: Archive | Folder, config: Any, custom_objects: Any, is_own: bool = False
) -> Any:
    """The object that the members of an archive describe, with its weights.

    Args:
        archive: the archive.
        config: of the object.
        custom_objects: names in it, and what they mean.
        is_own: whether this program wrote it: then its config may describe more than it holds.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    size = archive.size(WEIGHTS)
    limit = nullcontext() if is_own else allowed(archive.name, size)
    with limit, object_sharing():
        found = deserialize_keras_object(config, custom_objects)
        if hasattr(found, "load_own_variables"):
            weights.from_source(found, archive.source(WEIGHTS, f"{archive.name}: `{WEIGHTS}`"))
            assets.give(list(owners(found)), archive)
    return found


def _members(model: Any, config: Any = None) -> dict[str, bytes]:
    """The members of an archive, by name."""
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    if config is None:
        with object_sharing():
            config = serialize_keras_object(model)
    if hasattr(model, "save_own_variables"):
        variables = {WEIGHTS: weights.to_bytes(model), **assets.members(list(owners(model)))}
    else:  # a loss has no variables
        variables = {WEIGHTS: b""}
    now = datetime.datetime.now(tz=datetime.UTC)
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now.strftime("%Y-%m-%d@%H:%M:%S")}
    return {
        METADATA: json.dumps(metadata).encode(),
        CONFIG: json.dumps(config).encode(),
        **variables,
    }


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a file ``*.keras``, in an unpacked folder, or in a file ``*.h5`` of Keras 2.

    Args:
        filepath: the file or folder.
        custom_objects: names in the file, and the classes and functions of yours that they mean.
        compile: whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: as in Keras, but without effect: what Keras calls unsafe is never done.

    Raises:
        ArgumentError: there is no such file.
        SerializationError: it holds no model, or one with classes that are not known.
    """
    import zipfile  # noqa: PLC0415  (slow to import)

    path = Path(os.fspath(filepath))
    refuse_programs(path)
    is_folder = path.is_dir() and (path / CONFIG).is_file()
    is_old = path.suffix in (".h5", ".hdf5")
    if not is_folder and not is_old and path.suffix != ".keras" and not zipfile.is_zipfile(path):
        raise ArgumentError(
            f"File format not supported: filepath={filepath}. Models are read from `.keras` files, "
            "and from `.h5` files of Keras 2. A SavedModel of TensorFlow is a program, and is not "
            "run."
        )
    if not is_folder and not path.is_file():
        raise ArgumentError(
            f"File not found: filepath={filepath}. There is no file {path}. Please ensure the file "
            "is an accessible `.keras` or `.h5` file: check the folder and the spelling."
        )
    if is_old:
        from etude.saving import legacy_h5  # noqa: PLC0415  (h5py is slow to import)

        with named_errors(path):
            return legacy_h5.load(path, custom_objects, compile)
    with named_errors(path), opened(path, str(path)) as archive:
        archive.size(WEIGHTS)  # an archive without weights says so, whatever else is wrong
        config = _config(archive)
        if not compile:
            config["compile_config"] = None
        model = _restored(archive, config, custom_objects)
        if not hasattr(model, "weights"):
            raise SerializationError(f"{path} holds no model, but a {type(model).__name__}.")
        return model


def stored_configs(archive: Archive | Folder) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config and the metadata in an archive."""
    return _config(archive), _config(archive, METADATA)


def _config(archive: Archive | Folder, member: str = CONFIG) -> dict[str, Any]:
    text = archive.read(member, MAX_CONFIG_BYTES)
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise no_model(archive.name, f"`{member}`: {error}") from error
    if not isinstance(config, dict):
        raise SerializationError(f"{archive.name} holds no model: its {member} is no dictionary.")
    return config
