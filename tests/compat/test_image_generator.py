"""`ImageDataGenerator`: its batches, their order, and what is done to the images."""

import numpy as np
import pytest

import etude
import etude.compat.tensorflow as tf
from etude import layers
from etude.errors import ArgumentError, DataError, ShapeError
from etude.utils import save_img

ImageDataGenerator = tf.keras.preprocessing.image.ImageDataGenerator
IMAGES = np.random.default_rng(0).uniform(0, 255, (7, 6, 8, 3)).astype("float32")
LABELS = np.arange(7)


@pytest.fixture(autouse=True)
def eager():
    etude.config.set_engine("numpy")


@pytest.fixture
def folder(tmp_path):
    for name, count in (("cats", 4), ("dogs", 6)):
        (tmp_path / name).mkdir()
        for i in range(count):
            save_img(tmp_path / name / f"{i}.png", np.full((5, 4, 3), 10 * i), scale=False)
    (tmp_path / "cats" / "notes.txt").write_text("no image")
    return tmp_path


def test_batches_come_in_order_and_again():
    batches = ImageDataGenerator(rescale=1 / 255).flow(IMAGES, LABELS, 3, shuffle=False)
    found = [next(batches) for _ in range(4)]
    assert [y.tolist() for _, y in found] == [[0, 1, 2], [3, 4, 5], [6], [0, 1, 2]]
    np.testing.assert_allclose(found[1][0], IMAGES[3:6] / 255, rtol=1e-6)
    assert len(batches) == 3


def test_shuffled_batches_hold_each_image_once_an_epoch():
    batches = ImageDataGenerator().flow(IMAGES, LABELS, 3, seed=1)
    epochs = [np.concatenate([next(batches)[1] for _ in range(3)]).tolist() for _ in range(2)]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(7))


def test_a_seed_repeats_the_changes():
    make = ImageDataGenerator(rotation_range=30, zoom_range=0.3, horizontal_flip=True)
    a, b, c = (next(make.flow(IMAGES, seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_shift_by_whole_pixels_moves_the_image():
    make = ImageDataGenerator(width_shift_range=1.0, fill_mode="constant", cval=-1.0)
    place = make._random_place(6, 8, np.random.default_rng(0))
    shift = place[2]
    assert place[:2] == [1, 0]
    assert -1 <= shift <= 1
    assert place[3:6] == [0, 1, 0]


def test_a_quarter_turn(monkeypatch):
    image = np.arange(9.0).reshape(3, 3, 1)
    make = ImageDataGenerator(rotation_range=90)

    class Most:
        def uniform(self, low, high, size=None):
            return high if size is None else np.full(size, high)

    turned = make._changed(image, Most())
    np.testing.assert_allclose(turned[..., 0], np.rot90(image[..., 0], -1), atol=1e-4)


def test_flips():
    both = ImageDataGenerator(horizontal_flip=True, vertical_flip=True)
    seen = {both.random_transform(IMAGES[0], seed).tobytes() for seed in range(40)}
    expected = {IMAGES[0][a, b].tobytes() for a in (np.s_[:], np.s_[::-1]) for b in (np.s_[:],)}
    assert expected < seen
    assert IMAGES[0][:, ::-1].tobytes() in seen
    assert len(seen) == 4


def test_featurewise_options_need_fit():
    make = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    with pytest.raises(DataError, match=r"call `fit\(x_train\)`"):
        next(make.flow(IMAGES))
    make.fit(IMAGES)
    x = next(make.flow(IMAGES))
    np.testing.assert_allclose(x.mean((0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std((0, 1, 2)), 1, atol=1e-4)


def test_folders_of_classes(folder, capsys):
    make = ImageDataGenerator(rescale=1 / 255, validation_split=0.25)
    train = make.flow_from_directory(
        folder, (6, 6), batch_size=4, class_mode="binary", subset="training", shuffle=False
    )
    held = make.flow_from_directory(folder, target_size=(6, 6), subset="validation")
    said = capsys.readouterr().out
    assert "Found 8 images belonging to 2 classes." in said
    assert "Found 2 images belonging to 2 classes." in said
    assert train.class_indices == {"cats": 0, "dogs": 1}
    assert train.classes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert not set(train.filenames) & set(held.filenames)
    x, y = train[0]
    assert (x.shape, y.tolist()) == ((4, 6, 6, 3), [0, 0, 0, 1])
    np.testing.assert_allclose(x[0], 10 / 255, rtol=1e-6)
    assert next(held)[1].shape == (2, 2), "one-hot"
    model = etude.Sequential([layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    history = model.fit(train, epochs=2, validation_data=train, verbose=0).history
    assert len(history["val_loss"]) == 2
    assert model.predict(train, verbose=0).shape == (8, 1)


def test_what_is_refused(folder):
    with pytest.raises(ShapeError, match=r"x\[\.\.\., None\]"):
        ImageDataGenerator().flow(IMAGES[..., 0])
    with pytest.raises(DataError, match="7 images"):
        ImageDataGenerator().flow(IMAGES, LABELS[:3])
    with pytest.raises(DataError, match="no folder"):
        ImageDataGenerator().flow_from_directory(folder / "none")
    with pytest.raises(ArgumentError, match="class_mode"):
        ImageDataGenerator().flow_from_directory(folder, class_mode="onehot")
    with pytest.raises(ArgumentError, match="save_to_dir"):
        ImageDataGenerator().flow_from_directory(folder, save_to_dir=folder)
    with pytest.raises(ArgumentError, match="birds"):
        ImageDataGenerator().flow_from_directory(folder, classes=["cats", "birds"])
    with pytest.raises(ArgumentError, match="zca_whitening"):
        ImageDataGenerator(zca_whitening=True)
