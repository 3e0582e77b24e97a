"""`Dataset` against lists and loops in plain Python."""

import threading

import numpy as np
import pytest

import etude
from etude import layers, ops
from etude.data import AUTOTUNE, Dataset, TensorSpec
from etude.errors import ArgumentError, DataError, DtypeError, ShapeError


def values(data):
    return [element.tolist() for element in data.as_numpy_iterator()]


def worker_threads():
    return [t for t in threading.enumerate() if t.name.startswith("etude-data")]


# ---- sources ----------------------------------------------------------------------------------


def test_slices_of_a_structure_keep_structure_and_dtypes():
    data = Dataset.from_tensor_slices(
        ({"a": np.arange(3, dtype="uint8"), "b": [[1.0], [2.0], [3.0]]}, ["x", "yy", "z"])
    )
    (features, text) = next(iter(data))
    assert int(features["a"]) == 0 and features["a"].dtype == "uint8"
    assert features["b"].dtype == "float32" and features["b"].shape == (1,)
    assert text.numpy() == b"x"
    assert data.element_spec == (
        {"a": TensorSpec((), "uint8"), "b": TensorSpec((1,), "float32")},
        TensorSpec((), "string"),
    )
    assert len(data) == 3


def test_a_list_is_one_array_and_a_tuple_is_structure():
    rows = Dataset.from_tensor_slices([[1, 2], [3, 4], [5, 6]])
    assert values(rows) == [[1, 2], [3, 4], [5, 6]]
    pairs = Dataset.from_tensor_slices(([1, 2, 3], [4, 5, 6]))
    assert [(int(a), int(b)) for a, b in pairs] == [(1, 4), (2, 5), (3, 6)]


def test_slices_need_one_length():
    with pytest.raises(DataError, match=r"\(3,\).*\(2,\)"):
        Dataset.from_tensor_slices((np.zeros(3), np.zeros(2)))
    with pytest.raises(DataError, match="single number"):
        Dataset.from_tensor_slices(3)


def test_generator_is_called_at_every_iteration_and_checked_against_its_signature():
    calls = []

    def numbers(stop):
        calls.append(stop)
        yield from ([i, i + 1] for i in range(stop))

    signature = TensorSpec((2,), "float64")
    data = Dataset.from_generator(numbers, args=(2,), output_signature=signature)
    assert values(data) == values(data) == [[0.0, 1.0], [1.0, 2.0]]
    assert calls == [2, 2] and data.element_spec == signature
    wrong = Dataset.from_generator(numbers, args=(2,), output_signature=TensorSpec((3,), "int32"))
    with pytest.raises(ShapeError, match=r"element 0 has shape \(2,\).*\(3,\)"):
        list(wrong)
    with pytest.raises(DtypeError, match="without calling it"):
        Dataset.from_generator(numbers(2))


def test_old_types_and_shapes_of_a_generator():
    data = Dataset.from_generator(
        lambda: [({"x": [1, 2]}, 3)], ({"x": "float32"}, "int64"), ({"x": (None,)}, ())
    )
    features, label = next(data.as_numpy_iterator())
    assert features["x"].dtype == "float32" and label.dtype == "int64"


def test_zip_ends_with_the_shortest_and_takes_structures():
    a, b = Dataset.range(3), Dataset.range(10, 12)
    assert [tuple(map(int, row)) for row in Dataset.zip((a, b))] == [(0, 10), (1, 11)]
    named = Dataset.zip({"a": a, "b": b})
    assert [int(row["b"]) for row in named] == [10, 11] and len(named) == 2
    assert len(Dataset.zip(a, b.repeat())) == 3


def test_files_by_pattern(tmp_path):
    for name in ("b.txt", "a.txt", "c.png"):
        (tmp_path / name).touch()
    found = Dataset.list_files(f"{tmp_path}/*.txt", shuffle=False)
    assert [p.numpy().decode()[-5:] for p in found] == ["a.txt", "b.txt"]
    with pytest.raises(ArgumentError, match="No files"):
        Dataset.list_files(f"{tmp_path}/*.gif")


# ---- transformations --------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [None, 3, AUTOTUNE])
def test_map_keeps_the_order(parallel):
    data = Dataset.range(50).map(lambda i: i * i, num_parallel_calls=parallel)
    assert values(data) == [i * i for i in range(50)]
    assert data.element_spec == TensorSpec((), "int64") and len(data) == 50


def test_map_runs_on_the_host_with_ops_and_layers(engine):
    flip = layers.Rescaling(2.0)
    data = Dataset.from_tensor_slices((np.ones((4, 3), "float32"), [0, 1, 0, 1])).batch(2)
    seen = []

    def double(x, y):
        seen.append(type(x.array))
        return flip(x) + ops.ones((3,)), ops.one_hot(y, 2)

    x, y = next(iter(data.map(double)))
    assert x.numpy().tolist() == [[3.0] * 3] * 2 and y.shape == (2, 2)
    assert set(seen) == {np.ndarray} and etude.backend.backend() == engine
    assert data.map(double).element_spec[0].shape == (None, 3)


def test_an_error_names_the_function_and_the_element():
    def bad(i):
        if int(i) == 3:
            raise KeyError("broken")
        return i

    for data in (Dataset.range(9).map(bad), Dataset.range(9).map(bad, 2).prefetch(2)):
        with pytest.raises(KeyError) as caught:
            list(data)
        note = "".join(caught.value.__notes__)
        assert "Dataset.map (bad" in note and "for element 3" in note and __file__ in note
    assert worker_threads() == []


def test_no_thread_outlives_its_iterator():
    data = Dataset.range(100).map(lambda i: i, num_parallel_calls=2).prefetch(3)
    iterator = iter(data)
    next(iterator)
    assert worker_threads()
    del iterator
    assert worker_threads() == []
    with pytest.raises(KeyboardInterrupt):
        for _ in data:
            raise KeyboardInterrupt
    assert worker_threads() == []


def test_filter_and_take_while():
    data = Dataset.range(10)
    assert values(data.filter(lambda i: i % 3 == 0)) == [0, 3, 6, 9]
    assert values(data.take_while(lambda i: i < 4)) == [0, 1, 2, 3]
    with pytest.raises(TypeError, match="unknown"):
        len(data.filter(lambda i: i > 2))


def test_batches_and_their_remainder():
    data = Dataset.range(7)
    assert values(data.batch(3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert values(data.batch(3, drop_remainder=True)) == [[0, 1, 2], [3, 4, 5]]
    assert (len(data.batch(3)), len(data.batch(3, drop_remainder=True))) == (3, 2)
    assert data.batch(3, drop_remainder=True).element_spec.shape == (3,)
    assert values(data.batch(3).unbatch()) == list(range(7))
    assert values(data.batch(3).rebatch(4)) == [[0, 1, 2, 3], [4, 5, 6]]
    with pytest.raises(ArgumentError, match="at least 1"):
        data.batch(0)
    ragged = Dataset.from_generator(lambda: ([1] * n for n in (1, 2)))
    with pytest.raises(ShapeError, match=r"\(1,\), \(2,\).*padded_batch"):
        list(ragged.batch(2))


def test_padded_batches_of_structures():
    data = Dataset.from_generator(lambda: [([1], "a"), ([2, 3], "b"), ([4], "c")])
    batches = list(data.padded_batch(2, padding_values=(np.int32(9), "")))
    assert batches[0][0].numpy().tolist() == [[1, 9], [2, 3]]
    assert batches[1][1].numpy().tolist() == [b"c"]
    wide = data.map(lambda x, _: x).padded_batch(3, padded_shapes=[4])
    assert values(wide) == [[[1, 0, 0, 0], [2, 3, 0, 0], [4, 0, 0, 0]]]
    wide = data.padded_batch(3, padded_shapes=([None], []))
    assert next(iter(wide))[0].shape == (3, 2)
    with pytest.raises(ShapeError, match="larger"):
        list(data.map(lambda x, _: x).padded_batch(2, padded_shapes=(1,)))


def test_buckets_by_length():
    data = Dataset.from_generator(lambda: ([1] * n for n in (1, 5, 2, 6, 1)))
    shapes = [x.shape for x in data.bucket_by_sequence_length(lambda x: x.shape[0], [4], [2, 2])]
    assert shapes == [(2, 2), (2, 6), (1, 1)]


@pytest.mark.parametrize(("size", "shift", "stride", "drop"), [
    (3, None, 1, False), (3, 1, 1, True), (2, 3, 1, False), (2, 1, 2, True), (3, 5, 1, True),
    (4, 2, 2, False),
])  # fmt: skip
def test_windows_against_slices_of_a_list(size, shift, stride, drop):
    numbers = list(range(11))
    expected = [numbers[i::stride][:size] for i in range(0, 11, shift or size)]
    if drop:
        expected = [w for w in expected if len(w) == size]
    data = Dataset.range(11).window(size, shift, stride, drop)
    assert [values(w) for w in data] == expected
    assert len(data) == len(expected)


def test_windows_of_pairs_are_pairs_of_data_sets():
    data = Dataset.zip(Dataset.range(4), Dataset.range(4, 8)).window(2)
    joined = data.flat_map(lambda a, b: Dataset.zip(a.batch(2), b.batch(2)))
    assert [(a.numpy().tolist(), b.numpy().tolist()) for a, b in joined] == [
        ([0, 1], [4, 5]),
        ([2, 3], [6, 7]),
    ]


def test_interleave_goes_round():
    data = Dataset.range(3).interleave(
        lambda i: Dataset.from_tensors(i).repeat(int(i) + 2), cycle_length=2, block_length=2
    )
    # 0 has 2 elements, 1 has 3, 2 has 4; two are open, and each gives two in its turn
    assert values(data) == [0, 0, 1, 1, 1, 2, 2, 2, 2]
    threaded = Dataset.range(3).interleave(
        lambda i: Dataset.from_tensors(i).repeat(2), cycle_length=3, num_parallel_calls=2
    )
    assert values(threaded) == [0, 1, 2, 0, 1, 2]
    assert worker_threads() == []


def test_shuffle_is_a_permutation_that_a_seed_repeats():
    data = Dataset.range(20)
    shuffled = data.shuffle(20, seed=3)
    first, second = values(shuffled), values(shuffled)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    assert first == values(data.shuffle(20, seed=3))
    fixed = data.shuffle(20, seed=3, reshuffle_each_iteration=False)
    assert values(fixed) == values(fixed) == first
    near = values(data.shuffle(2, seed=0))
    assert all(place >= value - 1 for place, value in enumerate(near))
    etude.utils.set_random_seed(5)
    one = values(data.shuffle(20))
    etude.utils.set_random_seed(5)
    assert one == values(data.shuffle(20))


def test_cache_runs_what_is_before_it_once():
    calls = []
    data = Dataset.range(3).map(lambda i: calls.append(int(i)) or i).cache()
    next(iter(data))  # not to the end: nothing is kept
    assert values(data) == values(data) == [0, 1, 2]
    assert calls == [0, 0, 1, 2]


def test_parts_and_joins():
    data = Dataset.range(5)
    assert values(data.skip(3).concatenate(data.take(1))) == [3, 4, 0]
    assert values(data.take(-1)) == values(data) and values(data.skip(-1)) == []
    assert values(data.shard(2, 1)) == [1, 3]
    assert values(data.repeat().take(7)) == [0, 1, 2, 3, 4, 0, 1]
    assert [int(i) + int(x) for i, x in data.enumerate(10)] == [10, 12, 14, 16, 18]
    assert int(data.reduce(np.int64(1), lambda s, v: s + v)) == 11
    assert values(data.scan(0, lambda s, v: (s + 1, v * 10))) == [0, 10, 20, 30, 40]
    assert values(Dataset.from_tensor_slices([1, 2, 1]).unique()) == [1, 2]
    assert int(data.repeat().cardinality()) == -1 and int(data.cardinality()) == 5
    with pytest.raises(TypeError, match="infinite"):
        len(data.repeat())


def test_sampling_from_several():
    ones, twos = Dataset.from_tensors(1).repeat(40), Dataset.from_tensors(2).repeat(40)
    found = values(Dataset.sample_from_datasets([ones, twos], [0.9, 0.1], seed=1))
    assert sorted(found) == [1] * 40 + [2] * 40
    assert found[:30].count(1) > 20


def test_a_text_stays_text_through_batches():
    data = Dataset.from_tensor_slices((["ab", "c"], [0, 1])).batch(2)
    text, _ = next(iter(data))
    assert text.shape == (2,) and text.numpy().tolist() == [b"ab", b"c"]
    assert [str(t) for t in text] == ["ab", "c"]


# ---- training ---------------------------------------------------------------------------------


def test_fit_on_a_data_set_equals_fit_on_arrays(engine):
    x = np.random.RandomState(0).rand(10, 3).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    losses = []
    for as_stream in (False, True):
        etude.utils.set_random_seed(1)
        model = etude.Sequential([etude.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        data = (Dataset.from_tensor_slices((x, y)).batch(4).prefetch(1),) if as_stream else (x, y)
        options = {} if as_stream else {"batch_size": 4, "shuffle": False}
        history = model.fit(*data, epochs=2, verbose=0, **options)
        losses.append(history.history["loss"])
        assert model.predict(*data[:1], verbose=0).shape == (10, 1)
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_a_data_set_without_end_needs_steps():
    model = etude.Sequential([etude.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    data = Dataset.from_tensor_slices((np.ones((4, 1)), np.ones((4, 1)))).batch(2).repeat()
    with pytest.raises(ArgumentError, match="steps_per_epoch"):
        model.fit(data, verbose=0)
    model.fit(data, steps_per_epoch=3, epochs=2, verbose=0)
    assert int(model.optimizer.iterations) == 6
    assert model.predict(data, steps=2, verbose=0).shape == (4, 1)
