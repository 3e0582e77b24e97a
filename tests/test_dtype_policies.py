"""Dtype policies: what they name, maps of them, configs as in Keras, layers that use them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest

import etude
from etude import dtype_policies, layers
from etude.errors import ArgumentError, DtypeError


@pytest.fixture(autouse=True)
def policy_of_before():
    before = dtype_policies.dtype_policy()
    yield
    dtype_policies.set_dtype_policy(before)


@pytest.mark.parametrize(
    ("name", "compute", "variable"),
    [
        ("float32", "float32", "float32"),
        ("float16", "float16", "float16"),
        ("mixed_float16", "float16", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("uint8", "uint8", "uint8"),
    ],
)
def test_names(name: str, compute: str, variable: str):
    policy = dtype_policies.get(name)
    assert (policy.name, policy.compute_dtype, policy.variable_dtype) == (name, compute, variable)
    for twin in (copy.deepcopy(policy), pickle.loads(pickle.dumps(policy))):
        assert twin == policy
        assert hash(twin) == hash(policy)
    config = dtype_policies.serialize(policy)
    assert config == keras.dtype_policies.serialize(keras.DTypePolicy(name))
    assert dtype_policies.get(config) == policy
    etude.config.set_dtype_policy(name)
    assert etude.config.dtype_policy() == etude.mixed_precision.global_policy() == policy
    assert layers.Dense(1).dtype_policy == policy


@pytest.mark.parametrize("name", ["int8_from_float32", "int4/128_from_float32", "float8_from_x"])
def test_quantization_is_left_out_and_says_so(name: str):
    with pytest.raises(ArgumentError, match="quantization is no part of etude"):
        dtype_policies.get(name)


def test_bad_names():
    with pytest.raises(ArgumentError, match="Cannot convert 'floaty'"):
        dtype_policies.DTypePolicy("floaty")
    with pytest.raises(DtypeError, match="'name' must be a string"):
        dtype_policies.DTypePolicy(16)  # type: ignore[arg-type]


def test_inputs_are_cast_where_they_are_floats(engine: str):
    policy = dtype_policies.DTypePolicy("mixed_float16")
    assert policy.convert_input(np.ones(2), True, "float16").dtype == "float16"
    assert policy.convert_input(np.ones(2, "float32"), False, "float16").dtype == "float32"
    assert policy.convert_input(np.ones(2, "int32"), True, "float16").dtype == "int32"


# ---- maps ---------------------------------------------------------------------------------------


def policies() -> Any:
    found = dtype_policies.DTypePolicyMap("float16")
    found["encoder/.*"] = "mixed_bfloat16"
    found["encoder/last"] = dtype_policies.DTypePolicy("float64")
    return found


def test_a_map_knows_paths_then_patterns_then_its_default():
    found = policies()
    names = [found[path].name for path in ("encoder/last", "encoder/a/b", "encoder", "x")]
    assert names == ["float64", "mixed_bfloat16", "float16", "float16"]
    assert (found.name, found.compute_dtype, found.variable_dtype) == (
        "map_float16", "float16", "float16",
    )  # fmt: skip
    assert ("encoder/last" in found, "encoder/a" in found, len(found)) == (True, False, 2)
    assert list(found) == ["encoder/.*", "encoder/last"]
    assert found.pop("encoder/last").name == "float64"
    with pytest.raises(KeyError):
        found.pop("encoder/last")
    assert "default_policy=float16, mapping=[('encoder/.*', 'mixed_bfloat16')]" in repr(found)


def test_a_map_refuses_what_is_ambiguous():
    found = policies()
    with pytest.raises(ArgumentError, match="encoder/last already exist in the DTypePolicyMap"):
        found["encoder/last"] = "float32"
    with pytest.raises(ArgumentError, match="Cannot interpret the assigned value by"):
        found["a"] = 123
    found[".*a"] = "float32"
    with pytest.raises(ArgumentError, match="Path 'encoder/a' matches multiple dtype policy"):
        _ = found["encoder/a"]
    with pytest.raises(ArgumentError, match="`default_policy` cannot be a `DTypePolicyMap`"):
        dtype_policies.DTypePolicyMap(found)
    with pytest.raises(DtypeError, match="`policy_map` must be a dict"):
        dtype_policies.DTypePolicyMap(policy_map=["float32"])  # type: ignore[arg-type]


@pytest.mark.parametrize("default", [None, "mixed_bfloat16"])
def test_configs_of_maps_are_those_of_keras(default: str | None):
    ours = dtype_policies.DTypePolicyMap(default)
    theirs = keras.dtype_policies.DTypePolicyMap(default)
    for found in (ours, theirs):
        found["a/b"] = "float16"
    config = dtype_policies.serialize(ours)
    assert config == keras.dtype_policies.serialize(theirs)
    etude.config.set_dtype_policy("float64")
    again = dtype_policies.deserialize(config)
    assert [again["a/b"].name, again["c"].name] == (
        ["float64", "float64"] if default is None else ["float16", default]
    )


def test_layers_take_their_policy_from_a_map(engine: str):
    found = dtype_policies.DTypePolicyMap("float32")
    found[".*half"] = "mixed_float16"
    half, whole = (layers.Dense(2, dtype=found, name=name) for name in ("half", "whole"))
    model = etude.Sequential([layers.Input((3,)), half, whole])
    assert half(np.ones((1, 3))).dtype == "float16"
    assert model(np.ones((1, 3))).dtype == "float32"
    again = layers.Dense.from_config(half.get_config())
    assert list(again.dtype_policy) == [".*half"]
