"""What changes after a program was traced counts in the next run: layers, settings, seeds."""

import copy

import numpy as np
import pytest

import etude
from etude import Input, Sequential, callbacks, layers
from etude.optimizers import SGD, schedules

X = np.random.default_rng(0).random((32, 4), dtype="float32")
Y = np.random.default_rng(1).random((32, 2), dtype="float32")


@pytest.fixture
def model(engine):
    model = Sequential([Input((4,)), layers.Dense(2)])
    model.compile(SGD(0.1, momentum=0.9), "mse")
    model.fit(X, Y, verbose=0)
    return model


def moved(model, **options) -> float:
    """How far a run of `fit` moves the first kernel."""
    before = model.get_weights()[0]
    model.fit(X, Y, verbose=0, **options)
    return float(np.abs(model.get_weights()[0] - before).max())


def test_another_last_layer(model):
    model.predict(X, verbose=0)
    model.pop()
    model.add(layers.Dense(2, kernel_initializer="zeros"))
    assert not model.predict(X, verbose=0).any()


def test_a_schedule_in_the_place_of_a_number(model):
    model.optimizer.momentum = 0.0
    model.optimizer.learning_rate = schedules.ExponentialDecay(1e-12, 10, 0.9)
    assert moved(model) < 1e-9


def test_a_setting_of_the_optimizer(model):
    model.optimizer.momentum = 0.0
    model.optimizer.clipvalue = 1e-12
    assert moved(model) < 1e-9


def test_another_optimizer(model):
    model.optimizer = SGD(0.0)
    assert moved(model) == 0


def test_a_layer_frozen_by_a_callback(model):
    class Freeze(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[0].trainable = False
                self.kernel = self.model.get_weights()[0]

    freeze = Freeze()
    assert moved(model, epochs=3, callbacks=[freeze]) > 0
    np.testing.assert_array_equal(model.get_weights()[0], freeze.kernel)


def test_a_copy_trains_itself(model):
    before = model.get_weights()[0]
    twin = copy.deepcopy(model)
    np.testing.assert_array_equal(twin.get_weights()[0], before)
    assert moved(twin) > 0
    np.testing.assert_array_equal(model.get_weights()[0], before)
    model.fit(X, Y, shuffle=False, verbose=0)
    assert int(model.optimizer.iterations) == int(twin.optimizer.iterations) == 2


def test_the_same_run_is_traced_once(model):
    model.fit(X, Y, epochs=2, verbose=0)
    traces = [p.traces for p in model._programs.values() if hasattr(p, "traces")]
    model.fit(X, Y, epochs=2, verbose=0)
    assert [p.traces for p in model._programs.values() if hasattr(p, "traces")] == traces


def test_a_seed_reaches_compiled_functions(engine):
    @etude.function
    def draw():
        return etude.random.normal((2,))

    def drawn():
        etude.utils.set_random_seed(1)
        return draw().numpy()

    np.testing.assert_array_equal(drawn(), drawn())


def test_compiling_again_keeps_loss_and_metrics_that_are_not_given(model):
    model.compile("sgd", metrics=["mae"])
    model.compile("adam")
    assert set(model.fit(X, Y, verbose=0).history) == {"loss", "mae"}
    config = model.get_compile_config()
    assert (config["loss"], config["metrics"]) == ("mse", ["mae"])
    model.compile("adam", metrics=[])
    assert set(model.fit(X, Y, verbose=0).history) == {"loss"}
