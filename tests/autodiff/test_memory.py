"""Nobody shares memory with a Tensor or a Variable: what users write to stays theirs."""

import threading

import numpy as np
import pytest

import etude
from etude import GradientTape, Variable, function, ops
from etude.errors import GradientError


def test_arrays_of_variables_are_copies_where_a_copy_is_asked_for(engine):
    v = Variable([1.0, 2.0])
    np.array(v)[0] = 99
    v.numpy()[0] = 99
    assert not np.asarray(v).flags.writeable
    assert v.numpy().tolist() == [1.0, 2.0]


def test_tensors_are_copies_of_what_they_were_made_of(engine):
    array = np.array([1.0, 2.0, 3.0])
    v = Variable(np.zeros(3))
    v.assign(ops.convert_to_tensor(array))
    with GradientTape() as tape:
        y = ops.sum(v * array)
    array[:] = 0
    assert v.numpy().tolist() == [1.0, 2.0, 3.0]
    assert tape.gradient(y, v).numpy().tolist() == [1.0, 2.0, 3.0]


def test_functions_of_numpy_keep_the_gradient_or_say_that_they_would_not(engine):
    x = ops.convert_to_tensor([2.0, 4.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(np.array([7.0, 9.0], "float32") % x)  # NumPy calls it remainder
        with pytest.raises(GradientError, match=r"numpy\.spacing would drop the gradient"):
            np.spacing(x)
    assert tape.gradient(y, x).numpy().tolist() == [-3.0, -2.0]  # d (a mod x) = -floor(a / x)


def test_a_function_sees_the_same_kinds_on_both_engines(engine):
    seen = []

    @function
    def note(x, n, flag, text):
        seen.append([type(v).__name__ for v in (x, n, flag, text)])
        return x + n

    given = np.ones(2, "float32")
    result = note(given, 2, True, "text")
    assert seen == [["Tensor", "Tensor", "bool", "str"]]
    assert type(result).__name__ == "Tensor"
    assert given.tolist() == [1.0, 1.0]


def test_weights_can_be_read_while_another_thread_trains(engine):
    model = etude.Sequential([etude.Input((3,)), etude.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((64, 3), "float32")
    failures = []
    done = threading.Event()

    def read():
        while not done.is_set():
            try:
                model.layers[0].kernel.numpy()
            except Exception as error:
                failures.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        model.fit(x, x[:, :1], batch_size=2, epochs=5, verbose=0)
    finally:
        done.set()
        reader.join()
    assert failures == []
