from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from etude.errors import DataError, FetchError
from etude.labs.running import material
from etude.labs.running.header import DataNeed

MNIST = DataNeed("mnist", "digits", (28, 28))


def folder_of(path: Path, **counts: int) -> Path:
    for level, (name, count) in enumerate(counts.items()):
        (path / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (9, 7), (80 * level + i,) * 3).save(path / name / f"{i}.png")
    return path


def test_the_data_set_of_the_header_comes_with_its_provenance(small_mnist):
    found = material.find(MNIST, None, seed=0)
    assert found.name == "mnist"
    assert found.stand_in_for is None
    assert found.note == ""
    about = found.as_dict()
    assert (about["train"], about["test"], about["classes"]) == (50, 30, 10)
    assert about["licence"] == "CC-BY-SA-3.0"
    assert all(len(digest) == 64 for digest in about["sha256"].values())


def test_digits_stand_in_and_say_so_in_one_line(no_mnist):
    found = material.find(MNIST, None, seed=0)
    assert (found.name, found.stand_in_for) == ("digits", "mnist")
    assert "\n" not in found.note
    assert "'mnist' cannot be had" in found.note
    assert "'digits'" in found.note
    x, y = found.train
    assert x.shape[1:] == (28, 28)
    assert x.dtype == np.uint8
    assert x.max() > 200, "the digits' 0 to 16 are brought to 0 to 255"
    assert not x[:, :4].any(), "the margin of MNIST is kept free"
    assert set(np.unique(y)) == set(range(10))


def test_without_a_stand_in_the_message_is_about_the_real_data(no_mnist):
    with pytest.raises(FetchError, match="'mnist' cannot be had"):
        material.find(DataNeed("mnist", None, (28, 28)), None, seed=0)


def test_a_missing_stand_in_does_not_hide_what_was_wanted(no_mnist, monkeypatch):
    def fail() -> None:
        raise FetchError("The data set 'digits' cannot be had.")

    monkeypatch.setattr("etude.datasets.digits.load_data", fail)
    with pytest.raises(FetchError, match="'mnist' cannot be had"):
        material.find(MNIST, None, seed=0)


def test_a_folder_becomes_grey_images_with_a_fifth_for_testing(tmp_path):
    found = material.find(MNIST, folder_of(tmp_path / "own", cat=10, dog=5), seed=0)
    assert found.class_names == ["cat", "dog"]
    (x, y), (x_test, y_test) = found.train, found.test
    assert x.shape == (12, 28, 28)
    assert np.bincount(y_test).tolist() == [2, 1]
    assert np.bincount(y).tolist() == [8, 4]
    assert x_test[y_test == 1].min() >= 80, "labels stay with their images"
    assert found.stand_in_for is None


def test_the_seed_decides_which_images_are_for_testing(tmp_path):
    own = folder_of(tmp_path / "own", cat=10, dog=10)
    first, again, other = (material.find(MNIST, own, seed=s).test[0] for s in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_folders_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(DataError, match="at least two sub-folders"):
        material.find(MNIST, folder_of(tmp_path / "one", cat=3), seed=0)
    with pytest.raises(DataError, match="at least two images"):
        material.find(MNIST, folder_of(tmp_path / "few", cat=3, dog=1), seed=0)
    with pytest.raises(DataError, match="nothing at that path"):
        material.find(MNIST, tmp_path / "nowhere", seed=0)
    with pytest.raises(DataError, match="does not work on images"):
        material.find(DataNeed("iris"), folder_of(tmp_path / "own", cat=3, dog=3), seed=0)


def npz(path: Path, **changes: np.ndarray) -> Path:
    arrays = {
        "x_train": np.zeros((4, 28, 28), np.uint8),
        "y_train": np.array([0, 1, 2, 1]),
        "x_test": np.zeros((2, 28, 28), np.uint8),
        "y_test": np.array([0, 1]),
    }
    np.savez(path, **{k: v for k, v in (arrays | changes).items() if v is not None})
    return path


def test_arrays_of_the_users_own_are_read(tmp_path):
    found = material.find(MNIST, npz(tmp_path / "own.npz"), seed=0)
    assert found.class_names == ["0", "1", "2"]
    assert len(found.train[0]) == 4


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"y_test": None}, "y_test"),
        ({"x_train": np.zeros((3, 28, 28), np.uint8)}, "one entry per image"),
        ({"x_train": np.zeros((0, 28, 28)), "y_train": np.zeros(0, int)}, "at least one"),
        ({"x_train": np.zeros((4, 9, 9), np.uint8)}, "28×28"),
        ({"y_train": np.array([0.0, 1, 2, 3])}, "whole number"),
        ({"y_train": np.array([0, -1, 2, 3])}, "whole number"),
        ({"y_train": np.zeros((4, 1), int)}, "one label per image"),
        ({"x_train": np.array([{}], object)}, "cannot be used"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(tmp_path, changes, said):
    with pytest.raises(DataError, match=said):
        material.find(MNIST, npz(tmp_path / "own.npz", **changes), seed=0)


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "own.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="cannot be used"):
        material.find(MNIST, tmp_path / "own.npz", seed=0)
