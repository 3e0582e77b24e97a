"""Whole models in one HDF5 file, ``*.h5``: the older format of Keras, still met in many courses.

The config of the model is text in an attribute; ``model_weights`` has a group for each layer, in
which the attribute ``weight_names`` names its weights in their order.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from etude.allowance import allowed
from etude.errors import SerializationError, ShapeError
from etude.saving.config_checks import parsed
from etude.saving.files import write_atomically
from etude.saving.hdf5 import Dataset, File, Group
from etude.saving.serialization import deserialize_keras_object, serialize_keras_object
from etude.saving.stored import group_of, open_file, plain_dataset

__all__ = ["load", "read_weights", "save"]

ADVICE = (
    "You are saving your model as an HDF5 file via `model.save()` or "
    "`keras.saving.save_model(model)`. This file format is considered legacy. We recommend using "
    "instead the native Keras format, e.g. `model.save('my_model.keras')` or "
    "`keras.saving.save_model(model, 'my_model.keras')`. "
)
CHUNK = 32_000  # bytes of an attribute; HDF5 takes 64 KiB


def save(model: Any, path: Path, include_optimizer: bool = True) -> None:
    """Writes a model, how it was compiled, and the state of its optimizer into one HDF5 file."""
    logging.getLogger("etude").warning(ADVICE)
    config = serialize_keras_object(model)
    compiled = config.pop("compile_config", None)

    def write(target: Path) -> None:
        with h5py.File(target, "w") as file:
            file.attrs["keras_version"], file.attrs["backend"] = "3.15.1", "etude"
            file.attrs["model_config"] = json.dumps(config)
            if compiled and include_optimizer:
                file.attrs["training_config"] = json.dumps(_training_config(compiled))
                _write_weights(file.create_group("optimizer_weights"), model.optimizer.variables)
            _write_layers(file.create_group("model_weights"), model)

    write_atomically(path, write)


def _training_config(compiled: dict[str, Any]) -> dict[str, Any]:
    names = ("loss", "metrics", "weighted_metrics", "loss_weights")
    return {
        **{name: compiled.get(name) for name in names},
        "optimizer_config": compiled.get("optimizer"),
    }


def _write_layers(group: h5py.Group, model: Any) -> None:
    group.attrs["keras_version"], group.attrs["backend"] = "3.15.1", "etude"
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    for layer in model.layers:
        _write_weights(group.create_group(layer.name), legacy_weights(layer))
    _write_weights(group.create_group("top_level_model_weights"), _top_level(model))


def _write_weights(group: h5py.Group, weights: list[Any]) -> None:
    _write_names(group, "weight_names", [w.path for w in weights])
    for weight in weights:
        group.create_dataset(weight.path, data=np.asarray(weight.numpy()))


def _write_names(group: h5py.Group, attribute: str, names: list[str]) -> None:
    """Names as an attribute, or as several where they are too long for one."""
    encoded = [name.encode() for name in names]
    parts, size = [[]], 0
    for name in encoded:
        if size + len(name) > CHUNK:
            parts.append([])
            size = 0
        parts[-1].append(name)
        size += len(name)
    if len(parts) == 1:
        group.attrs[attribute] = encoded
    else:
        for i, part in enumerate(parts):
            group.attrs[f"{attribute}{i}"] = part


def legacy_weights(layer: Any) -> list[Any]:
    """The weights of a layer in the order of this format: those that are trained first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _top_level(model: Any) -> list[Any]:
    """The weights that belong to the model itself rather than to one of its layers."""
    return model._own_variables()


# ---- reading ----------------------------------------------------------------------------------


def load(path: Path, custom_objects: Any, compile: bool) -> Any:
    """The model in an HDF5 file.

    Raises:
        SerializationError: it holds no model.
    """
    with open_file(path) as file:
        text = file.attrs.get("model_config")
        if text is None:
            raise SerializationError(
                f"No model config found in the file at {path}: it holds weights only. Build the "
                "model in code, and call `model.load_weights(path)`."
            )
        with allowed(str(path), file.source.size):
            model = deserialize_keras_object(parsed(path, text), custom_objects)
            if not hasattr(model, "layers"):
                raise SerializationError(f"{path} holds no model, but a {type(model).__name__}.")
            read_weights(model, file)
            training = file.attrs.get("training_config")
            if compile and training is not None:
                _compile(model, parsed(path, training), custom_objects)
                if "optimizer_weights" in file and model.optimizer is not None:
                    model.optimizer.build(model.trainable_weights)
                    _read_optimizer(model.optimizer, group_of(file, "optimizer_weights"))
    return model


def _compile(model: Any, config: dict[str, Any], custom_objects: Any) -> None:
    optimizer = config.get("optimizer_config")
    if isinstance(optimizer, dict) and "module" not in optimizer:
        optimizer = {**optimizer, "module": "keras.optimizers"}
    names = ("loss", "metrics", "weighted_metrics", "loss_weights")
    try:
        model.compile(
            optimizer=deserialize_keras_object(optimizer, custom_objects),
            **{name: deserialize_keras_object(config.get(name), custom_objects) for name in names},
        )
    except (TypeError, ValueError) as error:
        warnings.warn(
            f"The model was loaded, but not compiled: {error} Call `compile()` yourself.",
            stacklevel=4,
        )


def _read_optimizer(optimizer: Any, group: Any) -> None:
    values = _stored(group)
    variables = optimizer.variables
    if [v.shape for v in values] != [tuple(v.shape) for v in variables]:
        return  # of an older version, whose state has another form: training begins anew
    for variable, value in zip(variables, values, strict=True):
        variable.assign(np.asarray(value[()]))


def read_weights(
    model: Any, file: File, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Reads the weights of a model from a file that `save` or Keras wrote.

    Args:
        model: the model.
        file: the file, whole or of weights only.
        skip_mismatch: whether layers that do not fit are left as they are.
        by_name: whether layers are found by their names rather than by their order.

    Raises:
        SerializationError: the file holds other layers.
        ShapeError: weights have other shapes.
    """
    is_whole = "layer_names" not in file.attrs and "model_weights" in file
    group = group_of(file, "model_weights") if is_whole else file
    stored = [(name, _stored(group_of(group, name))) for name in _names(group, "layer_names")]
    if by_name:
        layers = {layer.name: layer for layer in model.layers}
        pairs = [(layers[n], n, values) for n, values in stored if n in layers]
    else:
        kept = [(name, values) for name, values in stored if values]
        layers_with = [layer for layer in model.layers if legacy_weights(layer)]
        if len(kept) != len(layers_with):
            raise SerializationError(
                "Layer count mismatch when loading weights from file. Model expected "
                f"{len(layers_with)} layers, found {len(kept)} saved layers."
            )
        pairs = [(layer, *entry) for layer, entry in zip(layers_with, kept, strict=True)]
    for layer, name, values in pairs:
        what = f"layer '{layer.name}' ('{name}' in the file)"
        _assign(legacy_weights(layer), values, what, skip_mismatch)
    if "top_level_model_weights" in group:
        values = _stored(group_of(group, "top_level_model_weights"))
        _assign(_top_level(model), values, "the model itself", skip_mismatch)


def _assign(weights: list[Any], values: list[Dataset], what: str, skip_mismatch: bool) -> None:
    shapes, found = [tuple(w.shape) for w in weights], [v.shape for v in values]
    if shapes == found:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(np.asarray(value[()]))
        return
    message = (
        f"Shape mismatch in {what}: its weights have the shapes {shapes}, those in the file "
        f"{found}. They must match."
    )
    if not skip_mismatch:
        raise ShapeError(message)
    warnings.warn(f"{message} It is left as it is.", stacklevel=4)


def _stored(group: Any) -> list[Dataset]:
    """The datasets of a group in the order of their names; they are read once their shapes fit."""
    found = []
    for name in _names(group, "weight_names"):
        *outer, last = name.split("/")
        current = group
        for part in outer:
            current = group_of(current, part)
        found.append(plain_dataset(current, last))
    return found


def _names(group: Group, attribute: str) -> list[str]:
    """The names in an attribute, or in its numbered parts."""
    attributes = group.attrs
    if attribute in attributes:
        parts = [attribute]
    else:
        parts = []
        while (part := f"{attribute}{len(parts)}") in attributes:
            parts.append(part)
    found = [name for part in parts for name in np.atleast_1d(attributes[part]).tolist()]
    if not all(isinstance(name, str) for name in found):
        raise SerializationError(f"'{group.name}': what should be names is something else.")
    return found
