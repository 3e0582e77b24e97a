"""Arrays, generators and data sets as batches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etude.data import ArrayBatches, PyDataset, batches_of, unpack_x_y_sample_weight
from etude.data.arrays import split_for_validation, to_arrays
from etude.data.class_weights import class_weights_to_sample_weights
from etude.data.unpacking import pack_x_y_sample_weight
from etude.errors import ArgumentError, DataError


@given(
    count=st.integers(1, 60),
    size=st.integers(1, 20),
    epoch=st.integers(0, 3),
    shuffle=st.sampled_from([False, True, "batch"]),
)
def test_every_sample_comes_once_in_an_epoch(count, size, epoch, shuffle):
    data = ArrayBatches(np.arange(count), batch_size=size, shuffle=shuffle, seed=5)
    batches = [x.tolist() for x, _, _ in data.epoch(epoch)]
    assert sorted(i for batch in batches for i in batch) == list(range(count))
    assert len(batches) == data.num_batches
    assert all(len(batch) == size for batch in batches[:-1])
    if shuffle == "batch":
        whole = [batch for batch in batches if len(batch) == size]
        assert all(np.diff(batch).tolist() == [1] * (size - 1) for batch in whole)


def test_order_depends_on_seed_and_epoch_alone():
    data = ArrayBatches(np.arange(100), shuffle=True, seed=5)
    assert (
        data.order(2).tolist()
        == ArrayBatches(np.zeros(100), shuffle=True, seed=5).order(2).tolist()
    )
    assert data.order(2).tolist() != data.order(3).tolist()
    # NumPy promises that the numbers of MT19937 stay as they are.
    assert data.order(0)[:5].tolist() == [74, 25, 75, 96, 68]


def test_floats_get_the_default_dtype_and_integers_stay():
    data = ArrayBatches({"a": np.zeros((4, 2)), "b": [1, 2, 3, 4]}, y=(1.0, 2.0, 3.0, 4.0))
    assert data.x["a"].dtype == "float32" and data.x["b"].dtype == "int64"
    assert data.y.dtype == "float32" and data.num_samples == 4


def test_steps_decide_the_batch_size_where_none_is_given():
    assert ArrayBatches(np.zeros(100), steps=7).batch_size == 15
    assert ArrayBatches(np.zeros(100), steps=7, batch_size=4).batch_size == 4
    assert ArrayBatches(np.zeros(100)).batch_size == 32


def test_tables_of_objects_become_numbers():
    table = np.array([[1, 2.5], [3, True]], dtype=object)
    assert to_arrays(table, "x").dtype == "float32"


def test_splits():
    first, last = split_for_validation((np.arange(10), None, np.arange(10.0)), 0.3)
    assert first[0].tolist() == list(range(7)) and last[2].tolist() == [7.0, 8.0, 9.0]
    assert first[1] is None
    with pytest.raises(ArgumentError, match="NumPy arrays"):
        split_for_validation((iter([]), None, None), 0.3)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([0, 2, 5]), [2.0, 0.5, 1.0]),
        (np.array([[2], [0]]), [0.5, 2.0]),
        (np.eye(3), [2.0, 1.0, 0.5]),
        (np.array([0.0, 2.0]), [2.0, 0.5]),
    ],
)
def test_class_weights(labels, expected):
    assert class_weights_to_sample_weights(labels, {0: 2.0, 2: 0.5}).tolist() == expected


def test_class_weights_that_cannot_be_used():
    with pytest.raises(ArgumentError, match="dictionary"):
        class_weights_to_sample_weights(np.zeros(3), [1.0])
    with pytest.raises(ArgumentError, match="sample_weight"):
        class_weights_to_sample_weights(np.zeros((3, 2, 2)), {0: 1.0})
    with pytest.raises(ArgumentError, match="single output"):
        ArrayBatches(np.zeros(3), [np.zeros(3), np.zeros(3)], class_weight={0: 1.0})
    with pytest.raises(ArgumentError, match="same time"):
        ArrayBatches(np.zeros(3), np.zeros(3), np.ones(3), class_weight={0: 1.0})


class Numbers(PyDataset):
    def __len__(self):
        return 20

    def __getitem__(self, index):
        return np.array([index]), np.array([index])


@pytest.mark.parametrize("workers", [1, 4])
def test_datasets_keep_their_order_with_threads(workers):
    batches = batches_of(Numbers(workers=workers, max_queue_size=3))
    assert batches.num_batches == 20
    assert [int(x[0]) for x, _, _ in batches.epoch(0)] == list(range(20))


def test_datasets_are_shuffled_by_seed_and_epoch():
    def order(seed, epoch):
        batches = batches_of(Numbers(), shuffle=True, seed=seed)
        return [int(x[0]) for x, _, _ in batches.epoch(epoch)]

    assert order(1, 0) == order(1, 0) != order(1, 1)
    assert sorted(order(1, 0)) == list(range(20)) != order(1, 0)


def test_errors_in_threads_reach_the_user():
    class Broken(Numbers):
        def __getitem__(self, index):
            if index == 3:
                raise ZeroDivisionError("in the data set")
            return super().__getitem__(index)

    with pytest.raises(ZeroDivisionError, match="in the data set"):
        list(batches_of(Broken(workers=2)).epoch(0))


def test_datasets_that_forgot_super_work():
    class Forgetful(Numbers):
        def __init__(self):
            self.own = 1

    assert len(list(batches_of(Forgetful()).epoch(0))) == 20


def test_class_weights_of_datasets_and_wrong_batches():
    batches = batches_of(Numbers(), class_weight={3: 9.0})
    assert [w.tolist() for _, _, w in batches.epoch(0)][3] == [9.0]

    class Lists(Numbers):
        def __getitem__(self, index):
            return [1, 2]

    with pytest.raises(DataError, match="tuple"):
        list(batches_of(Lists()).epoch(0))


def test_generators_can_be_looked_at_without_losing_a_batch():
    batches = batches_of((np.array([i]), np.array([i])) for i in range(3))
    assert int(batches.peek()[0][0]) == 0
    assert [int(x[0]) for x, _, _ in batches.epoch(0)] == [0, 1, 2]
    assert batches.peek() is None


def test_batches_must_hold_arrays():
    with pytest.raises(DataError, match="tuple"):
        next(batches_of(iter(["text"])).epoch(0))
    with pytest.raises(ArgumentError, match="4 elements"):
        next(batches_of(iter([(1, 2, 3, 4)])).epoch(0))


def test_packing():
    x = np.zeros(2)
    assert unpack_x_y_sample_weight(x)[0] is x
    assert unpack_x_y_sample_weight([1, 2]) == (1, 2, None)
    assert pack_x_y_sample_weight([x]) == ([x],)
    assert unpack_x_y_sample_weight(pack_x_y_sample_weight(1, 2, 3)) == (1, 2, 3)


def test_class_weights_beside_sample_weights_in_batches_are_refused():
    batches = batches_of(iter([(np.zeros((2, 1)), np.zeros(2), np.ones(2))]), class_weight={0: 2.0})
    with pytest.raises(ArgumentError, match="Multiply"):
        next(batches.epoch(0))
