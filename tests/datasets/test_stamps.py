"""The photos of Debian's stamps and what is composed from them, on a package of the same form."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import etude
from etude import datasets
from etude.datasets import scenes, stamps
from etude.errors import ArgumentError, FetchError

ROOT = "./usr/share/tuxpaint/stamps/"


def png(colour: tuple[int, ...], size: tuple[int, int] = (40, 20)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.fixture
def small(make_tar, make_deb, blob, monkeypatch):
    """Eight things of each class, each of a red of its own; and what is to be left out."""
    members = [
        (f"{ROOT}{folder}/more/{i}.png", png((10 * label + i, 50, 50, 255)))
        for label, folder in enumerate(stamps._FOLDERS.values())
        for i in range(8)
    ]
    members += [
        (f"{ROOT}animals/birds/1_mirror.png", png((255, 0, 0, 255))),
        (f"{ROOT}animals/birds/cartoon/duck.png", png((255, 0, 0, 255))),
        (f"{ROOT}animals/birds/1.txt", b"A bird"),
        (f"{ROOT}people/one.png", png((255, 0, 0, 255))),
    ]
    deb = make_deb(make_tar(*members), name=stamps._DEB.name)
    content = deb.read_bytes()
    tar = stamps._photos({stamps._DEB.name: content})["stamps.tar"]
    assert stamps._photos({stamps._DEB.name: content})["stamps.tar"] == tar, "the same bytes"
    source = replace(stamps.DATA.sources[0], deb=blob(deb.name, content))
    record = replace(stamps.DATA, files=(blob("stamps.tar", tar),), sources=(source,))
    monkeypatch.setattr(stamps, "DATA", record)
    record.folder.mkdir(parents=True)
    (record.folder / deb.name).write_bytes(content)


def test_photos_come_by_class_without_twins_and_drawings(small):
    found = stamps.cut_outs()
    assert {name: len(pictures) for name, pictures in found.items()} == dict.fromkeys(found, 8)
    reds = {name: sorted(p.getpixel((0, 0))[0] for p in ps) for name, ps in found.items()}
    assert reds["birds"] == list(range(10, 18))
    assert reds["signs"] == list(range(90, 98))


def test_stamps_are_square_on_white_and_split_by_class(small):
    (x_train, y_train), (x_test, y_test) = stamps.load_data(size=16, test_split=0.25)
    assert x_train.shape == (36, 16, 16, 3) and x_test.shape == (12, 16, 16, 3)
    assert np.bincount(y_train).tolist() == [6] * 6 and np.bincount(y_test).tolist() == [2] * 6
    assert (x_train[:, 0] == 255).all(), "white above: the thing is twice as wide as high"
    middle = x_train[:, 8, 8, 0]
    assert (middle // 10 == y_train).all(), "labels stay with their pictures"
    (again, _), _ = stamps.load_data(size=16, test_split=0.25)
    assert np.array_equal(x_train, again)
    with pytest.raises(ArgumentError, match="test_split"):
        stamps.load_data(test_split=1.0)


def test_scenes_have_the_form_of_cifar10(small):
    (x_train, y_train), (x_test, y_test) = scenes.load_data(200, 40)
    assert x_train.shape == (200, 32, 32, 3) and x_test.shape == (40, 32, 32, 3)
    assert x_train.dtype == y_train.dtype == np.uint8
    assert y_train.shape == (200, 1)
    assert np.bincount(y_test[:, 0]).tolist() == [4] * 10
    assert len(scenes.CLASSES) == len(stamps._FOLDERS)
    (again, _), _ = scenes.load_data(200, 40)
    assert np.array_equal(x_train, again)
    with pytest.raises(ArgumentError, match="one picture per class"):
        scenes.load_data(5, 40)


def test_no_thing_is_in_both_parts(small, monkeypatch):
    monkeypatch.setattr(scenes, "_scene", lambda thing, *_: np.asarray(thing)[24:25, 24:25, :3])
    (x_train, y_train), (x_test, y_test) = scenes.load_data(2000, 400)
    train, test = (set(x[:, 0, 0, 0].tolist()) for x in (x_train, x_test))
    assert train.isdisjoint(test)
    assert len(train) == 60 and len(test) == 20
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert (x[:, 0, 0, 0] // 10 == y[:, 0]).all()


def test_channels_first(small, monkeypatch):
    monkeypatch.setattr("etude.datasets.scenes.image_data_format", lambda: "channels_first")
    (x_train, _), _ = scenes.load_data(20, 10)
    assert x_train.shape == (20, 3, 32, 32)


def test_both_share_one_folder():
    assert datasets.get("scenes").folder == datasets.get("stamps").folder
    assert [licence.name for licence in datasets.get("scenes").licences] == ["GPL-2.0-only"]


@pytest.mark.slow  # 160 MB from a Debian mirror
def test_stamps_from_debian():
    assert etude.datasets.stamps is stamps
    try:
        (x_train, y_train), (x_test, y_test) = stamps.load_data()
    except FetchError as error:
        pytest.skip(f"this source cannot be reached from here: {error}")
    counts = np.bincount(np.concatenate([y_train, y_test])).tolist()
    assert counts == [64, 35, 26, 24, 18, 12]
    assert x_train.shape[1:] == (48, 48, 3) and len(x_test) == 36
