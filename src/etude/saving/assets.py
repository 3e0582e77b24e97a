"""Files that layers keep beside their weights, such as vocabularies, inside of a ``*.keras`` file.

A layer writes them by ``save_assets(folder)`` and reads them by ``load_assets(folder)``. In the
archive they are under ``assets/`` and the path of the layer. To be read they are put into a folder
of their own, under the plain names that the archive has for them: nothing else is written, and
nothing of it is run.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from etude.errors import SerializationError

__all__ = ["read_assets", "write_assets"]

FOLDER = "assets"


def write_assets(owners: list[tuple[str, Any]], archive: zipfile.ZipFile) -> None:
    """Adds the files of all layers that keep some to an archive.

    Args:
        owners: objects with their paths in the model.
        archive: open for writing.
    """
    for path, owner in owners:
        if not hasattr(owner, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            owner.save_assets(folder)
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    name = file.relative_to(folder).as_posix()
                    archive.writestr(_member(path, name), file.read_bytes())


def read_assets(
    owners: list[tuple[str, Any]], names: list[str], read: Callable[[str], bytes]
) -> None:
    """Gives the layers their files.

    Args:
        owners: objects with their paths in the model.
        names: of all members of the archive.
        read: gives the content of a member, within limits of size.

    Raises:
        SerializationError: the name of a file would lead out of its folder.
    """
    for path, owner in owners:
        start = _member(path, "")
        files = [name[len(start) :] for name in names if name.startswith(start)]
        files = [name for name in files if name and not name.endswith("/")]
        if not files or not hasattr(owner, "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in files:
                _write(Path(folder), name, read(start + name))
            owner.load_assets(folder)


def _member(path: str, name: str) -> str:
    return f"{FOLDER}/{path}/{name}" if path else f"{FOLDER}/{name}"


def _write(folder: Path, name: str, content: bytes) -> None:
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part or ":" in part for part in parts):
        raise SerializationError(
            f"The archive holds a file named {name!r}, which would not stay in its folder. No "
            "model that etude or Keras saved is like that, and it is not read."
        )
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
