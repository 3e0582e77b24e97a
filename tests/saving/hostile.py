"""Files that are made to harm whoever opens them, and the watch over what opening them does."""

from __future__ import annotations

import io
import json
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import pytest

from etude import Input, Sequential, layers, models
from etude.errors import EtudeError

SPARE = 32 << 20  # bytes that reading may take beside twice the size of the model
WATCHED = ("subprocess.Popen", "os.system", "socket.connect", "marshal.loads", "pickle.find_class")

_log: list[tuple[str, str]] | None = None


def _watch(event: str, arguments: Any) -> None:
    if event == "marshal.loads" and "importlib" in sys._getframe(1).f_code.co_filename:
        return  # a module of Python's, imported when it is first used
    if _log is not None and (event == "open" or event in WATCHED):
        _log.append((event, str(arguments[0]) if arguments else ""))


sys.addaudithook(_watch)  # for good, so it looks whether anyone wants to know


@contextmanager
def watched(folder: Path, size: int = 0) -> Iterator[None]:
    """Fails where something is run, asked of the network, opened elsewhere, or much memory taken.

    Args:
        folder: where files may be opened; those of Python and its packages may be too.
        size: bytes of the model.
    """
    global _log
    tracemalloc.start()
    _log = []
    try:
        yield
    finally:
        log, _log = _log, None
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2 * size + SPARE, f"{peak:,} bytes were taken"
    for event, what in log:
        assert event == "open", f"{event}: {what}"
        is_code = what.startswith((sys.prefix, sys.base_prefix)) or "/etude/" in what
        is_here = str(folder) in what or what.startswith("/tmp/tmp") or what.isdigit()
        is_pytest = what.endswith((".py", ".pyc"))
        assert is_code or is_here or is_pytest, f"{what} was opened"


def refused(read: Any, path: Path, *words: str, size: int = 0) -> EtudeError:
    """Fails unless reading a file ends in an error that names it and says all of the words."""
    with watched(path.parent, size), pytest.raises(EtudeError) as caught:
        read(path)
    message = str(caught.value)
    assert path.name in message, message
    for word in words:
        assert word.lower() in message.lower(), message
    return caught.value


def load(path: Path) -> Any:
    """Loads a whole model with all that Keras calls unsafe switched on."""
    return models.load_model(path, safe_mode=False)


def network() -> Any:
    """The model whose files are tampered with."""
    hidden = layers.Dense(8, activation="relu", name="dense")
    return Sequential([Input((4,)), hidden, layers.Dense(2, name="dense_1")])


def members(path: Path) -> dict[str, bytes]:
    """What is in an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, content: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Writes an archive."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def with_config(path: Path, change: Any) -> Path:
    """A saved model whose config was changed."""
    network().save(path)
    content = members(path)
    config = json.loads(content["config.json"])
    content["config.json"] = json.dumps(change(config) or config).encode()
    return pack(path, content)


def with_layer(path: Path, layer: dict[str, Any]) -> Path:
    """A saved model with one more layer, as a config says."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"].insert(1, layer)

    return with_config(path, change)


def layer_config(name: str, /, **arguments: Any) -> dict[str, Any]:
    """The config of a layer of Keras."""
    return {
        "module": "keras.layers",
        "class_name": name,
        "config": arguments,
        "registered_name": None,
    }


def with_weights(path: Path, change: Any) -> Path:
    """A saved model whose weights were changed, as an open HDF5 file."""
    network().save(path)
    content = members(path)
    memory = io.BytesIO(content["model.weights.h5"])
    with h5py.File(memory, "a") as file:
        change(file)
    content["model.weights.h5"] = memory.getvalue()
    return pack(path, content)
