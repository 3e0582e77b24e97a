"""Mutable slots, and what a running trace sees of them.

A `Cell` holds one array; a Variable is a named Cell. While a program is traced, or shapes are
evaluated abstractly, a `Frame` stands between the code and the cells: it answers reads with the
values that the trace has bound, keeps writes to itself, and remembers which cells were touched.
That is how imperative code that reads and assigns Variables becomes a pure program.

Frames nest (a loop body inside a program) and belong to one thread.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

Array = Any

STATE = threading.RLock()
"""Held while a program gives the memory of cells away and puts new arrays in: nobody may see a
cell in between, and what was read before must have been marked as shared."""


class Cell:
    """A mutable slot that holds one array.

    Attributes:
        array: the value outside of any trace.
        shared: whether someone else may hold the same array, so that its memory must not be
            given away (donated) to a program.
    """

    __slots__ = ("__weakref__", "array", "shared")

    def __init__(self, array: Array):
        self.array = array
        self.shared = True

    def read(self) -> Array:
        """The value as the innermost frame of this thread sees it."""
        frame = _local.frame
        if frame is not None:
            return frame.read(self)
        with STATE:
            self.shared = True
            return self.array

    def write(self, array: Array) -> None:
        """Replaces the value, for the innermost frame of this thread or for good."""
        frame = _local.frame
        if frame is None:
            with STATE:
                self.array = array
                self.shared = True
        else:
            frame.write(self, array)


class Frame:
    """What a trace sees of the cells; use it as a context manager.

    Attributes:
        values: the cells bound or written here, with their current values.
        reads: cells whose values came from outside this frame, in order.
        writes: cells written here, in order.
        notes: what traced operations said about themselves, for the whole stack of frames.
    """

    def __init__(self, bound: Iterable[tuple[Cell, Array]] = (), shapes_only: bool = False):
        self.values: dict[Cell, Array] = dict(bound)
        self.reads: dict[Cell, None] = {}
        self.writes: dict[Cell, None] = {}
        self.parent: Frame | None = None
        self.notes: set[str] = set()
        self.shapes_only = shapes_only

    def __enter__(self) -> Frame:
        self.parent = _local.frame
        if self.parent is not None:
            self.notes = self.parent.notes
            self.shapes_only = self.shapes_only or self.parent.shapes_only
        _local.frame = self
        return self

    def __exit__(self, *_: object) -> None:
        _local.frame = self.parent

    def read(self, cell: Cell) -> Array:
        """The value of a cell here, or else in the frames around this one."""
        if cell in self.values:
            return self.values[cell]
        self.reads[cell] = None
        return cell.array if self.parent is None else self.parent.read(cell)

    def write(self, cell: Cell, array: Array) -> None:
        """Keeps a new value of a cell in this frame."""
        self.values[cell] = array
        self.writes[cell] = None


class _Local(threading.local):
    frame: Frame | None = None


_local = _Local()


def in_frame() -> bool:
    """Whether this thread is tracing a program or evaluating shapes."""
    return _local.frame is not None


def shapes_only() -> bool:
    """Whether only shapes are wanted, so that costly arithmetic may be left out."""
    return _local.frame is not None and _local.frame.shapes_only


def note(what: str) -> None:
    """Leaves a remark about the program being traced, e.g. that it holds a convolution."""
    if _local.frame is not None:
        _local.frame.notes.add(what)


@contextmanager
def no_frame() -> Generator[None]:
    """Suspends all frames: reads and writes inside go to the cells themselves."""
    frame, _local.frame = _local.frame, None
    try:
        yield
    finally:
        _local.frame = frame
