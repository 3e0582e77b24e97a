"""`Config`, beside that of Keras."""

import copy

import keras
import pytest

from etude.legacy import saving
from etude.utils import Config, legacy


@pytest.mark.parametrize("make", [Config, keras.utils.Config])
def test_behaves_like_that_of_keras(make):
    config = make(b=1, a=2)
    config.seed = 3
    config["d"] = {"x": [1]}
    assert config.seed == config["seed"] == 3 and "seed" in config and len(config) == 4
    assert list(config) == ["a", "b", "d", "seed"] and list(config.keys())[:2] == ["b", "a"]
    assert config.pop("d") == {"x": [1]} and config.get("d", 5) == 5
    config.update({"e": 1}, f=2)
    del config["e"]
    assert config.as_dict() == {"b": 1, "a": 2, "seed": 3, "f": 2}
    assert config.to_json() == '{"b": 1, "a": 2, "seed": 3, "f": 2}'
    with pytest.raises(AttributeError, match="Did you mean 'seed'"):
        _ = config.sed
    config.freeze()
    for change in (
        lambda: setattr(config, "seed", 4),
        lambda: config.pop("a"),
        lambda: config.update(a=1),
        lambda: config.__delitem__("a"),
    ):
        with pytest.raises(ValueError, match="frozen"):
            change()
    assert config.frozen and repr(config) == "<Config {'b': 1, 'a': 2, 'seed': 3, 'f': 2}>"
    config.unfreeze()
    config.seed = 4
    assert config.seed == 4


def test_can_be_copied():
    assert copy.deepcopy(Config(a=[1])).a == [1]


def test_older_configs_are_where_keras_has_them():
    assert legacy.serialize_keras_object is saving.serialize_keras_object
    assert legacy.deserialize_keras_object("abs", {"abs": abs}) is abs
