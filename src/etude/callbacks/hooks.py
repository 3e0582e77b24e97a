"""What is checked of callbacks before training: misspelt hooks, and hooks with other arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from etude.callbacks.callback import Callback
from etude.errors import ArgumentError, near_names
from etude.tracebacks import warn

__all__ = ["check_hooks"]

HOOKS = {
    name: hook.__code__.co_varnames[1 : hook.__code__.co_argcount]
    for name, hook in vars(Callback).items()
    if name.startswith("on_")
}
"""The methods that are called in between, and their arguments."""

_OTHERWISE = (
    ("validation", "test"),
    ("val_", "test_"),
    ("evaluate", "test"),
    ("fit", "train"),
    ("training", "train"),
    ("train_epoch", "epoch"),
)
"""What others call them."""


def check_hooks(callback: Any) -> None:
    """Warns of methods that look like misspelt hooks, which nothing would ever call.

    Args:
        callback: a callback that users wrote, or a `LambdaCallback`.

    Raises:
        ArgumentError: a hook does not take the arguments that it is called with.

    Example:
        >>> HOOKS["on_epoch_end"]
        ('epoch', 'logs')
        >>> check_hooks(Callback())
    """
    kind, methods = type(callback).__name__, _written_by_user(callback)
    for name, method in methods.items():
        if name in HOOKS:
            _check_arguments(f"{kind}.{name}", name, getattr(callback, name, method))
            continue
        meant = _meant(name)
        if meant and not _is_helper(name, methods):
            warn(
                f"{kind}.{name} is never called: no hook of callbacks has this name. Did you mean "
                f"'{meant}'?"
            )


def _written_by_user(callback: Any) -> dict[str, Callable[..., Any]]:
    """The methods, and functions set as attributes, that begin as hooks do."""
    own = [vars(cls) for cls in type(callback).__mro__[::-1] if not _is_ours(cls)]
    given = getattr(callback, "__dict__", {})
    return {
        name: value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
        for members in (*own, given)
        for name, value in members.items()
        if name.lower().startswith("on") and callable(getattr(callback, name, None))
    }


def _is_ours(cls: type) -> bool:
    return cls is object or cls.__module__.startswith(("etude.", "unittest.mock"))


def _meant(name: str) -> str | None:
    """The hook that a name most likely means."""
    for other, ours in _OTHERWISE:
        if name.replace(other, ours) in HOOKS:
            return name.replace(other, ours)
    near = near_names(name, HOOKS, cutoff=0.8)
    return near[0] if near else None


def _is_helper(name: str, methods: dict[str, Callable[..., Any]]) -> bool:
    """Whether another method calls it."""
    codes = (getattr(method, "__code__", None) for method in methods.values())
    return any(code is not None and name in code.co_names for code in codes)


def _check_arguments(path: str, name: str, method: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # some functions of C do not tell
        return
    arguments = HOOKS[name]
    try:
        signature.bind(*arguments)
    except TypeError:
        count = {1: "one argument", 2: "two arguments"}[len(arguments)]
        raise ArgumentError(
            f"{path} is called with {count}, ({', '.join(arguments)}), which it does not take: its "
            f"own are {signature}. Write `def {name}(self, {', '.join(arguments)}=None):`."
        ) from None
