"""What was met before, while a whole model is written as a config or read from one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from etude.errors import SerializationError

__all__ = ["Shared", "names_are_kept", "object_sharing", "shared_objects"]


class Shared:
    """What was met before, while a whole model is written or read."""

    def __init__(self) -> None:
        self.configs: dict[int, dict[str, Any]] = {}  # id(object) -> config
        self.objects: dict[int, Any] = {}  # shared_object_id -> object
        self.alive: list[Any] = []  # an id stays unique only as long as its object lives
        self.named: dict[str, Any] | None = None  # what configs name of users, if it is kept

    def note(self, name: str, obj: Any) -> None:
        """Keeps a class or function of a user.

        Raises:
            SerializationError: there is another of that name.
        """
        if self.named is not None and self.named.setdefault(name, obj) is not obj:
            raise SerializationError(
                f"Two classes or functions are called {name!r}: {self.named[name]} and {obj}. "
                "Register them under names of their own: "
                "`@etude.saving.register_keras_serializable(package=..., name=...)`."
            )


_shared: ContextVar[Shared | None] = ContextVar("object_sharing", default=None)


@contextmanager
def object_sharing(keep_names: bool = False) -> Iterator[Shared]:
    """A scope in which an object that occurs twice is written, and made, only once.

    Args:
        keep_names: whether what configs name of users is kept in ``named``. Then Python lambdas
            get a name too, in the place of a config that cannot be read again.

    Yields:
        What was met.
    """
    shared = Shared()
    shared.named = {} if keep_names else None
    token = _shared.set(shared)
    try:
        yield shared
    finally:
        _shared.reset(token)


def names_are_kept() -> bool:
    """Whether configs need not stand for themselves: the objects that they name are kept."""
    shared = _shared.get()
    return shared is not None and shared.named is not None


def shared_objects() -> Shared | None:
    """What was met in this scope; None outside of all."""
    return _shared.get()
