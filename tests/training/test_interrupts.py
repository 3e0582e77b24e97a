"""Ctrl-C in the middle of training: whole steps, usable weights, a KeyboardInterrupt."""

import os
import signal
import threading

import numpy as np
import pytest

import etude
from etude import callbacks
from etude.engine.interrupts import whole_steps
from etude.saving import checkpoints
from tests.training.models import X, Y, classifier


def test_an_interrupt_waits_for_the_end(engine):
    done = []
    with pytest.raises(KeyboardInterrupt), whole_steps():
        os.kill(os.getpid(), signal.SIGINT)
        done.append(sum(range(1000)))
    assert done == [499500]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_does_not_wait():
    with pytest.raises(KeyboardInterrupt), whole_steps():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10**6):
            pass
        pytest.fail("the second interrupt was held back")


def test_other_threads_are_left_alone():
    found = []

    def work():
        with whole_steps():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


def test_training_can_be_interrupted_and_goes_on(engine):
    class Interrupt(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()

    model = classifier(dropout=0.2, batch_norm=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=1, epochs=10**6, callbacks=[Interrupt()], verbose=0)
    weights = model.get_weights()
    assert all(np.isfinite(w).all() for w in weights)
    steps = int(model.optimizer.iterations)
    assert steps > 2
    assert model.predict(X, verbose=0).shape == (50, 3)
    model.fit(X, Y, batch_size=10, verbose=0)
    assert int(model.optimizer.iterations) == steps + 5


# ---- training that ends at a step, with a checkpoint --------------------------------------------


class Signal(callbacks.Callback):
    """Sends a signal to this process, in the middle of what training does."""

    def __init__(self, number, hook, count):
        self.number, self.hook, self.left = number, hook, count

    def called(self, hook):
        self.left -= hook == self.hook
        if self.left == 0 and hook == self.hook:
            os.kill(os.getpid(), self.number)

    def on_train_batch_begin(self, batch, logs=None):
        self.called("step")

    def on_test_batch_begin(self, batch, logs=None):
        self.called("validation")

    def on_epoch_end(self, epoch, logs=None):
        self.called("epoch")


def fitted(*called):
    model = classifier(dropout=0.2, batch_norm=True)
    fit = {"batch_size": 10, "epochs": 3, "verbose": 0, "validation_data": (X, Y)}
    model.fit(X, Y, callbacks=list(called), **fit)
    return model


HANDLERS = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("hook", "count"), [("step", 7), ("validation", 3), ("epoch", 2)])
def test_a_signal_ends_training_at_a_step_with_a_backup(number, hook, count, tmp_path):
    etude.config.set_engine("numpy")
    expected = fitted()
    backup = callbacks.BackupAndRestore(tmp_path, save_freq=False, delete_checkpoint=False)
    ending = KeyboardInterrupt if number == signal.SIGINT else SystemExit
    with pytest.raises(ending) as raised:
        fitted(backup, Signal(number, hook, count))
    assert number == signal.SIGINT or raised.value.code == 143
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == HANDLERS
    state = checkpoints.read(tmp_path / "latest.weights.h5").state
    stages = {"step": ("steps", 1, 2), "validation": ("validation", 0, 5), "epoch": ("end", 1, 5)}
    assert (state["stage"], state["epoch"], state["step"]) == stages[hook]
    found = fitted(backup)
    assert found.history.history == expected.history.history
    for weight, wanted in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, wanted)


def test_a_signal_has_the_model_saved_where_that_is_configured(engine, tmp_path):
    all_of_them = callbacks.ModelCheckpoint(tmp_path / "all.keras")
    best = callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True)
    named = callbacks.ModelCheckpoint(tmp_path / "{val_loss:.2f}.keras")
    with pytest.raises(KeyboardInterrupt):
        fitted(all_of_them, best, named, Signal(signal.SIGINT, "step", 3))
    assert [path.name for path in tmp_path.iterdir()] == ["all.keras"]
    assert checkpoints.read(tmp_path / "all.keras").state["step"] == 3


def test_a_handler_of_the_user_is_left_alone():
    etude.config.set_engine("numpy")
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    try:
        fitted(Signal(signal.SIGTERM, "step", 3))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]


def test_a_second_signal_ends_training_at_once():
    etude.config.set_engine("numpy")
    done = []

    class Twice(callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("first")
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(10**6):
                pass
            done.append("second")

    with pytest.raises(KeyboardInterrupt):
        fitted(Twice())
    assert done == ["first"]


def test_training_inside_of_training_ends_too():
    etude.config.set_engine("numpy")
    steps = []

    class Inner(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            count = callbacks.LambdaCallback(on_train_batch_end=lambda *_: steps.append(1))
            fitted(Signal(signal.SIGINT, "step", 4), count)

    with pytest.raises(KeyboardInterrupt):
        fitted(Inner())
    assert len(steps) == 4


def test_a_callback_may_train_the_same_model_and_checkpoints_go_on(tmp_path):
    etude.config.set_engine("numpy")

    class Warm(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.fit(X[:10], Y[:10], batch_size=10, verbose=0)

    fitted(Warm(), callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    state = checkpoints.read(tmp_path / "latest.weights.h5").state
    assert (state["epoch"], state["stage"]) == (2, "end")
