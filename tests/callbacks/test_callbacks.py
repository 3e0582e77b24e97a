"""Callbacks beside those of Keras, on the same logs; and what they do within `fit`."""

import csv
import io
import math

import keras
import numpy as np
import pytest

from etude import callbacks, ops
from etude.callbacks.callback_list import CallbackList
from etude.callbacks.progress import Progbar
from etude.errors import ArgumentError, StateError
from tests.parity.reference import keras_alone
from tests.training.models import X, Y, classifier

LOSSES = [1.0, 0.8, 0.79, 0.85, 0.78, 0.9, 0.91, 0.92, 0.5, 0.6, 0.7, 0.8]


class FakeOptimizer:
    learning_rate = 0.1


class FakeModel:
    """What a callback sees of a model."""

    def __init__(self):
        self.stop_training = False
        self.metrics = []
        self.optimizer = FakeOptimizer()
        self.weights = None

    def get_weights(self):
        return [np.array(self.epoch)]

    def set_weights(self, weights):
        self.weights = weights


def run(callback, values=LOSSES, name="val_loss"):
    """Epochs with the given values; returns the model and the logs of each epoch."""
    model = FakeModel()
    callback.set_model(model)
    callback.on_train_begin()
    logs = []
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_begin(epoch)
        logs.append({name: value})
        callback.on_epoch_end(epoch, logs[-1])
        if model.stop_training:
            break
    callback.on_train_end()
    return model, logs


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2},
        {"patience": 3, "restore_best_weights": True},
        {"patience": 2, "min_delta": 0.05},
        {"patience": 2, "baseline": 0.7},
        {"patience": 1, "start_from_epoch": 4, "restore_best_weights": True},
        {"patience": 2, "mode": "max"},
    ],
)
def test_early_stopping_stops_where_keras_does(options):
    ours, our_logs = run(callbacks.EarlyStopping(**options))
    with keras_alone():
        theirs, their_logs = run(keras.callbacks.EarlyStopping(**options))
    assert len(our_logs) == len(their_logs)
    assert ours.stop_training == theirs.stop_training
    assert ours.weights == theirs.weights


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 2},
        {"patience": 1, "factor": 0.5, "cooldown": 2},
        {"patience": 1, "min_lr": 0.005},
        {"patience": 1, "min_delta": 0.1},
    ],
)
def test_reduce_lr_lowers_where_keras_does(options):
    _, ours = run(callbacks.ReduceLROnPlateau(**options))
    with keras_alone():
        _, theirs = run(keras.callbacks.ReduceLROnPlateau(**options))
    assert [log["learning_rate"] for log in ours] == pytest.approx(
        [log["learning_rate"] for log in theirs]
    )


def test_callbacks_warn_of_values_that_are_not_there():
    for callback in (callbacks.EarlyStopping(), callbacks.ReduceLROnPlateau()):
        with pytest.warns(UserWarning, match="`val_loss` which is not available"):
            run(callback, [1.0], name="loss")


def test_direction_must_be_known():
    with pytest.raises(ArgumentError, match="mode='max'"):
        run(callbacks.EarlyStopping(monitor="val_score"), name="val_score")
    run(callbacks.EarlyStopping(monitor="val_score", mode="max"), name="val_score")


def test_direction_of_a_metric_is_known(engine):
    model = classifier()
    watch = callbacks.EarlyStopping(monitor="val_accuracy", patience=1)
    model.fit(X, Y, validation_split=0.2, callbacks=[watch], epochs=2, verbose=0)
    assert watch.monitor_op is ops.greater


def test_scheduler_sets_the_rate(engine):
    seen = []

    def schedule(epoch, rate):
        seen.append(rate)
        return rate * 0.5

    model = classifier()
    history = model.fit(
        X, Y, epochs=3, callbacks=[callbacks.LearningRateScheduler(schedule)], verbose=0
    ).history
    assert seen == pytest.approx([0.1, 0.05, 0.025])
    assert history["learning_rate"] == pytest.approx([0.05, 0.025, 0.0125])
    one = callbacks.LearningRateScheduler(lambda epoch: 0.3)
    classifier().fit(X, Y, callbacks=[one], verbose=0)
    with pytest.raises(ArgumentError, match="should be a float"):
        model.fit(X, Y, callbacks=[callbacks.LearningRateScheduler(lambda e, r: "x")], verbose=0)


def test_reduced_rate_acts_on_training(engine):
    model = classifier()
    reduce = callbacks.ReduceLROnPlateau(monitor="loss", patience=1, min_delta=100.0, factor=0.1)
    history = model.fit(X, Y, epochs=4, callbacks=[reduce], verbose=0).history
    assert float(np.asarray(model.optimizer.learning_rate)) == pytest.approx(1e-4, rel=1e-4)
    assert history["learning_rate"] == pytest.approx([0.1, 0.1, 0.01, 0.001], rel=1e-4)


def test_early_stopping_within_fit_restores_weights(engine):
    model = classifier()
    stop = callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=2, restore_best_weights=True
    )
    history = model.fit(X, Y, epochs=20, callbacks=[stop], verbose=0).history
    assert len(history["loss"]) == 3
    assert stop.best_epoch == 0
    for a, b in zip(model.get_weights(), stop.best_weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_csv_is_that_of_keras(tmp_path):
    logs = [{"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5, "val_loss": 1.5}]
    texts = []
    for module, context in ((callbacks, None), (keras.callbacks, keras_alone())):
        path = tmp_path / f"{module.__name__}.csv"
        with context or io.StringIO():
            for _ in range(2):
                logger = module.CSVLogger(path, append=True, separator=";")
                logger.set_model(FakeModel())
                logger.on_train_begin()
                for epoch, log in enumerate(logs):
                    logger.on_epoch_end(epoch, log)
                logger.on_train_end()
        texts.append(list(csv.reader(io.StringIO(path.read_text()), delimiter=";")))
    assert texts[0] == texts[1]
    assert len(texts[0]) == 5, "one header for both runs"


def test_checkpoints_keep_the_best(engine, tmp_path):
    model = classifier()
    path = tmp_path / "inner" / "best-{epoch:02d}.weights.h5"
    keep = callbacks.ModelCheckpoint(
        path, monitor="loss", save_best_only=True, save_weights_only=True
    )
    model.fit(X, Y, epochs=3, callbacks=[keep], verbose=0)
    names = sorted(p.name for p in path.parent.iterdir())
    assert names == [f"best-0{i}.weights.h5" for i in (1, 2, 3)]
    final = model.get_weights()
    model.load_weights(path.parent / "best-01.weights.h5")
    assert not np.array_equal(model.get_weights()[0], final[0])
    model.load_weights(path.parent / "best-03.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], final[0])


def test_checkpoints_of_every_so_many_batches(engine, tmp_path):
    model = classifier()
    keep = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}-{batch}.weights.h5", save_freq=3, save_weights_only=True
    )
    model.fit(X, Y, batch_size=8, epochs=2, callbacks=[keep], verbose=0)
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["1-3.weights.h5", "1-6.weights.h5", "2-2.weights.h5", "2-5.weights.h5"]


def test_checkpoints_refuse_wrong_names(tmp_path):
    with pytest.raises(ArgumentError, match=r"\.weights\.h5"):
        callbacks.ModelCheckpoint("a.keras", save_weights_only=True)
    with pytest.raises(ArgumentError, match=r"\.keras"):
        callbacks.ModelCheckpoint("a.ckpt")
    with pytest.raises(ArgumentError, match="save_freq"):
        callbacks.ModelCheckpoint("a.keras", save_freq="batch")
    keep = callbacks.ModelCheckpoint(tmp_path / "{accuracy}.weights.h5", save_weights_only=True)
    with pytest.raises(ArgumentError, match="no value named 'accuracy'"):
        run(keep)


def test_terminate_on_nan(engine, capsys):
    model = classifier(optimizer="sgd", loss="mse", metrics=None)
    model.optimizer.learning_rate = 1e38
    with pytest.warns(UserWarning, match="NaN"):
        history = model.fit(
            X,
            np.ones((50, 3)),
            epochs=5,
            batch_size=10,
            callbacks=[callbacks.TerminateOnNaN()],
            verbose=0,
        )
    assert "Invalid loss, terminating training" in capsys.readouterr().out
    assert len(history.history["loss"]) == 1
    with pytest.raises(StateError, match="NaN or Inf loss"):
        callbacks.TerminateOnNaN(raise_error=True).on_train_batch_end(3, {"loss": math.inf})


def test_lambda_callback_calls_its_functions(engine):
    seen = []
    callback = callbacks.LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append((epoch, sorted(logs))),
        on_train_batch_end=lambda batch, logs: seen.append(batch),
        on_train_end=lambda logs: seen.append("end"),
    )
    classifier().fit(X, Y, batch_size=25, callbacks=[callback], verbose=0)
    assert seen == ["begin", 0, 1, (0, ["accuracy", "loss"]), "end"]


def test_order_of_calls_is_that_of_keras(engine):
    def spy(base, seen):
        class Spy(base):
            def __getattribute__(self, name):
                if name.startswith("on_") and not name.endswith(("batch_begin", "batch_end")):
                    seen.append(name)
                return super().__getattribute__(name)

        return Spy()

    import etude

    ours, theirs = [], []
    options = {"epochs": 2, "batch_size": 25, "validation_split": 0.5, "verbose": 0}
    classifier().fit(X, Y, callbacks=[spy(callbacks.Callback, ours)], **options)
    with keras_alone():
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(X, Y, callbacks=[spy(keras.callbacks.Callback, theirs)], **options)
    keep = [name for name in ours if name in set(theirs)]
    assert keep == theirs
    assert etude.callbacks.Callback().on_predict_end() is None


def test_lists_know_who_looks():
    class Batch(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            pass

    class Epoch(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass

    assert CallbackList([Batch()]).looks("train") and not CallbackList([Batch()]).looks("test")
    assert not CallbackList([Epoch()], add_history=True, add_progbar=True).looks("train")
    assert not CallbackList(callbacks.ModelCheckpoint("a.keras")).looks("train")
    assert CallbackList(callbacks.ModelCheckpoint("a.keras", save_freq=2)).looks("train")
    assert CallbackList(callbacks.LambdaCallback(on_test_batch_end=print)).looks("test")


def test_progress_bar_draws_at_most_ten_times_a_second(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr("etude.callbacks.progress.time.monotonic", lambda: clock[0])
    bar = Progbar(1000, stateful_metrics=["loss"])
    bar._is_live = True
    for step in range(1, 1001):
        clock[0] += 0.001
        bar.update(step, [("loss", 1.0 / step)])
    shown = capsys.readouterr().out
    assert shown.count("\r") <= 12
    assert "1000/1000" in shown.split("\r")[-1] and "loss: 1.0000e-03" in shown
    assert shown.endswith("\n") and "1ms/step" in shown


def test_progress_bar_averages_what_it_is_told_to(capsys):
    bar = Progbar(4, verbose=2)
    for step, value in enumerate([1.0, 2.0, 3.0], start=1):
        bar.update(step, [("v", value)])
    bar.update(4)
    assert "v: 2.0000" in capsys.readouterr().out
    with pytest.raises(ArgumentError, match="Only one"):
        Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


def test_progress_bar_without_a_terminal_prints_once(capsys):
    bar = Progbar(3, stateful_metrics=["loss"])
    for step in (1, 2, 3):
        bar.update(step, [("loss", 0.25)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and "3/3" in lines[0] and "loss: 0.2500" in lines[0]
