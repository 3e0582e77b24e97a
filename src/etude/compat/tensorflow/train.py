"""`tf.train`: checkpoints of Variables, and Examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from etude.compat.missing import lacks
from etude.compat.tensorflow.records import BytesList as BytesList
from etude.compat.tensorflow.records import Example as Example
from etude.compat.tensorflow.records import Feature as Feature
from etude.compat.tensorflow.records import Features as Features
from etude.compat.tensorflow.records import FloatList as FloatList
from etude.compat.tensorflow.records import Int64List as Int64List
from etude.errors import DataError
from etude.saving.numpy_files import NpzFile

_SUFFIX = ".ckpt.npz"


class _Status:
    """What `restore` returns; TensorFlow's checks of it pass, as restoring is strict here."""

    def assert_consumed(self) -> _Status:
        """Itself."""
        return self

    def assert_existing_objects_matched(self) -> _Status:
        """Itself."""
        return self

    def expect_partial(self) -> _Status:
        """Itself."""
        return self


class Checkpoint:
    """The Variables of models, optimizers and other objects, in a file of NumPy arrays.

    Args:
        root: an object, or None.
        **kwargs: more of them, by name.
    """

    def __init__(self, root: Any = None, **kwargs: Any):
        self._objects = {**({} if root is None else {"root": root}), **kwargs}
        self.save_counter = 0

    def __getattr__(self, name: str) -> Any:
        objects = self.__dict__.get("_objects", {})
        if name in objects:
            return objects[name]
        raise AttributeError(f"The checkpoint has no object {name!r}.")

    def _variables(self) -> Iterator[tuple[str, Any]]:
        for name, value in self._objects.items():
            found = [value] if hasattr(value, "__etude_tensor__") else value.variables
            for i, variable in enumerate(found):
                yield f"{name}/{i}", variable

    def write(self, file_prefix: Any) -> str:
        """Writes the file; returns its name without the ending."""
        path = Path(f"{file_prefix}{_SUFFIX}")
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(path.name + ".new.npz")
        values: dict[str, Any] = {name: np.asarray(v) for name, v in self._variables()}
        np.savez(scratch, **values)
        scratch.replace(path)
        return str(file_prefix)

    def save(self, file_prefix: Any) -> str:
        """Writes the file with a number that counts up; returns its name without the ending."""
        self.save_counter += 1
        return self.write(f"{file_prefix}-{self.save_counter}")

    def restore(self, save_path: Any) -> _Status:
        """Assigns the values of a file; nothing where there is no name, as after the first start.

        Raises:
            DataError: there is no such file, or it holds other Variables.
        """
        if save_path is None:
            return _Status()
        path = Path(f"{save_path}{_SUFFIX}")
        if not path.exists():
            raise DataError(f"There is no checkpoint {path}.")
        with NpzFile(path) as values:
            for name, variable in self._variables():
                if name not in values:
                    raise DataError(
                        f"The checkpoint {path} has no value for {name} ({variable.path}). Build "
                        "model and optimizer first, as they were when it was written."
                    )
                variable.assign(values[name])
        return _Status()

    read = restore


class CheckpointManager:
    """Writes checkpoints to a folder, and keeps the last few.

    Args:
        checkpoint: a `Checkpoint`.
        directory: the folder.
        max_to_keep: how many to keep; None: all.
        checkpoint_name: the beginning of the files' names.
        **_: accepted.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        directory: Any,
        max_to_keep: int | None = 5,
        checkpoint_name: str = "ckpt",
        **_: Any,
    ):
        self.checkpoint, self.directory = checkpoint, Path(directory)
        self.max_to_keep, self._name = max_to_keep, checkpoint_name

    @property
    def checkpoints(self) -> list[str]:
        """The checkpoints that are there, the oldest first."""
        return [str(self.directory / f"{self._name}-{n}") for n in self._numbers()]

    def _numbers(self) -> list[int]:
        return [n for n, name in _found(self.directory) if name == self._name]

    @property
    def latest_checkpoint(self) -> str | None:
        """The newest one."""
        found = self.checkpoints
        return found[-1] if found else None

    def save(self, checkpoint_number: Any = None, **_: Any) -> str:
        """Writes the next one, and deletes the oldest beyond those to keep."""
        number = max(self._numbers(), default=0) + 1
        number = number if checkpoint_number is None else int(checkpoint_number)
        path = self.checkpoint.write(self.directory / f"{self._name}-{number}")
        if self.max_to_keep:
            for old in self.checkpoints[: -self.max_to_keep]:
                Path(old + _SUFFIX).unlink()
        return path


def _found(directory: Path) -> list[tuple[int, str]]:
    """Numbers and names of the checkpoints in a folder, in the order of the numbers."""
    pattern = re.compile(rf"(.+)-(\d+){re.escape(_SUFFIX)}")
    matches = (pattern.fullmatch(p.name) for p in directory.glob(f"*{_SUFFIX}"))
    return sorted((int(m[2]), m[1]) for m in matches if m)


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """The newest checkpoint in a folder, or None.

    >>> latest_checkpoint("no such folder") is None
    True
    """
    found = _found(Path(checkpoint_dir))
    return str(Path(checkpoint_dir) / f"{found[-1][1]}-{found[-1][0]}") if found else None


__getattr__ = lacks("tf.train", __name__)
