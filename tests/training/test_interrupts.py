"""Ctrl-C in the middle of training: whole steps, usable weights, a KeyboardInterrupt."""

import os
import signal
import threading

import numpy as np
import pytest

from etude import callbacks
from etude.engine.interrupts import whole_steps
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
