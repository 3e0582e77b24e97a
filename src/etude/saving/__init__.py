"""From objects to configs and files, and back. Nothing in a file is ever executed or imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etude.saving.model_file import load_model, save_model
from etude.saving.registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.saving.torch_weights import load_torch_weights, save_torch_weights
from etude.saving.weight_files import load_weights, save_weights

if TYPE_CHECKING:
    from typing import Any

    from etude.saving.file_editor import KerasFileEditor

__all__ = [
    "CustomObjectScope",
    "KerasFileEditor",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_torch_weights",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_torch_weights",
    "save_weights",
    "serialize_keras_object",
]


def __getattr__(name: str) -> Any:
    """The editor is imported when it is first used: h5py and rich are slow to import."""
    if name == "KerasFileEditor":
        from etude.saving import file_editor  # noqa: PLC0415

        return file_editor.KerasFileEditor
    raise AttributeError(f"module 'etude.saving' has no attribute {name!r}")
