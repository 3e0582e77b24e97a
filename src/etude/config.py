"""Settings that hold for the whole process: engine, default float type, epsilon, image layout.

They are read from the environment once (``ETUDE_ENGINE``, ``ETUDE_FLOATX``,
``ETUDE_FULL_TRACEBACKS``, and Keras's ``KERAS_MAX_EPOCHS`` and ``KERAS_MAX_STEPS_PER_EPOCH``), and
changed by the functions below.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from etude.errors import ArgumentError, DtypeError, EngineError

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "engine_scope",
    "epsilon",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "set_backend",
    "set_dtype_policy",
    "set_engine",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "standardize_data_format",
]

ENGINES = ("numpy", "xla")
FLOATS = ("bfloat16", "float16", "float32", "float64")

_floatx = "float32"
_epsilon = 1e-7
_image_data_format = "channels_last"
_engine: str | None = None
_traceback_filtering = os.environ.get("ETUDE_FULL_TRACEBACKS", "0") in ("", "0")
_interactive_logging = True
_flash_attention: bool | None = None
_max_epochs: int | None = None
_max_steps_per_epoch: int | None = None


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


# ---- what is shown ------------------------------------------------------------------------------


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
    """Tracebacks show the lines of the user, without those of etude and jax: the default."""
    global _traceback_filtering
    _traceback_filtering = True


def disable_traceback_filtering() -> None:
    """Tracebacks show every line; so does the variable ``ETUDE_FULL_TRACEBACKS=1``."""
    global _traceback_filtering
    _traceback_filtering = False


def is_traceback_filtering_enabled() -> bool:
    """Whether tracebacks leave out the lines of etude and jax.

    >>> is_traceback_filtering_enabled() == (not os.environ.get("ETUDE_FULL_TRACEBACKS"))
    True
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


# ---- how long training may take ------------------------------------------------------------------


def max_epochs() -> int | None:
    """The most epochs that `fit` trains, whatever it is asked for; None is no limit."""
    return _max_epochs


def set_max_epochs(max_epochs: int | None) -> None:
    """Limits the epochs of every `fit`, e.g. to try a long script quickly; None lifts the limit."""
    global _max_epochs
    _max_epochs = _limit(max_epochs, "max_epochs")


def max_steps_per_epoch() -> int | None:
    """The most steps that `fit` takes in an epoch; None is no limit."""
    return _max_steps_per_epoch


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limits the steps of every epoch of `fit`; None lifts the limit."""
    global _max_steps_per_epoch
    _max_steps_per_epoch = _limit(max_steps_per_epoch, "max_steps_per_epoch")


def _limit(value: int | None, name: str) -> int | None:
    if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
        raise ArgumentError(f"`{name}` must be a whole number or None; got {value!r}.")
    if value is not None and value < 0:
        raise ArgumentError(f"`{name}` must not be negative; got {value}.")
    return value


# ---- functions of Keras -------------------------------------------------------------------------

# `etude.dtype_policies`, which needs this module, supplies them.
_policies: dict[str, Callable[..., Any]] = {}


def dtype_policy() -> Any:
    """The dtype policy of layers that are given none; see `etude.dtype_policies`.

    >>> dtype_policy()
    <DTypePolicy "float32">
    """
    return _policies["dtype_policy"]()


def set_dtype_policy(policy: Any) -> None:
    """Sets the dtype policy of layers that are given none, e.g. to ``"mixed_float16"``."""
    _policies["set_dtype_policy"](policy)


def enable_flash_attention() -> None:
    """Kept for Keras: asks for an attention that does not store all scores, where there is one."""
    global _flash_attention
    _flash_attention = True


def disable_flash_attention() -> None:
    """Kept for Keras: see `enable_flash_attention`."""
    global _flash_attention
    _flash_attention = False


def is_flash_attention_enabled() -> bool | None:
    """What was asked for last; None where nothing was.

    >>> is_flash_attention_enabled() is None
    True
    """
    return _flash_attention


def is_nnx_enabled() -> bool:
    """Always False: modules of Flax are no part of etude.

    >>> is_nnx_enabled()
    False
    """
    return False


def enable_unsafe_deserialization() -> None:
    """There is nothing to enable.

    Raises:
        EngineError: always; a model file is data, and nothing in it is ever run.
    """
    raise EngineError(
        "etude has no unsafe deserialization: a model file is data, and nothing in it is ever "
        "executed. Hand over your own functions and classes by `custom_objects`, or register them "
        "by `@etude.saving.register_keras_serializable()`; a Lambda layer is written as a layer."
    )


def set_backend(backend: str) -> None:
    """Chooses the engine by the name of a backend of Keras: "numpy", or "jax" for "xla".

    Raises:
        EngineError: the backend is none that etude runs on.
    """
    if backend in ("tensorflow", "torch", "openvino"):
        raise EngineError(
            f"etude does not run on {backend}. Its engines are 'numpy' and 'xla' (through jax)."
        )
    set_engine("xla" if backend == "jax" else backend)


if os.environ.get("ETUDE_FLOATX"):
    if os.environ["ETUDE_FLOATX"] not in FLOATS:
        raise ArgumentError(
            f"The variable ETUDE_FLOATX must be one of {', '.join(FLOATS)}; it is "
            f"{os.environ['ETUDE_FLOATX']!r}."
        )
    set_floatx(os.environ["ETUDE_FLOATX"])
if os.environ.get("KERAS_MAX_EPOCHS"):
    set_max_epochs(int(os.environ["KERAS_MAX_EPOCHS"]))
if os.environ.get("KERAS_MAX_STEPS_PER_EPOCH"):
    set_max_steps_per_epoch(int(os.environ["KERAS_MAX_STEPS_PER_EPOCH"]))
