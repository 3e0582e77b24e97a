"""Folders and series as data sets, against plain loops over files and against Keras's own split."""

import wave

import numpy as np
import pytest
from PIL import Image

import etude
from etude import utils
from etude.errors import ArgumentError, DataError


@pytest.fixture
def pictures(tmp_path):
    for label, name in enumerate(("cats", "dogs")):
        for i in range(4):
            place = tmp_path / name / f"{i}.png"
            place.parent.mkdir(exist_ok=True)
            Image.new("RGB", (6, 4), (10 * i, 100 * label, 7)).save(place)
    (tmp_path / "cats" / "note.txt").write_text("no picture")
    return tmp_path


def test_images_in_the_order_of_their_names(pictures, capsys):
    data = utils.image_dataset_from_directory(
        pictures, shuffle=False, batch_size=3, image_size=(2, 3)
    )
    assert capsys.readouterr().out == "Found 8 files belonging to 2 classes.\n"
    assert data.class_names == ["cats", "dogs"] and len(data) == 3
    images, labels = zip(*data.as_numpy_iterator(), strict=True)
    images, labels = np.concatenate(images), np.concatenate(labels)
    assert images.shape == (8, 2, 3, 3) and images.dtype == "float32"
    assert labels.tolist() == [0] * 4 + [1] * 4 and labels.dtype == "int32"
    assert images[:, 0, 0].tolist() == [[10 * i, 100 * c, 7] for c in (0, 1) for i in range(4)]


def test_split_shuffle_and_labels(pictures):
    options = {"validation_split": 0.25, "seed": 4, "image_size": (4, 6), "verbose": False}
    parts = utils.image_dataset_from_directory(
        pictures, subset="both", label_mode="categorical", batch_size=None, **options
    )
    left, right = ([x[0, 0, :2].tolist() for x, _ in p.as_numpy_iterator()] for p in parts)
    assert len(left) == 6 and len(right) == 2
    everything = [[10 * i, 100 * c] for c in (0, 1) for i in range(4)]
    assert sorted(left + right) == sorted(everything)
    for x, y in parts[0].as_numpy_iterator():
        assert y.tolist() == ([1.0, 0.0] if x[0, 0, 1] == 0 else [0.0, 1.0])
    alone = utils.image_dataset_from_directory(
        pictures, subset="validation", label_mode="binary", **options
    )
    assert sorted(alone.file_paths) == sorted(parts[1].file_paths)
    assert next(iter(alone))[1].shape == (2, 1)


def test_sizes_channels_and_layout(pictures):
    options = {"labels": None, "image_size": (6, 6), "verbose": False}
    gray = utils.image_dataset_from_directory(pictures, color_mode="grayscale", **options)
    assert next(iter(gray)).shape == (8, 6, 6, 1)
    padded = utils.image_dataset_from_directory(
        pictures, pad_to_aspect_ratio=True, data_format="channels_first", shuffle=False, **options
    )
    image = next(iter(padded)).numpy()[3]
    assert image.shape == (3, 6, 6) and image[0].max() == 30 and image[0, 0].max() == 0


@pytest.mark.parametrize(("options", "message"), [
    ({"labels": "wrong"}, "list/tuple of integer labels"),
    ({"labels": [0, 1]}, "len\\(labels\\) is 2 while we found 8"),
    ({"labels": None, "class_names": ["cats"]}, "can only pass `class_names`"),
    ({"class_names": ["birds"]}, "did not match"),
    ({"label_mode": "float"}, "label_mode"),
    ({"color_mode": "cmyk"}, "color_mode"),
    ({"image_size": (1, 2, 3)}, "image_size"),
    ({"interpolation": "psychic"}, "interpolation"),
    ({"validation_split": 2}, "between 0 and 1"),
    ({"validation_split": 0.2}, "must be set, and inversely"),
    ({"validation_split": 0.2, "subset": "test"}, "subset"),
    ({"validation_split": 0.2, "subset": "training"}, "provide a `seed`"),
    ({"label_mode": "binary", "class_names": ["cats"]}, "exactly 2"),
])  # fmt: skip
def test_arguments_that_do_not_go_together(pictures, options, message):
    with pytest.raises(ArgumentError, match=message):
        utils.image_dataset_from_directory(pictures, verbose=False, **options)


def test_an_empty_and_a_damaged_folder(tmp_path):
    with pytest.raises(DataError, match="No image files"):
        utils.image_dataset_from_directory(tmp_path, labels=None, verbose=False)
    with pytest.raises(DataError, match="no folder"):
        utils.text_dataset_from_directory(tmp_path / "none")
    (tmp_path / "a.png").write_bytes(b"no picture")
    data = utils.image_dataset_from_directory(tmp_path, labels=None, verbose=False)
    with pytest.raises(DataError, match="cannot be read as an image"):
        list(data)


def test_texts(tmp_path):
    for name, text in (("neg", "schön bad"), ("pos", "good")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.txt").write_text(text, encoding="utf-8")
    data = utils.text_dataset_from_directory(tmp_path, shuffle=False, verbose=False)
    texts, labels = next(iter(data))
    assert [t.decode() for t in texts.numpy()] == ["schön bad", "good"]
    assert labels.numpy().tolist() == [0, 1]
    short = utils.text_dataset_from_directory(
        tmp_path, labels=None, max_length=2, shuffle=False, verbose=False
    )
    assert next(iter(short)).numpy().tolist() == [b"sc", b"go"]


def test_sounds(tmp_path):
    for i, count in enumerate((8, 4)):
        with wave.open(f"{tmp_path}/{i}.wav", "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(100)
            file.writeframes(np.full(count, 16384, "<i2").tobytes())
    options = {"labels": None, "shuffle": False, "verbose": False}
    sounds = next(iter(utils.audio_dataset_from_directory(tmp_path, **options))).numpy()
    assert sounds.shape == (2, 8, 1) and sounds[1, :, 0].tolist() == [0.5] * 4 + [0.0] * 4
    data = utils.audio_dataset_from_directory(
        tmp_path, output_sequence_length=5, sampling_rate=50, **options
    )
    sounds = next(iter(data)).numpy()
    np.testing.assert_allclose(sounds[0, :, 0], [0.5] * 4 + [0.0], atol=1e-6)
    with pytest.raises(ArgumentError, match="ragged"):
        utils.audio_dataset_from_directory(tmp_path, ragged=True, **options)


@pytest.mark.parametrize(("stride", "rate", "start", "end"), [
    (1, 1, None, None), (2, 1, None, None), (1, 3, None, None), (2, 2, 3, 18),
])  # fmt: skip
def test_windows_of_a_series_against_a_loop(stride, rate, start, end):
    series, targets, length = np.arange(20), np.arange(20) * 10, 3
    data = utils.timeseries_dataset_from_array(
        series, targets, length, stride, rate, batch_size=None, start_index=start, end_index=end
    )
    cut, answers = series[start:end], targets[start:end]
    expected = [
        (cut[i : i + length * rate : rate].tolist(), int(answers[i]))
        for i in range(0, len(cut) - (length - 1) * rate, stride)
    ]
    assert [(x.tolist(), int(y)) for x, y in data.as_numpy_iterator()] == expected


def test_series_are_shuffled_by_a_seed_and_checked():
    data = [
        utils.timeseries_dataset_from_array(np.arange(9), None, 2, shuffle=True, seed=s)
        for s in (1, 1, 2)
    ]
    first, same, other = (next(iter(d)).numpy().tolist() for d in data)
    assert first == same != other and sorted(first) == [[i, i + 1] for i in range(8)]
    for name, value in (
        ("start_index", 30), ("end_index", 30), ("sampling_rate", 0), ("sequence_stride", 9),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=name):
            utils.timeseries_dataset_from_array(np.arange(9), None, 2, **{name: value})


@pytest.mark.parametrize(("sizes", "expected"), [
    ((0.8, None), (8, 2)), ((None, 3), (7, 3)), ((0.25, 0.5), (2, 5)), ((4, None), (4, 6)),
])  # fmt: skip
def test_a_data_set_in_two(sizes, expected):
    x, y = np.arange(10), np.arange(10) * 2
    left, right = utils.split_dataset((x, y), *sizes)
    assert (len(left), len(right)) == expected
    assert [int(a) for a, _ in left] == list(range(expected[0]))
    assert [int(b) for _, b in right] == [2 * i for i in range(10 - expected[1], 10)]


def test_splits_of_data_sets_lists_and_wrong_sizes():
    left, right = utils.split_dataset(etude.data.Dataset.range(6), 0.5, shuffle=True, seed=1)
    found = [int(x) for x in [*left, *right]]
    assert sorted(found) == list(range(6)) and found != list(range(6))
    left, _ = utils.split_dataset([(np.ones(2), 1), (np.zeros(2), 0)], left_size=1)
    assert next(iter(left))[0].numpy().tolist() == [1.0, 1.0]
    for sizes, message in (
        ((None, None), "At least one"), ((1.5, None), "within the range"), ((8, 8), "sum of"),
        ((0.9, 0.9), "greater than 1"), ((20, None), "smaller than 10"),
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=message):
            utils.split_dataset(np.arange(10), *sizes)
    with pytest.raises(TypeError, match="Invalid `left_size` Type"):
        utils.split_dataset(np.arange(10), "1/5")
