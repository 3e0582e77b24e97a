"""Models as programs for inference that run without etude: ONNX, and programs of jax.

`Model.export` writes them; `etude.export.load_jax` calls the latter back.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError, MissingPackageError, ShapeError, unknown_name
from etude.export import jax_file
from etude.export.jax_file import load_jax
from etude.export.program import InputSpec, Program, record
from etude.export.signature import input_specs, output_names
from etude.messages import say

__all__ = ["export_model", "load_jax"]

FORMATS = ("onnx", "jax")
SIZES = ((13, 20), (48, 80))
"""Sizes to try for what is open, apart from the batch: odd and even, then with many divisors."""
ELSEWHERE = {
    "tf_saved_model": "It needs TensorFlow.",
    "openvino": "OpenVINO reads ONNX files.",
    "litert": "Converters to it read ONNX files.",
    "torch": "PyTorch takes the weights: `etude.saving.save_torch_weights`.",
}
"""Formats of Keras that there are not, with advice."""


def export_model(
    model: Any,
    filepath: Any,
    format: str,
    verbose: bool | None = None,
    input_signature: Any = None,
    **kwargs: Any,
) -> None:
    """Writes a model as a program for inference; see `Model.export`."""
    if format in ELSEWHERE:
        raise ArgumentError(
            f'There is no format "{format}". {ELSEWHERE[format]} Use `model.export(path, '
            'format="onnx")`, which many runtimes read, or format="jax".'
        )
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    path = Path(filepath)
    if format == "onnx":
        opset_version = kwargs.pop("opset_version", None)
        _refuse_others(kwargs, "opset_version")
        writer = _onnx_writer()
        writer.write_onnx(program_of(model, input_signature), path, opset_version)
    else:
        platforms = kwargs.pop("platforms", None)
        _refuse_others(kwargs, "platforms")
        jax_file.write_jax(program_of(model, input_signature), path, platforms)
    if verbose is None or verbose:
        say(f"Saved artifact at '{path}'.")


def _refuse_others(kwargs: dict[str, Any], known: str) -> None:
    if kwargs:
        raise ArgumentError(
            f"export() does not know the argument {min(kwargs)!r} for this format; it knows "
            f"`{known}`."
        )


def program_of(model: Any, input_signature: Any = None) -> Program:
    """What a model computes for inference, as calls of primitives.

    Args:
        model: the model.
        input_signature: what has a shape and a dtype for each input; by default the model's own.
    """
    specs, structure = input_specs(model, input_signature)
    names = output_names(model)
    ways = [(specs, SIZES[0])]
    if any(isinstance(n, str) for spec in specs for n in spec.shape[1:]):
        ways = [(s, tried) for tried in SIZES for s in (specs, _shared(specs))]
    problem: Exception | None = None
    for described, tried in ways:
        try:
            return record(model, described, structure, names, tried)
        except ShapeError as error:  # open sizes have to be equal, or divisible
            problem = problem or error
    assert problem is not None
    raise problem


def _shared(specs: list[InputSpec]) -> list[InputSpec]:
    """Inputs whose open sizes are the same along the same axis."""
    return [
        InputSpec(
            spec.name,
            tuple(
                f"size_{axis}" if isinstance(n, str) and axis else n
                for axis, n in enumerate(spec.shape)
            ),
            spec.dtype,
        )
        for spec in specs
    ]


def _onnx_writer() -> Any:
    try:
        return importlib.import_module("etude.export.onnx_file")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("onnx", "google"):
            raise
        raise MissingPackageError(
            'export(format="onnx") needs the package onnx, which is not installed. Run '
            "`pip install 'etude[onnx]'`."
        ) from error
