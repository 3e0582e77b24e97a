"""Layers on images: boxes follow the pixels, labels follow the images, both engines draw alike."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from etude import config, layers, ops, random, tree
from etude.errors import ArgumentError
from etude.utils import bounding_boxes
from tests.layers.image_rows import ALL, SHAPE

FORMATS = [
    "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw",
    "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh",
]  # fmt: skip
HEIGHT, WIDTH = 40, 60
BOX = (12, 10, 30, 22)  # left, top, right, bottom


@pytest.fixture(autouse=True)
def eager() -> None:
    config.set_engine("numpy")


# --- bounding boxes -----------------------------------------------------------------------------


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_formats_convert_as_in_keras(source: str, target: str) -> None:
    boxes = np.random.default_rng(0).uniform(0.1, 0.9, (2, 3, 4)).astype("float32")
    size: dict[str, Any] = {"height": 8, "width": 10}
    expected = keras.utils.bounding_boxes.convert_format(boxes, source, target, **size)
    found = bounding_boxes.convert_format(boxes, source, target, **size)
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-5, atol=1e-6)


def test_overlap_and_deltas_are_those_of_keras() -> None:
    theirs = keras.utils.bounding_boxes
    rng = np.random.default_rng(1)
    a, b = (np.sort(rng.uniform(0, 9, (5, 4)).astype("float32")) for _ in range(2))
    masked = np.concatenate([a, -np.ones((1, 4), "float32")])
    for name, args, kwargs in (
        ("compute_iou", (a, b, "xyxy"), {}),
        ("compute_iou", (masked, masked, "yxyx"), {"use_masking": True, "mask_val": -5}),
        ("compute_ciou", (a, b, "xyxy"), {}),
        ("encode_box_to_deltas", (a, b, "xyxy", "xywh"), {"variance": [0.1, 0.1, 0.2, 0.2]}),
        ("decode_deltas_to_boxes", (a, b / 9, "xyxy", "center_xywh"), {}),
        ("crop", (a, 2, 3, 4, 5), {}),
        ("pad", (a, 2, 3), {}),
    ):
        expected = np.asarray(getattr(theirs, name)(*args, **kwargs))
        found = getattr(bounding_boxes, name)(*args, **kwargs).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5, err_msg=name)


def test_affine_boxes_are_those_of_keras() -> None:
    rng = np.random.default_rng(2)
    boxes = np.sort(rng.uniform(0, 9, (2, 3, 4)).astype("float32"))
    moves = [ops.convert_to_tensor(rng.uniform(-1, 1, 2).astype("float32")) for _ in range(6)]
    moves[3] = moves[3] + 2
    size: dict[str, Any] = {"height": 10, "width": 12}
    found = bounding_boxes.affine_transform(boxes, *moves, **size)
    arrays = [keras.ops.convert_to_tensor(m.numpy()) for m in moves]
    expected = keras.utils.bounding_boxes.affine_transform(boxes, *arrays, **size)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-4, atol=1e-4)


def bright_box(image: Any) -> np.ndarray:
    """The box around the bright pixels of an image."""
    rows, columns = np.nonzero(np.asarray(image)[:, :, 0] > 0.5)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


@pytest.mark.parametrize(
    ("name", "kwargs", "tolerance"),
    [
        ("RandomFlip", {"mode": "horizontal"}, 0),
        ("RandomFlip", {"mode": "vertical"}, 0),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.1}, 1),
        ("RandomZoom", {"height_factor": (-0.2, 0.4), "width_factor": (-0.1, 0.3)}, 1.5),
        ("RandomRotation", {"factor": 0.1}, 2.5),
        ("RandomPerspective", {"scale": 0.3}, 2),
        ("RandomCrop", {"height": 30, "width": 50}, 0),
        ("RandomCrop", {"height": 80, "width": 120}, 1.5),
        ("CenterCrop", {"height": 30, "width": 50}, 0),
        ("CenterCrop", {"height": 60, "width": 60}, 1.5),
        ("Resizing", {"height": 80, "width": 50}, 1.5),
        ("Resizing", {"height": 60, "width": 60, "pad_to_aspect_ratio": True}, 1.5),
        ("Resizing", {"height": 60, "width": 60, "crop_to_aspect_ratio": True}, 2),
    ],
)
def test_boxes_follow_the_pixels(name: str, kwargs: dict[str, Any], tolerance: float) -> None:
    """A bright rectangle is found where the layer says that its box is."""
    left, top, right, bottom = BOX
    image = np.zeros((4, HEIGHT, WIDTH, 1), "float32")
    image[:, top:bottom, left:right] = 1
    if name.startswith("Random") and name not in ("RandomFlip", "RandomCrop"):
        kwargs = {"fill_mode": "constant", **kwargs}
        kwargs = kwargs if name != "RandomPerspective" else {"scale": 0.3}
    if name.startswith("Random"):
        kwargs = {"seed": 3, **kwargs}
    layer = getattr(layers, name)(bounding_box_format="xyxy", **kwargs)
    boxes = {"boxes": np.array([[BOX]] * 4, "float32"), "labels": np.ones((4, 1))}
    found = layer({"images": image, "bounding_boxes": boxes}, training=True)
    for picture, box in zip(found["images"], found["bounding_boxes"]["boxes"].numpy(), strict=True):
        np.testing.assert_allclose(box[0], bright_box(picture.numpy()), atol=tolerance + 1e-3)


def test_a_box_out_of_the_image_loses_its_label() -> None:
    boxes = {"boxes": [[5.0, 5.0, 9.0, 9.0], [1.0, 1.0, 2.0, 2.0]], "labels": [3, 4]}
    found = bounding_boxes.clip_to_image_size(boxes, height=4, width=4)
    assert found["labels"].numpy().tolist() == [-1, 4]


def test_boxes_without_a_format_are_refused() -> None:
    boxes = {"boxes": np.ones((1, 1, 4)), "labels": np.ones((1, 1))}
    with pytest.raises(ArgumentError, match="bounding_box_format='xyxy'"):
        layers.RandomFlip()({"images": np.ones((1, 4, 4, 3)), "bounding_boxes": boxes})


# --- what belongs to images ---------------------------------------------------------------------


def test_masks_keep_their_classes_and_follow_the_images() -> None:
    image = np.random.default_rng(0).integers(0, 3, (3, 9, 9, 1)).astype("float32")
    layer = layers.RandomRotation(0.3, interpolation="nearest", seed=1)
    found = layer({"images": image, "segmentation_masks": image})
    assert set(np.unique(found["segmentation_masks"].numpy())) <= {0, 1, 2}
    np.testing.assert_array_equal(found["images"], found["segmentation_masks"])


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
def test_labels_are_mixed_as_the_images_are(name: str) -> None:
    """Each image holds its class number in every pixel: its mean is that of its label."""
    classes = 4
    image = np.broadcast_to(np.arange(classes)[:, None, None, None], (4, 64, 64, 1)).astype("f4")
    layer = getattr(layers, name)(seed=2)
    found = layer({"images": image, "labels": np.eye(classes, dtype="float32")})
    label = found["labels"].numpy() @ np.arange(classes)
    assert not np.allclose(label, np.arange(classes))
    np.testing.assert_allclose(found["images"].numpy().mean((1, 2, 3)), label, atol=0.12)


def test_single_images_are_taken_like_batches() -> None:
    image = np.random.default_rng(0).random((6, 7, 3)).astype("float32")
    for row in ALL:
        if row.layer in ("Pipeline", "UpSampling2D") or row.shape != SHAPE:
            continue
        layer = row.make(layers)
        random.set_random_seed(0)
        found = layer(image, training=True)
        assert found.shape == tuple(layer.compute_output_shape((1, *image.shape)))[1:]


def test_inference_leaves_images_alone() -> None:
    image = np.random.default_rng(0).random(SHAPE).astype("float32")
    for row in ALL:
        if row.layer.startswith("Random") and row.layer != "RandomCrop":
            found = row.make(layers)(image, training=False)
            np.testing.assert_array_equal(found, image)


# --- chance -------------------------------------------------------------------------------------


def test_half_of_the_images_are_flipped() -> None:
    image = np.broadcast_to(np.arange(2.0)[None, None, :, None], (1000, 1, 2, 1))
    found = layers.RandomFlip("horizontal", seed=1)(image).numpy()
    assert 430 < found[:, 0, 0, 0].sum() < 570


def test_brightness_is_uniform_on_its_range() -> None:
    layer = layers.RandomBrightness((-0.1, 0.3), value_range=(-1, 1), seed=1)
    found = layer(np.zeros((2000, 1, 1, 1))).numpy().ravel()
    assert -0.2 <= found.min() < -0.19
    assert 0.59 < found.max() <= 0.6
    assert abs(found.mean() - 0.2) < 0.02


def test_erased_areas_are_within_their_range() -> None:
    layer = layers.RandomErasing(factor=(1, 1), scale=(0.04, 0.25), fill_value=1, seed=1)
    area = layer(np.zeros((200, 40, 40, 1))).numpy().mean((1, 2, 3))
    assert 0.02 < area.min() < 0.06
    assert 0.18 < area.max() < 0.28


@pytest.mark.parametrize("name", ["RandomFlip", "RandomCrop", "RandomErasing", "CutMix"])
def test_a_seed_gives_the_same_images_on_both_engines(name: str) -> None:
    pytest.importorskip("jax")
    row = next(r for r in ALL if r.layer == name)
    results = []
    for engine in ("numpy", "xla"):
        config.set_engine(engine)
        layer = getattr(layers, name)(**{**row.kwargs, "seed": 7})  # type: ignore[dict-item]
        results.append([layer(row.inputs(), training=True).numpy() for _ in range(4)])
    np.testing.assert_allclose(results[0], results[1], rtol=1e-5, atol=1e-6)
    assert not all(np.allclose(results[0][0], other) for other in results[0][1:])


@pytest.mark.parametrize("name", ["RandAugment", "AugMix"])
def test_policies(name: str) -> None:
    """Config, seed, and one transformation for images, masks and boxes."""
    layer = getattr(layers, name)(value_range=(0, 1), seed=5, bounding_box_format="xyxy")
    again = type(layer).from_config(layer.get_config())
    theirs = getattr(keras.layers, name)(value_range=(0, 1), seed=5, bounding_box_format="xyxy")
    assert layer.get_config().keys() == theirs.get_config().keys()
    image = np.random.default_rng(0).random((2, 8, 9, 3)).astype("float32")
    first = [layer(image).numpy() for _ in range(6)]
    np.testing.assert_array_equal(first, [again(image).numpy() for _ in range(6)])
    assert not np.allclose(first[0], image)
    boxes = {"boxes": np.full((2, 1, 4), 2.0), "labels": np.ones((2, 1))}
    data = {
        "images": image,
        "labels": np.eye(2),
        "bounding_boxes": boxes,
        "segmentation_masks": np.ones((2, 8, 9, 1)),
    }
    found = layer(data)
    assert tree.map_structure(np.shape, data) == tree.map_structure(lambda t: t.shape, found)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kwargs", "message"),
    [
        ("RandomBrightness", {"factor": 1.1}, "should be a number"),
        ("RandomBrightness", {"factor": 0.1, "value_range": 3}, "list of two numbers"),
        ("RandomRotation", {"factor": 0.1, "fill_mode": "edge"}, "Unknown `fill_mode` edge"),
        ("RandomZoom", {"height_factor": -1.0}, r"in the range \(-1.0, 1.0\]"),
        ("RandomShear", {"x_factor": -0.5}, r"in the range \[0, 1.0\]"),
        ("RandomPerspective", {"scale": 2}, "`scale` argument"),
        ("RandomGaussianBlur", {"kernel_size": 4}, "odd number"),
        ("RandomGrayscale", {"factor": 1.2}, "between 0 and 1"),
        ("Solarization", {"addition_factor": 2}, r"range \[0, 1\]"),
        ("RandomFlip", {"mode": "diagonal"}, "must be one of"),
    ],
)
def test_arguments_out_of_range_are_refused(
    name: str, kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(**kwargs)
