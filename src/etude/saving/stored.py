"""HDF5 files that are read without trust: only plain arrays under plain names, no links."""

from __future__ import annotations

from typing import Any

import h5py

from etude.errors import SerializationError

__all__ = ["StoredFile", "hard", "open_file", "plain_dataset"]


def open_file(path: Any, name: str | None = None) -> h5py.File:
    """An HDF5 file to read from, by its path or its bytes.

    Raises:
        SerializationError: it is none.
    """
    try:
        return h5py.File(path, "r")
    except OSError as error:
        shown = name or path
        raise SerializationError(f"{shown} cannot be read as an HDF5 file: {error}.") from error


class StoredFile:
    """An open file of weights: which variables it holds under which paths.

    Args:
        file: the file.
        name: what it is called in messages; by its own name by default.
    """

    def __init__(self, file: h5py.File, name: str | None = None) -> None:
        self.file, self.filename = file, name or str(file.filename)

    def variables(self, path: str) -> dict[str, h5py.Dataset]:
        """The variables under a path, by their numbers; none where there is no such path."""
        group = _group(self.file, f"{path}/vars" if path else "vars")
        return {} if group is None else {str(key): plain_dataset(group, str(key)) for key in group}

    def paths(self) -> list[str]:
        """The paths under which there are variables."""
        found: list[str] = []

        def look(name: str, item: Any) -> None:
            if isinstance(item, h5py.Group) and name.endswith("/vars") and len(item):
                found.append(name.removesuffix("/vars"))

        self.file.visititems(look)
        return found


def _group(file: h5py.File, path: str) -> h5py.Group | None:
    """A group by its path, without following links."""
    current: Any = file
    for part in path.split("/"):
        link = current.get(part, getlink=True)
        if link is None:
            return None
        current = hard(current, part, link)
        if not isinstance(current, h5py.Group):
            raise SerializationError(f"The file {file.filename} holds no group at '{path}'.")
    return current


def plain_dataset(group: h5py.Group, key: str) -> h5py.Dataset:
    """A dataset that holds its numbers itself."""
    found = hard(group, key, group.get(key, getlink=True))
    if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual:
        raise SerializationError(
            f"'{group.name}/{key}' is no plain array of numbers: it is a group, or "
            "virtual or external data."
        )
    return found


def hard(group: Any, key: str, link: Any) -> Any:
    """What stands under a name of a group, where it is no link to somewhere else."""
    if not isinstance(link, h5py.HardLink):
        raise SerializationError(
            f"'{group.name}/{key}' is a link to somewhere else ({type(link).__name__}). Such files "
            "are not read."
        )
    return group[key]
