"""Tracebacks as users want them: their own lines, without the frames of etude and jax in between.

Errors pass through here once where they leave etude: `fit` and its kin, calls of layers, compiled
functions. `etude.config.disable_traceback_filtering()`, or the variable ``ETUDE_FULL_TRACEBACKS``,
shows everything.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, TypeVar

from etude import config
from etude.errors import EtudeError, did_you_mean_arguments

__all__ = ["cause_of", "is_machinery", "shorten", "shortened", "warn"]

Method = TypeVar("Method", bound=Callable[..., Any])

_MACHINERY = ("etude", "jax", "jaxlib")
_GLUE = ("contextlib", "functools")  # between frames of machinery only
_NOTE_OF_JAX = "For simplicity, JAX has removed its internal frames"


def shortened(method: Method) -> Method:
    """A decorator: errors that leave the method have short tracebacks, without this frame too.

    Args:
        method: what users call.
    """

    @functools.wraps(method)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            if isinstance(error, TypeError):
                _name_near_arguments(error, method, kwargs)
            shorten(error)
            raise

    return wrapper  # type: ignore[return-value]


def _name_near_arguments(error: TypeError, method: Any, kwargs: dict[str, Any]) -> None:
    """Adds to Python's message of an unknown argument which it may have been meant for."""
    text = f"{method.__qualname__}() got an unexpected keyword argument "
    unknown = [name for name in kwargs if str(error) == f"{text}{name!r}"]
    if unknown:
        error.args = (f"{error}.{did_you_mean_arguments(unknown, method)}",)


def shorten(error: BaseException) -> None:
    """Takes the machinery out of the traceback of an error and of those it came from.

    A fault that is none of etude's own errors keeps the innermost line of etude: it may be there.

    Args:
        error: what is on its way to the user; to be raised again by a bare ``raise``.
    """
    if not config.is_traceback_filtering_enabled():
        return
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        link.__traceback__ = _without_machinery(link)
        notes = getattr(link, "__notes__", None)
        if notes:
            notes[:] = [note for note in notes if _NOTE_OF_JAX not in note]
        before = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if before is not None and isinstance(link, EtudeError) and cause_of(before) is None:
            link.__cause__ = before = None  # it is quoted, and happened in the machinery
            link.__suppress_context__ = True
        link = before


def cause_of(error: BaseException) -> BaseException | None:
    """What to raise an error of etude from, whose message quotes another: see `shorten`.

    Returns:
        The other error; ``None`` where it is hidden, as it holds no line of the user.
    """
    if not config.is_traceback_filtering_enabled():
        return error
    entries = _entries(error.__traceback__)
    return error if any(not hidden for _, hidden in entries) else None


def _without_machinery(error: BaseException) -> TracebackType | None:
    entries = _entries(error.__traceback__)
    kept = [entry for entry, hidden in entries if not hidden]
    own = [i for i, (entry, _) in enumerate(entries) if _root(entry.tb_frame) == "etude"]
    if (
        own
        and not isinstance(error, EtudeError)
        and all(hidden for _, hidden in entries[own[-1] :])
    ):
        kept.append(entries[own[-1]][0])
    found: TracebackType | None = None
    for entry in reversed(kept):
        found = TracebackType(found, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return found


def _entries(traceback: TracebackType | None) -> list[tuple[TracebackType, bool]]:
    """The entries of a traceback, outermost first, and whether each is machinery."""
    found: list[tuple[TracebackType, bool]] = []
    hidden = True
    while traceback is not None:
        root = _root(traceback.tb_frame)
        hidden = root in _MACHINERY or (hidden and root in _GLUE)
        found.append((traceback, hidden))
        traceback = traceback.tb_next
    return found


def _root(frame: FrameType) -> str:
    """The package of a frame; a lab is the user's code."""
    name = str(frame.f_globals.get("__name__", ""))
    is_lab = name.startswith("etude.labs.") and not name.startswith("etude.labs.running")
    return "" if is_lab else name.partition(".")[0]


def is_machinery(module: str) -> bool:
    """Whether a module is part of etude or of jax, by its name.

    >>> is_machinery("etude.ops"), is_machinery("__main__")
    (True, False)
    """
    return module.partition(".")[0] in _MACHINERY


def warn(message: str) -> None:
    """A warning that names the user's line, however deep inside of etude it is found.

    Args:
        message: the text.
    """
    level = 1
    frame: FrameType | None = sys._getframe(0)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and _root(frame) in (*_MACHINERY, *_GLUE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level if frame is not None else 2)
