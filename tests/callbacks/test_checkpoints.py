"""Checkpoints that are damaged, and places that cannot be written to: no good file is ever lost."""

from __future__ import annotations

import errno
import os
import resource
import zipfile
from pathlib import Path

import numpy as np
import pytest

import etude
from etude import callbacks, layers
from etude.errors import ArgumentError, FileError, SerializationError
from etude.saving import checkpoints

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")


@pytest.fixture(autouse=True)
def on_numpy():
    etude.config.set_engine("numpy")


class Stop(callbacks.Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise RuntimeError("stop")


def model(units=1):
    etude.utils.set_random_seed(0)
    found = etude.Sequential([layers.Input((4,)), layers.Dense(4), layers.Dense(units)])
    found.compile("adam", "mse")
    return found


def run(*called, epochs=4, stop=None, units=1):
    found = model(units)
    called = [*called, *([] if stop is None else [Stop(stop)])]
    found.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=called)
    return found


def stopped(*called, stop=3):
    with pytest.raises(RuntimeError, match="stop"):
        run(*called, stop=stop)


def same(one, other):
    return all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


# ---- damaged files ------------------------------------------------------------------------------


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def emptied(content: bytes) -> bytes:
    return b""


def flipped(place):
    def flip(content: bytes) -> bytes:
        at = place if isinstance(place, int) else content.index(place)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]

    return flip


def without_seal(content: bytes) -> bytes:
    return content.replace(checkpoints.SEAL, b"x" * len(checkpoints.SEAL))


DAMAGES = (cut, emptied, flipped(-1), flipped(700), flipped(b"etude state"), without_seal)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_backup_is_not_trusted_and_the_one_before_is(tmp_path, damage):
    expected = run()
    stopped(callbacks.BackupAndRestore(tmp_path))
    latest = tmp_path / "latest.weights.h5"
    latest.write_bytes(damage(latest.read_bytes()))
    with pytest.warns(UserWarning, match=r"latest.weights.h5 is damaged.*from the backup before"):
        found = run(callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert found._initial_epoch == 2
    assert same(found, expected)


def test_each_bit_of_a_backup_counts(tmp_path):
    stopped(callbacks.BackupAndRestore(tmp_path))
    content = (tmp_path / "latest.weights.h5").read_bytes()
    assert checkpoints.is_whole(content)
    for at in RNG.integers(0, len(content), 50):
        assert not checkpoints.is_whole(flipped(int(at))(content))


def test_where_all_backups_are_damaged_it_is_said_and_nothing_is_deleted(tmp_path):
    stopped(callbacks.BackupAndRestore(tmp_path))
    files = [tmp_path / "latest.weights.h5", tmp_path / "latest.weights.h5.bkp"]
    for path in files:
        path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(SerializationError, match=r"is damaged, and is not used.*to begin anew"):
        run(callbacks.BackupAndRestore(tmp_path))
    assert all(path.exists() for path in files)


def test_a_good_backup_is_not_replaced_by_a_damaged_one(tmp_path):
    """The backup before the last was good; after the fall back it is the last, and stays."""
    stopped(callbacks.BackupAndRestore(tmp_path))
    latest, older = tmp_path / "latest.weights.h5", tmp_path / "latest.weights.h5.bkp"
    good = older.read_bytes()
    latest.write_bytes(b"damaged")
    with pytest.warns(UserWarning, match="is damaged"):
        stopped(callbacks.BackupAndRestore(tmp_path), stop=2)  # before another one is made
    assert latest.read_bytes() == good
    assert same(run(callbacks.BackupAndRestore(tmp_path)), run())


def test_a_backup_of_another_model_is_named(tmp_path):
    stopped(callbacks.BackupAndRestore(tmp_path))
    with pytest.raises(ArgumentError, match=r"must match.*checkpoint is of another model.*delete"):
        run(callbacks.BackupAndRestore(tmp_path), units=2)


def test_parts_of_a_save_that_was_killed_are_removed(tmp_path):
    part = tmp_path / ".latest.weights.h5.2147483646-00000000.part"
    part.write_bytes(b"half")
    run(callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False))
    assert not part.exists()


@pytest.mark.parametrize("name", ["{epoch}.keras", "{epoch}.weights.h5"])
def test_training_goes_on_from_the_newest_file_that_is_whole(tmp_path, name):
    expected, path = run(), tmp_path / name
    save = callbacks.ModelCheckpoint(path, save_weights_only="weights" in name)
    stopped(save)
    newest = tmp_path / name.format(epoch=3)
    newest.write_bytes(cut(newest.read_bytes()))
    with pytest.warns(UserWarning, match=rf"{newest.name} is damaged.*goes on from .*2\."):
        found = run(callbacks.Resume(path))
    assert found._initial_epoch == 2
    assert same(found, expected)


def test_a_damaged_member_of_an_archive_is_found(tmp_path):
    path = tmp_path / "a.keras"
    stopped(callbacks.ModelCheckpoint(path))
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("model.weights.h5").header_offset
    path.write_bytes(flipped(start + 1000)(content))
    with pytest.raises(SerializationError, match=r"a.keras is damaged"):
        run(callbacks.Resume(path))


def test_files_of_weights_alone_are_nothing_to_go_on_from(tmp_path):
    run().save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(SerializationError, match=r"not where training was.*initial_epoch"):
        run(callbacks.Resume(tmp_path / "a.weights.h5"))


def test_checkpoints_are_files_of_models_as_well(tmp_path):
    whole, alone = tmp_path / "a.keras", tmp_path / "b.weights.h5"
    found = run(
        callbacks.ModelCheckpoint(whole), callbacks.ModelCheckpoint(alone, save_weights_only=True)
    )
    assert same(etude.saving.load_model(whole), found)
    other = model()
    other.optimizer.build(other.trainable_variables)
    other.load_weights(alone)
    assert same(other, found)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of keras
def test_keras_reads_them(tmp_path):
    keras = pytest.importorskip("keras", reason="the reference is not installed")
    found = run(
        callbacks.ModelCheckpoint(tmp_path / "a.keras"),
        callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False),
    )
    theirs = keras.saving.load_model(tmp_path / "a.keras")
    for weight, expected in zip(theirs.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)
    theirs.set_weights([0 * weight for weight in theirs.get_weights()])
    theirs.load_weights(tmp_path / "latest.weights.h5")
    np.testing.assert_array_equal(theirs.get_weights()[0], found.get_weights()[0])


# ---- places that cannot be written to -----------------------------------------------------------


def full_disk(monkeypatch, after: int) -> None:
    """From the ``after``-th file on, half of what is written arrives."""
    write, count = Path.write_bytes, 0

    def write_half(path, content):
        nonlocal count
        count += 1
        if count < after:
            return write(path, content)
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)


@pytest.mark.parametrize("kind", ["backup", "archive", "weights"])
def test_a_full_disk_costs_no_checkpoint(tmp_path, monkeypatch, kind):
    expected = run()
    path = tmp_path / {"backup": "", "archive": "a.keras", "weights": "a.weights.h5"}[kind]
    if kind == "backup":
        saves, goes_on = callbacks.BackupAndRestore(path), callbacks.BackupAndRestore(path)
    else:
        saves = callbacks.ModelCheckpoint(path, save_weights_only=kind == "weights")
        goes_on = callbacks.Resume(path)
    with monkeypatch.context() as patched:
        full_disk(patched, after=3)
        with pytest.raises(FileError, match=r"No space left.*unchanged.*make room"):
            run(saves)
    assert not [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")]
    found = run(goes_on)
    assert found._initial_epoch == 2
    assert same(found, expected)


def test_a_limit_on_the_size_of_files_costs_no_checkpoint(tmp_path):
    stopped(callbacks.BackupAndRestore(tmp_path), stop=1)
    good = (tmp_path / "latest.weights.h5").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, before[1]))
        with pytest.raises(FileError, match="unchanged"):
            run(callbacks.BackupAndRestore(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "latest.weights.h5").read_bytes() == good


def test_a_folder_that_cannot_be_written_is_named_before_training(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    epochs = []
    watch = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    with pytest.raises(FileError, match=r"Nothing can be saved to the folder .*file"):
        run(callbacks.BackupAndRestore(tmp_path / "file"), watch)
    monkeypatch.setattr(os, "access", lambda *_: False)  # tests may run as root, who may all
    with pytest.raises(FileError, match=r"it is read-only. Choose a folder of your own"):
        run(callbacks.BackupAndRestore(tmp_path / "other"), watch)
    assert epochs == []


@pytest.mark.skipif(not hasattr(os, "link"), reason="there are no second names")
def test_disks_without_second_names_get_a_copy(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    stopped(callbacks.BackupAndRestore(tmp_path))
    assert checkpoints.read(tmp_path / "latest.weights.h5.bkp").state["epoch"] == 1
    assert same(run(callbacks.BackupAndRestore(tmp_path)), run())
