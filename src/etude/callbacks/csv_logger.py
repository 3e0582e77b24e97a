"""`CSVLogger`: writes losses and metrics into a table."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from etude.callbacks.callback import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Writes a line per epoch into a CSV file.

    Args:
        filename: the file.
        separator: between the values of a line.
        append: whether lines are added to a file that is there.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self.csv_file: Any = None
        self.writer: Any = None
        self._header = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the file."""
        path = Path(self.filename)
        self._close()
        # What is in it stays until the first line: training may go on from a checkpoint.
        self.csv_file = path.open("a", newline="", encoding="utf-8")
        self._header = not (self.append and path.stat().st_size > 0)
        self.keys = None

    def get_state(self) -> dict[str, Any]:
        """How long the file is, and what its columns are."""
        if self.csv_file is None or self.keys is None:
            return {}
        return {"size": self.csv_file.tell(), "keys": self.keys}

    def set_state(self, state: dict[str, Any]) -> None:
        """Cuts off the lines of epochs that are trained once more."""
        if self.csv_file.tell() < state["size"]:
            return  # it is another file: it begins anew
        self.csv_file.truncate(state["size"])
        self.csv_file.seek(0, os.SEEK_END)
        self.keys = list(state["keys"])
        self.writer = self._make_writer()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes a line."""
        logs = logs or {}
        if self.csv_file is None:
            return
        if self.keys is None:
            self.keys = sorted(logs)
            if self.keys and not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            self.writer = self._make_writer()
            if not self.append:
                self.csv_file.truncate(0)
            if self._header:
                self.writer.writerow(["epoch", *self.keys])
        self.writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.csv_file.flush()

    def _make_writer(self) -> Any:
        return csv.writer(self.csv_file, delimiter=self.sep, lineterminator="\n")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the file."""
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None


def _cell(value: Any) -> Any:
    if not isinstance(value, str) and np.ndim(value) > 0:
        return f'"[{", ".join(map(str, value))}]"'
    return value
