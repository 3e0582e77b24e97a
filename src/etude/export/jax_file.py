"""A program as a file of `jax.export`.

The calls of primitives are made once more on the engine ``xla``, with sizes that stay open as
symbols of jax. The file is the serialized program itself, weights inside: where there is only jax,

    jax.export.deserialize(bytearray(open(path, "rb").read())).call(*inputs)

calls it back with the inputs in order, and returns the list of the outputs.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from etude import config
from etude.autodiff import stop_recording
from etude.engine import xp
from etude.errors import EtudeError, ExportError, FileError, MissingPackageError
from etude.export.program import RANDOM, Call, Program, Value
from etude.export.sizes import Size, Unruly
from etude.saving.files import write_atomically

__all__ = ["load_jax", "write_jax"]

Array = Any


def write_jax(program: Program, path: Path, platforms: Any = None) -> None:
    """Writes a program as a file, there as a whole or not at all.

    Raises:
        ExportError: jax cannot have an open size where the model needs it.
    """
    engine = _engine()
    inputs = [(spec.shape, spec.dtype) for spec in program.specs]
    try:
        with config.engine_scope("xla"), stop_recording():
            content = engine.serialized(_replayed(program), inputs, platforms)
    except EtudeError:
        raise
    except Exception as error:
        raise ExportError(
            f"jax cannot export model '{program.name}' ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}). Where a size of the inputs is open, try again with a "
            "known one, the batch included: `input_signature=[InputSpec(shape=(1, ...))]`."
        ) from error
    write_atomically(path, lambda part: part.write_bytes(content))


def load_jax(filepath: Any) -> Callable[..., list[Array]]:
    """The program of a file that ``model.export(path, format="jax")`` wrote.

    It runs what the file says, as a compiled program: numbers in, numbers out. A file of a stranger
    may be a program that never ends, or that takes all memory.

    Args:
        filepath: the file.

    Returns:
        A function of the inputs, in order, that returns the list of the outputs: arrays of jax.

    Raises:
        MissingPackageError: jax is not installed.
        FileError: the file cannot be read, or is none of these.
    """
    engine = _engine()
    path = Path(filepath)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        return engine.called_back(content)
    except Exception as error:
        raise FileError(
            f'{path} is no program of jax: expected what `model.export(path, format="jax")` '
            f"wrote, by a version of jax that this one knows ({type(error).__name__}: {error})."
        ) from error


def _engine() -> Any:
    if importlib.util.find_spec("flatbuffers") is None:
        raise MissingPackageError(
            'The format "jax" needs the package flatbuffers, in which jax keeps its programs, and '
            "which is not installed. Run `pip install flatbuffers`, or `pip install 'etude[xla]'`."
        )
    try:
        return importlib.import_module("etude.engine.xla_export")
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            'The format "jax" needs the package jax, which is not installed. Run '
            "`pip install 'etude[xla]'`."
        ) from error


# ---- the program once more ---------------------------------------------------------------------


def _replayed(program: Program) -> Callable[[list[Array], dict[str, Any]], list[Array]]:
    """A function of arrays and open sizes that makes the calls of the program."""

    def run(arrays: list[Array], sizes: dict[str, Any]) -> list[Array]:
        replay = _Replay(sizes)
        for value, array in zip(program.inputs, arrays, strict=True):
            replay.found[id(value)] = array
        for call in program.calls:
            replay.make(call)
        return [replay.of(value) for value in program.outputs.values()]

    return run


class _Replay:
    """Values of the program as arrays of the engine.

    Attributes:
        sizes: the open sizes, by name.
        found: arrays, by the ids of values.
    """

    def __init__(self, sizes: dict[str, Any]) -> None:
        self.sizes = sizes
        self.found: dict[int, Array] = {}

    def of(self, value: Value) -> Array:
        if id(value) not in self.found:
            self.found[id(value)] = self.constant(value)
        return self.found[id(value)]

    def constant(self, value: Value) -> Array:
        array = value.array
        if array is not None:
            return xp().array(array, value.dtype)
        spread = value.spread()
        if spread is not None:
            thin = xp().array(spread, value.dtype)
            return xp().broadcast_to(thin, self.filled(value.shape))
        end = value.counts()
        if end is not None:
            counted = xp().arange(self.filled(end), dtype=value.dtype)
            return xp().reshape(counted, self.filled(value.shape))
        call = None if value.made_by is None else value.made_by()
        if call is None:
            raise ExportError(
                f"An array in the layer '{value.layer}' follows an open size in a way that has no "
                "form. Give `input_signature` with known sizes."
            )
        self.make(call)
        return self.found[id(value)]

    def make(self, call: Call) -> None:
        if call.name.startswith(RANDOM):
            raise ExportError(f"An exported program has no generator for {call.place}.")
        inputs = [None if value is None else self.of(value) for value in call.inputs]
        if call.name == "reshape":
            # The primitive makes integers of the sizes, which symbols are not.
            out = xp().reshape(inputs[0], self.filled(call.outputs[0].shape))
        else:
            out = call.forward(*inputs, **self.filled(call.options))
        results = out if isinstance(out, tuple) else (out,)
        for value, array in zip(call.outputs, results, strict=True):
            self.found[id(value)] = array

    def filled(self, options: Any) -> Any:
        """Options with symbols of jax in the place of sizes."""
        if isinstance(options, Size):
            return options.at(self.sizes)
        if isinstance(options, Unruly):
            raise options.refusal()
        if isinstance(options, dict):
            return {key: self.filled(value) for key, value in options.items()}
        if isinstance(options, (tuple, list)):
            return type(options)(self.filled(value) for value in options)
        if isinstance(options, slice):
            return slice(*map(self.filled, (options.start, options.stop, options.step)))
        return options
