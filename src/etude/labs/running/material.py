"""The data of a lab: its data set, the user's own, or a stand-in that says that it is one."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from etude import datasets
from etude.errors import ArgumentError, DataError, FetchError
from etude.labs.running import pictures, tables
from etude.labs.running.header import DataNeed

__all__ = ["Material", "as_table", "check_own", "find", "npz_file", "of_table"]

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class Material:
    """Training and test data, and where they come from.

    Attributes:
        name: the data set, or the path of the user's own.
        train: ``(x, y)``; the x of a table with categories holds its columns by name.
        test: ``(x, y)``.
        class_names: by label; none where a number is predicted.
        origin: what is known about the source: address, licence, file.
        stand_in_for: the data set that was wanted and could not be had.
        note: one line for the user, where something has to be said.
        remarks: what was found in the user's own data, and left out of them, a line each.
    """

    name: str
    train: Arrays
    test: Arrays
    class_names: list[str]
    origin: dict[str, Any] = field(default_factory=dict)
    stand_in_for: str | None = None
    note: str = ""
    remarks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The same without the arrays, for reports and JSON."""
        return {
            "name": self.name,
            "stand_in_for": self.stand_in_for,
            "train": len(self.train[1]),
            "test": len(self.test[1]),
            **({"classes": len(self.class_names)} if self.class_names else {}),
            **self.origin,
        }


def find(need: DataNeed, own: Path | None, *, seed: int) -> Material:
    """The data for a run.

    Args:
        need: what the lab's header asks for.
        own: the user's own data, which come first: a folder with one sub-folder per class, or a
            ``.npz`` file with ``x_train``, ``y_train``, ``x_test`` and ``y_test``.
        seed: decides which of the user's images are test images.
    """
    if own is not None:
        return _own(own, need, seed)
    if need.name is None:
        raise ArgumentError("The header of this lab names no data set, so there is none to load.")
    try:
        return _data_set(need.name, need)
    except FetchError as error:
        if need.stand_in is None:
            raise
        missing = error
    try:
        spare = _data_set(need.stand_in, need)
    except FetchError:
        raise missing from None  # the stand-in is missing too: tell about the real thing
    note = (
        f"The data set {need.name!r} cannot be had (`etude data fetch {need.name}` says why); "
        f"training on {need.stand_in!r} in its place."
    )
    return Material(
        spare.name, spare.train, spare.test, spare.class_names, spare.origin, need.name, note
    )


def npz_file(path: Path, size: tuple[int, int] | None = None, channels: int = 1) -> Material:
    """Arrays from a file in the form of Keras's ``mnist.npz``."""
    shape = size if size is None or channels == 1 else (*size, channels)
    keys = ("x_train", "y_train", "x_test", "y_test")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            x_train, y_train, x_test, y_test = (arrays[key] for key in keys)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} cannot be used: it must be a .npz file with the arrays {', '.join(keys)} "
            f"({_first_line(error)})."
        ) from error
    for x, y, part in ((x_train, y_train, "train"), (x_test, y_test, "test")):
        if not len(x) or len(x) != len(y):
            raise DataError(
                f"{path}: x_{part} and y_{part} must have one entry per image, and at least one; "
                f"got the shapes {x.shape} and {y.shape}."
            )
        if shape is not None and x.shape[1:] != shape:
            kind = "grey" if channels == 1 else "colour"
            raise DataError(
                f"{path}: this lab takes {kind} images, (N, {', '.join(map(str, shape))}), with "
                f"{shape[0]}×{shape[1]} pixels; x_{part} has the shape {x.shape}."
            )
        if y.ndim != 1 or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
            raise DataError(
                f"{path}: y_{part} must hold one label per image, a whole number from 0; got "
                f"{y.dtype} of the shape {y.shape}."
            )
    classes = int(max(y_train.max(), y_test.max())) + 1
    origin = {"source": str(path), "licence": "your own data"}
    names = [str(label) for label in range(classes)]
    return Material(str(path), (x_train, y_train), (x_test, y_test), names, origin)


def as_table(material: Material) -> tables.Table:
    """A data set as a table; its columns and classes are named as its module names them."""
    module = getattr(datasets, material.name)
    features, classes = getattr(module, "FEATURES", ()), getattr(module, "CLASSES", ())
    target = getattr(module, "TARGET", "the answer")
    return tables.from_arrays(
        material.name, target, material.train, material.test, features, classes
    )


def of_table(table: tables.Table) -> Material:
    """What a report has to know about the user's table."""
    train, test = table.arrays()
    origin = {"source": table.name, "licence": "your own data", "target": table.target}
    return Material(table.name, train, test, table.class_names, origin)


def check_own(path: Path, need: DataNeed, target: str | None = None) -> None:
    """Tells whether the user's own data have a form that a lab can use, without training on them.

    Raises:
        DataError: they do not.
    """
    if need.table and path.suffix != ".npz":
        tables.check_own(path, target, need.table)
        return
    if target is not None:
        raise DataError(
            f"--target {target}: it names a column of a table, and this lab takes none."
        )
    if path.is_dir():
        if need.image is None:
            raise DataError(f"This lab does not work on images; {path} is a folder of images.")
    elif not (path.suffix == ".npz" and path.is_file()):
        found = "that is neither" if path.exists() else "there is nothing at that path"
        raise DataError(
            f"--data {path}: expected a folder with one sub-folder of images per class, or a .npz "
            f"file with x_train, y_train, x_test and y_test; {found}."
        )


def _own(path: Path, need: DataNeed, seed: int) -> Material:
    check_own(path, need)
    if path.is_dir() and need.image is not None:
        return _folder(path, need.image, need.channels, seed)
    return npz_file(path, need.image, need.channels)


def _folder(path: Path, size: tuple[int, int], channels: int, seed: int) -> Material:
    found = pictures.image_folder(path, size, channels, seed=seed)
    origin = {"source": str(path), "licence": "your own data", **found.counts}
    return Material(
        str(path), found.train, found.test, found.class_names, origin, remarks=found.remarks
    )


def _data_set(name: str, need: DataNeed) -> Material:
    datasets.get(name)  # complains about a name that is not known
    module = getattr(datasets, name)
    (x_train, y_train), (x_test, y_test) = module.load_data()
    if need.image is not None:
        x_train, x_test = (
            x if need.channels > 1 else _fitted(x, need.image) for x in (x_train, x_test)
        )
    named = getattr(module, "CLASSES", None)
    if named is None and not np.issubdtype(y_train.dtype, np.floating):
        named = range(int(max(np.max(y_train), np.max(y_test))) + 1)
    names = [str(name) for name in named or ()]
    return Material(name, (x_train, y_train), (x_test, y_test), names, _origin(name))


def _origin(name: str) -> dict[str, Any]:
    record = datasets.get(name)
    return {
        "what": record.what,
        "licence": ", ".join(licence.name for licence in record.licences),
        "sha256": {file.name: file.sha256 for file in record.files},
    }


def _fitted(images: npt.NDArray[Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """Images brought to a size, with the margin of MNIST: 4 of 28 pixels on each side."""
    if images.shape[1:3] == size:
        return images
    top = max(float(images.max()), 1.0)
    margin = [round(n / 7) for n in size]
    inner = (size[1] - 2 * margin[1], size[0] - 2 * margin[0])
    out = np.zeros((len(images), *size), np.uint8)
    for i, image in enumerate(images):
        grey = Image.fromarray(
            np.round(image.reshape(images.shape[1:3]) * (255 / top)).astype(np.uint8)
        )
        small = np.asarray(grey.resize(inner, Image.Resampling.BICUBIC))
        out[i, margin[0] : size[0] - margin[0], margin[1] : size[1] - margin[1]] = small
    return out


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
