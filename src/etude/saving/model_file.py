"""Whole models in files: ``*.keras``, an archive of a config and of weights, as Keras 3 writes it.

An archive has three members: ``metadata.json``, ``config.json`` (layers, their connections, and
what ``compile`` was told), and ``model.weights.h5``. It is read by the names of its members, in
memory and with limits on their sizes; nothing is extracted, imported or executed.
"""

from __future__ import annotations

import datetime
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError, SerializationError
from etude.saving.assets import FOLDER as ASSETS
from etude.saving.assets import read_assets, write_assets
from etude.saving.files import write_atomically
from etude.saving.serialization import (
    deserialize_keras_object,
    object_sharing,
    serialize_keras_object,
)

__all__ = ["load_model", "save_model"]

KERAS_VERSION = "3.15.1"  # the version whose form is written
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MAX_CONFIG_BYTES = 64 << 20
MAX_EXPANSION = 200  # a member may be this many times as large as its compressed form


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None
) -> None:
    """Writes a model, its weights and the state of its optimizer into a file ``*.keras``.

    Args:
        model: the model.
        filepath: the file.
        overwrite: whether a file of that name may be replaced.
        zipped: must not be false: a model is one file.

    Raises:
        ArgumentError: the name has another ending, or the file may not be replaced.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    path = Path(os.fspath(filepath))
    if path.suffix != ".keras" or zipped is False:
        raise ArgumentError(
            f"A model is saved as one file whose name ends in `.keras`; got {filepath}. Weights "
            "alone are saved by `model.save_weights('name.weights.h5')`."
        )
    if path.exists() and not overwrite:
        raise ArgumentError(f"The file {path} exists, and `overwrite=False` was given.")
    with object_sharing():
        config = json.dumps(serialize_keras_object(model))
    now = datetime.datetime.now(tz=datetime.UTC)
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now.strftime("%Y-%m-%d@%H:%M:%S")}

    def write(target: Path) -> None:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr(METADATA, json.dumps(metadata))
            archive.writestr(CONFIG, config)
            archive.writestr(WEIGHTS, weights.to_bytes(model))
            write_assets(weights.owners(model), archive)

    write_atomically(path, write)


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a file ``*.keras``.

    Args:
        filepath: the file.
        custom_objects: names in the file, and the classes and functions of yours that they mean.
        compile: whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: as in Keras, but without effect: what Keras calls unsafe is never done.

    Raises:
        ArgumentError: there is no such file.
        SerializationError: it holds no model, or one with classes that are not known.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    path = Path(os.fspath(filepath))
    if not path.is_file():
        raise ArgumentError(f"There is no file {path}.")
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(_member(archive, path, CONFIG, MAX_CONFIG_BYTES))
            stored = _member(archive, path, WEIGHTS, None)
            kept = {
                name: _member(archive, path, name, None)
                for name in archive.namelist()
                if name.startswith(f"{ASSETS}/") and not name.endswith("/")
            }
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SerializationError(
            f"{path} holds no model: it is no archive as `model.save('x.keras')` writes ({error})."
        ) from error
    if not isinstance(config, dict):
        raise SerializationError(f"{path} holds no model: its config is no dictionary.")
    if not compile:
        config["compile_config"] = None
    with object_sharing():
        model = deserialize_keras_object(config, custom_objects, safe_mode)
    if not hasattr(model, "weights"):
        raise SerializationError(f"{path} holds no model, but a {type(model).__name__}.")
    weights.from_bytes(model, stored, str(path))
    read_assets(weights.owners(model), list(kept), kept.__getitem__)
    return model


def _member(archive: zipfile.ZipFile, path: Path, name: str, limit: int | None) -> bytes:
    """One member of an archive, read into memory."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise SerializationError(f"{path} holds no model: it has no `{name}` inside.") from None
    allowed = MAX_EXPANSION * max(info.compress_size, 1024)
    if info.file_size > min(allowed, limit or allowed):
        raise SerializationError(
            f"{path}: `{name}` would become {info.file_size} bytes from {info.compress_size}; no "
            "model that etude or Keras saved is like that, and it is not read."
        )
    with archive.open(info) as member:
        content = io.BytesIO(member.read(info.file_size + 1)).getvalue()
    if len(content) != info.file_size:
        raise SerializationError(f"{path}: `{name}` has another size than the archive says.")
    return content
