"""What holds for every layer: configs, shapes, dtypes, engines, programs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import etude
from etude import config, layers, random, tree
from etude.autodiff import KerasTensor
from tests.layers.parity import of_etude, plain_config, ready, run
from tests.layers.row import Row
from tests.layers.rows import ALL

every_row = pytest.mark.parametrize("row", ALL, ids=[row.id for row in ALL])

# Compiling takes a second each: one row of each layer by default, all with `pytest -m slow`.
_FIRST = {row.layer: row for row in reversed(ALL)}
compiled_rows = pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row.id, marks=[] if _FIRST[row.layer] is row else pytest.mark.slow)
        for row in ALL
    ],
)


@pytest.fixture(autouse=True)
def eager() -> None:
    """The engine that needs no compiling; what is compiled has a test of its own."""
    config.set_engine("numpy")


def values(outputs: Any) -> list[np.ndarray]:
    return [np.asarray(y.numpy()) for y in tree.flatten(outputs)]


@every_row
def test_config_makes_the_layer_again(row: Row) -> None:
    layer = row.make(layers)
    arguments = layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(arguments)))
    assert plain_config(again.get_config()) == plain_config(arguments)
    assert again.name == layer.name
    restored = layers.deserialize(layers.serialize(layer))
    assert type(restored) is type(layer)
    assert plain_config(restored.get_config()) == plain_config(arguments)


@every_row
def test_weights_and_a_config_carry_a_layer_over(row: Row) -> None:
    layer = ready(row)
    again = type(layer).from_config(layer.get_config())
    again.build_from_config(layer.get_build_config())
    again.set_weights(layer.get_weights())
    if row.same:
        outputs = values(run(layer, row, row.inputs()))
        for a, b in zip(outputs, values(run(again, row, row.inputs())), strict=True):
            np.testing.assert_array_equal(a, b)


def symbols(row: Row, batch: int | None) -> Any:
    """The row's inputs as symbolic tensors."""
    dtype = "float32" if row.integers is None else "int32"

    def symbol(array: np.ndarray, unknown: tuple[int, ...] = ()) -> KerasTensor:
        shape = [None if i in unknown else n for i, n in enumerate(array.shape)]
        return KerasTensor((batch, *shape[1:]), dtype=dtype)

    inputs = row.inputs()
    if isinstance(inputs, np.ndarray):
        return symbol(inputs, row.unknown if batch is None else ())
    return tree.map_structure(symbol, inputs)


@every_row
def test_symbolic_shapes_are_those_of_the_outputs(row: Row) -> None:
    outputs = tree.flatten(run(row.make(layers), row, row.inputs()))
    batch = tree.flatten(row.inputs())[0].shape[0]
    found = tree.flatten(run(row.make(layers), row, symbols(row, batch)))
    assert [tuple(s.shape) for s in found] == [tuple(y.shape) for y in outputs]
    assert [s.dtype for s in found] == [str(y.dtype) for y in outputs]


@every_row
def test_unknown_sizes_stay_unknown(row: Row) -> None:
    if any(isinstance(v, (np.ndarray, list)) for v in row.call.values()):
        pytest.skip("the arrays of the call fix the batch")
    outputs = tree.flatten(run(row.make(layers), row, row.inputs()))
    found = tree.flatten(run(row.make(layers), row, symbols(row, None)))
    for symbol, y in zip(found, outputs, strict=True):
        assert symbol.shape[0] is None
        assert len(symbol.shape) == len(y.shape)
        assert all(n in (None, size) for n, size in zip(symbol.shape, y.shape, strict=True))
        assert (None in symbol.shape[1:]) <= bool(row.unknown)


@every_row
def test_compute_output_shape_is_that_of_the_output(row: Row) -> None:
    if {"return_attention_scores", "reverse"} & set(row.call):
        pytest.skip("a shape has no arguments of the call")
    outputs = tree.flatten(run(row.make(layers), row, row.inputs()))
    shapes: list[tuple[int, ...]] = []
    if isinstance(row.shape, dict):
        named = {f"{name}_shape": shape for name, shape in row.shape.items()}
        found = row.make(layers).compute_output_shape(**named)
    else:
        found = row.make(layers).compute_output_shape(row.shape)
    tree.map_shape_structure(shapes.append, found)
    assert [tuple(s) for s in shapes] == [tuple(y.shape) for y in outputs]


@compiled_rows
def test_a_program_gives_what_single_operations_give(row: Row) -> None:
    """Outputs, losses and gradients, traced and compiled on xla, and one by one on numpy."""
    pytest.importorskip("jax")
    results = []
    for name in ("numpy", "xla"):
        config.set_engine(name)
        random.set_random_seed(0)
        layer = ready(row)
        found = etude.function(lambda layer=layer: of_etude(layer, row))()
        results.append(values(found))
    for a, b in zip(*results, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(a).max(initial=0)))


@every_row
def test_dtypes_are_those_of_the_policy(row: Row) -> None:
    if callable(row.kwargs):
        pytest.skip("the policy of a layer inside is its own")
    for policy in ("float64", "mixed_float16"):
        layer = getattr(layers, row.layer)(**{**row.kwargs, "dtype": policy})
        outputs = run(layer, row, row.inputs())
        kept = "float64" if policy == "float64" else "float32"
        for w in layer.weights:
            assert w.dtype == kept or w.name == "count"
        for y in tree.flatten(outputs):
            if row.layer == "Discretization" and "output_mode" not in row.kwargs:
                continue  # numbers of bins are integers whatever the policy
            assert str(y.dtype) == policy.removeprefix("mixed_")
