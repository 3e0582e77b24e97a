"""What a layer owns: found when it is set as an attribute, also inside of lists and dictionaries.

`Tracker` keeps one list per kind: variables (trainable or not when they were first seen), layers,
metrics and seed generators. Lists, dictionaries and sets that are set as attributes become
`TrackedList`, `TrackedDict` and `TrackedSet`, so that what is put into them later is found as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from etude.errors import ArgumentError, DtypeError
from etude.random import SeedGenerator
from etude.variable import Variable

__all__ = [
    "TrackedDict",
    "TrackedList",
    "TrackedSet",
    "Tracker",
    "no_automatic_dependency_tracking",
    "untracked",
]

KINDS = ("trainable_variables", "non_trainable_variables", "layers", "metrics", "seed_generators")
_PLAIN = (bool, int, float, str, bytes, type(None), type(lambda: None))


def refuse_in_place_of_variable(owner: Any, name: str) -> None:
    """Raises where an attribute that is a Variable would be replaced by a Tensor.

    Raises:
        DtypeError: ``self.total += x`` makes a Tensor, and the Variable would be lost.
    """
    if isinstance(owner.__dict__.get(name), Variable):
        raise DtypeError(
            f"{type(owner).__name__}.{name} is a Variable, and would be replaced by a Tensor: "
            f"training could not change it any more. Write `self.{name}.assign(...)`, or "
            f"`self.{name}.assign_add(...)` in the place of `+=`."
        )


class _Switch(threading.local):
    on = True


_switch = _Switch()


@contextmanager
def untracked() -> Iterator[None]:
    """Attributes that are set inside are not tracked."""
    before, _switch.on = _switch.on, False
    try:
        yield
    finally:
        _switch.on = before


def no_automatic_dependency_tracking(method: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator: attributes that the method sets are not tracked."""

    @wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with untracked():
            return method(*args, **kwargs)

    return wrapper


def kind_of(value: Any) -> str | None:
    """Which list of a tracker a value belongs to; ``None`` for none."""
    if isinstance(value, Variable):
        return "trainable_variables" if value.trainable else "non_trainable_variables"
    cls = type(value)
    kind = getattr(cls, "_tracked_as", None)  # layers say so themselves: they import this module
    if kind is not None:
        return kind
    if isinstance(value, SeedGenerator):
        return "seed_generators"
    if hasattr(cls, "update_state") and hasattr(cls, "result"):  # metrics live on a higher floor
        return "metrics"
    return None


class Tracker:
    """The lists of what one layer owns."""

    def __init__(self) -> None:
        self.stores: dict[str, list[Any]] = {kind: [] for kind in KINDS}
        self.ids: dict[str, set[int]] = {kind: set() for kind in KINDS}
        self.locked = False
        self.lock_message = "Nothing new can be owned any more."

    def lock(self, message: str | None = None) -> None:
        """From now on, nothing new can be owned; ``message`` says why."""
        self.locked = True
        self.lock_message = message or self.lock_message

    def unlock(self) -> None:
        """New things can be owned again."""
        self.locked = False

    def track(self, value: Any) -> Any:
        """Notes a value, or all that a container holds.

        Returns:
            The value, or a tracked copy of the container.
        """
        if isinstance(value, _PLAIN) or not _switch.on:
            return value
        kind = kind_of(value)
        if kind is not None:
            self.add(kind, value)
            return value
        if isinstance(value, tuple):
            items = [self.track(item) for item in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        for plain, tracked in _CONTAINERS:
            if type(value) is plain:
                return tracked(value, self)
        return value

    def add(self, kind: str, value: Any) -> None:
        """Puts a value into a list, unless it is there.

        Raises:
            ArgumentError: the layer is built, and may own nothing new.
        """
        if id(value) in self.ids[kind]:
            return
        if kind == "non_trainable_variables" and id(value) in self.ids["trainable_variables"]:
            return
        if self.locked:
            raise ArgumentError(self.lock_message)
        self.stores[kind].append(value)
        self.ids[kind].add(id(value))

    def remove(self, value: Any) -> None:
        """Takes a value out of its list."""
        for kind in KINDS:
            if id(value) in self.ids[kind]:
                self.ids[kind].remove(id(value))
                store = self.stores[kind]
                store[:] = [item for item in store if item is not value]

    def __getstate__(self) -> dict[str, Any]:
        return {"stores": self.stores, "lock": (self.locked, self.lock_message)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.stores, (self.locked, self.lock_message) = state["stores"], state["lock"]
        self.ids = {kind: {id(item) for item in store} for kind, store in self.stores.items()}


class TrackedList(list[Any]):
    """A list whose new items are tracked."""

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        super().__init__([tracker.track(v) for v in values] if tracker else values)

    def _track(self, value: Any) -> Any:
        return value if self.tracker is None else self.tracker.track(value)

    def _forget(self, value: Any) -> None:
        if self.tracker is not None:
            self.tracker.remove(value)

    def append(self, value: Any) -> None:  # noqa: D102
        super().append(self._track(value))

    def insert(self, index: Any, value: Any) -> None:  # noqa: D102
        super().insert(index, self._track(value))

    def extend(self, values: Iterable[Any]) -> None:  # noqa: D102
        super().extend([self._track(value) for value in values])

    def __iadd__(self, values: Iterable[Any]) -> TrackedList:  # pyright: ignore
        self.extend(values)
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(
            key, [self._track(v) for v in value] if isinstance(key, slice) else self._track(value)
        )

    def remove(self, value: Any) -> None:  # noqa: D102
        self._forget(value)
        super().remove(value)

    def pop(self, index: Any = -1) -> Any:  # noqa: D102
        value = super().pop(index)
        self._forget(value)
        return value

    def clear(self) -> None:  # noqa: D102
        for value in self:
            self._forget(value)
        super().clear()

    def __delitem__(self, key: Any) -> None:
        for value in self[key] if isinstance(key, slice) else [self[key]]:
            self._forget(value)
        super().__delitem__(key)

    def __reduce__(self) -> Any:
        return (list, (list(self),))


class TrackedDict(dict[Any, Any]):
    """A dictionary whose new values are tracked."""

    def __init__(self, values: Any = (), tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        items = dict(values).items()
        super().__init__({k: tracker.track(v) if tracker else v for k, v in items})

    def _track(self, value: Any) -> Any:
        return value if self.tracker is None else self.tracker.track(value)

    def _forget(self, value: Any) -> None:
        if self.tracker is not None:
            self.tracker.remove(value)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, self._track(value))

    def update(self, *args: Any, **kwargs: Any) -> None:  # noqa: D102
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:  # noqa: D102
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:  # noqa: D102
        value = super().pop(key, *default)
        self._forget(value)
        return value

    def popitem(self) -> tuple[Any, Any]:  # noqa: D102
        key, value = super().popitem()
        self._forget(value)
        return key, value

    def clear(self) -> None:  # noqa: D102
        for value in self.values():
            self._forget(value)
        super().clear()

    def __delitem__(self, key: Any) -> None:
        self._forget(self[key])
        super().__delitem__(key)

    def __reduce__(self) -> Any:
        return (dict, (dict(self),))


class TrackedSet(set[Any]):
    """A set whose new members are tracked."""

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None) -> None:
        self.tracker = tracker
        super().__init__([tracker.track(v) for v in values] if tracker else values)

    def add(self, value: Any) -> None:  # noqa: D102
        super().add(value if self.tracker is None else self.tracker.track(value))

    def update(self, *others: Iterable[Any]) -> None:  # noqa: D102
        for values in others:
            for value in values:
                self.add(value)

    def remove(self, value: Any) -> None:  # noqa: D102
        super().remove(value)
        if self.tracker is not None:
            self.tracker.remove(value)

    def pop(self) -> Any:  # noqa: D102
        value = super().pop()
        if self.tracker is not None:
            self.tracker.remove(value)
        return value

    def clear(self) -> None:  # noqa: D102
        for value in self:
            if self.tracker is not None:
                self.tracker.remove(value)
        super().clear()

    def __reduce__(self) -> Any:
        return (set, (list(self),))


_CONTAINERS: tuple[tuple[type, type], ...] = (
    (list, TrackedList),
    (dict, TrackedDict),
    (set, TrackedSet),
)
