"""`KerasFileEditor`: looks into files of weights, changes them, and writes them anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from rich.console import Console

from etude.errors import ArgumentError, DtypeError, SerializationError
from etude.saving import model_file, weights
from etude.saving.archive import WEIGHTS, opened
from etude.saving.files import write_atomically
from etude.saving.hdf5 import Group
from etude.saving.refusals import named_errors
from etude.saving.stored import DEPTH, open_file, plain_dataset

__all__ = ["KerasFileEditor"]

Weights = dict[str, Any]
"""Arrays by their numbers, and the weights of objects inside by their names."""


class KerasFileEditor:
    """Shows, compares, changes and saves the weights in a file.

    It helps where the architecture of a model has changed since its weights were saved. What it
    reads is only numbers; nothing in the file is run.

    Args:
        filepath: ``*.keras`` or ``*.weights.h5``.

    Attributes:
        weights_dict: the weights: arrays by their numbers, in dictionaries by the names of objects.
        config: the config of the model, from a file ``*.keras``.
        metadata: when and by which version the file was saved, likewise.
        object_metadata: what is noted beside the weights of objects, by their paths.

    Raises:
        ArgumentError: the name has another ending, or there is no such file.
        SerializationError: the file is damaged, or holds links.

    Example:
        ``editor = KerasFileEditor("old.weights.h5")``;
        ``editor.rename_object("dense_2", "dense_3")``; ``editor.save("new.weights.h5")``
    """

    def __init__(self, filepath: Any) -> None:
        self.filepath = os.fspath(filepath)
        self.console = Console(highlight=False, markup=False)
        self.config: dict[str, Any] | None = None
        self.metadata: dict[str, Any] | None = None
        self.model = None
        self.object_metadata: dict[str, dict[str, Any]] = {}
        path = Path(self.filepath)
        if not path.name.endswith((".keras", weights.ENDING)):
            raise ArgumentError(
                "Invalid filename: expected a `.keras` `.weights.h5` extension. Received: "
                f"filepath={filepath}"
            )
        if not path.is_file():
            raise ArgumentError(f"There is no file {path}.")
        self.weights_dict: Weights = {}
        with named_errors(self.filepath):
            self._open(path)
        self._say(f"Keras model file '{self.filepath}'")
        if self.metadata is not None:
            self._say(
                f"Saved with Keras {self.metadata.get('keras_version')} - date: "
                f"{self.metadata.get('date_saved')}"
            )

    def _open(self, path: Path) -> None:
        if path.suffix != ".keras":
            with open_file(path) as file:
                self.weights_dict = self._read(file, "", DEPTH)
            return
        with opened(path, self.filepath) as archive:
            self.config, self.metadata = model_file.stored_configs(archive)
            with open_file(archive.source(WEIGHTS, self.filepath), self.filepath) as file:
                self.weights_dict = self._read(file, "", DEPTH)

    def _say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def _read(self, group: Group, path: str, depth: int) -> Weights:
        """The weights of an object and of those inside; its own ones stand in a group ``vars``."""
        if not depth:
            raise SerializationError(f"{self.filepath} has groups in groups without end.")
        found: Weights = {}
        if group.attrs:
            self.object_metadata[path] = dict(group.attrs)
        for key in group:
            child = group.get(key)
            if not isinstance(child, Group):
                found[key] = weights.as_array(plain_dataset(group, key))
            elif key == "vars":
                found |= self._read(child, path, depth - 1)
            else:
                inner = self._read(child, f"{path}/{key}", depth - 1)
                if inner:
                    found[key] = inner
        return found

    # ---- looking -------------------------------------------------------------------------------

    def summary(self) -> None:
        """Prints which weights there are, with their shapes."""
        self._say("Weights structure")
        for line in self._lines(self.weights_dict, "", "  "):
            self._say(line)

    def _lines(self, found: Weights, path: str, margin: str) -> Iterator[str]:
        for index, (key, value) in enumerate(found.items()):
            is_last = index == len(found) - 1
            branch = "└─ " if is_last else "├─ "
            if not isinstance(value, dict):
                yield f"{margin}{branch}{key}: shape={value.shape}, dtype={value.dtype}"
                continue
            name = self.object_metadata.get(f"{path}/{key}", {}).get("name")
            yield f"{margin}{branch}{key}" + (f" ('{name}')" if name else "")
            yield from self._lines(value, f"{path}/{key}", margin + ("   " if is_last else "│  "))

    def compare(self, reference_model: Any) -> dict[str, Any]:
        """Lists where the weights differ from those of a model in place or shape.

        Args:
            reference_model: the model.

        Returns:
            ``"status"``, which is ``"success"`` or ``"error"``; ``"error_count"``, of places that
            differ; ``"match_count"``, of weights that fit.
        """
        expected: Weights = {}
        for path, _, store in weights.parts(reference_model):
            at = expected
            for part in path.split("/") if path and store else ():
                at = at.setdefault(part, {})
            at.update({key: np.asarray(value) for key, value in store.items()})
        self._say("Running comparison")
        errors, matches = _compare(self.weights_dict, expected, "")
        for error in errors:
            self._say(f"...{error}")
        fits = "is not" if errors else "is"
        self._say(
            f"The saved file {fits} compatible with the reference model: {len(errors)} "
            f"differences, {matches} weights that match."
        )
        status = "error" if errors else "success"
        return {"status": status, "error_count": len(errors), "match_count": matches}

    # ---- changing ------------------------------------------------------------------------------

    def rename_object(self, object_name: str, new_name: str) -> None:
        """Gives an object, e.g. a layer, another name.

        Args:
            object_name: its name, or its path such as ``"layers/dense_2"``.
            new_name: the new name, without a path.

        Raises:
            ArgumentError: there is no such object, or several; or the new name is a path.
        """
        if "/" in new_name:
            raise ArgumentError(
                "Argument `target_name` should be a leaf name, not a full path name. Received: "
                f"target_name='{new_name}'"
            )
        owner, name = self._find(object_name)
        owner[new_name] = owner.pop(name)

    def delete_object(self, object_name: str) -> None:
        """Takes an object out.

        Args:
            object_name: its name or path.

        Raises:
            ArgumentError: there is no such object, or several.
        """
        owner, name = self._find(object_name)
        del owner[name]

    def add_object(self, object_path: str, weights: dict[str, Any]) -> None:
        """Puts a new object in.

        Args:
            object_path: its path, such as ``"layers/dense_2"``.
            weights: its arrays, by their numbers: ``{"0": kernel, "1": bias}``.

        Raises:
            ArgumentError: what it is to be part of is not there.
            DtypeError: the weights are no dictionary.
        """
        outer, _, name = object_path.rpartition("/")
        owner = self.weights_dict
        for part in outer.split("/") if outer else ():
            if not isinstance(owner.get(part), dict):
                raise ArgumentError(f"Path '{outer}' not found in model.")
            owner = owner[part]
        owner[name] = _checked(weights)

    def add_weights(self, object_name: str, weights: dict[str, Any]) -> None:
        """Puts more arrays into an object, or other ones.

        Args:
            object_name: its name or path.
            weights: the arrays, by their numbers.

        Raises:
            ArgumentError: there is no such object, or several.
            DtypeError: the weights are no dictionary.
        """
        owner, name = self._find(object_name)
        owner[name].update(_checked(weights))

    def delete_weight(self, object_name: str, weight_name: str) -> None:
        """Takes an array out of an object.

        Args:
            object_name: its name or path.
            weight_name: the number of the array, as text.

        Raises:
            ArgumentError: there is no such object or array.
        """
        owner, name = self._find(object_name)
        if weight_name not in owner[name]:
            raise ArgumentError(
                f"Weight {weight_name} not found in object {object_name}. Weights found: "
                f"{list(owner[name])}"
            )
        del owner[name][weight_name]

    def _find(self, name: str) -> tuple[Weights, str]:
        """The dictionary that holds an object, and the object's name in it.

        Raises:
            ArgumentError: there is no such object, or several.
        """
        if "/" in name:
            owner: Any = self.weights_dict
            *outer, last = name.split("/")
            for part in outer:
                owner = owner.get(part) if isinstance(owner, dict) else None
            if not isinstance(owner, dict) or last not in owner:
                raise ArgumentError(f"Path '{name}' not found in model.")
            return owner, last
        found = list(_holders(self.weights_dict, name))
        if not found:
            raise ArgumentError(
                f"Source name '{name}' does not appear in the model. `editor.summary()` lists all "
                "objects."
            )
        if len(found) > 1:
            raise ArgumentError(
                f"Name '{name}' occurs more than once in the model; try passing a complete path"
            )
        return found[0], name

    # ---- saving --------------------------------------------------------------------------------

    def save(self, filepath: Any) -> None:
        """Writes the weights to a file.

        Args:
            filepath: the file, ``*.weights.h5``.

        Raises:
            ArgumentError: the name has another ending.
        """
        path = Path(os.fspath(filepath))
        if not path.name.endswith(weights.ENDING):
            raise ArgumentError(
                "Invalid `filepath` argument: expected a `.weights.h5` extension. Received: "
                f"filepath={filepath}"
            )

        def write(target: Path) -> None:
            with h5py.File(target, "w") as file:
                for inner, arrays in _objects(self.weights_dict, ""):
                    weights.write_part(file, inner, None, arrays)

        write_atomically(path, write)

    resave_weights = save


def _checked(weights: Any) -> Weights:
    if not isinstance(weights, dict):
        raise DtypeError(
            "Argument `weights` should be a dict where keys are weight names (usually '0', '1', "
            f"etc.) and values are NumPy arrays. Received: type(weights)={type(weights)}"
        )
    return {key: np.asarray(value) for key, value in weights.items()}


def _holders(found: Weights, name: str) -> Iterator[Weights]:
    """All dictionaries that have an entry of this name."""
    if name in found:
        yield found
    for value in found.values():
        if isinstance(value, dict):
            yield from _holders(value, name)


def _objects(found: Weights, path: str) -> Iterator[tuple[str, Weights]]:
    """The path of each object that has arrays of its own, and these."""
    own = {key: value for key, value in found.items() if not isinstance(value, dict)}
    if own:
        yield path, own
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _objects(value, f"{path}/{key}" if path else key)


def _compare(saved: Weights, expected: Weights, path: str) -> tuple[list[str], int]:
    """Where two structures differ, in words, and how many arrays fit."""
    errors: list[str] = []
    matches = 0
    for key in dict.fromkeys([*expected, *saved]):
        where = f"{path}/{key}"
        ours, theirs = saved.get(key), expected.get(key)
        if ours is None:
            errors.append(f"{where} is in the reference model, missing from the saved file")
        elif theirs is None:
            errors.append(f"{where} is in the saved file, missing from the reference model")
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            inner, count = _compare(ours, theirs, where)
            errors += inner
            matches += count
        elif isinstance(ours, dict) or isinstance(theirs, dict):
            errors.append(f"{where} is an object in one, and a weight in the other")
        elif ours.shape != theirs.shape:
            errors.append(
                f"{where} has the shape {ours.shape} in the saved file, and {theirs.shape} in the "
                "reference model"
            )
        else:
            matches += 1
    return errors, matches
