"""Every exception that etude raises on purpose, as one tree.

    EtudeError
    ├── ArgumentError (ValueError)        an argument has a value that cannot be used
    │   ├── ShapeError                    shapes do not fit together
    │   ├── UnknownNameError              a string names no layer, loss, lab, data set, ...
    │   └── DataError                     the user's data is empty, not finite, out of range, ...
    ├── DtypeError (TypeError)            an argument has a type or dtype that cannot be used
    │   └── SymbolicValueError            a symbolic tensor was to give a value
    ├── TracingError (TypeError)          a value is not known while a program is traced
    ├── GradientError (RuntimeError)      a derivative was asked for that does not exist
    ├── NotBuiltError (ValueError)        weights were asked for before there are any
    ├── StateError (RuntimeError)         a method was called too early, too late, or twice
    ├── EngineError (RuntimeError)        an engine is missing or cannot do what was asked
    ├── MissingPackageError (ImportError) a package that only some functions need is not installed
    ├── MissingNameError (AttributeError) an object, a module or a stand-in has no such name
    ├── MissingKeyError (KeyError)        a dictionary has no such key
    ├── SerializationError (ValueError)   a config or file cannot become objects, or back
    │   └── ConfigTypeError (TypeError)   an entry of a config has the wrong type
    ├── ExportError (ValueError)          a model has no form in the format that was asked for
    ├── FileError (OSError)               a file cannot be written: no room, no permission
    └── FetchError (OSError)              a data set cannot be had
        └── HashMismatchError             bytes arrived, but not the expected ones

Every leaf also derives from the built-in that users of Keras catch. Messages say what was
expected, what came, and what to do.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any


class EtudeError(Exception):
    """The root of all errors that etude raises on purpose."""


class ArgumentError(EtudeError, ValueError):
    """An argument has a value that cannot be used."""


class ShapeError(ArgumentError):
    """Shapes do not fit together. The message shows both."""


class UnknownNameError(ArgumentError):
    """A string names nothing that is known. The message lists near matches."""


class DataError(ArgumentError):
    """The user's data cannot be used: empty, mismatched, not finite, labels out of range."""


class DtypeError(EtudeError, TypeError):
    """An argument has a type or dtype that cannot be used."""


class SymbolicValueError(DtypeError, ValueError, NotImplementedError):
    """A value was asked of a symbolic tensor; Keras raises one of these three, as it fits."""


class TracingError(EtudeError, TypeError):
    """A value was needed that is not known while a program is traced."""


class GradientError(EtudeError, RuntimeError):
    """A derivative was asked for that does not exist, or cannot be taken."""


class NotBuiltError(EtudeError, ValueError):
    """Weights or shapes were asked for before the layer or model was built."""


class StateError(EtudeError, RuntimeError):
    """A method was called at a time when it cannot do its work."""


class EngineError(EtudeError, RuntimeError):
    """An engine is missing, unknown, or cannot do what was asked."""


class MissingPackageError(EtudeError, ImportError):
    """A package is not installed that only some functions need."""


class MissingNameError(EtudeError, AttributeError):
    """An object, a module, or etude's stand-in for another library, has no such name.

    Args:
        message: the text, or a function that makes it: `hasattr` throws such errors away unread.
    """

    def __init__(self, message: str | Callable[[], str]):
        super().__init__(message)

    def __str__(self) -> str:
        message = self.args[0]
        if callable(message):
            message = str(message())
            self.args = (message,)
        return message

    def __reduce__(self) -> Any:
        return (type(self), (str(self),))


class MissingKeyError(EtudeError, KeyError):
    """A dictionary has no such key. The message lists near matches."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show it in quotation marks


class SerializationError(EtudeError, ValueError):
    """A config or a file cannot be turned into objects, or the other way round."""


class ConfigTypeError(SerializationError, TypeError):
    """An entry of a config is of a type that it cannot be."""


class ExportError(EtudeError, ValueError):
    """A model cannot be written as a program for inference in the format that was asked for."""


class FileError(EtudeError, OSError):
    """A file cannot be written. What was there before is still there."""


class FetchError(EtudeError, OSError):
    """A data set cannot be had. The message lists what was tried and what to do by hand."""


class HashMismatchError(FetchError):
    """Bytes arrived, but they are not the expected ones; they were deleted."""


def near_names(name: object, known: Iterable[object], cutoff: float = 0.6) -> list[str]:
    """The known names that are most like one that is not; case and underscores count little.

    Args:
        name: what was asked for.
        known: what there is.
        cutoff: how alike names must be, from 0 to 1.

    >>> near_names("mat_mull", ["matmul", "mean"])
    ['matmul']
    """
    import difflib  # noqa: PLC0415  (only then: keeps the import cheap)

    asked, groups = str(name), dict[str, list[str]]()
    for text in sorted(map(str, known)):
        groups.setdefault(_plain(text), []).append(text)
    near = difflib.get_close_matches(_plain(asked), groups, 3, cutoff)
    return [
        max(groups[p], key=lambda text: difflib.SequenceMatcher(None, asked, text).ratio())
        for p in near
    ]


def _plain(text: str) -> str:
    return text.lower().replace("_", "")


def did_you_mean(name: object, known: Iterable[object], cutoff: float = 0.6) -> str:
    """A question to append to a message; nothing where no known name is near.

    >>> did_you_mean("Dese", ["Dense", "Flatten"])
    " Did you mean 'Dense'?"
    """
    near = near_names(name, known, cutoff)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def did_you_mean_arguments(given: Iterable[str], function: Any) -> str:
    """A question to append to a message about keyword arguments that nothing takes.

    Args:
        given: their names.
        function: the method that was called; or a class, for its constructor and those above it.

    >>> class Layer:
    ...     def __init__(self, units, activation=None): ...
    >>> did_you_mean_arguments(["activaton"], Layer)
    " Did you mean 'activation'?"
    """
    classes: tuple[type, ...] = getattr(function, "__mro__", ())
    makers: list[Any] = [vars(cls)["__init__"] for cls in classes if "__init__" in vars(cls)]
    known: set[str] = set()
    for maker in makers or [function]:
        code = getattr(inspect.unwrap(maker), "__code__", None)
        if code is not None:
            known.update(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
    near = dict.fromkeys(name for asked in given for name in near_names(asked, known)[:1])
    return f" Did you mean {' and '.join(map(repr, near))}?" if near else ""


def unknown_name(kind: str, name: object, known: Iterable[object]) -> UnknownNameError:
    """The error for a name that is not known, with the nearest known names.

    >>> str(unknown_name("loss", "msee", ["mse", "mae"]))
    "Unknown loss: 'msee'. Did you mean 'mse' or 'mae'? Known: mae, mse."
    """
    names = sorted(map(str, known))
    hint = did_you_mean(name, names, cutoff=0.5)
    shown = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
    return UnknownNameError(f"Unknown {kind}: {name!r}.{hint} Known: {shown}.")


_PLACES = (
    *("layers", "losses", "metrics", "optimizers", "optimizers.schedules", "callbacks", "models"),
    *("activations", "initializers", "regularizers", "constraints", "ops", "utils", "datasets"),
)
"""The parts of etude in which a name is looked for that was asked of the wrong one."""


def explain_missing(module: str) -> None:
    """Gives a module a ``__getattr__``: near matches for a name that it has not, or where it is.

    It is set from here, so that type checkers still know what a module has and what not.

    Args:
        module: its ``__name__``.
    """

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):  # Python asks for these by itself
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        raise MissingNameError(lambda: missing_member(module, name))

    vars(sys.modules[module])["__getattr__"] = __getattr__


def missing_member(module: str, name: str) -> str:
    """What to say of a name that a module has not.

    >>> missing_member("etude.errors", "ShapeEror")
    "module 'etude.errors' has no attribute 'ShapeEror'. Did you mean 'ShapeError'..."
    """
    text = f"module {module!r} has no attribute {name!r}."
    for place in (f"etude.{part}" for part in _PLACES):
        if place != module and name in getattr(sys.modules.get(place), "__all__", ()):
            return f"{text} It is in another place: {place}.{name}."
    names = vars(sys.modules[module])
    known = names.get("__all__") or [key for key in names if not key.startswith("_")]
    near = did_you_mean(name, known)
    return text + (near or f" `dir({module})` lists what there is.")
