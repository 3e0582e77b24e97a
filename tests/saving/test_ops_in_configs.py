"""Ops in the graph of a model, and as arguments: what Keras and etude write, each can read."""

import importlib
import inspect
import json

import keras
import numpy as np
import pytest

import etude
from etude import ops
from etude.models import keras_operations
from etude.models.keras_operations import arranged, function_of, split
from tests.parity.reference import keras_alone

X = np.random.default_rng(0).random((3, 4)).astype("float32") + 0.1


def indexing(k):
    x = k.Input((4,))
    y = k.ops.sum(k.ops.relu(x) + 1, axis=1, keepdims=True)
    z = k.ops.concatenate([x, y], axis=-1) @ k.ops.ones((5, 3))
    return k.Model(x, [k.ops.where(z[:, :2] > 2, z[:, :2], 0.0), z[..., None]])


def casts_and_parts(k):
    x = k.Input((4,))
    first, second = k.ops.split(k.ops.clip(k.ops.cast(x, "float16"), 0, 1), 2, axis=1)
    z = k.ops.nn.gelu(k.ops.cast(-first, "float32"), approximate=False)
    return k.Model(x, [2**z, second, k.ops.stop_gradient(1 - x)])


def options_of_all_kinds(k):
    x = k.Input((4,))
    padded = k.ops.pad(x, ((0, 0), (1, 1)), constant_values=2.0)
    values, places = k.ops.top_k(padded, k=2)
    return k.Model(
        x,
        {
            "mean": k.ops.mean(x, axis=[0, 1], keepdims=True),
            "stack": k.ops.stack([values[:, 0], values[:, 1]], axis=1),
            "take": k.ops.take(x, [0, 2], axis=1),
            "hot": k.ops.one_hot(places, 6),
            "einsum": k.ops.einsum("ab,ab->a", x, x),
            "grid": k.ops.meshgrid(x[0], x[1], indexing="ij")[0],
            "close": k.ops.isclose(x, 0.5, atol=0.3),
        },
    )


def images(k):
    x = k.Input((4,))
    image = k.ops.reshape(x, (-1, 2, 2, 1))
    channels = k.ops.conv(image, k.ops.ones((2, 2, 1, 3)), padding="same")
    return k.Model(
        x,
        [
            k.ops.image.resize(image, (3, 3)),
            k.ops.image.rgb_to_grayscale(channels),
            k.ops.max_pool(image, 2, strides=1, padding="same"),
            k.ops.layer_normalization(x),
            k.ops.softmax(x),
        ],
    )


MODELS = [indexing, casts_and_parts, options_of_all_kinds, images]


@pytest.fixture(autouse=True)
def names_from_the_start():
    keras.utils.clear_session()


def outputs(k, model):
    return [np.asarray(t) for t in k.tree.flatten(model(X))]


@pytest.mark.parametrize("make", MODELS)
def test_each_reads_the_files_of_the_other(make, tmp_path):
    etude.config.set_engine("numpy")
    ours = make(etude)
    expected = outputs(etude, ours)
    ours.save(tmp_path / "ours.keras")
    again = etude.saving.load_model(tmp_path / "ours.keras")
    with keras_alone():
        theirs = make(keras)
        theirs.save(tmp_path / "theirs.keras")
        read_by_keras = keras.saving.load_model(tmp_path / "ours.keras")
        found = [outputs(keras, theirs), outputs(keras, read_by_keras)]
    read_by_us = etude.saving.load_model(tmp_path / "theirs.keras")
    found += [outputs(etude, again), outputs(etude, read_by_us)]
    for other in found:
        for a, b in zip(expected, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    for written, read in ((ours, again), (ours, read_by_keras), (theirs, read_by_us)):
        assert [o.name for o in read.operations] == [o.name for o in written.operations]
    assert json.dumps(again.get_config()) == json.dumps(ours.get_config())


def test_nodes_are_written_as_keras_writes_them():
    ours, theirs = indexing(etude).get_config(), indexing(keras).get_config()
    for own, other in zip(ours["layers"], json.loads(json.dumps(theirs["layers"])), strict=True):
        for key in ("module", "class_name", "name", "registered_name"):
            assert own[key] == other[key]
        if "ops" in own["module"]:
            assert own["config"].items() <= other["config"].items()  # Keras adds defaults


def test_files_of_before_are_still_read():
    config = casts_and_parts(etude).get_config()
    x = etude.Input((4,), name="x")
    old = etude.Model(x, ops.sum(x, axis=1, keepdims=True)).get_config()
    entry = old["layers"][1]
    symbol = entry["inbound_nodes"][0]["args"][0]
    entry |= {"module": "etude.ops", "class_name": "sum", "config": {"name": "sum"}}
    entry["inbound_nodes"] = [{"args": [symbol], "kwargs": {"axis": 1, "keepdims": True}}]
    assert etude.Model.from_config(old).output_shape == (None, 1)
    config["layers"][1] |= {"class_name": "System"}
    with pytest.raises(etude.errors.SerializationError, match="Unknown op"):
        etude.Model.from_config(config)


ROWS = list(keras_operations._BY_OP.values())


def test_the_table_is_that_of_keras():
    for row in ROWS:
        function = getattr(ops, row.op, None) or getattr(ops.image, row.op)
        cls = vars(importlib.import_module(row.module))[row.name]
        call = list(inspect.signature(cls.call).parameters.values())[1:]
        stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        assert row.inputs == tuple(stars.get(p.kind, "") + p.name for p in call), row
        constructor = set(inspect.signature(cls.__init__).parameters) - {"self", "name"}
        own = set(inspect.signature(function).parameters) - {p.name for p in call}
        assert own - {"kwargs"} <= constructor, row
        assert function_of(row.name).name in (row.op, *_SYNONYMS.get(row.op, ()))


_SYNONYMS = {"hard_swish": ["hard_silu"], "swish": ["silu"], "getitem": ["get_item"]}


def test_arguments_are_taken_apart_and_put_together():
    made = split(ops.rearrange, ("x", "(a b) -> a b"), {"a": 2})
    assert made == ({}, ["x", "(a b) -> a b"], {"a": 2})
    assert arranged(ops.rearrange, *made) == (("x", "(a b) -> a b"), {"a": 2})
    options, positional, named = split(ops.fori_loop, (0, 3, len), {"init_val": 5})
    assert (options, positional, named) == ({"lower": 0, "upper": 3, "body_fun": len}, [5], {})
    assert arranged(ops.fori_loop, options, positional, named) == ((0, 3, len, 5), {})
    assert split(ops.pad, ("x", 1), {})[:2] == ({"pad_width": 1}, ["x", None])


def test_ops_as_arguments_are_read_by_both(tmp_path):
    etude.config.set_engine("numpy")
    layer = etude.layers.Lambda(ops.abs)
    config = etude.saving.serialize_keras_object(layer)
    assert config["config"]["function"]["module"] == "keras.ops"
    again = etude.saving.deserialize_keras_object(config)
    assert again(-X).numpy().tolist() == X.tolist()
    with keras_alone():
        theirs = keras.saving.deserialize_keras_object(config)
        np.testing.assert_allclose(np.asarray(theirs(-X)), X)
    assert again.function is ops.abs
    dense = etude.saving.serialize_keras_object(etude.layers.Dense(2, activation=ops.tanh))
    assert dense["config"]["activation"] == "tanh"
