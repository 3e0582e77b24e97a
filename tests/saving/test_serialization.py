"""Configs: what Keras writes and reads; what must be refused."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import keras
import numpy as np
import pytest

import etude
from etude import losses, optimizers, saving
from etude.errors import ArgumentError, SerializationError
from etude.saving.object_sharing import object_sharing
from etude.saving.registration import get_registered_name, get_registered_object, public_object

PLAIN = [
    None,
    True,
    3,
    2.5,
    "text",
    [1, [2.0, None]],
    {"a": 1, "b": {"c": [True]}},
]
SPECIAL = [slice(1, None, 2), Ellipsis, b"bytes", np.arange(6, dtype="int16").reshape(2, 3)]


class Own:
    """A class of a user, with another object inside."""

    def __init__(self, factor: float = 1.0, loss: Any = None):
        self.factor = factor
        self.loss = loss

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "loss": self.loss}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Own:
        config["loss"] = saving.deserialize_keras_object(config["loss"])
        return cls(**config)


@pytest.mark.parametrize("value", [*PLAIN, *SPECIAL], ids=repr)
def test_values_round_trip_in_the_form_of_keras(value: Any):
    config = saving.serialize_keras_object(value)
    assert config == keras.saving.serialize_keras_object(value)
    again = saving.deserialize_keras_object(json.loads(json.dumps(config)))
    np.testing.assert_equal(again, value)
    assert getattr(again, "dtype", None) == getattr(value, "dtype", None)


def test_tensors_and_numbers_of_numpy(engine: str):
    tensor = etude.ops.array([[1.0, 2.0]], dtype="float16")
    config = saving.serialize_keras_object(tensor)
    assert config == {
        "class_name": "__tensor__",
        "config": {"value": [[1.0, 2.0]], "dtype": "float16"},
    }
    again = saving.deserialize_keras_object(config)
    assert again.dtype == "float16"
    assert type(saving.serialize_keras_object(np.float64(2.5))) is float
    assert type(saving.serialize_keras_object(np.int32(2))) is int
    symbol = saving.deserialize_keras_object(
        saving.serialize_keras_object(etude.KerasTensor((None, 3), "int32"))
    )
    assert (symbol.shape, symbol.dtype) == ((None, 3), "int32")


def test_configs_of_keras_are_read():
    theirs = keras.losses.CategoricalCrossentropy(label_smoothing=0.25, from_logits=True)
    ours = saving.deserialize_keras_object(keras.saving.serialize_keras_object(theirs))
    assert type(ours) is losses.CategoricalCrossentropy
    assert (ours.label_smoothing, ours.from_logits) == (0.25, True)


def test_configs_of_etude_are_read_by_keras():
    ours = optimizers.Adam(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5), beta_1=0.5)
    theirs = keras.saving.deserialize_keras_object(saving.serialize_keras_object(ours))
    assert type(theirs) is keras.optimizers.Adam
    assert theirs.beta_1 == 0.5
    assert theirs._learning_rate.decay_rate == 0.5


# ---- objects of users ---------------------------------------------------------------------------


def test_custom_objects_in_three_ways():
    config = saving.serialize_keras_object(Own(3.0, losses.Huber(delta=2.0)))
    assert config["registered_name"] == "Own"
    with pytest.raises(SerializationError, match=r"Could not locate class 'Own'"):
        saving.deserialize_keras_object(config)
    again = saving.deserialize_keras_object(config, custom_objects={"Own": Own})
    assert (again.factor, again.loss.delta) == (3.0, 2.0)
    with saving.custom_object_scope({"Own": Own}):
        assert saving.deserialize_keras_object(config).factor == 3.0
    registered = saving.register_keras_serializable("serialization_test", name="Mine")(
        type("Own2", (Own,), {})
    )
    config = saving.serialize_keras_object(registered(4.0))
    assert config["registered_name"] == "serialization_test>Mine"
    assert saving.deserialize_keras_object(config).factor == 4.0


def test_scopes_are_nested_and_closed():
    with saving.CustomObjectScope({"a": 1, "b": 2}), saving.CustomObjectScope({"b": 3}):
        assert (get_registered_object("a"), get_registered_object("b")) == (1, 3)
    assert get_registered_object("a") is None


def test_functions_by_name():
    def half(x: Any) -> Any:
        return x / 2

    config = saving.serialize_keras_object(half)
    assert config == keras.saving.serialize_keras_object(half)
    assert saving.deserialize_keras_object(config, custom_objects={"half": half}) is half
    with pytest.raises(SerializationError, match="Could not locate function 'half'"):
        saving.deserialize_keras_object(config)
    saving.register_keras_serializable("serialization_test")(half)
    assert get_registered_name(half) == "serialization_test>half"
    assert saving.deserialize_keras_object(saving.serialize_keras_object(half)) is half
    assert saving.deserialize_keras_object(config) is half  # as Keras up to 3.6 wrote it


def test_own_config_is_not_changed():
    config = saving.serialize_keras_object(Own(3.0, losses.Huber()))
    before = json.dumps(config)
    saving.deserialize_keras_object(config, custom_objects={"Own": Own})
    assert json.dumps(config) == before


def test_shared_objects_stay_shared():
    shared = losses.Huber(delta=2.0)
    with object_sharing():
        config = saving.serialize_keras_object({"a": Own(1.0, shared), "b": Own(2.0, shared)})
    with object_sharing():
        again = saving.deserialize_keras_object(config, custom_objects={"Own": Own})
    assert again["a"].loss is again["b"].loss
    assert again["a"] is not again["b"]


def test_a_class_without_config_is_named():
    with pytest.raises(SerializationError, match=r"must implement the `get_config\(\)` method"):
        saving.serialize_keras_object(object())
    with pytest.raises(ArgumentError, match=r"does not have a get_config\(\) method"):
        saving.register_keras_serializable()(type("Bare", (), {}))


# ---- what strangers write -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"module": "os", "class_name": "system", "config": {"command": "true"}},
        {"module": "builtins", "class_name": "eval", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["true"]}},
        {"module": "etude.saving.registration", "class_name": "CustomObjectScope", "config": {}},
        {"module": "keras.saving", "class_name": "function", "config": "load_model"},
        {
            "module": "keras.config",
            "class_name": "function",
            "config": "enable_unsafe_deserialization",
            "registered_name": None,
        },
        {"module": None, "class_name": "Popen", "config": {}},
        {"module": "keras.losses", "class_name": "__init__", "config": {}},
        {"module": "keras", "class_name": "losses.Huber.__class__", "config": {}},
    ],
)
def test_nothing_is_found_that_is_not_registered(config: dict[str, Any]):
    before = set(sys.modules)
    with pytest.raises(SerializationError, match="Could not locate"):
        saving.deserialize_keras_object(config)
    assert set(sys.modules) == before


def test_nothing_is_imported(tmp_path: Any, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "trap.py").write_text("import os; os.environ['TRAPPED'] = '1'\nclass A: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SerializationError):
        saving.deserialize_keras_object({"module": "trap", "class_name": "A", "config": {}})
    assert "TRAPPED" not in os.environ
    assert "trap" not in sys.modules


@pytest.mark.parametrize("safe_mode", [True, False])
def test_lambdas_are_never_loaded(safe_mode: bool):
    config = keras.saving.serialize_keras_object
    with pytest.warns(UserWarning):
        theirs = config(lambda x: x)
    for content in (theirs, {"class_name": "__lambda__", "config": {"value": None}}):
        with pytest.raises(SerializationError, match="arbitrary code execution"):
            saving.deserialize_keras_object(content, safe_mode=safe_mode)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"class_name": "Dense", "config": [1, 2]}, "Expected 'config' to be a dict"),
        ({"class_name": "function", "config": ["a"]}, "Expected 'config' to be a non-null str"),
        ({"class_name": ["a"], "config": {}}, "Expected 'class_name' to be a str"),
        (
            {"module": "keras.losses", "class_name": "Huber", "config": {"delt": 1.0}},
            "could not be deserialized properly",
        ),
        (
            {
                "module": "keras.losses",
                "class_name": "Huber",
                "config": {},
                "registered_name": "my>Huber",
            },
            "resolved to a Keras built-in",
        ),
        (object(), "Could not parse config"),
    ],
)
def test_malformed_configs(config: Any, message: str):
    with pytest.raises(SerializationError, match=message):
        saving.deserialize_keras_object(config)


def test_public_names_lead_to_etude():
    assert public_object("keras.losses.Huber") is losses.Huber
    assert public_object("keras.losses.huber") is losses.huber
    assert public_object("keras.losses.nothing") is None
