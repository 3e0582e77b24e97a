"""Files that layers keep beside their weights, such as vocabularies, inside of a ``*.keras`` file.

A layer writes them by ``save_assets(folder)`` and reads them by ``load_assets(folder)``. In the
archive they are under ``assets/`` and the path of the layer. To be read they are put into a folder
of their own, under the plain names that the archive has for them: nothing else is written, and
nothing of it is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from etude.saving.archive import ASSETS

__all__ = ["give", "members"]


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


def give(owners: list[tuple[str, Any]], archive: Any) -> None:
    """Gives the layers their files.

    Args:
        owners: objects with their paths in the model.
        archive: what has them.

    Raises:
        SerializationError: a file is larger than it may be, or damaged.
    """
    import tempfile  # noqa: PLC0415  (slow to import)

    stored = archive.names()
    for path, owner in owners:
        start = _member(path, "")
        names = [name for name in stored if name.startswith(start)]
        if not names or not hasattr(owner, "load_assets"):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for name in names:  # `Archive` has seen to it that names stay in their folder
                target = Path(folder, name[len(start) :])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))
            owner.load_assets(folder)


def _member(path: str, name: str) -> str:
    return f"{ASSETS}{path}/{name}" if path else f"{ASSETS}{name}"
