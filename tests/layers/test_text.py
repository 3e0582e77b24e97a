"""Layers for text and categories. Expected numbers are TensorFlow's, or counted by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from etude import Input, config, layers, ops
from etude.errors import ArgumentError, DataError, ShapeError, StateError
from etude.layers.base.host import encode_on_host
from etude.layers.text.fingerprints import fingerprint, keyed_hash


@pytest.fixture(autouse=True)
def eager() -> None:
    config.set_engine("numpy")


def again(layer: Any) -> Any:
    """The layer of the config, after it was written down."""
    return type(layer).from_config(json.loads(json.dumps(layer.get_config())))


# ---- TextVectorization ------------------------------------------------------------------------


def test_text_becomes_indices_of_the_most_frequent_tokens() -> None:
    layer = layers.TextVectorization(max_tokens=5000, output_sequence_length=4)
    layer.adapt(["foo bar", "bar baz", "baz bada boom"])
    assert layer.get_vocabulary() == ["", "[UNK]", "baz", "bar", "foo", "boom", "bada"]
    assert layer([["foo qux bar"], ["qux baz"]]).numpy().tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]


@pytest.mark.parametrize(
    "inputs",
    [
        ["foo bar"],
        ("foo bar",),
        np.array(["foo bar"]),
        np.array([b"foo bar"]),
        np.array([["foo bar"]], dtype=object),
    ],
)
def test_text_may_come_as_strings_bytes_lists_or_arrays(inputs: Any) -> None:
    layer = layers.TextVectorization(vocabulary=["foo", "bar"])
    assert layer(inputs).numpy().tolist() == [[2, 3]]


def test_one_text_alone_has_no_batch_axis() -> None:
    assert layers.TextVectorization(vocabulary=["a"])("a b").numpy().tolist() == [2, 1]


@pytest.mark.parametrize(
    ("standardize", "expected"),
    [
        ("lower_and_strip_punctuation", [2, 3]),
        ("lower", [1, 3]),
        ("strip_punctuation", [1, 1]),
        (None, [1, 1]),
        (lambda text: np.char.replace(np.char.lower(text), ",", ""), [2, 3]),
    ],
)
def test_text_is_standardized(standardize: Any, expected: list[int]) -> None:
    layer = layers.TextVectorization(standardize=standardize, vocabulary=["hello", "world"])
    assert layer(["Hello, World"]).numpy().tolist() == [expected]


def test_text_is_split_by_white_space_by_characters_or_by_a_function() -> None:
    by = {
        "whitespace": [[1]],
        "character": [[2, 1, 3]],
        lambda text: [t.split("-") for t in text.tolist()]: [[2, 3]],
    }
    for split, expected in by.items():
        layer = layers.TextVectorization(split=split, vocabulary=["a", "b"], standardize="lower")
        assert layer(["A-B"]).numpy().tolist() == expected


def test_tokens_in_a_row_count_as_one() -> None:
    layer = layers.TextVectorization(ngrams=2, vocabulary=["a", "b", "a b"])
    assert layer(["a b c"]).numpy().tolist() == [[2, 3, 1, 4, 1]]
    only_pairs = layers.TextVectorization(ngrams=(2,), vocabulary=["a b"])
    assert only_pairs(["a b c"]).numpy().tolist() == [[2, 1]]


def test_text_becomes_rows() -> None:
    text, terms = ["foo bar", "baz foo foo"], ["foo", "bar", "baz"]
    many = layers.TextVectorization(output_mode="multi_hot", vocabulary=terms)
    assert many(text).numpy().tolist() == [[0, 1, 1, 0], [0, 1, 0, 1]]
    count = layers.TextVectorization(output_mode="count", vocabulary=terms)
    assert count(text).numpy().tolist() == [[0, 1, 1, 0], [0, 2, 0, 1]]
    weights = layers.TextVectorization(
        output_mode="tf_idf", vocabulary=terms, idf_weights=[0.3, 0.5, 0.2]
    )
    np.testing.assert_allclose(weights(text).numpy(), [[0, 0.3, 0.5, 0], [0, 0.6, 0, 0.2]])
    padded = layers.TextVectorization(
        output_mode="count", vocabulary=terms, max_tokens=6, pad_to_max_tokens=True
    )
    assert padded(text).shape == (2, 6) == (2, *padded(Input((1,), dtype="string")).shape[1:])


def test_a_vocabulary_is_learnt_from_batches() -> None:
    def batches() -> Any:
        while True:
            yield np.array(["hello world", "hello"])

    layer = layers.TextVectorization()
    layer.adapt(batches(), steps=2)
    assert layer.get_vocabulary(include_special_tokens=False) == ["hello", "world"]
    layer.adapt(["new"])
    assert layer.get_vocabulary(include_special_tokens=False) == ["new"]


def test_symbols_of_text_have_shapes() -> None:
    layer = layers.TextVectorization(output_sequence_length=7)
    y = layer(Input((1,), dtype="string"))
    assert y.shape == (None, 7) and y.dtype == "int64"
    rows = layers.TextVectorization(output_mode="multi_hot", vocabulary=["a"])
    y = rows(Input((1,), dtype="string"))
    assert y.shape == (None, 2) and y.dtype == "float32"


def test_configs_of_text_layers() -> None:
    layer = layers.TextVectorization(vocabulary=["one", "two"], ngrams=(1, 2))
    assert again(layer)(["two"]).numpy().tolist() == [[3]]
    assert again(layer).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"ngrams": "two"}, "`ngrams` must be None"),
        ({"output_mode": "count", "output_sequence_length": 5}, "must not be set"),
        ({"output_sequence_length": "five"}, "either None or an integer"),
        ({"standardize": "upper"}, "`standardize` must be one of"),
        ({"split": "lines"}, "`split` must be one of"),
        ({"ragged": True}, "dense tensors only"),
        ({"vocabulary": "no such file"}, "does not exist"),
        ({"max_tokens": 1}, "greater than 1"),
    ],
)
def test_wrong_arguments_of_text_vectorization(kwargs: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        layers.TextVectorization(**kwargs)


def test_several_texts_in_a_sample_cannot_be_split() -> None:
    with pytest.raises(ShapeError, match="last shape dimension must be 1"):
        layers.TextVectorization(vocabulary=["a"])([["a", "b"]])


# ---- StringLookup and IntegerLookup -----------------------------------------------------------


def test_terms_become_indices_and_back() -> None:
    kwargs = {"vocabulary": ["a", "b"], "mask_token": "", "num_oov_indices": 1}
    layer = layers.StringLookup(**kwargs)
    assert layer.get_vocabulary() == ["", "[UNK]", "a", "b"]
    indices = layer([["a", "z"], ["", "b"]])
    assert indices.numpy().tolist() == [[2, 1], [0, 3]]
    assert indices.dtype == "int64"
    back = layers.StringLookup(**kwargs, invert=True)
    assert back(indices).tolist() == [["a", "[UNK]"], ["", "b"]]


def test_special_tokens_may_come_with_the_vocabulary() -> None:
    layer = layers.StringLookup(vocabulary=["[UNK]", "a"])
    assert layer.get_vocabulary() == ["[UNK]", "a"]
    integers = layers.IntegerLookup(vocabulary=[0, -1, 5], mask_token=0)
    assert integers([0, 5, 9]).numpy().tolist() == [0, 2, 1]


def test_frequent_terms_come_first_and_later_ones_before_earlier_ones() -> None:
    layer = layers.StringLookup(max_tokens=3)
    layer.adapt(["b", "a", "c", "c"])
    assert layer.get_vocabulary() == ["[UNK]", "c", "b"]


def test_terms_out_of_vocabulary_are_refused_or_spread() -> None:
    strict = layers.StringLookup(vocabulary=["a"], num_oov_indices=0)
    with pytest.raises(DataError, match="found OOV values 'z'"):
        strict(["z"])
    spread = layers.IntegerLookup(vocabulary=[10], num_oov_indices=3)
    assert spread([10, 4, 5, 6]).numpy().tolist() == [3, 1, 2, 0]
    terms = ["x", "y", "z", "w"]
    hashed = layers.StringLookup(vocabulary=["a"], num_oov_indices=4)
    assert hashed(terms).numpy().tolist() == [fingerprint(t.encode()) % 4 for t in terms]
    salted = layers.StringLookup(vocabulary=["a"], num_oov_indices=4, salt=[137, 42])
    assert salted(terms).numpy().tolist() == [keyed_hash(t.encode(), (137, 42)) % 4 for t in terms]


def test_weights_of_terms_are_logarithms_of_rarity() -> None:
    layer = layers.StringLookup(output_mode="tf_idf")
    layer.adapt([["a", "a", "b"], ["a", "c", "c"]])
    documents = {"a": 2, "c": 1, "b": 1}
    assert layer.get_vocabulary(include_special_tokens=False) == list(documents)
    idf = np.log(1 + 2 / (1 + np.array(list(documents.values()))))
    np.testing.assert_allclose(layer.idf_weights, [idf.mean(), *idf], rtol=1e-6)
    np.testing.assert_allclose(layer([["a", "a"]]).numpy(), [[0, 2 * idf[0], 0, 0]], rtol=1e-6)


def test_output_modes_of_lookups() -> None:
    terms, batch = ["one", "two", "three"], [["one", "two", "four", "two"]]

    def rows(mode: str, data: Any) -> Any:
        return layers.StringLookup(vocabulary=terms, output_mode=mode)(data).numpy().tolist()

    assert rows("multi_hot", batch) == [[1, 1, 1, 0]]
    assert rows("count", batch) == [[1, 1, 2, 0]]
    assert rows("count", batch[0]) == [1, 1, 2, 0]
    assert rows("one_hot", ["two", "x"]) == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert rows("one_hot", [["two"], ["x"]]) == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert np.shape(rows("one_hot", [[["a", "b"]] * 2] * 3)) == (3, 2, 2, 4)


def test_a_mask_counts_for_nothing_in_rows() -> None:
    layer = layers.StringLookup(vocabulary=["a"], mask_token="", output_mode="count")
    assert layer([["", "a", "z", ""]]).numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"max_tokens": 1}, "`max_tokens` must be greater than 1"),
        ({"pad_to_max_tokens": True}, "must set `max_tokens`"),
        ({"num_oov_indices": -1}, "greater than or equal to 0"),
        ({"invert": True, "output_mode": "count"}, "must be `'int'` when `invert` is true"),
        ({"idf_weights": [1.0]}, "`idf_weights` should only be set"),
        ({"output_mode": "rows"}, "must be one of"),
        ({"vocabulary": []}, "empty vocabulary"),
        ({"vocabulary": ["a", "a"]}, "at least one repeated term"),
        ({"vocabulary": ["a", "m"], "mask_token": "m"}, "reserved mask token"),
        ({"vocabulary": ["a", "[UNK]"], "invert": True}, "reserved OOV token"),
        ({"vocabulary": ["a", "b", "c"], "max_tokens": 2}, "larger than the maximum"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "`idf_weights` argument"),
        ({"salt": "pepper"}, "only be a tuple of size 2"),
        ({"unknown": 1}, "Unrecognized keyword argument"),
    ],
)
def test_wrong_arguments_of_lookups(kwargs: Any, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        layers.StringLookup(**kwargs)


def test_what_lookups_cannot_do() -> None:
    with pytest.raises(ArgumentError, match="Cannot adapt"):
        layers.StringLookup(vocabulary=["a"]).adapt(["b"])
    with pytest.raises(StateError, match="vocabulary before calling it"):
        layers.StringLookup(output_mode="count")(["a"])
    layer = layers.StringLookup(output_mode="count")
    layer.adapt(["a"])
    with pytest.raises(StateError, match="cannot be changed"):
        layer.adapt(["a", "b"])


# ---- hashes and categories --------------------------------------------------------------------


NAMES = [["omar"], ["stringer"], ["marlo"], ["wire"], ["skywalker"]]


def test_buckets_are_those_of_tensorflow() -> None:
    def buckets(data: Any, **kwargs: Any) -> list[int]:
        return layers.Hashing(**kwargs)(data).numpy().reshape(-1).tolist()

    assert buckets(NAMES, num_bins=2) == [0, 0, 1, 0, 0]
    assert buckets(NAMES, num_bins=3, mask_value="omar") == [0, 1, 2, 1, 1]
    assert buckets(NAMES, num_bins=2, salt=[133, 137]) == [0, 1, 0, 1, 0]
    assert buckets(NAMES, num_bins=2, salt=[211, 137]) == [1, 0, 1, 0, 1]
    assert buckets([[0], [1], [2], [3], [4]], num_bins=3) == [1, 0, 1, 0, 2]
    assert buckets([[0], [1], [2], [3], [4]], num_bins=3, salt=[133, 137]) == [1, 1, 2, 0, 1]


def test_fingerprints_of_all_lengths() -> None:
    """Values of Google's FarmHash for the empty text; and no two texts of any length agree."""
    assert fingerprint(b"") == 0x9AE16A3B2F90404F
    found = {fingerprint(b"x" * n) for n in range(200)}
    assert len(found) == 200


def test_crossed_buckets_are_those_of_tensorflow() -> None:
    layer = layers.HashedCrossing(num_bins=5)
    features = (np.array(["A", "B", "A", "B", "A"]), np.array([101, 101, 101, 102, 102]))
    assert layer(features).numpy().tolist() == [1, 4, 1, 1, 3]
    rows = layers.HashedCrossing(num_bins=5, output_mode="one_hot")(features).numpy()
    np.testing.assert_array_equal(rows, np.eye(5)[[1, 4, 1, 1, 3]])
    with pytest.raises(ShapeError, match="equal shape"):
        layer((["a"], [1, 2]))


def test_rows_on_the_host_are_those_of_the_ops() -> None:
    indices = np.random.default_rng(0).integers(0, 5, (3, 4))
    for mode in ("one_hot", "multi_hot", "count"):
        expected = layers.CategoryEncoding(num_tokens=5, output_mode=mode)(indices)
        np.testing.assert_array_equal(encode_on_host(indices, mode, 5, "float32"), expected)


def test_counts_may_have_weights() -> None:
    layer = layers.CategoryEncoding(num_tokens=4, output_mode="count")
    y = layer(np.array([[0, 1], [3, 3]]), count_weights=np.array([[0.1, 0.2], [0.3, 0.4]]))
    np.testing.assert_allclose(y.numpy(), [[0.1, 0.2, 0, 0], [0, 0, 0, 0.7]], rtol=1e-6)


def test_bins_learnt_from_data_hold_equally_many_values() -> None:
    values = np.random.default_rng(0).normal(size=4000)
    layer = layers.Discretization(num_bins=4, epsilon=0.001)
    layer.adapt([values[:1000], values[1000:]])
    np.testing.assert_allclose(
        layer.bin_boundaries, np.quantile(values, [0.25, 0.5, 0.75]), atol=0.01
    )
    counts = np.bincount(layer(values).numpy())
    assert counts.min() > 950
    assert again(layer).bin_boundaries == layer.bin_boundaries


def test_layers_on_the_host_explain_why_they_cannot_be_compiled() -> None:
    pytest.importorskip("jax")
    config.set_engine("xla")
    import etude

    layer = layers.IntegerLookup(vocabulary=[1, 2])
    with pytest.raises(StateError, match="works on the host"):
        etude.function(layer)(ops.ones((2,), dtype="int64"))
