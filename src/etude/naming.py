"""Names: ``dense``, ``dense_1``, ..., and the paths of what is made inside of something else.

A name is made unique by a counter per prefix. A path is the chain of name scopes that are open
while a variable is made: ``sequential/dense/kernel``.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from typing import Any

from etude.errors import ArgumentError

__all__ = [
    "auto_name",
    "clear_session",
    "current_path",
    "get_uid",
    "name_scope",
    "reset_uids",
    "to_snake_case",
    "uniquify",
]

_counts: defaultdict[str, int] = defaultdict(int)


def to_snake_case(name: str) -> str:
    """A class name as a variable name.

    >>> to_snake_case("Conv2DTranspose"), to_snake_case("LSTM")
    ('conv2d_transpose', 'lstm')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(name: str) -> str:
    """The name itself at its first use, then with a number: ``dense``, ``dense_1``, ...

    >>> uniquify("only_in_this_example"), uniquify("only_in_this_example")
    ('only_in_this_example', 'only_in_this_example_1')
    """
    count = _counts[name]
    _counts[name] += 1
    return f"{name}_{count}" if count else name


def auto_name(prefix: str) -> str:
    """A unique name for an object of a class with this name."""
    return uniquify(to_snake_case(prefix))


def get_uid(prefix: str = "") -> int:
    """Counts up the counter of a prefix and returns it.

    >>> get_uid("another_example"), get_uid("another_example")
    (1, 2)
    """
    _counts[prefix] += 1
    return _counts[prefix]


def reset_uids() -> None:
    """Sets all counters back, so that the next ``Dense`` is called ``dense`` again."""
    _counts.clear()


def clear_session(free_memory: bool = True) -> None:
    """Forgets the names given so far, as between two experiments in one process.

    Args:
        free_memory: accepted; memory of models is free when nothing refers to them.
    """
    reset_uids()


class _Scopes(threading.local):
    def __init__(self) -> None:
        self.stack: list[name_scope] = []


_scopes = _Scopes()


class name_scope:
    """Puts a name in front of the paths of all variables that are made inside.

    Args:
        name: the name; it must not contain ``/``.
        caller: the object that opens the scope; if it opened the innermost one already, nothing
            is added.
        deduplicate: whether that is so.
        override_parent: a path that takes the place of the scopes around.

    Raises:
        ArgumentError: the name is no string, or contains ``/``.

    >>> with name_scope("model"), name_scope("dense"):
    ...     current_path()
    'model/dense'
    """

    def __init__(
        self,
        name: str,
        caller: Any = None,
        deduplicate: bool = True,
        override_parent: str | None = None,
    ) -> None:
        if not isinstance(name, str) or "/" in name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(
                f"Argument `name` must be a string and cannot contain character `/`; got {name!r}."
            )
        self.name = name
        self.caller = caller
        self.deduplicate = deduplicate
        self.override_parent = override_parent
        self._is_open: list[bool] = []

    def __enter__(self) -> name_scope:
        last = _scopes.stack[-1] if _scopes.stack else None
        again = (
            self.deduplicate
            and self.caller is not None
            and last is not None
            and last.caller is self.caller
            and last.name == self.name
        )
        if not again:
            _scopes.stack.append(self)
        self._is_open.append(not again)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_open.pop() and _scopes.stack:
            _scopes.stack.pop()


def current_path() -> str:
    """The names of the open scopes, joined by ``/``; empty where none is open."""
    parts: list[str] = []
    for scope in _scopes.stack:
        if scope.override_parent is not None:
            parts = [part for part in scope.override_parent.split("/") if part]
        parts.append(scope.name)
    return "/".join(parts)
