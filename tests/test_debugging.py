"""Where a NaN comes from, on both engines alike; gradients and dead units in numbers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import etude
from etude import callbacks, debugging, layers, ops, optimizers
from etude.data import Dataset
from etude.errors import StateError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(96, 4)).astype("float32")
Y = np.abs(X.sum(axis=1, keepdims=True))
FIT = {"epochs": 2, "batch_size": 16, "verbose": 0, "shuffle": False}


class Overflow(layers.Layer):
    """Its exponential overflows once its inputs are large."""

    def call(self, x):
        return ops.exp(x) / (1 + ops.exp(x))


def log_of_outputs(y, y_pred):
    return ops.mean(ops.log(y_pred) * y)


def root_of_zero(y, y_pred):
    return ops.mean(ops.square(y - y_pred)) + 0 * ops.mean(ops.sqrt(ops.square(y_pred - y_pred)))


def model(*parts, loss="mse", optimizer=None, **options):
    etude.utils.set_random_seed(0)
    parts = parts or (layers.Dense(3, "relu", name="first"), layers.Dense(1, name="last"))
    found = etude.Sequential([layers.Input((4,)), *parts], name="net")
    found.compile(optimizer or optimizers.SGD(0.01), loss, **options)
    return found


def anomaly(found, *data, **fit):
    """What `fit` reports, without being asked."""
    told = []

    class Keep(callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append(self.model.__dict__["_progress"].watch)

    with pytest.warns(UserWarning, match="The loss became") as warned:
        found.fit(*(data or (X, Y)), callbacks=[Keep()], **{**FIT, **fit})
    assert len(warned) == 1
    text = str(warned[0].message)
    assert str(told[0].found) in text
    return told[0].found, text


# ---- the first step, layer and operation --------------------------------------------------------


def test_a_function_that_overflows(engine):
    x = X.copy()
    x[40:] *= 100  # from the third batch on
    parts = (layers.Rescaling(10.0), Overflow(name="over"), layers.Dense(1))
    found, text = anomaly(model(*parts), x, Y)
    assert (found.kind, found.layer, found.operation) == ("forward", "net/over", "exp")
    assert (found.epoch, found.step, found.values) == (0, 2, "infinity")
    assert found.line.startswith("test_debugging.py, line ")
    assert found.line.endswith("in call")
    expected = (10 * x[32:48] > np.log(np.finfo("float32").max)).sum()
    assert found.count == (expected, 64)
    assert "First in epoch 1, step 3, in `exp`, layer 'net/over'" in text
    assert "more than 88 is infinite" in text


def test_a_loss_of_the_user(engine):
    found, text = anomaly(model(loss=log_of_outputs))
    assert (found.kind, found.layer, found.operation) == ("forward", None, "log")
    assert "in log_of_outputs" in found.line
    assert "in the loss or a metric" in text
    assert "ops.maximum(x, 1e-7)" in text


def test_a_gradient_that_is_infinite_where_the_function_is_not(engine):
    found, text = anomaly(model(loss=root_of_zero))
    assert (found.kind, found.operation) == ("gradient", "sqrt")
    assert (found.epoch, found.step) == (0, 0)
    assert "its slope at 0 is not" in text


def test_a_rate_that_is_too_large(engine):
    found, text = anomaly(model(optimizer=optimizers.SGD(50.0)))
    assert found.step > 0
    assert found.layer is not None
    assert "the learning rate is too large" in text


def test_data_in_a_stream(engine):
    x = X.copy()
    x[37, 1] = np.nan
    data = Dataset.from_tensor_slices((x, Y)).batch(16)
    found, text = anomaly(model(), data, batch_size=None)
    assert (found.kind, found.epoch, found.step, found.count) == ("data", 0, 2, (1, 64))
    assert found.operation == "`x`, in sample 5 of the batch"
    assert "leave them out or fill them in" in text


def test_weights_that_were_broken_before():
    etude.config.set_engine("numpy")
    broken = model()
    kernel, *others = broken.get_weights()
    kernel[1, 1] = np.nan
    broken.set_weights([kernel, *others])
    found, text = anomaly(broken)
    assert (found.kind, found.operation, found.count) == ("weights", "net/first/kernel", (1, 12))
    assert "Begin anew" in text


def test_a_step_of_the_users_own():
    etude.config.set_engine("numpy")

    class Own(etude.Sequential):
        def train_step(self, data):
            x, y = data
            with etude.GradientTape() as tape:
                loss = ops.mean(ops.sqrt(self(x) - y))
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"my_loss": loss}

    own = Own([layers.Input((4,)), layers.Dense(1)])
    own.compile("sgd")
    found, _ = anomaly(own)
    assert (found.kind, found.operation) == ("forward", "sqrt")
    assert "in train_step" in found.line


def test_nothing_is_changed_by_looking(engine):
    """The run with a report ends with the weights of the run without."""

    def trained(silent):
        found = model(optimizer=optimizers.SGD(50.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            etude.utils.set_random_seed(5)
            quiet = callbacks.LambdaCallback(
                on_train_begin=lambda logs: setattr(
                    found.__dict__["_progress"].watch, "told", silent
                )
            )
            found.fit(X, Y, callbacks=[quiet], **FIT)
        return found.get_weights(), float(etude.random.uniform(()))

    (one, drawn), (other, as_well) = trained(True), trained(False)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
    assert drawn == as_well


def test_losses_that_are_finite_are_not_spoken_of(engine):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model().fit(X, Y, **FIT)


def test_half_precision_that_overflows_and_recovers_is_no_anomaly():
    etude.config.set_engine("numpy")
    rule = optimizers.LossScaleOptimizer(optimizers.SGD(0.01), initial_scale=3e38)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(optimizer=rule).fit(X, Y, **FIT)
    assert float(rule.dynamic_scale) < 3e38


def test_large_models_are_watched_when_asked(monkeypatch):
    etude.config.set_engine("numpy")
    monkeypatch.setattr("etude.training.watch.MOST_BYTES", 0)
    with pytest.warns(UserWarning, match=r"became NaN.*FindAnomaly` says where"):
        model(loss=log_of_outputs).fit(X, Y, **FIT)
    find = debugging.FindAnomaly()
    with pytest.raises(debugging.NaNLossError, match="in `log`"):
        model(loss=log_of_outputs).fit(X, Y, callbacks=[find], **FIT)
    assert find.anomaly.operation == "log"


def test_one_step_without_training(engine):
    found = model(loss=log_of_outputs)
    before = found.get_weights()
    assert debugging.find_anomaly(found, X, Y).operation == "log"
    assert debugging.find_anomaly(model(), X, Y) is None
    for a, b in zip(found.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- gradients and dead units -------------------------------------------------------------------


def test_norms_and_dead_units_are_those_of_the_formulas(engine):
    found = model(layers.Dense(3, "relu", name="first"), layers.Dense(1, name="last"))
    kernel, bias, last, shift = found.get_weights()
    bias[1] = -100  # dead on all data
    found.set_weights([kernel, bias, last, shift])
    found.optimizer.learning_rate = 0.0
    health = debugging.TrainingHealth(X, Y)
    history = found.fit(X, Y, callbacks=[health], **FIT).history

    hidden = np.maximum(X @ kernel + bias, 0)
    slope = 2 * (hidden @ last + shift - Y) / len(X)  # (N, 1)
    of_last = [hidden.T @ slope, slope.sum(axis=0)]
    inner = (slope @ last.T) * (hidden > 0)
    of_first = [X.T @ inner, inner.sum(axis=0)]
    norms = [np.sqrt(sum((g**2).sum() for g in of)) for of in (of_first, of_last)]
    dead = int((hidden == 0).all(axis=0).sum())
    np.testing.assert_allclose(health.gradient_norms["first"], [norms[0]] * 2, rtol=1e-5)
    np.testing.assert_allclose(health.gradient_norms["last"], [norms[1]] * 2, rtol=1e-5)
    np.testing.assert_allclose(history["gradient_norm"], [np.hypot(*norms)] * 2, rtol=1e-5)
    assert dead >= 1
    assert health.dead_units == {"first": [(dead, 3)] * 2}
    assert history["dead_units"] == [dead / 3] * 2
    assert f"{dead} of 3 units of 'first' are dead" in health.report()


def test_measuring_changes_nothing():
    etude.config.set_engine("numpy")

    def trained(*called):
        etude.utils.set_random_seed(0)
        parts = (layers.Dense(3, "relu"), layers.BatchNormalization(), layers.Dropout(0.5))
        found = model(*parts, layers.Dense(1))
        found.fit(X, Y, callbacks=list(called), **FIT)
        return found.get_weights()

    for a, b in zip(trained(), trained(debugging.TrainingHealth()), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_found_is_said_in_words(capsys):
    etude.config.set_engine("numpy")
    small = layers.Dense(4, "sigmoid", name="small")
    deep = [layers.Dense(4, "sigmoid") for _ in range(12)]
    found = model(small, *deep, layers.Dense(1, name="last"))
    found.fit(X, 100 * Y, callbacks=[debugging.TrainingHealth(verbose=1)], **FIT)
    said = capsys.readouterr().out
    assert "Epoch 2: norms of gradients: small " in said
    assert "so it hardly learns: try normalization layers" in said


def test_it_is_for_fit():
    with pytest.raises(StateError, match="Nothing was measured yet"):
        debugging.TrainingHealth().report()
    health = debugging.TrainingHealth()
    health.set_model(model())
    with pytest.raises(StateError, match="is for `fit`"):
        health.on_epoch_end(0)
