"""Where Keras keeps the data of its own data sets, and how those files are read."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import Any

import numpy as np

from etude.datasets.arrays import Split, unpickle_arrays
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Address, Licence
from etude.errors import ArgumentError, FetchError, SerializationError
from etude.saving.numpy_files import NpzFile, npy_header, read_npy

__all__ = [
    "BASE",
    "TORONTO",
    "known_words",
    "numbered",
    "read_images",
    "read_npz",
    "record",
    "split_words",
]

BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"


def record(name: str, what: str, file: Blob, licence: Licence, base: str = BASE) -> DataSet:
    """The record of a data set that is one file at its canonical address."""
    source = Address(base=base, files=(file,), licence=licence)
    return DataSet(name=name, what=what, files=(file,), sources=(source,))


def read_npz(content: bytes) -> dict[str, Any]:
    """The arrays of an ``.npz`` file by name; lists of integers of different lengths as such.

    Raises:
        FetchError: the file is damaged, or holds other objects.
    """
    found: dict[str, Any] = {}
    try:
        with NpzFile(io.BytesIO(content), "the .npz file") as arrays:
            for name in arrays:
                found[name] = _read_npy(arrays.content(name), name)
    except (SerializationError, ValueError) as error:
        raise FetchError(f"a damaged .npz file: {error}") from error
    return found


def _read_npy(content: bytes, name: str) -> Any:
    """An array; where it is one of lists, as in the files of IMDB and Reuters, these."""
    *_, dtype, start = npy_header(content, name)
    if dtype.hasobject:
        return unpickle_arrays(io.BytesIO(content[start:]), lists=True)
    return read_npy(content, name)


def read_images(content: bytes, names: tuple[str, ...], label_key: str) -> list[Any]:
    """Images and labels of the pickled batches in an archive of the CIFAR data sets.

    Args:
        content: the archive, whose hash was checked.
        names: the batches, as members of the archive.
        label_key: under which key a batch has its labels.

    Returns:
        Images (N, 32, 32, 3), uint8, and labels (N, 1), uint8.

    Raises:
        FetchError: the archive lacks a batch, or a batch holds something else.
    """
    images, labels = [], []
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as archive:
        for name in names:
            try:
                member = archive.extractfile(name)
            except KeyError:
                member = None
            if member is None:
                raise FetchError(f"the archive holds no file {name}")
            batch = unpickle_arrays(io.BytesIO(member.read()))
            images.append(batch["data"].reshape(-1, 3, 32, 32))  # (N, 3, 32, 32)
            labels.append(np.array(batch[label_key], dtype="uint8"))
    stacked = np.concatenate(images).transpose(0, 2, 3, 1)  # (N, 32, 32, 3)
    return [np.ascontiguousarray(stacked), np.concatenate(labels).reshape(-1, 1)]


def numbered(
    xs: Any, labels: Any, maxlen: int | None, start_char: int | None, index_from: int | None
) -> tuple[list[list[int]], list[Any]]:
    """Sequences of word numbers with room for reserved numbers, without those that are too long.

    Args:
        xs: the sequences; word 1 is the most frequent.
        labels: of the sequences.
        maxlen: sequences of this length or longer are left out.
        start_char: what begins every sequence.
        index_from: added to every number.

    Raises:
        ArgumentError: no sequence is short enough.

    >>> numbered([[1, 2], [5]], [0, 1], maxlen=3, start_char=1, index_from=3)
    ([[1, 8]], [1])
    """
    shift, start = index_from or 0, [] if start_char is None else [start_char]
    sequences = [[*start, *(int(w) + shift for w in x)] for x in xs]
    pairs = zip(sequences, labels, strict=True)
    kept = [(x, y) for x, y in pairs if not maxlen or len(x) < maxlen]
    if not kept:
        raise ArgumentError(
            f"After filtering for sequences shorter than maxlen={maxlen}, no sequence was kept. "
            "Increase maxlen."
        )
    return [x for x, _ in kept], [y for _, y in kept]


def known_words(
    sequences: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """Sequences in which only some words keep their numbers.

    Without ``num_words`` the largest number is the limit, which, as in Keras, is not below itself.

    Args:
        sequences: the sequences.
        num_words: words with this number or a higher one are unknown.
        skip_top: words below this number are unknown.
        oov_char: the number of unknown words; ``None`` leaves them out.

    >>> known_words([[1, 4, 9, 7]], num_words=9, skip_top=0, oov_char=2)
    [[1, 4, 2, 7]]
    """
    limit = num_words or max(max(x) for x in sequences if x)
    if oov_char is None:
        return [[w for w in x if skip_top <= w < limit] for x in sequences]
    return [[w if skip_top <= w < limit else oov_char for w in x] for x in sequences]


def split_words(sequences: list[list[int]], labels: list[Any], count: int) -> Split:
    """The first ``count`` samples to train on, the rest to test; objects of different lengths."""
    x = np.empty(len(sequences), dtype=object)
    x[:] = sequences
    y = np.array(labels)
    return (x[:count], y[:count]), (x[count:], y[count:])
