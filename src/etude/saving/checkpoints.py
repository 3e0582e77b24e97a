"""Checkpoints: files of weights that training goes on from, and that are checked before.

A checkpoint is a file as `Model.save` or `Model.save_weights` writes it, with more in it: under
``training_state`` stands where training was (see `etude.training.progress`), and in a
``*.weights.h5`` file a seal, the SHA-256 of all of its bytes. (In a ``*.keras`` file each member
has a checksum of its own.) Other readers, Keras among them, pass over it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from etude.errors import SerializationError
from etude.saving.archive import WEIGHTS, opened
from etude.saving.hdf5.source import Source
from etude.saving.packing import pack, unpack

__all__ = ["Checkpoint", "carrying", "newest", "read", "restore_weights", "seal", "to_bytes"]

PLACE = "training_state"
SEAL = b"etude seal, SHA-256: "
BLANK = b"0" * 64


class Checkpoint(NamedTuple):
    """What is in a file.

    Attributes:
        path: the file.
        weights: its bytes, or those of the file of weights in it.
        state: where training was; None where nobody noted it, as in files of Keras.
    """

    path: Path
    weights: bytes
    state: Any


class _Carrier:
    """Stands as an attribute of a model while it is saved: its variables get into the file."""

    def __init__(self, state: Any) -> None:
        self.packed = pack(state)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Called where variables are written."""
        store["state"] = np.frombuffer(self.packed, "uint8")
        store["seal"] = np.frombuffer(SEAL + BLANK, "uint8")


# ---- writing ----------------------------------------------------------------------------------


@contextmanager
def carrying(model: Any, state: Any) -> Generator[None]:
    """Inside, what is saved of a model holds the state of its training too.

    Args:
        model: the model.
        state: what `etude.saving.packing` can pack; with None nothing is added.
    """
    if state is None:
        yield
        return
    model.__dict__[PLACE] = _Carrier(state)
    try:
        yield
    finally:
        del model.__dict__[PLACE]


def to_bytes(model: Any, state: Any) -> bytes:
    """A ``*.weights.h5`` file with the state of training, sealed."""
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    with carrying(model, state):
        return seal(weights.to_bytes(model))


def seal(content: bytes) -> bytes:
    """The bytes with their own SHA-256 in the place that is kept for it, if there is one.

    >>> sealed = seal(b"some bytes, " + SEAL + BLANK)
    >>> is_whole(sealed), is_whole(sealed.replace(b"some", b"same"))
    (True, False)
    """
    start = content.find(SEAL) + len(SEAL)
    if start < len(SEAL):
        return content
    return b"".join((content[:start], _digest(content, start), content[start + len(BLANK) :]))


def _digest(content: bytes, start: int) -> bytes:
    """The SHA-256 of bytes in which the place of the seal is blank."""
    digest = hashlib.sha256(content[:start])
    digest.update(BLANK)
    digest.update(memoryview(content)[start + len(BLANK) :])
    return digest.hexdigest().encode()


# ---- reading ----------------------------------------------------------------------------------


def is_whole(content: bytes) -> bool:
    """Whether bytes are those that were sealed."""
    start = content.find(SEAL) + len(SEAL)
    return start >= len(SEAL) and content[start : start + len(BLANK)] == _digest(content, start)


def read(path: Path) -> Checkpoint:
    """A checkpoint, whose checksum is right.

    Raises:
        FileNotFoundError: there is none.
        SerializationError: it is damaged, cannot be read, or is another kind of file.
    """
    try:
        in_archive = path.suffix == ".keras"  # which has checksums of its own
        content = _weights_in(path) if in_archive else path.read_bytes()
        if not in_archive and SEAL in content and not is_whole(content):
            raise SerializationError("its checksum is wrong")
        return Checkpoint(path, content, _state(content, in_archive))
    except FileNotFoundError:
        raise
    except Exception as error:  # whatever readers of files make of damaged ones
        reason = str(error).rstrip(".") or type(error).__name__
        raise SerializationError(
            f"The checkpoint {path} is damaged, and is not used: {reason}. Was it cut short, or "
            "changed, while it was copied? Take another one, or delete it to begin anew."
        ) from error


def _weights_in(path: Path) -> bytes:
    """The file of weights in an archive."""
    with opened(path, str(path)) as archive:
        return archive.read(WEIGHTS)


def _state(content: bytes, in_archive: bool) -> Any:
    """Where training was, as the file says."""
    from etude.saving.stored import StoredFile, open_file  # noqa: PLC0415  (h5py is slow to import)

    with open_file(io.BytesIO(content), "it") as file:
        found = StoredFile(file, "it").variables(PLACE)
        if not found:
            return None
        if not in_archive and SEAL not in content:
            raise SerializationError("its checksum is missing")
        return unpack(found["state"][()].tobytes())


def newest(paths: Iterable[Path]) -> tuple[Checkpoint | None, list[SerializationError]]:
    """The first of some checkpoints that is whole, and what is wrong with those before it.

    Args:
        paths: files, the newest first; those that do not exist are passed over.

    Raises:
        SerializationError: there are some, and none of them is whole.
    """
    errors: list[SerializationError] = []
    for path in paths:
        if not path.is_file():
            continue
        try:
            return read(path), errors
        except SerializationError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return None, []


def restore_weights(model: Any, checkpoint: Checkpoint) -> None:
    """Gives a model and its optimizer the values of their variables.

    Raises:
        SerializationError: the file is of another model.
        ShapeError: likewise.
    """
    from etude.saving import weights  # noqa: PLC0415  (h5py is slow to import)

    weights.from_source(model, Source(checkpoint.weights, str(checkpoint.path)))
