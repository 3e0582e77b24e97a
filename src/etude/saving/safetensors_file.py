"""Weights as safetensors: a header of names, dtypes, shapes and places, and the numbers.

A weight is called by the path to the object that owns it, as in ``*.weights.h5``, and by its own
name: ``layers.dense_1.kernel``. These names depend on the architecture alone, not on how many
layers were made before. The names that layers have are noted in the header, for `by_name`.

The format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from etude.errors import SerializationError, ShapeError
from etude.saving.files import write_atomically
from etude.saving.hdf5.source import Source
from etude.tracebacks import warn

__all__ = ["ENDING", "Tensors", "load", "opened", "save", "write"]

ENDING = ".safetensors"
MAX_HEADER_BYTES = 100 << 20  # as in the reader of the format's authors
METADATA, LAYER_NAMES = "__metadata__", "layer_names"
DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32",
    "I32": "int32", "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "uint16",
    "F32": "float32", "F64": "float64",
}  # fmt: skip
NAMES = frozenset((*DTYPES.values(), "bfloat16"))


class Tensors:
    """An open file: which arrays it holds; each is read when it is asked for.

    Args:
        source: the file.

    Raises:
        SerializationError: the header is no header, or does not fit the file.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._header, self.metadata, self._start = _header(source)
        self._check_places()

    def _check_places(self) -> None:
        """The arrays must fill the file, one after the other, without holes and overlaps."""
        end = 0
        places = sorted((entry["data_offsets"], name) for name, entry in self._header.items())
        for (start, stop), name in places:
            if start != end:
                what = "overlaps with the one before" if start < end else "has a hole before it"
                raise self.source.refused(f"the array {name!r} {what}")
            end = stop
        if self._start + end != self.source.size:
            raise self.source.damaged(
                f"its header speaks of {self._start + end} bytes, and it has {self.source.size}"
            )

    def __iter__(self) -> Iterator[str]:
        return iter(self._header)

    def __len__(self) -> int:
        return len(self._header)

    def __contains__(self, name: str) -> bool:
        return name in self._header

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""
        return tuple(self._header[name]["shape"])

    def dtype(self, name: str) -> str:
        """The dtype of an array, as the format calls it: ``"F32"``."""
        return self._header[name]["dtype"]

    def size(self, name: str) -> int:
        """How many bytes an array has."""
        start, stop = self._header[name]["data_offsets"]
        return stop - start

    def __getitem__(self, name: str) -> np.ndarray[Any, Any]:
        entry = self._header[name]
        start, stop = entry["data_offsets"]
        data = self.source.data(self._start + start, stop - start)
        dtype = np.dtype(DTYPES[entry["dtype"]]).newbyteorder("<")
        found = np.frombuffer(data, dtype).reshape(entry["shape"])
        if entry["dtype"] == "BF16":  # NumPy has no such type: the same values in 32 bits
            return (found.astype("uint32") << 16).view("float32")
        return found


def _header(source: Source) -> tuple[dict[str, Any], dict[str, str], int]:
    """What a header says of arrays, its notes, and where the numbers begin."""
    if source.size < 8:
        raise source.damaged("it is too short for a header")
    length = int.from_bytes(source.data(0, 8), "little")
    if length > min(MAX_HEADER_BYTES, source.size - 8):
        raise source.damaged(f"its header would have {length} bytes, and it has {source.size}")
    try:
        found = json.loads(bytes(source.data(8, length)), object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise source.damaged(f"its header cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise source.damaged("its header is no dictionary")
    metadata = found.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise source.damaged("the notes in its header are no texts")
    for name, entry in found.items():
        _check_entry(source, name, entry)
    return found, metadata, 8 + length


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("two entries of one name")
    return found


def _check_entry(source: Source, name: str, entry: Any) -> None:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise source.damaged(f"its header says of {name!r} something else than expected")
    dtype, shape, places = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise source.refused(f"the array {name!r} has the unknown dtype {str(dtype)[:40]!r}")
    if not _sizes(shape) or not _sizes(places) or len(places) != 2 or len(shape) > 32:
        raise source.damaged(f"the shape or the place of the array {name!r} is none")
    size = math.prod(shape) * np.dtype(DTYPES[dtype]).itemsize
    if places[1] - places[0] != size:
        raise source.refused(
            f"the array {name!r} of shape {tuple(shape)} and dtype {dtype} takes {size} bytes, and "
            f"the file has {places[1] - places[0]} for it"
        )


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(n) is int and 0 <= n < 1 << 63 for n in value)


@contextmanager
def opened(path: Path) -> Iterator[Tensors]:
    """A file to read from while the block lasts."""
    source = Source(path, str(path))
    try:
        yield Tensors(source)
    finally:
        source.close()


# ---- writing ----------------------------------------------------------------------------------


def write(path: Path, arrays: dict[str, Any], metadata: dict[str, str]) -> None:
    """Writes arrays by their names, at once or not at all."""
    from safetensors.numpy import save_file  # noqa: PLC0415  (slow to import)

    for name, array in arrays.items():
        if array.dtype.name not in NAMES:
            raise SerializationError(
                f"{path.name}: the weight {name!r} is of dtype {array.dtype}, which safetensors "
                "does not have."
            )
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomically(path, lambda part: save_file(tensors, part, metadata))


def save(path: Path, weights: dict[str, Any], layer_names: dict[str, str]) -> None:
    """Writes the weights of a model.

    Args:
        path: the file.
        weights: the Variables by their names in the file.
        layer_names: the names of layers, by their paths.
    """
    arrays = {name: np.asarray(weight.numpy()) for name, weight in weights.items()}
    # One note: the library writes several in an order that changes from run to run.
    write(path, arrays, {LAYER_NAMES: json.dumps(layer_names)})


# ---- reading ----------------------------------------------------------------------------------


def load(
    path: Path,
    weights: dict[str, Any],
    layer_names: dict[str, str],
    known: Collection[str],
    skip_mismatch: bool,
    by_name: bool,
) -> None:
    """Reads the weights of a model; nothing is assigned before everything fits.

    Args:
        path: the file.
        weights: the Variables by their names in a file.
        layer_names: the names of layers, by their paths.
        known: the names of all weights of the model, those that are left as they are among them.
        skip_mismatch: whether what does not fit is left as it is.
        by_name: whether layers are found by their names; those without a namesake are left.

    Raises:
        SerializationError: the file lacks weights, or has more.
        ShapeError: weights have other shapes.
    """
    with opened(path) as tensors:
        names = _renamed(tensors, weights, layer_names) if by_name else {n: n for n in weights}
        kept: list[tuple[Any, str]] = []
        misfits: list[tuple[type[Exception], str]] = []
        for name, weight in weights.items():
            inside = names.get(name)
            if inside is None or inside not in tensors:
                if not by_name:
                    misfits.append((SerializationError, f"it has no {name!r}"))
            elif tensors.shape(inside) != tuple(weight.shape):
                shapes = f"{tuple(weight.shape)} in the model, {tensors.shape(inside)} in the file"
                misfits.append((ShapeError, f"the shapes of {name!r} must match: {shapes}"))
            else:
                kept.append((weight, inside))
        surplus = [name for name in tensors if name not in known]
        if surplus and not by_name:
            shown = ", ".join(surplus[:5]) + (", ..." if len(surplus) > 5 else "")
            misfits.append((SerializationError, f"the model has no place for {shown}"))
        _tell(path, misfits, skip_mismatch)
        for weight, inside in kept:
            weight.assign(tensors[inside])


def _renamed(
    tensors: Tensors, weights: dict[str, Any], layer_names: dict[str, str]
) -> dict[str, str]:
    """Under which name the file has each weight, where it has a layer of the same name."""
    try:
        noted: Any = json.loads(tensors.metadata[LAYER_NAMES])
        paths = {str(name): str(path) for path, name in noted.items()}
    except (KeyError, ValueError, AttributeError, RecursionError) as error:
        raise SerializationError(
            f"{tensors.source.name} does not note the names of layers, so they cannot be found "
            "by name. Load it without `by_name`."
        ) from error
    found = {}
    for name in weights:
        path, _, own = name.rpartition(".")
        there = paths.get(layer_names.get(path, ""))
        if there is not None:
            found[name] = f"{there}.{own}"
    return found


def _tell(path: Path, misfits: list[tuple[type[Exception], str]], skip_mismatch: bool) -> None:
    if not misfits:
        return
    text = f"{path} does not fit the model: {'; '.join(what for _, what in misfits[:5])}."
    if not skip_mismatch:
        kind = ShapeError if any(kind is ShapeError for kind, _ in misfits) else SerializationError
        raise kind(f"{text} With `skip_mismatch=True` it is left as it is.")
    warn(f"{text} It is left as it is.")
