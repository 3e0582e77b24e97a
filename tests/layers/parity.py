"""Runs a layer of etude and the one of Keras on the same weights and inputs, and compares them."""

from __future__ import annotations

import os
import warnings
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jax
    import keras
    from jax import numpy as jnp

import numpy as np

from etude import GradientTape, layers, ops, tree
from tests.layers.row import Row

__all__ = ["compare_with_keras", "of_etude", "plain_config", "ready", "run"]

TOLERANCE = 1e-5


def run(layer: Any, row: Row, inputs: Any) -> Any:
    """Calls a layer as its row says."""
    if isinstance(inputs, dict):
        return layer(**inputs, **row.call)
    return layer(inputs, **row.call)


def ready(row: Row) -> Any:
    """The row's layer of etude, built, with the row's weights."""
    layer = row.make(layers)
    run(layer, row, row.inputs())
    names = [w.name for w in layer.weights]
    layer.set_weights(row.weights([tuple(w.shape) for w in layer.weights], names))
    return layer


def compare_with_keras(row: Row) -> None:
    """Weights, outputs, states after the call, losses, gradients and config must be Keras's."""
    mine = ready(row)
    theirs = row.make(keras.layers)
    run(theirs, row, _symbols(row))
    assert [w.name for w in mine.weights] == [w.name for w in theirs.weights]
    assert [tuple(w.shape) for w in mine.weights] == [tuple(w.shape) for w in theirs.weights]
    assert [w.trainable for w in mine.weights] == [w.trainable for w in theirs.weights]
    theirs.set_weights(mine.get_weights())
    if hasattr(theirs, "finalize_state"):
        theirs.finalize_state()
    if row.same:
        found = of_etude(mine, row)
        with jax.enable_x64(False):  # etude turns 64-bit numbers on; Keras does not expect them
            reference = _of_keras(theirs, row)
        for key, expected in reference.items():
            _compare(found[key], expected, key)
    if row.config:
        assert plain_config(mine.get_config()) == plain_config(theirs.get_config())


def of_etude(layer: Any, row: Row) -> dict[str, list[Any]]:
    """What one call of a layer gives: outputs, weights after it, losses, gradients.

    The gradients are those of a random sum of the outputs and of the losses, with respect to the
    trainable weights and, where they are floats, the inputs. The weights are then as before.
    """
    before = [ops.convert_to_tensor(w.value) for w in layer.weights]
    inputs = tree.map_structure(ops.convert_to_tensor, row.inputs())
    with GradientTape() as tape:
        if row.integers is None:
            tape.watch(tree.flatten(inputs))
        outputs = tree.flatten(run(layer, row, inputs))
        losses = sum(layer.losses, ops.zeros(()))
        total = losses + sum(map(ops.sum, _weighted(outputs)), ops.zeros(()))
    sources = [*layer.trainable_weights, *(tree.flatten(inputs) if row.integers is None else [])]
    gradients = tape.gradient(total, sources, unconnected_gradients="zero")
    found = {
        "outputs": outputs,
        "weights after the call": [ops.convert_to_tensor(w.value) for w in layer.weights],
        "losses": [losses],
        "gradients": gradients if row.gradients else [],
    }
    for weight, value in zip(layer.weights, before, strict=True):
        weight.assign(value)
    return found


def _of_keras(layer: Any, row: Row) -> dict[str, list[Any]]:
    """The same from Keras, compiled as one program without optimizations, which is faster here."""
    inputs = jax.tree.map(jnp.asarray, row.inputs())
    variables = layer.trainable_variables, layer.non_trainable_variables

    def call(trainable: list[Any], inputs: Any, rest: list[Any]) -> Any:
        values = zip([*variables[0], *variables[1]], [*trainable, *rest], strict=True)
        with keras.StatelessScope(state_mapping=list(values), collect_losses=True) as scope:
            outputs = keras.tree.flatten(run(layer, row, inputs))
            losses = sum(layer.losses, jnp.zeros(()))
        after = [scope.get_current_value(w) for w in layer.weights]
        total = losses + sum(map(jnp.sum, _weighted(outputs)), jnp.zeros(()))
        return total, (outputs, after, losses)

    floats = row.integers is None
    arguments = ([v.value for v in variables[0]], inputs, [v.value for v in variables[1]])
    program = jax.jit(jax.grad(call, argnums=(0, 1) if floats else (0,), has_aux=True))
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    compiled = program.lower(*arguments).compile(compiler_options=options)
    gradients, (outputs, after, losses) = compiled(*arguments)
    return {
        "outputs": outputs,
        "weights after the call": after,
        "losses": [losses],
        "gradients": tree.flatten(gradients) if row.gradients else [],
    }


def _weighted(outputs: list[Any]) -> list[Any]:
    """The outputs, multiplied by random numbers."""
    rng = np.random.default_rng(3)
    return [y * rng.normal(size=tuple(y.shape)).astype("float32") for y in outputs]


def _symbols(row: Row) -> Any:
    return keras.tree.map_structure(
        lambda x: keras.KerasTensor(x.shape, dtype=str(x.dtype)), row.inputs()
    )


def _compare(mine: list[Any], theirs: list[Any], what: str) -> None:
    a = [x.numpy() for x in mine]
    b = [np.asarray(x) for x in theirs]
    assert [x.shape for x in a] == [x.shape for x in b], what
    for x, y in zip(a, b, strict=True):
        size = max(1.0, float(np.abs(y).max(initial=0.0)))
        np.testing.assert_allclose(x, y, rtol=TOLERANCE, atol=TOLERANCE * size, err_msg=what)


def plain_config(config: Any) -> Any:
    """A config without names, which are numbered, and with lists in the place of tuples."""
    if isinstance(config, dict):
        return {k: plain_config(v) for k, v in config.items() if k != "name"}
    if isinstance(config, (list, tuple)):
        return [plain_config(v) for v in config]
    if isinstance(config, float):
        return float(f"{config:.6g}")  # Keras rounds some numbers to float32
    return config
