"""A script that trains, as a user writes it; it is killed, and run again as it is.

    python -m tests.crash.training numpy FOLDER [N [short]]

It prints a line when training begins, and writes what it ends with to FOLDER/result.json. With N
above 0, it kills itself in the N-th act of saving: half-way through a file, before one is forced to
the disk, before it is moved to its place. It trains twice, or once where it is to be short.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import etude
from etude import callbacks, layers, optimizers
from etude.data import Dataset

PAUSE = 0.008  # seconds after every step, so that there is time to be killed in
RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 5)).astype("float32")
Y = (X.sum(axis=1) > 0).astype("int32")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mark(callbacks.Callback):
    """Notes in a file what is going on: it is there also when the process is not any more."""

    def __init__(self, folder: Path) -> None:
        self.file = os.open(folder / "where", os.O_WRONLY | os.O_CREAT)

    def note(self, what: bytes) -> None:
        os.pwrite(self.file, what, 0)

    def on_train_begin(self, logs: Any = None) -> None:
        print("training", flush=True)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.note(b"steps")
        time.sleep(PAUSE)

    def on_test_begin(self, logs: Any = None) -> None:
        self.note(b"valid")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        time.sleep(PAUSE)

    def on_test_end(self, logs: Any = None) -> None:
        self.note(b"steps")


class Backup(callbacks.BackupAndRestore):
    """A backup that says when it is at work."""

    mark: Mark

    def _save(self) -> None:
        self.mark.note(b"saves")
        super()._save()
        self.mark.note(b"steps")


def kill_while_saving(number: int) -> None:
    """Has the process die in the ``number``-th act of saving."""
    acts = 0

    def dying(act: Callable[..., Any], before: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            nonlocal acts
            acts += 1
            if acts == number:
                before(*args)
                die()
            return act(*args, **kwargs)

        return called

    def write_half(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])

    os.fsync = dying(os.fsync, lambda *_: None)
    os.replace = dying(os.replace, lambda *_: None)
    os.link = dying(os.link, lambda *_: None)
    Path.write_bytes = dying(Path.write_bytes, write_half)


def fitted(folder: Path, mark: Mark, x: Any, y: Any, number: int, **options: Any) -> Any:
    model = etude.Sequential(
        [
            layers.Input((5,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Dense(2, "softmax"),
        ]
    )
    rule = optimizers.Adam(0.02, use_ema=number == 1, ema_momentum=0.9)
    model.compile(rule, "sparse_categorical_crossentropy", metrics=["accuracy"])
    backup = Backup(folder / f"backup-{number}", save_freq=4, delete_checkpoint=False)
    backup.mark = mark
    model.fit(
        x,
        y,
        epochs=8,
        validation_data=(X[:20], Y[:20]),
        validation_batch_size=10,
        verbose=0,
        callbacks=[
            mark,
            callbacks.ReduceLROnPlateau(factor=0.5, patience=1),
            backup,
            callbacks.EarlyStopping(patience=20, restore_best_weights=True),
        ],
        **options,
    )
    return model


def digest(model: Any) -> str:
    """All bits of a model and its optimizer, and the history, as a hash."""
    found = hashlib.sha256(json.dumps(model.history.history).encode())
    for variable in [*model.variables, *model.optimizer.variables]:
        found.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return found.hexdigest()


def main(engine: str, folder: Path, number: int = 0, short: bool = False) -> None:
    etude.config.set_engine(engine)
    etude.utils.set_random_seed(1)
    if number:
        kill_while_saving(number)
    mark = Mark(folder)
    data = Dataset.from_tensor_slices((X, Y)).shuffle(70)
    data = data.map(lambda x, y: (x + np.random.normal(size=5) * 0.1, y)).batch(10)
    models = [fitted(folder, mark, X, Y, 1, batch_size=10)]
    if not short:
        models.append(fitted(folder, mark, data, None, 2, steps_per_epoch=7))
    part = folder / "result.part"
    part.write_text(json.dumps([digest(model) for model in models]))
    part.rename(folder / "result.json")


if __name__ == "__main__":
    engine, folder, *rest = sys.argv[1:]
    main(engine, Path(folder), int(rest[0]) if rest else 0, rest[1:] == ["short"])
