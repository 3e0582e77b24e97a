"""What Python code changes while it is traced, and then never again: noticed, and said.

A compiled program is traced once and then runs without Python. ``self.counter += 1`` in it counts
traces, not steps; a list grows by what no step computed; ``print`` prints once or twice. Each of
them is found by comparing plain state before and after a trace, so that steps cost nothing.
"""

# Attributes and globals are of any type:
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false
from __future__ import annotations

import inspect
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable
from contextlib import contextmanager
from types import CodeType
from typing import Any, NamedTuple

from etude.tracebacks import is_machinery, warn

__all__ = ["SideEffects"]

_PLAIN = (bool, int, float, str, type(None))
_CONTAINERS = (list, dict, set, deque)

Place = tuple[int, str]
"""An object by its identity, and the name of what belongs to it."""


class _Seen(NamedTuple):
    """A piece of state: what to call it, and its value, or the size of a container."""

    path: str
    value: Any
    is_size: bool


class SideEffects:
    """Compares plain state around the traces of one program.

    Args:
        at_once: whether one trace that changes a number is enough. Else two with the same shapes
            are needed: what is set to the same value each time, such as a size, is no harm, and
            neither is what is made once.
    """

    def __init__(self, at_once: bool = False):
        self.at_once = at_once
        self._changed: set[tuple[Place, Hashable]] = set()
        self._told: set[Place] = set()

    @contextmanager
    def watching(
        self,
        what: str,
        objects: Iterable[Any],
        functions: Iterable[Callable[..., Any]],
        shapes: Hashable = None,
    ) -> Generator[None]:
        """Compares before and after what is inside, a trace.

        Args:
            what: the name of what is traced, for the warning.
            objects: whose attributes are compared.
            functions: whose globals and outer variables are compared.
            shapes: tells traces apart that may set other values.
        """
        objects, codes = list(objects), [_unwrapped(function) for function in functions]
        names = {name for obj in objects for name in _names_in_methods(type(obj))}
        before = _state(objects, codes, names)
        with _listening() as heard:
            yield
        after = _state(objects, codes, names)
        changes = [
            (place, then, after[place])
            for place, then in before.items()
            if place in after and _differs(then, after[place])
        ]
        harmful = [c for c in changes if self._is_harmful(c[0], c[1], c[2], shapes)]
        if harmful or heard:
            warn(_message(what, [(then, now) for _, then, now in harmful], heard))

    def _is_harmful(self, place: Place, then: _Seen, now: _Seen, shapes: Hashable) -> bool:
        if place in self._told:
            return False
        is_count = type(then.value) in (int, float) and not then.is_size
        if (place, shapes) in self._changed or (self.at_once and is_count):
            self._told.add(place)
            return True
        self._changed.add((place, shapes))
        return False


def _state(
    objects: list[Any], functions: list[Callable[..., Any]], private: set[str]
) -> dict[Place, _Seen]:
    found: dict[Place, _Seen] = {}
    for obj in objects:
        for name, value in vars(obj).items():
            if (name in private or not name.startswith("_")) and name != "built":
                _note(found, (id(obj), name), f"{type(obj).__name__}.{name}", value)
    for function in functions:
        code, space = function.__code__, function.__globals__
        for name in _names(code):
            if name in space:
                _note(found, (id(space), name), name, space[name])
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                _note(found, (id(cell), name), name, cell.cell_contents)
            except ValueError:  # it is not set yet
                continue
    return found


def _note(found: dict[Place, _Seen], place: Place, path: str, value: Any) -> None:
    if isinstance(value, _PLAIN):
        found[place] = _Seen(path, value, is_size=False)
    elif isinstance(value, _CONTAINERS):
        found[place] = _Seen(path, len(value), is_size=True)


def _differs(then: _Seen, now: _Seen) -> bool:
    if then.is_size != now.is_size:
        return False
    return then.value != now.value and not (then.value != then.value and now.value != now.value)


def _unwrapped(function: Callable[..., Any]) -> Any:
    """A function as Python code; one without any where it has none, or is part of etude."""
    plain = inspect.unwrap(getattr(function, "__func__", function))
    plain = getattr(plain, "__func__", plain)
    has_code = hasattr(plain, "__code__") and hasattr(plain, "__globals__")
    own = not has_code or is_machinery(str(plain.__globals__.get("__name__", "")))
    return _nothing if own else plain


def _nothing() -> None:
    """Stands for a function that nobody looks into."""


def _names(code: CodeType) -> set[str]:
    """The names that code uses, that inside of it included."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= _names(constant)
    return found


def _names_in_methods(cls: type) -> set[str]:
    """The names that the methods of a user's class use: private attributes of etude are not its."""
    return {
        name
        for base in cls.__mro__
        if base is not object and not is_machinery(base.__module__)
        for member in vars(base).values()
        if hasattr(member, "__code__")
        for name in _names(member.__code__)
    }


class _Ear:
    """Standard output that notes which lines of users write to it."""

    def __init__(self, stream: Any, heard: set[str]):
        self.stream, self.heard, self.thread = stream, heard, threading.get_ident()

    def write(self, text: str) -> Any:
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        by_user = not is_machinery(str(frame.f_globals.get("__name__", "")))
        if by_user and threading.get_ident() == self.thread:
            self.heard.add(f"{frame.f_code.co_filename}, line {frame.f_lineno}")
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_lines_told: set[str] = set()


@contextmanager
def _listening() -> Generator[set[str]]:
    """The lines that print inside, apart from those that were told of already."""
    heard: set[str] = set()
    before = sys.stdout
    ear: Any = _Ear(before, heard)
    sys.stdout = ear
    try:
        yield heard
    finally:
        if sys.stdout is ear:
            sys.stdout = before
    heard -= _lines_told
    _lines_told.update(heard)


def _message(what: str, changes: list[tuple[_Seen, _Seen]], heard: set[str]) -> str:
    parts = [
        f"`{now.path}` changed from {then.value!r} to {now.value!r}" + (" items" * now.is_size)
        for then, now in changes
    ]
    parts += [f"{line} printed" for line in sorted(heard)]
    text = (
        f"While {what} was traced for compilation, {', '.join(parts)}. That is Python, and does "
        "not happen in each step: a compiled program runs without it."
    )
    numbers = [now.path for _, now in changes if not now.is_size]
    if numbers:
        name = numbers[0].rpartition(".")[2]
        owner = "self." if "." in numbers[0] else ""
        text += (
            f" Make it a Variable, `{owner}{name} = etude.Variable(0, trainable=False)`, which is "
            f"made once, and write `{owner}{name}.assign_add(1)` in the step."
        )
    if len(numbers) < len(changes):
        text += " Return what is to be collected, or collect it in a callback."
    choice = "Or run" if changes else "To see each step, run"
    return f"{text} {choice} uncompiled: `compile(..., run_eagerly=True)`, or the engine 'numpy'."
