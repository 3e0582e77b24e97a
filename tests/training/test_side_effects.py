"""What Python code in a step changes: the same in each step on numpy, said on xla."""

import warnings

import numpy as np
import pytest

import etude
from etude import config, layers, losses, ops
from etude.autodiff.side_effects import SideEffects
from etude.errors import TracingError
from tests.training.models import X, Y


class Plain(etude.Model):
    """Two layers, and a step that tests give something to do."""

    def __init__(self, also=lambda model, logs: None, **attributes):
        super().__init__()
        self.dense = layers.Dense(3)
        self.also = also
        for name, value in attributes.items():
            setattr(self, name, value)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        logs = super().train_step(data)
        self.also(self, logs)
        return logs


def trained(model, epochs=2, **options):
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    model.fit(X, Y, batch_size=10, epochs=epochs, verbose=0)
    return model


def count(model, logs):
    model.counter += 1


@pytest.fixture
def xla():
    config.set_engine("xla")


def test_a_counter_is_said_once(xla):
    words = (
        r"`train_step` of the model 'plain' was traced .*`Plain.counter` changed from \d to \d.*"
        r"`self.counter = etude.Variable\(0, trainable=False\)`.*run_eagerly=True"
    )
    with pytest.warns(UserWarning, match=words) as caught:
        model = trained(Plain(count, counter=0))
    assert len(caught) == 1 and caught[0].filename == __file__
    assert model.counter < 10
    model.fit(X, Y, batch_size=10, verbose=0)  # nothing new


def test_each_step_counts_where_nothing_is_compiled():
    config.set_engine("numpy")
    assert trained(Plain(count, counter=0)).counter == 10
    config.set_engine("xla")
    assert trained(Plain(count, counter=0), run_eagerly=True).counter == 10


def test_a_variable_counts_each_step(engine):
    model = Plain(lambda model, _: model.counter.assign_add(1))
    model.counter = etude.Variable(0, trainable=False)
    assert int(trained(model).counter) == 10


def test_lists_and_private_names_and_globals(xla):
    kept = []

    class Own(Plain):
        def call(self, x):
            self._calls += 1
            return super().call(x)

    def collect(model, logs):
        model.items.append(1)
        kept.append(1)

    class Step(Own):
        def train_step(self, data):
            kept.append(1)
            return super().train_step(data)

    with pytest.warns(UserWarning, match="collect it in a callback") as caught:
        trained(Step(collect, items=[], _calls=0))
    for word in ("`Step._calls` changed", "`Step.items` changed", "`kept` changed"):
        assert word in str(caught[0].message)


def test_a_metric_of_ones_own(xla):
    class Counting(etude.metrics.Mean):
        batches = 0

        def __init__(self):
            super().__init__(name="counting")
            self.batches = 0

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.batches += 1
            super().update_state(y_pred)

    with pytest.warns(UserWarning, match=r"`Counting.batches` changed"):
        trained(Plain(), metrics=[Counting()])


def test_a_line_that_prints_is_said_once(xla, capsys):
    def show(model, logs):
        print("loss", logs["loss"])

    with pytest.warns(UserWarning, match=r"test_side_effects.py, line \d+ printed.*run_eagerly"):
        trained(Plain(show))
    assert "not known while a program is traced" in capsys.readouterr().out


def test_what_is_the_same_in_each_trace_is_no_harm(xla):
    def remember(model, logs):
        model.size = 10
        model.cache["size"] = 10
        model.first = False
        if model.head is None:
            model.head = "made"

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained(Plain(remember, size=None, cache={}, first=True, head=None))


def test_a_tensor_that_was_kept_says_what_to_do(xla):
    def keep(model, logs):
        model.last = logs["loss"]

    model = trained(Plain(keep))
    for use in (float, ops.square, np.asarray):
        with pytest.raises(TracingError, match=r"was kept.*return {'loss': loss}"):
            use(model.last)
    assert "never known" in repr(model.last)


def test_a_compiled_function(engine):
    calls, number = [], 0

    @etude.function
    def double(x):
        nonlocal number
        number += 1
        calls.append(number)
        return 2 * x

    if engine == "numpy":
        double(np.ones(3))
        double(np.ones(3))
        assert (number, calls) == (2, [1, 2])
        return
    with pytest.warns(UserWarning, match="`double` was traced.*`number` changed from 0 to 1"):
        double(np.ones(3))
    double(np.ones(3))
    with pytest.warns(UserWarning, match="`calls` changed from 1 to 2 items"):
        double(np.ones(4))  # another trace: what was made once would be there


def test_a_compiled_method(xla):
    class Owner:
        def __init__(self):
            self.count = 0

        @etude.function
        def step(self, x):
            self.count += 1
            return x

    with pytest.warns(UserWarning, match=r"`Owner.count` changed from 0 to 1"):
        Owner().step(np.ones(3))


def test_standard_output_is_put_back():
    import sys

    before = sys.stdout
    with pytest.raises(ZeroDivisionError), SideEffects().watching("it", [], []):
        _ = 1 / 0
    assert sys.stdout is before
