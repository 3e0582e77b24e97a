"""Exports a model, runs the file elsewhere, and compares with the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from etude import export, tree
from etude.export.signature import input_specs

RECORDED, OTHER = 2, 5
"""Sizes of the batch: one that the export has seen, one that it has not."""


def error_of(got: list[Any], wanted: Any) -> float:
    """The largest difference, relative to the scale of each output."""
    worst = 0.0
    for g, w in zip(map(np.asarray, got), map(np.asarray, tree.flatten(wanted)), strict=True):
        assert (g.shape, g.dtype) == (w.shape, w.dtype)
        apart = np.abs(g.astype("float64") - w.astype("float64")).max(initial=0)
        worst = max(worst, apart / max(np.abs(w.astype("float64")).max(initial=0), 1e-30))
    return float(worst)


def session(path: Path) -> Any:
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime runs what was exported")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def called(model: Any, arrays: list[Any], structure: Any) -> Any:
    return model(tree.map_structure(lambda i: arrays[i], structure), training=False)


def onnx_error(model: Any, data: list[Any], folder: Path, signature: Any = None) -> float:
    """The error of the exported model on a batch that was seen, and on one that was not."""
    pytest.importorskip("onnx", reason="export to ONNX needs the package onnx")
    path = folder / "model.onnx"
    model.export(path, format="onnx", verbose=False, input_signature=signature)
    run = session(path)
    specs, structure = input_specs(model, signature)
    assert [i.name for i in run.get_inputs()] == [spec.name for spec in specs]
    worst = 0.0
    for size in (RECORDED, OTHER):
        arrays = [x[:size].astype(s.dtype) for x, s in zip(data, specs, strict=True)]
        found = run.run(None, {s.name: a for s, a in zip(specs, arrays, strict=True)})
        worst = max(worst, error_of(found, called(model, arrays, structure)))
    return worst


def jax_error(model: Any, data: list[Any], folder: Path) -> float:
    """The same of an exported program of jax."""
    path = folder / "model.jax"
    model.export(path, format="jax", verbose=False)
    program = export.load_jax(path)
    specs, structure = input_specs(model, None)
    worst = 0.0
    for size in (RECORDED, OTHER):
        arrays = [x[:size].astype(s.dtype) for x, s in zip(data, specs, strict=True)]
        worst = max(worst, error_of(program(*arrays), called(model, arrays, structure)))
    return worst


def images(*shape: int) -> np.ndarray[Any, Any]:
    """A batch of numbers from -1 to 1."""
    return np.random.default_rng(1).uniform(-1, 1, (OTHER, *shape)).astype("float32")


def tokens(steps: int = 7) -> np.ndarray[Any, Any]:
    """A batch of ids from 0 to 8, with zeros at the end and in between."""
    generator = np.random.default_rng(2)
    ids = generator.integers(0, 9, (OTHER, steps))
    ids[:, steps // 2 :] *= generator.integers(0, 2, (OTHER, steps - steps // 2))
    return ids
