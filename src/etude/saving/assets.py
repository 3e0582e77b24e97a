"""Files that layers keep beside their weights, such as vocabularies, inside of a ``*.keras`` file.

A layer writes them by ``save_assets(folder)`` and reads them by ``load_assets(folder)``. In the
archive they are under ``assets/`` and the path of the layer. To be read they are put into a folder
of their own, under the plain names that the archive has for them: nothing else is written, and
nothing of it is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from etude.errors import SerializationError

__all__ = ["give", "is_asset", "members"]

FOLDER = "assets"


def members(owners: list[tuple[str, Any]]) -> dict[str, bytes]:
    """The files of all layers that keep some, by their names in the archive.

    Args:
        owners: objects with their paths in the model.
    """
    import tempfile  # noqa: PLC0415  (slow to import)

    found: dict[str, bytes] = {}
    for path, owner in owners:
        if not hasattr(owner, "save_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            owner.save_assets(folder)
            for file in sorted(Path(folder).rglob("*")):
                if file.is_file():
                    name = file.relative_to(folder).as_posix()
                    found[_member(path, name)] = file.read_bytes()
    return found


def is_asset(name: str) -> bool:
    """Whether a member of an archive is the file of a layer."""
    return name.startswith(f"{FOLDER}/") and not name.endswith("/")


def give(owners: list[tuple[str, Any]], stored: dict[str, bytes]) -> None:
    """Gives the layers their files.

    Args:
        owners: objects with their paths in the model.
        stored: what is in the archive, by name.

    Raises:
        SerializationError: the name of a file would lead out of its folder.
    """
    import tempfile  # noqa: PLC0415  (slow to import)

    for path, owner in owners:
        start = _member(path, "")
        files = {n[len(start) :]: content for n, content in stored.items() if n.startswith(start)}
        if not files or not hasattr(owner, "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name, content in files.items():
                _write(Path(folder), name, content)
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
