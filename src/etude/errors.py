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
    ├── MissingNameError (AttributeError) a name of another library that its stand-in here has not
    ├── SerializationError (ValueError)   a config or file cannot become objects, or back
    │   └── ConfigTypeError (TypeError)   an entry of a config has the wrong type
    ├── FileError (OSError)               a file cannot be written: no room, no permission
    └── FetchError (OSError)              a data set cannot be had
        └── HashMismatchError             bytes arrived, but not the expected ones

Every leaf also derives from the built-in that users of Keras catch. Messages say what was
expected, what came, and what to do.
"""

from __future__ import annotations


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
    """A name of another library that etude's stand-in for it leaves out."""


class SerializationError(EtudeError, ValueError):
    """A config or a file cannot be turned into objects, or the other way round."""


class ConfigTypeError(SerializationError, TypeError):
    """An entry of a config is of a type that it cannot be."""


class FileError(EtudeError, OSError):
    """A file cannot be written. What was there before is still there."""


class FetchError(EtudeError, OSError):
    """A data set cannot be had. The message lists what was tried and what to do by hand."""


class HashMismatchError(FetchError):
    """Bytes arrived, but they are not the expected ones; they were deleted."""


def unknown_name(kind: str, name: object, known: object) -> UnknownNameError:
    """The error for a name that is not known, with the nearest known names.

    >>> str(unknown_name("loss", "msee", ["mse", "mae"]))
    "Unknown loss: 'msee'. Did you mean 'mse' or 'mae'? Known: mae, mse."
    """
    import difflib  # noqa: PLC0415  (only then: keeps the import cheap)

    names = sorted(map(str, known))  # type: ignore[call-overload]
    near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    shown = ", ".join(names[:40]) + (", ..." if len(names) > 40 else "")
    return UnknownNameError(f"Unknown {kind}: {name!r}.{hint} Known: {shown}.")
