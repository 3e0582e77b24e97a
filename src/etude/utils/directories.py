"""Folders of files as data sets: which files there are, their labels, their split in two."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from etude.data import AUTOTUNE, Dataset
from etude.errors import ArgumentError, DataError
from etude.messages import say
from etude.random import make_default_seed

__all__ = ["Folder", "class_folders", "dataset_from_folder", "files_below"]


@dataclass(frozen=True, kw_only=True)
class Folder:
    """The arguments that all the data sets from a folder share.

    Args:
        directory: the folder.
        labels: ``"inferred"`` from the names of subfolders, ``None``, or a label for each file in
            the order of their sorted paths.
        label_mode: ``"int"``, ``"categorical"`` (one-hot), ``"binary"`` (floats), or ``None``.
        class_names: the subfolders to use, in the order of their labels.
        batch_size: files in a batch; ``None`` gives them one by one.
        shuffle: whether their order is random.
        seed: of the order.
        validation_split: the share of the files that is kept for validation.
        subset: ``"training"``, ``"validation"`` or ``"both"``.
        follow_links: whether links to folders are followed.
        verbose: whether the number of files is printed.
    """

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Any
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def check(self, what: str) -> None:
        """Raises where arguments are wrong or do not go together.

        Raises:
            ArgumentError: they are.
        """
        if self.labels not in ("inferred", None) and not isinstance(self.labels, (list, tuple)):
            raise ArgumentError(
                "`labels` argument should be a list/tuple of integer labels, of the same size as "
                f"the number of {what} files in the target directory; or 'inferred', or None. "
                f"Received: labels={self.labels}"
            )
        if self.class_names and self.labels != "inferred":
            raise ArgumentError(
                'You can only pass `class_names` if `labels="inferred"`. Received: '
                f"labels={self.labels}, and class_names={self.class_names}"
            )
        if self.label_mode not in ("int", "categorical", "binary", None):
            raise ArgumentError(
                '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
                f"Received: label_mode={self.label_mode}"
            )
        _check_split(self.validation_split, self.subset, self.shuffle, self.seed)


def _check_split(split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if split and not 0 < split < 1:
        raise ArgumentError(f"`validation_split` must be between 0 and 1, received: {split}")
    if bool(split) != bool(subset):
        raise ArgumentError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ArgumentError(
            f'`subset` must be either "training", "validation" or "both", received: {subset}'
        )
    if split and shuffle and seed is None:
        raise ArgumentError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` "
            "argument, to make sure that there is no overlap between the training and validation "
            "subset."
        )


def dataset_from_folder(
    folder: Folder,
    what: str,
    endings: tuple[str, ...],
    read: Callable[[str], Any],
    pad: bool = False,
) -> Any:
    """The files of a folder as a data set of batches, or as two.

    Args:
        folder: where they are, and how they are labelled and split.
        what: what the files are called in messages.
        endings: of the names of the files to use.
        read: makes an array of a path.
        pad: whether arrays of different lengths are padded to one.

    Raises:
        ArgumentError: arguments do not go together, or labels do not fit the files.
        DataError: there are no such files.
    """
    folder.check(what)
    seed = make_default_seed() % 10**6 if folder.seed is None else folder.seed
    paths, labels, class_names = _index(folder, endings, seed)
    if folder.label_mode == "binary" and class_names is not None and len(class_names) != 2:
        raise ArgumentError(
            'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: '
            f"class_names={class_names}"
        )
    subsets = {"both": ["training", "validation"]}.get(str(folder.subset), [folder.subset])
    found = []
    for subset in subsets:
        part, part_labels = _subset(paths, labels, folder, subset)
        if not part:
            raise DataError(
                f"No {subset + ' ' if subset else ''}{what} files found in directory "
                f"{folder.directory}. Allowed formats: {endings}"
            )
        shuffle = folder.shuffle and not (folder.subset == "both" and subset == "validation")
        data = _dataset(part, part_labels, folder, len(class_names or ()), read, shuffle, seed)
        if folder.batch_size is not None:
            batch = data.padded_batch if pad else data.batch
            data = batch(folder.batch_size)
        data = data.prefetch(AUTOTUNE)
        data.class_names, data.file_paths = class_names, part  # type: ignore[attr-defined]
        found.append(data)
    return found if folder.subset == "both" else found[0]


def _dataset(
    paths: list[str],
    labels: Any,
    folder: Folder,
    classes: int,
    read: Callable[[str], Any],
    shuffle: bool,
    seed: int,
) -> Dataset:
    """Arrays, with labels where there are some; files are read ahead in threads."""
    places = Dataset.range(len(paths))
    if shuffle:
        places = places.shuffle((folder.batch_size or 128) * 8, seed=seed)
    if labels is None:
        return places.map(lambda i: read(paths[int(i)]), num_parallel_calls=AUTOTUNE)
    encoded = _encoded(labels, folder.label_mode, classes)
    return places.map(lambda i: (read(paths[int(i)]), encoded[int(i)]), num_parallel_calls=AUTOTUNE)


def _encoded(labels: Any, label_mode: str | None, classes: int) -> Any:
    numbers = np.asarray(labels)
    if label_mode == "binary":
        return numbers.astype("float32")[:, None]  # (N, 1)
    if label_mode == "categorical":
        return np.eye(classes, dtype="float32")[numbers]  # (N, classes)
    return numbers.astype("int32")


def _index(folder: Folder, endings: tuple[str, ...], seed: int) -> tuple[list[str], Any, Any]:
    """Paths, labels and names of classes, in the order that Keras finds and shuffles them."""
    root = Path(folder.directory)
    if not root.is_dir():
        raise DataError(f"There is no folder {root}. It should hold a subfolder for each class.")
    has_labels = folder.labels is not None and folder.label_mode is not None
    if folder.labels == "inferred" and has_labels:
        names = class_folders(root, folder.class_names)
        paths, labels = [], []
        for number, name in enumerate(names):
            inside = files_below(root / name, endings, folder.follow_links)
            paths += inside
            labels += [number] * len(inside)
    else:
        names = None
        paths = files_below(root, endings, folder.follow_links)
        labels = list(folder.labels or ()) if has_labels else None
        if labels is not None:
            if len(labels) != len(paths):
                raise ArgumentError(
                    "Expected the lengths of `labels` to match the number of files in the target "
                    f"directory. len(labels) is {len(labels)} while we found {len(paths)} files in "
                    f"directory {folder.directory}."
                )
            names = [str(label) for label in sorted(set(labels))]
    if folder.verbose:
        classes = "" if names is None else f" belonging to {len(names)} classes"
        say(f"Found {len(paths)} files{classes}.")
    if folder.shuffle:
        order = np.random.RandomState(seed).permutation(len(paths))
        paths = [paths[i] for i in order]
        labels = None if labels is None else [labels[i] for i in order]
    return paths, labels, names


def class_folders(root: Path, class_names: Any) -> list[str]:
    """The names of the folders in a folder, which are those of classes; or those of them asked for.

    Raises:
        ArgumentError: some that are asked for are not there.
    """
    found = sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if class_names is None:
        return found
    if not set(class_names) <= set(found):
        raise ArgumentError(
            "The `class_names` passed did not match the names of the subdirectories of the target "
            f"directory. Expected: {found} (or a subset of it), but received: "
            f"class_names={class_names}"
        )
    return list(class_names)


def files_below(folder: Path, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    """All files below a folder, folder by folder, each in the order of names."""
    walk = sorted(os.walk(folder, followlinks=follow_links), key=lambda entry: entry[0])
    return [
        os.path.join(place, name)
        for place, _, names in walk
        for name in sorted(names)
        if name.lower().endswith(endings)
    ]


def _subset(paths: list[str], labels: Any, folder: Folder, subset: str | None) -> tuple[Any, Any]:
    """The part of the files that is trained on, or the last ones, for validation."""
    if not folder.validation_split:
        return paths, labels
    count = int(folder.validation_split * len(paths))
    cut = len(paths) - count
    part = slice(None, cut) if subset == "training" else slice(cut, None)
    if folder.verbose:
        say(f"Using {cut if subset == 'training' else count} files for {subset}.")
    return paths[part], None if labels is None else labels[part]
