"""FeatureSpace: columns of a table as one vector, each encoded as counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import etude
from etude import Model, layers
from etude.errors import ArgumentError, NotBuiltError
from etude.utils import FeatureSpace

DATA = {
    "age": np.array([20.0, 40.0, 20.0, 40.0], dtype="float32"),
    "sex": np.array(["f", "m", "m", "m"]),
    "zone": np.array([7, 9, 7, 7]),
}
FEATURES = {
    "age": "float_normalized",
    "sex": "string_categorical",
    "zone": FeatureSpace.integer_categorical(num_oov_indices=0),
}
SEX = np.eye(3)[[2, 1, 1, 1]]  # [UNK], m, f
ZONE = np.eye(2)[[0, 1, 0, 0]]  # 7, 9


@pytest.fixture(autouse=True)
def eager() -> None:
    etude.config.set_engine("numpy")


def space(**kwargs: Any) -> FeatureSpace:
    found = FeatureSpace({**FEATURES}, **kwargs)
    found.adapt(DATA)
    return found


def test_columns_are_encoded_and_joined_in_the_order_of_their_names() -> None:
    expected = np.concatenate([[[-1.0], [1.0], [-1.0], [1.0]], SEX, ZONE], axis=1)
    encode = space()
    np.testing.assert_allclose(encode(DATA).numpy(), expected)
    row = {name: column[1] for name, column in DATA.items()}
    np.testing.assert_allclose(encode(row).numpy(), expected[1])


def test_columns_may_stay_apart() -> None:
    found = space(output_mode="dict")(DATA)
    assert {name: y.shape for name, y in found.items()} == {
        "age": (4, 1),
        "sex": (4, 3),
        "zone": (4, 2),
    }
    np.testing.assert_array_equal(found["sex"], SEX)


def test_crosses_are_columns_of_their_own() -> None:
    encode = space(crosses=[("sex", "zone")], crossing_dim=5)
    rows = encode(DATA).numpy()[:, 6:]
    pairs = ([[2], [1], [1], [1]], [[0], [1], [0], [0]])
    expected = layers.HashedCrossing(5, output_mode="one_hot")([np.array(p) for p in pairs])
    np.testing.assert_array_equal(rows, expected)
    assert encode.crosses[0].name == "sex_X_zone"


@pytest.mark.parametrize(
    "data",
    [DATA, [DATA], [{name: column[:, None] for name, column in DATA.items()}]],
)
def test_it_learns_from_columns_and_from_batches(data: Any) -> None:
    encode = FeatureSpace({**FEATURES})
    encode.adapt(data)
    np.testing.assert_allclose(encode(DATA).numpy(), space()(DATA).numpy())


def test_models_with_and_without_the_encoding_are_one(engine: str) -> None:
    encode = space()
    inner = encode.get_encoded_features()
    y = layers.Dense(1)(inner)
    trained, whole = Model(inner, y), Model(encode.get_inputs(), y)
    trained.compile("adam", "mse")
    trained.fit(encode(DATA).numpy(), np.ones(4), verbose=0)
    np.testing.assert_allclose(
        whole.predict(DATA, verbose=0), trained.predict(encode(DATA), verbose=0), rtol=1e-6
    )


def test_it_is_saved_with_what_it_learnt(tmp_path: Any) -> None:
    encode = space(crosses=[("sex", "zone")], crossing_dim=5)
    encode.save(tmp_path / "space.keras")
    again = etude.models.load_model(tmp_path / "space.keras")
    np.testing.assert_array_equal(again(DATA).numpy(), encode(DATA).numpy())


def test_mistakes_are_explained() -> None:
    with pytest.raises(ArgumentError, match="cannot be None or empty"):
        FeatureSpace({})
    with pytest.raises(ArgumentError, match="Invalid feature type"):
        FeatureSpace({"a": "number"})
    with pytest.raises(ArgumentError, match="unknown features"):
        FeatureSpace({"a": "float"}, crosses=[("a", "b")])
    with pytest.raises(NotBuiltError, match=r"call `.adapt"):
        FeatureSpace({"a": "float_normalized"})({"a": np.ones(2)})
    with pytest.raises(ArgumentError, match="has not been encoded"):
        FeatureSpace({"a": FeatureSpace.integer_hashed(3, output_mode="int")})({"a": [1]})
