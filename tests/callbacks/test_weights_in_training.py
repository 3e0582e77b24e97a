"""Callbacks that put other weights into a model: averages, and those of a run that was killed."""

from __future__ import annotations

import json

import numpy as np
import pytest

import etude
from etude import callbacks, layers, optimizers
from etude.errors import ArgumentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4)).astype("float32")
Y = RNG.normal(size=(32, 1)).astype("float32")


def averaging(optimizer=None):
    etude.utils.set_random_seed(0)
    model = etude.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(optimizer or optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    return model


class Watch(callbacks.Callback):
    def __init__(self):
        self.at_test, self.at_end = [], []

    def on_test_begin(self, logs=None):
        self.at_test.append(self.model.get_weights()[0])

    def on_epoch_end(self, epoch, logs=None):
        self.at_end.append(self.model.get_weights()[0])


@pytest.mark.parametrize("scaled", [False, True])
def test_averages_are_evaluated_and_weights_are_trained(engine: str, scaled: bool):
    plain, swapped = Watch(), Watch()
    rule = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    rule = optimizers.LossScaleOptimizer(rule) if scaled else rule
    fit = {"batch_size": 32, "epochs": 3, "shuffle": False, "validation_data": (X, Y), "verbose": 0}
    averaging().fit(X, Y, callbacks=[plain], **fit)
    model = averaging(rule)
    history = model.fit(X, Y, callbacks=[callbacks.SwapEMAWeights(), swapped], **fit).history
    for expected, found in zip(plain.at_end, swapped.at_end, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)  # trained as without
    average = plain.at_end[0]
    for weights, found in zip(plain.at_end, swapped.at_test, strict=True):
        average = 0.5 * average + 0.5 * weights if weights is not average else average
        np.testing.assert_allclose(found, average, rtol=1e-5)
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)


def test_averages_are_there_at_the_end_of_an_epoch(engine: str, tmp_path):
    model = averaging()
    save = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(X, Y, epochs=2, callbacks=[swap, save], validation_data=(X, Y), verbose=0)
    saved = etude.saving.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(saved.get_weights()[0], model.get_weights()[0])


def test_without_averages_there_is_nothing_to_swap():
    model = averaging(optimizers.SGD())
    with pytest.raises(ArgumentError, match="must be used when `use_ema=True` is set"):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[callbacks.SwapEMAWeights()], verbose=0)


def test_only_those_optimizers_that_average_are_swapped(engine: str):
    rule = optimizers.OptimizerMap(optimizers.SGD(), {".*kernel": optimizers.SGD(use_ema=True)})
    model = averaging(optimizers.MultiOptimizer(rule))
    model.train_on_batch(X, Y)
    kernel, bias = model.get_weights()
    rule[".*kernel"]._model_variables_moving_average[0].assign(kernel + 1)
    swap = callbacks.SwapEMAWeights()
    swap.set_model(model)
    swap.on_test_begin()
    np.testing.assert_array_equal(model.get_weights()[0], kernel + 1)
    np.testing.assert_array_equal(model.get_weights()[1], bias)
    swap.on_test_end()
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


# ---- backups ------------------------------------------------------------------------------------


class Interrupt(callbacks.Callback):
    def __init__(self, epoch=None, step=None):
        self.epoch, self.step, self.steps = epoch, step, 0

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps == self.step:
            raise KeyboardInterrupt


def run(*more, **fit):
    """A script: it is run again as it is after it was interrupted."""
    etude.utils.set_random_seed(0)
    model = etude.Sequential(
        [layers.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile(optimizers.Adam(0.01), "mse")
    history = model.fit(X, Y, batch_size=8, epochs=5, callbacks=list(more), verbose=0, **fit)
    return model, history.epoch


@pytest.mark.parametrize("frequency", ["epoch", 3])
def test_an_interrupted_run_ends_as_one_that_was_not(engine: str, tmp_path, frequency):
    expected, _ = run()
    folder = tmp_path / "backup"
    with pytest.raises(KeyboardInterrupt):
        run(callbacks.BackupAndRestore(folder, frequency), Interrupt(epoch=3))
    if frequency == "epoch":
        assert json.loads((folder / "training_metadata.json").read_text()) == {
            "epoch": 3, "batch": 0,
        }  # fmt: skip
    found, epochs = run(callbacks.BackupAndRestore(folder, frequency))
    for a, e in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, e)
    assert epochs == [0, 1, 2, 3, 4]  # those before are remembered
    assert not folder.exists()
    assert found._initial_epoch == (3 if frequency == "epoch" else 2)
    assert found.fit(X, Y, epochs=1, verbose=0).epoch == [0]


def test_number_of_the_epoch_is_in_the_file_of_weights(tmp_path):
    """Killed between the two files of a backup: the numbers beside the weights are older."""
    with pytest.raises(KeyboardInterrupt):
        run(callbacks.BackupAndRestore(tmp_path), Interrupt(epoch=3))
    (tmp_path / "training_metadata.json").write_text('{"epoch": 2, "batch": 0}')
    assert run(callbacks.BackupAndRestore(tmp_path))[0]._initial_epoch == 3


def test_backup_before_the_last_where_the_last_is_broken(tmp_path):
    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.raises(KeyboardInterrupt):
        run(backup, Interrupt(epoch=3))
    (tmp_path / "latest.weights.h5").write_bytes(b"\x89HDF broken")
    expected, _ = run()
    with pytest.warns(UserWarning, match="is damaged.*the backup before it"):
        found, _ = run(callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert found._initial_epoch == 2
    for a, e in zip(found.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, e)
    assert (tmp_path / "latest.weights.h5").exists()


def test_other_files_in_the_folder_stay(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    run(callbacks.BackupAndRestore(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_arguments_of_backups():
    with pytest.raises(ArgumentError, match="Empty `backup_dir` argument passed"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ArgumentError, match="expected either 'epoch' or an integer value"):
        callbacks.BackupAndRestore("x", save_freq="batch")
    callback = callbacks.BackupAndRestore("x")
    callback.set_model(etude.Sequential([layers.Dense(1)]))
    with pytest.raises(ArgumentError, match="must be built before you call"):
        callback.on_train_begin()
