"""Settings that hold for the whole process: engine, default float type, epsilon, image layout.

They are read from the environment once (``ETUDE_ENGINE``, ``ETUDE_FLOATX``), and changed by the
functions below.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from etude.errors import ArgumentError, DtypeError, EngineError

__all__ = [
    "backend",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "engine_scope",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "set_engine",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_data_format",
]

ENGINES = ("numpy", "xla")
FLOATS = ("bfloat16", "float16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_engine: str | None = None
_traceback_filtering = False
_interactive_logging = True


def floatx() -> str:
    """The default float dtype, a string.

    >>> floatx()
    'float32'
    """
    return _floatx


def set_floatx(value: str) -> None:
    """Sets the default float dtype, one of "float16", "bfloat16", "float32", "float64"."""
    global _floatx
    if value not in FLOATS:
        raise ArgumentError(f"floatx must be one of {', '.join(FLOATS)}; got {value!r}.")
    _floatx = value


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite.

    >>> epsilon()
    1e-07
    """
    return _epsilon


def set_epsilon(value: float) -> None:
    """Sets the fuzz factor that `epsilon` returns."""
    global _epsilon
    _epsilon = float(value)


def image_data_format() -> str:
    """The default layout of images: ``"channels_last"`` or ``"channels_first"``.

    >>> image_data_format()
    'channels_last'
    """
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Sets the default layout of images."""
    global _image_data_format
    _image_data_format = standardize_data_format(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """A layout of images as given, or the default where ``None`` is given; checked.

    >>> standardize_data_format(None)
    'channels_last'
    """
    if data_format is None:
        return _image_data_format
    name = str(data_format).lower()
    if name not in ("channels_first", "channels_last"):
        raise ArgumentError(
            "Unknown `data_format`: expected 'channels_first' or 'channels_last'; got "
            f"{data_format!r}."
        )
    return name


def enable_interactive_logging() -> None:
    """Messages and progress bars go to standard output: the default."""
    global _interactive_logging
    _interactive_logging = True


def disable_interactive_logging() -> None:
    """Messages and progress bars go to the logger "etude", at the level INFO."""
    global _interactive_logging
    _interactive_logging = False


def is_interactive_logging_enabled() -> bool:
    """Whether messages and progress bars go to standard output.

    >>> is_interactive_logging_enabled()
    True
    """
    return _interactive_logging


def enable_traceback_filtering() -> None:
    """Kept for Keras: tracebacks of etude are short, and shown as they are."""
    global _traceback_filtering
    _traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Kept for Keras: tracebacks of etude are short, and shown as they are."""
    global _traceback_filtering
    _traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """What was asked for last; nothing is filtered either way.

    >>> is_traceback_filtering_enabled()
    False
    """
    return _traceback_filtering


class _Local(threading.local):
    engine: str | None = None


_local = _Local()


def backend() -> str:
    """The name of the active engine: ``"numpy"`` or ``"xla"``."""
    global _engine
    if _local.engine is not None:
        return _local.engine
    if _engine is None:
        _engine = _default_engine()
    return _engine


def set_engine(name: str) -> None:
    """Chooses the engine that runs everything from now on.

    Args:
        name: ``"numpy"`` (each op at once, in NumPy) or ``"xla"`` (compiled; needs jax).

    Raises:
        EngineError: the engine is unknown, or jax is not installed.
    """
    global _engine
    _engine = _checked(name, "set_engine()")


@contextmanager
def engine_scope(name: str) -> Generator[None]:
    """Inside, this thread runs on another engine; all other threads stay where they are.

    Data is prepared so, in NumPy on the host, whatever engine the model is trained on.

    >>> with engine_scope("numpy"):
    ...     backend()
    'numpy'
    """
    before, _local.engine = _local.engine, _checked(name, "engine_scope()")
    try:
        yield
    finally:
        _local.engine = before


def _checked(name: str, origin: str) -> str:
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DtypeError(f"{origin} expects the name of an engine, a string; got {name!r}.")
    if name not in ENGINES:
        raise EngineError(f"{origin}: unknown engine {name!r}. Engines are 'numpy' and 'xla'.")
    if name == "xla" and not _has_jax():
        raise EngineError(
            f"{origin}: the engine 'xla' needs jax, which is not installed. "
            "Run `pip install 'etude[xla]'`, or use the engine 'numpy'."
        )
    return name


def _has_jax() -> bool:
    return importlib.util.find_spec("jax") is not None


def _default_engine() -> str:
    chosen = os.environ.get("ETUDE_ENGINE")
    if chosen:
        return _checked(chosen, "ETUDE_ENGINE")
    if _has_jax():
        return "xla"
    print(
        "etude: running on the engine 'numpy'. For compiled, faster training: "
        "pip install 'etude[xla]'",
        file=sys.stderr,
    )
    return "numpy"


if os.environ.get("ETUDE_FLOATX"):
    set_floatx(os.environ["ETUDE_FLOATX"])
