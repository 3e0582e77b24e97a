"""HDF5 files of weights: which variables they hold, under which paths."""

from __future__ import annotations

import io
import os
from typing import Any

from etude.errors import SerializationError
from etude.saving.hdf5 import Dataset, File, Group

__all__ = ["DEPTH", "StoredFile", "group_of", "open_file", "plain_dataset"]

DEPTH = 100  # of groups inside of each other; models have about ten


def open_file(origin: Any, name: str | None = None) -> File:
    """An HDF5 file to read from: by its path, its bytes, or the part of a file that it is.

    Raises:
        SerializationError: it is none, or one that is not read.
    """
    if isinstance(origin, io.BytesIO):
        origin = origin.getvalue()
    is_path = isinstance(origin, (str, os.PathLike))
    return File(origin, name or (os.fspath(origin) if is_path else "The file"))


class StoredFile:
    """An open file of weights: which variables it holds under which paths.

    Args:
        file: the file.
        name: what it is called in messages; by its own name by default.
    """

    def __init__(self, file: File, name: str | None = None) -> None:
        self.file, self.filename = file, name or file.filename

    def variables(self, path: str) -> dict[str, Dataset]:
        """The variables under a path, by their numbers; none where there is no such path."""
        group: Any = self.file
        for part in [*path.split("/"), "vars"] if path else ["vars"]:
            group = group.get(part)
            if group is None:
                return {}
            if not isinstance(group, Group):
                raise SerializationError(f"{self.filename} holds no group at '{group.name}'.")
        return {key: plain_dataset(group, key) for key in group}

    def paths(self) -> list[str]:
        """The paths under which there are variables."""
        found: list[str] = []
        self._look(self.file, "", found, DEPTH)
        return found

    def _look(self, group: Group, path: str, found: list[str], depth: int) -> None:
        if not depth:
            raise SerializationError(f"{self.filename} has groups in groups without end.")
        for key in group:
            item = group.get(key)
            if isinstance(item, Group):
                inner = f"{path}/{key}" if path else key
                if key == "vars" and len(item):
                    found.append(path)
                self._look(item, inner, found, depth - 1)


def plain_dataset(group: Group, key: str) -> Dataset:
    """The array of a name.

    Raises:
        SerializationError: there is none, or it is something else.
    """
    found = group.get(key)
    if not isinstance(found, Dataset):
        raise SerializationError(
            f"{group.source.name}: '{group.name.rstrip('/')}/{key}' is no plain array of numbers: "
            f"{'there is nothing' if found is None else 'it is a group'}."
        )
    return found


def group_of(group: Any, name: str) -> Group:
    """The group of a name.

    Raises:
        SerializationError: there is none.
    """
    found = group.get(name) if isinstance(group, Group) else None
    if not isinstance(found, Group):
        raise SerializationError(
            f"{group.source.name}: '{group.name.rstrip('/')}/{name}' is no group of weights."
        )
    return found
