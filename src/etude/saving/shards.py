"""Weights in several files, none larger than a limit, and a file ``*.weights.json`` that maps them.

The layout is that of Keras 3: ``weight_map`` names for every path the files that hold its
variables, ``model_00000.weights.h5``, ``model_00001.weights.h5``, ...
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from etude.errors import SerializationError
from etude.saving.files import write_atomically
from etude.saving.stored import StoredFile, open_file

__all__ = ["opened", "save"]

Part = tuple[str, Any, dict[str, Any]]  # path, name of the object, variables by number
MAX_MAP_BYTES = 64 << 20


def save(
    parts: Iterable[Part], path: Path, max_shard_size: float, write_part: Callable[..., None]
) -> None:
    """Writes parts into as many files as it takes; the map is written last.

    Args:
        parts: the variables of each object.
        path: of the map, or the name that it is derived from.
        max_shard_size: gigabytes of a file; what one object owns stays together.
        write_part: writes a part into an open file.
    """
    base = path.name.removesuffix(path.suffix).removesuffix(".weights")
    weight_map: dict[str, list[str]] = {}
    total = 0
    groups = _grouped(parts, max_shard_size * 1024**3)
    for number, group in enumerate(groups):
        name = f"{base}_{number:05d}.weights.h5"

        def write(target: Path, group: list[Part] = group) -> None:
            with h5py.File(target, "w") as file:
                for part in group:
                    write_part(file, *part)

        write_atomically(path.with_name(name), write)
        for part_path, _, store in group:
            if store:
                weight_map[f"/{part_path}/vars" if part_path else "/vars"] = [name]
                total += _size(store)
    content = json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map}, indent=4)
    target = path.with_suffix(".json")
    write_atomically(target, lambda part: _write_text(part, content))


def _write_text(path: Path, content: str) -> None:
    path.write_text(content, encoding="utf-8")


def _grouped(parts: Iterable[Part], limit: float) -> list[list[Part]]:
    groups: list[list[Part]] = [[]]
    used = 0
    for part in parts:
        size = _size(part[2])
        if groups[-1] and size and used + size > limit and used:
            groups.append([])
            used = 0
        groups[-1].append(part)
        used += size
    return groups


def _size(store: dict[str, Any]) -> int:
    return sum(np.asarray(value).nbytes for value in store.values())


class _Shards:
    """All files together, as one source of variables."""

    def __init__(self, path: Path, files: dict[str, list[Any]]) -> None:
        self.filename, self.files = str(path), files

    def variables(self, path: str) -> dict[str, Any]:
        """The variables under a path, by their numbers."""
        found: dict[str, Any] = {}
        for file in self.files.get(path, ()):
            found.update(file.variables(path))
        return found

    def paths(self) -> list[str]:
        """The paths under which there are variables."""
        return [path for path in self.files if path]


@contextmanager
def opened(path: Path) -> Generator[Any]:
    """The files that a map names, open; they lie beside it.

    Raises:
        SerializationError: the map is none, or names files elsewhere.
    """
    if path.stat().st_size > MAX_MAP_BYTES:
        raise SerializationError(f"{path} is too large for a map of weights.")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        names = {key: [v] if isinstance(v, str) else list(v) for key, v in entries.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SerializationError(f"{path} is no map of weights: {error!r}.") from error
    with ExitStack() as stack:
        files: dict[str, Any] = {}
        wanted = [name for some in names.values() for name in some]
        for name in dict.fromkeys(map(str, wanted)):
            target = path.with_name(name) if Path(name).name == name else path
            if target == path or target.is_symlink() or not target.is_file():
                raise SerializationError(f"{path} names {name!r}, which is no file beside it.")
            files[name] = StoredFile(stack.enter_context(open_file(path.with_name(name))))
        yield _Shards(
            path,
            {
                key.removesuffix("vars").strip("/"): [files[name] for name in some]
                for key, some in names.items()
            },
        )
