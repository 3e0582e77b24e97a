"""Folders of pictures as people have them: odd formats, damage, doubles, and too little of it."""

from __future__ import annotations

import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from etude.errors import DataError
from etude.labs.running import exhibits, material, pictures
from etude.labs.running.header import DataNeed

SIZE = (8, 8)
COLOUR = DataNeed("mnist", None, SIZE, 3)


def noise(seed: int, shape: tuple[int, ...] = (12, 10, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def folder_of(path: Path, **counts: int) -> Path:
    """A folder with as many different pictures in each class as is asked for."""
    serial = 0
    for name, count in counts.items():
        (path / name).mkdir(parents=True)
        for i in range(count):
            serial += 1
            Image.fromarray(noise(serial)).save(path / name / f"{i}.png")
    return path


@pytest.fixture
def own(tmp_path) -> Path:
    return folder_of(tmp_path / "own", cat=10, dog=10)


def read(folder: Path, size=SIZE, channels: int = 3, seed: int = 0) -> pictures.Pictures:
    return pictures.image_folder(folder, size, channels, seed=seed)


def total(found: pictures.Pictures) -> int:
    return len(found.train[0]) + len(found.test[0])


def said(found: pictures.Pictures) -> str:
    return "\n".join(found.remarks)


# ---- what comes out ----------------------------------------------------------------------------


@pytest.mark.parametrize(("channels", "shape"), [(1, (8, 8)), (3, (8, 8, 3))])
def test_grey_or_colour_as_the_lab_asks(own, channels, shape):
    found = read(own, channels=channels)
    assert found.train[0].shape == (16, *shape) and found.test[0].shape == (4, *shape)
    assert found.train[0].dtype == np.uint8
    assert np.bincount(found.train[1]).tolist() == [8, 8]
    assert np.bincount(found.test[1]).tolist() == [2, 2]
    assert found.class_names == ["cat", "dog"]
    assert found.remarks == ()


def test_a_picture_of_the_right_size_is_not_changed_and_keeps_its_label(tmp_path):
    own = folder_of(tmp_path / "own", cat=4, dog=4)
    found = read(own, (12, 10))
    by_bytes = {noise(i).tobytes(): int(i > 4) for i in range(1, 9)}
    for x, y in (found.train, found.test):
        assert [by_bytes[image.tobytes()] for image in x] == y.tolist()


def test_the_seed_decides_the_split_and_classes_are_mixed(own):
    first, again, other = (read(own, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.train[0], again.train[0])
    assert not np.array_equal(first.test[0], other.test[0])
    assert first.train[1].tolist() != sorted(first.train[1])


# ---- formats -----------------------------------------------------------------------------------


def one(image: Image.Image, path: Path, channels: int = 3, **options) -> np.ndarray:
    image.save(path, **options)
    return pictures.pixels(path, (image.height, image.width), channels)


def test_transparent_pictures_stand_on_white(tmp_path):
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (one(clear, tmp_path / "rgba.png") == 255).all()
    assert (one(Image.new("LA", (4, 4), (0, 0)), tmp_path / "la.png", 1) == 255).all()
    half = one(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), tmp_path / "half.png")
    assert half.min() == half.max() == 127


def test_palettes_with_and_without_transparency(tmp_path):
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 200, 30])
    assert one(picture, tmp_path / "plain.png")[0, 0].tolist() == [10, 200, 30]
    clear = one(picture, tmp_path / "clear.png", transparency=1)
    assert (clear == 255).all()


def test_sixteen_bits_become_eight_of_the_same_brightness(tmp_path):
    values = np.array([[0, 257 * 17], [257 * 100, 65535]], np.uint16)
    for name in ("deep.png", "deep.tif"):
        assert one(Image.fromarray(values), tmp_path / name, 1).tolist() == [[0, 17], [100, 255]]
    floats = Image.fromarray(np.array([[-1.0, 0.0], [1.0, np.nan]], np.float32))
    assert one(floats, tmp_path / "float.tif", 1).tolist() == [[0, 128], [255, 128]]


def test_the_colours_of_printers(tmp_path):
    red = one(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), tmp_path / "print.jpg", quality=100)
    assert red[4, 4, 0] > 200 and red[4, 4, 1:].max() < 60


def test_black_and_white(tmp_path):
    picture = Image.fromarray(np.array([[True, False]]))
    assert one(picture, tmp_path / "bits.png", 1).tolist() == [[255, 0]]


def test_a_camera_held_sideways(tmp_path):
    values = noise(3, (4, 6, 3))
    image = Image.fromarray(values)
    exif = image.getexif()
    exif[0x0112] = 6  # the top of the scene is at the right
    image.save(tmp_path / "turned.png", exif=exif)
    found = pictures.pixels(tmp_path / "turned.png", (6, 4), 3)
    np.testing.assert_array_equal(found, np.rot90(values, -1))


def test_the_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("blue", "red", "lime")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    found = pictures.pixels(tmp_path / "moving.gif", (4, 4), 3)
    assert found[0, 0].tolist() == [0, 0, 255]


def test_the_content_counts_and_not_the_name(own):
    Image.fromarray(noise(99)).save(own / "cat" / "photo.jpeg")
    (own / "cat" / "photo.jpeg").rename(own / "cat" / "photo.of.my.cat")
    assert total(read(own)) == 21


# ---- what is left out --------------------------------------------------------------------------


def bomb() -> bytes:
    """A PNG of a few bytes that declares 40,000 × 40,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("cut.png", lambda good: good[: len(good) // 2], "broken or cut off"),
        ("head.png", lambda good: good[:20], "broken or cut off|no pictures"),
        ("notes.txt", lambda good: b"to do: photograph the dog", "no pictures"),
        ("empty.jpg", lambda good: b"", "no pictures"),
        ("movie.mp4", lambda good: b"\0\0\0 ftypmp42", "video files, which are not read"),
        ("phone.heic", lambda good: b"\0\0\0 ftypheic", "HEIC files.*JPEG or PNG"),
        ("bomb.png", lambda good: bomb(), "larger than"),
    ],
)
def test_what_cannot_be_used_is_named_and_left_out(own, name, make, reason):
    good = (own / "cat" / "0.png").read_bytes()
    (own / "cat" / name).write_bytes(make(good))
    found = read(own)
    assert total(found) == 20
    assert len(found.remarks) == 1
    assert re.search(f"left out, ({reason}).*: cat/{name}", found.remarks[0])
    assert found.counts["pictures found"] == 21 and found.counts["pictures used"] == 20
    assert [v for k, v in found.counts.items() if k.startswith("left out")] == [f"1: cat/{name}"]


def test_any_damage_costs_one_picture_at_most(own):
    """A byte turned, or the end cut off, anywhere in files of each format."""
    rng = np.random.default_rng(0)
    image = Image.fromarray(noise(5, (20, 20, 3)))
    for kind in ("png", "jpeg", "gif", "bmp", "webp", "tiff"):
        path = own / "cat" / f"whole.{kind}"
        image.save(path)
        good = path.read_bytes()
        path.unlink()
        for i in range(30):
            data = bytearray(good)
            data[rng.integers(len(data))] = rng.integers(256)
            cut = len(data) if i % 2 else int(rng.integers(len(data)))
            (own / "cat" / f"{i}.{kind}").write_bytes(bytes(data[:cut]))
    found = read(own)
    assert found.class_names == ["cat", "dog"]
    assert 20 <= total(found) <= 200


def test_many_names_become_some_and_a_count(own):
    for i in range(12):
        (own / "dog" / f"{i}.txt").write_text(f"note {i}")
    found = read(own)
    assert len(found.remarks) == 1
    assert found.remarks[0].count("dog/") == 5 and found.remarks[0].endswith(" and 7 more")
    assert found.counts["left out, no pictures"].startswith("12: dog/0.txt, ")


def test_hidden_and_system_files_are_passed_over(own):
    (own / ".DS_Store").write_bytes(b"\0")
    (own / "cat" / "Thumbs.db").write_bytes(b"\0")
    (own / "cat" / "._0.png").write_bytes(b"\0")
    (own / "__MACOSX").mkdir()
    (own / ".git").mkdir()
    found = read(own)
    assert found.class_names == ["cat", "dog"]
    assert found.remarks == ()
    assert found.counts["system files passed over"] == "2"


def test_the_same_file_twice_in_a_class_counts_once(own):
    (own / "cat" / "copy.png").write_bytes((own / "cat" / "3.png").read_bytes())
    found = read(own)
    assert total(found) == 20
    assert said(found) == "left out, the same file once more: cat/copy.png = cat/3.png"


def test_the_same_file_in_two_classes_belongs_to_neither(own):
    (own / "cat" / "doubt.png").write_bytes((own / "dog" / "3.png").read_bytes())
    found = read(own)
    assert total(found) == 19
    assert "in several classes: cat/doubt.png = dog/3.png" in said(found)


def test_loose_pictures_belong_to_no_class(own):
    Image.fromarray(noise(77)).save(own / "loose.png")
    found = read(own)
    assert total(found) == 20
    assert "beside the class folders, so of no class: loose.png" in said(found)


def test_empty_folders_and_tiny_classes(own):
    (own / "nothing").mkdir()
    folder_of(own / "more", x=1)
    (own / "more" / "x" / "0.png").rename(own / "more" / "single.png")
    (own / "more" / "single.png").write_bytes((own / "more" / "single.png").read_bytes() + b"\0")
    (own / "more" / "x").rmdir()
    found = read(own)
    assert found.class_names == ["cat", "dog"]
    assert "an empty folder: nothing" in said(found)
    assert "a class without a picture to learn from and one to test on: more (1)" in said(found)


def test_small_classes_are_used_with_a_warning(tmp_path):
    found = read(folder_of(tmp_path / "own", cat=200, dog=3))
    assert np.bincount(found.test[1]).tolist() == [40, 1]
    assert "fewer than 10 pictures in dog (3)" in said(found)
    assert "the largest class has 200 pictures and the smallest 3" in said(found)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_pipes_and_links_in_circles_do_not_hang(own):
    os.mkfifo(own / "cat" / "pipe.png")
    (own / "cat" / "again").symlink_to(own)
    (own / "cat" / "gone.png").symlink_to(own / "nowhere.png")
    found = read(own)
    assert total(found) == 20
    assert "cat/pipe.png" in said(found) and "cat/gone.png" in said(found)


def test_names_cannot_write_to_the_terminal(own):
    (own / "cat" / "\x1b[31mred.txt").write_text("x")
    assert "\x1b" not in said(read(own))
    assert "cat/?[31mred.txt" in said(read(own))


# ---- how folders lie ---------------------------------------------------------------------------


def test_nested_folders_belong_to_their_class(own):
    deep = own / "cat" / "2026" / "summer"
    deep.mkdir(parents=True)
    Image.fromarray(noise(55)).save(deep / "a.png")
    assert total(read(own)) == 21


def test_a_folder_around_everything(tmp_path):
    folder_of(tmp_path / "own" / "download" / "photos", cat=5, dog=5)
    found = read(tmp_path / "own")
    assert found.class_names == ["cat", "dog"]
    assert "the classes are those in download/photos" in said(found)


def test_the_folders_own_split_is_kept(tmp_path):
    own = tmp_path / "own"
    serial = 0
    for part, count in (("train", 6), ("val", 3), ("test", 4)):
        for name in ("cat", "dog"):
            (own / part / name).mkdir(parents=True)
            for i in range(count):
                serial += 1
                Image.fromarray(noise(serial)).save(own / part / name / f"{i}.png")
    found = read(own)
    assert found.class_names == ["cat", "dog"]
    assert (len(found.train[0]), len(found.test[0])) == (18, 8)
    assert "own split was kept: train for training, test for testing, val for training" in said(
        found
    )
    # The same bytes in both parts: it stays a test picture, whatever the seed.
    (own / "train" / "cat" / "leak.png").write_bytes((own / "test" / "cat" / "0.png").read_bytes())
    again = read(own, seed=4)
    assert (len(again.train[0]), len(again.test[0])) == (18, 8)
    assert "train/cat/leak.png = test/cat/0.png" in said(again)


def test_hundreds_of_classes(tmp_path):
    found = read(folder_of(tmp_path / "own", **{f"kind{i:03}": 3 for i in range(300)}))
    assert len(found.class_names) == 300
    assert set(found.test[1]) == set(range(300))
    assert len(said(found)) < 500
    assert "and 295 more" in said(found)


# ---- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "have"),
    [({}, "none"), ({"cat": 5}, "only cat"), ({"cat": 5, "dog": 1}, "only cat")],
)
def test_too_little_to_learn_from_is_refused_with_advice(tmp_path, classes, have):
    own = tmp_path / "own"
    own.mkdir()
    folder_of(own, **classes)
    with pytest.raises(DataError, match=f"at least two images each; found {have}") as caught:
        read(own)
    assert "Put the images into folders named after what they show" in str(caught.value)


def test_a_refusal_says_what_was_left_out(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    Image.fromarray(noise(1)).save(own / "a.png")
    with pytest.raises(DataError, match=r"beside the class folders, so of no class: a\.png"):
        read(own)


def test_memory_is_bounded(own, monkeypatch):
    monkeypatch.setattr(pictures, "MOST_BYTES", 12 * 8 * 8 * 3)
    found = read(own)
    assert np.bincount(np.concatenate([found.train[1], found.test[1]])).tolist() == [6, 6]
    assert "20 pictures are more than memory should hold: 12 of them are used" in said(found)


def test_remarks_and_counts_reach_the_run(own):
    (own / "cat" / "notes.txt").write_text("x")
    found = material.find(COLOUR, own, seed=0)
    assert found.remarks == ("left out, no pictures: cat/notes.txt",)
    about = found.as_dict()
    assert about["pictures found"] == 21 and about["left out, no pictures"] == "1: cat/notes.txt"
    assert about["per class"] == "cat 10, dog 10"
    assert found.train[0].shape == (16, 8, 8, 3)


def test_a_report_shows_the_most_confused_of_hundreds_of_classes():
    truth = np.arange(300).repeat(2)
    predicted = truth.copy()
    predicted[[20, 21, 400]] = [299, 299, 0]  # class 10 twice, class 200 once
    table = exhibits.confusion(truth, predicted, [f"kind {k}" for k in range(300)])
    assert len(table.names) == len(table.counts) == len(table.recall) == 25
    assert {"kind 0", "kind 10", "kind 200", "kind 299"} <= set(table.names)
    ten, last = table.names.index("kind 10"), table.names.index("kind 299")
    assert table.counts[ten][last] == 2 and table.recall[ten] == 0
    assert "597 of 600 right. Shown are the 25 of 300 classes" in table.alt
