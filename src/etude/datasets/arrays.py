"""From bytes to arrays and back: IDX files, delimited tables, pickled arrays, and the split.

The cache keeps images in the IDX format of the original MNIST: a magic number that names the type
and the rank, the shape, the values; all big-endian. Its bytes are fixed by the values alone, which
cannot be said of `.npz`, so one hash holds for every source and every version of NumPy.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from etude.errors import ArgumentError, FetchError

Split = tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]

_UINT8 = 8  # IDX's code for the type unsigned byte


def write_idx(array: NDArray[np.uint8]) -> bytes:
    """An IDX file with the values of an array.

    Args:
        array: uint8, any shape.

    >>> write_idx(np.array([7, 9], np.uint8)).hex(" ")
    '00 00 08 01 00 00 00 02 07 09'
    """
    if array.dtype != np.uint8:
        raise ArgumentError(f"write_idx() expects a uint8 array, got {array.dtype}.")
    return struct.pack(f">HBB{array.ndim}I", 0, _UINT8, array.ndim, *array.shape) + array.tobytes()


def read_idx(data: bytes) -> NDArray[np.uint8]:
    """The array in an IDX file, uint8, writable.

    Raises:
        FetchError: the bytes are not an IDX file of bytes.

    >>> read_idx(write_idx(np.array([[1, 2, 3]], np.uint8)))
    array([[1, 2, 3]], dtype=uint8)
    """
    zero, kind, rank = struct.unpack_from(">HBB", data) if len(data) >= 4 else (1, 0, 0)
    start = 4 + 4 * rank
    if zero != 0 or kind != _UINT8 or len(data) < start:
        raise FetchError("not an IDX file of unsigned bytes")
    shape = struct.unpack_from(f">{rank}I", data, 4)
    values = np.frombuffer(data, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=object):
        raise FetchError(f"a damaged IDX file: {values.size} values for the shape {shape}")
    return values.reshape(shape).copy()


def read_table(data: bytes, delimiter: str | None = ",", skip: int = 0) -> NDArray[np.float64]:
    r"""A table of numbers in text.

    Args:
        data: the text.
        delimiter: what stands between numbers; ``None`` is any white space.
        skip: how many lines to leave out at the start.

    Returns:
        The numbers, float64, shape (rows, columns).

    >>> read_table(b"a,b\n1,2\n3,4\n", skip=1)
    array([[1., 2.],
           [3., 4.]])
    """
    return np.loadtxt(io.BytesIO(data), delimiter=delimiter, skiprows=skip, ndmin=2)


def shuffle_and_split(
    x: NDArray[Any], y: NDArray[Any], test_split: float = 0.2, seed: int = 113
) -> Split:
    """Shuffles samples and reserves some for testing, exactly as Keras's `boston_housing` does.

    Args:
        x: features, shape (samples, ...).
        y: targets, shape (samples,).
        test_split: the fraction to reserve, at least 0 and less than 1.
        seed: of the shuffle.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``.

    Raises:
        ArgumentError: `test_split` is out of range.

    >>> (x_train, _), (x_test, _) = shuffle_and_split(np.arange(10), np.arange(10))
    >>> len(x_train), len(x_test)
    (8, 2)
    """
    _check_share(test_split)
    order = np.arange(len(x))
    # The old generator, because the same seed should give the same split as in Keras.
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def stratified_split(
    labels: NDArray[Any], test_split: float = 0.2, seed: int = 113, at_least: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which samples are for training and which for testing, the same share of each class.

    Args:
        labels: shape (samples,).
        test_split: the fraction of each class to reserve, at least 0 and less than 1.
        seed: of the choice, and of the order of both parts.
        at_least: so many of each class are reserved, however small it is.

    Returns:
        Indices of both, mixed over the classes.

    Raises:
        ArgumentError: `test_split` is out of range.

    >>> train, test = stratified_split(np.array([0] * 8 + [1] * 4), 0.25, seed=0)
    >>> len(train), sorted(test.tolist())
    (9, [2, 4, 9])
    """
    _check_share(test_split)
    shuffle = np.random.default_rng(seed)
    train, test = [], []
    for label in np.unique(labels):
        mine = shuffle.permutation(np.flatnonzero(labels == label))
        count = max(at_least, round(test_split * len(mine)))
        test.append(mine[:count])
        train.append(mine[count:])
    return shuffle.permutation(np.concatenate(train)), shuffle.permutation(np.concatenate(test))


def _check_share(test_split: float) -> None:
    if not 0 <= test_split < 1:
        raise ArgumentError(
            f"`test_split` must be at least 0 and less than 1; got {test_split!r}. "
            "It is the fraction of the samples to reserve for testing."
        )


def unpickle_arrays(file: io.BufferedIOBase, lists: bool = False) -> Any:
    """Tuples, lists and dictionaries of NumPy arrays from a pickle, and nothing else.

    A pickle is a program; this reader gives it three functions, all of NumPy, that only make
    arrays. Call it on bytes whose hash has been checked.

    Args:
        file: the pickle, also one that Python 2 has written.
        lists: whether an array of lists of numbers is admitted too; lists run nothing either.

    Raises:
        FetchError: the pickle asks for anything else, or is damaged.
    """
    try:
        reader = _ListUnpickler if lists else _ArrayUnpickler
        return reader(file, encoding="latin1").load()
    except FetchError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise FetchError(f"a damaged pickle: {error}") from error


def _dtype(name: Any, align: Any = False, copy: Any = False) -> np.dtype[Any]:
    # Old pickles say 0 and 1 for False and True, which NumPy has begun to warn about.
    dtype = np.dtype(name, align=bool(align), copy=bool(copy))
    if dtype.hasobject:
        raise FetchError("refused: the pickle holds an array of Python objects")
    return dtype


# `_reconstruct` is private; an array's own recipe for pickling names it.
_reconstruct: Callable[..., Any] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _dtype,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise FetchError(f"refused: the pickle asks for {module}.{name}") from None


class _ListUnpickler(_ArrayUnpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        return (
            np.dtype if (module, name) == ("numpy", "dtype") else super().find_class(module, name)
        )
