"""Every layer against Keras 3 on JAX: weights, outputs, losses, gradients, configs, signatures."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import pytest

from etude import config, layers
from tests.layers.parity import compare_with_keras
from tests.layers.row import Row
from tests.layers.rows import ALL

# Arguments of Keras that etude takes, but not in the signature, or not at all.
LEFT_OUT = {"lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size"}
NOT_IN_TABLE = {"Layer", "Wrapper", "StackedRNNCells", "LSTMCell", "GRUCell", "SimpleRNNCell"}
ELSEWHERE = {
    "Input", "InputLayer", "InputSpec", "Lambda", "RandAugment", "AugMix",
    # Keras needs TensorFlow for these: see `test_text`.
    "Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization",
}  # fmt: skip


@pytest.mark.parametrize("row", ALL, ids=[row.id for row in ALL])
def test_is_as_in_keras(row: Row) -> None:
    config.set_engine("numpy")  # that the other engine does the same, `test_contract` shows
    compare_with_keras(row)


def public_layers() -> list[str]:
    return [
        name
        for name in layers.__all__
        if isinstance(getattr(layers, name), type) and getattr(layers, name).__name__ == name
    ]


def test_every_layer_is_in_the_table() -> None:
    rows = {row.layer for row in ALL}
    assert set(public_layers()) - ELSEWHERE - NOT_IN_TABLE <= rows


def test_every_name_means_the_layer_that_it_means_in_keras() -> None:
    for name in layers.__all__:
        expected = getattr(keras.layers, name)
        assert getattr(layers, name).__name__ == expected.__name__, name


@pytest.mark.parametrize("name", [n for n in public_layers() if n != "InputSpec"])
def test_arguments_are_those_of_keras(name: str) -> None:
    def arguments(cls: Any) -> list[tuple[str, Any]]:
        found = inspect.signature(cls).parameters.values()
        return [
            (p.name, _plain(p.default))
            for p in found
            if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in LEFT_OUT
        ]

    assert arguments(getattr(layers, name)) == arguments(getattr(keras.layers, name))


def _plain(default: Any) -> Any:
    """(2, 2) and 2 mean the same size."""
    same = isinstance(default, tuple) and default and len(set(default)) == 1
    return _plain(default[0]) if same else default
