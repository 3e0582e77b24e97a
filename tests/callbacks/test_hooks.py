"""Hooks that nothing would call, and hooks that cannot be called, are said when `fit` begins."""

import warnings

import pytest

from etude import callbacks
from etude.callbacks.callback_list import CallbackList
from etude.errors import ArgumentError
from tests.training.models import X, Y, classifier


def callback_with(**methods):
    return type("Own", (callbacks.Callback,), methods)()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("on_epoch_ends", "on_epoch_end"),
        ("on_epcoh_end", "on_epoch_end"),
        ("on_epoch", "on_epoch_"),
        ("onEpochEnd", "on_epoch_end"),
        ("on_train_batch_ended", "on_train_batch_end"),
        ("on_train_epoch_end", "on_epoch_end"),
        ("on_validation_end", "on_test_end"),
        ("on_val_batch_begin", "on_test_batch_begin"),
        ("on_training_end", "on_train_end"),
    ],
)
def test_a_misspelt_hook_is_said(name, meant):
    callback = callback_with(**{name: lambda self, epoch, logs=None: None})
    with pytest.warns(UserWarning, match=rf"Own.{name} is never called.*Did you mean '{meant}"):
        CallbackList([callback])


def test_it_is_said_when_fit_begins(engine):
    class Own(callbacks.Callback):
        def on_epoch_ends(self, epoch, logs=None):
            raise AssertionError("nothing calls it")

    with pytest.warns(UserWarning, match="'on_epoch_end'") as caught:
        classifier().fit(X, Y, callbacks=[Own()], verbose=0)
    assert [w.filename for w in caught] == [__file__]


def test_what_is_no_misspelt_hook_is_passed_over():
    class Parent(callbacks.Callback):
        def on_new_best(self, value):
            pass

        def on_epoch_ending(self):  # a helper, called below
            pass

        def on_epoch_end(self, epoch, logs=None):
            self.on_epoch_ending()

    class Own(Parent):
        one = None
        only_last = True

        def on_batch_end(self, batch, logs=None):
            pass

    ours = [callbacks.EarlyStopping(), callbacks.LambdaCallback(on_epoch_end=print)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CallbackList([Own(), *ours], add_history=True, add_progbar=True)


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (lambda self, epoch: None, r"two arguments, \(epoch, logs\).*own are \(epoch\)"),
        (lambda epoch, logs: None, r"own are \(logs\)"),
        (lambda self: None, r"Write `def on_epoch_end\(self, epoch, logs=None\):`"),
        (lambda self, epoch, logs, more: None, "does not take"),
    ],
)
def test_a_hook_must_take_its_arguments(engine, method, words):
    called = []
    callback = callback_with(on_epoch_end=method, on_train_begin=lambda *_: called.append(1))
    with pytest.raises(ArgumentError, match=rf"Own.on_epoch_end is called with .*{words}"):
        classifier().fit(X, Y, callbacks=[callback], verbose=0)
    assert not called, "it is found before training begins"


def test_functions_in_the_place_of_hooks():
    with pytest.raises(ArgumentError, match=r"on_train_end is .* one argument, \(logs\)"):
        CallbackList([callbacks.LambdaCallback(on_train_end=lambda: None)])
    with pytest.warns(UserWarning, match="Did you mean 'on_epoch_end'"):
        CallbackList([callbacks.LambdaCallback(on_epoch_ends=lambda epoch, logs: None)])
    later = CallbackList([])
    with pytest.raises(ArgumentError, match="on_epoch_begin"):
        later.append(callbacks.LambdaCallback(on_epoch_begin=lambda epoch: None))


@pytest.mark.parametrize(
    "method",
    [
        lambda self, epoch, logs=None: None,
        lambda self, *args: None,
        lambda self, number, values, more=1: None,
        staticmethod(lambda epoch, logs: None),
        classmethod(lambda cls, epoch, logs: None),
    ],
)
def test_other_ways_to_write_a_hook(method):
    CallbackList([callback_with(on_epoch_end=method)])
