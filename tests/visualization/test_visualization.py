"""Boxes and masks on images, pixel by pixel; galleries as files."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image

from etude import config, ops
from etude.errors import ArgumentError, DtypeError, ShapeError
from etude.visualization import (
    draw_bounding_boxes,
    draw_segmentation_masks,
    plot_bounding_box_gallery,
    plot_image_gallery,
    plot_segmentation_mask_gallery,
)
from tests.parity.reference import keras_alone

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 12, 10, 3))
BOXES = {"boxes": np.array([[[2, 3, 7, 9]]] * 3), "labels": np.array([[0], [-1], [1]])}


@pytest.fixture(autouse=True)
def drawn_to_files(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")


def frame(shape, x0, y0, x1, y1):
    """Where the edges of a box are, one pixel wide."""
    found = np.zeros(shape, bool)
    found[y0, x0 : x1 + 1] = found[y1, x0 : x1 + 1] = True
    found[y0 : y1 + 1, x0] = found[y0 : y1 + 1, x1] = True
    return found


def test_boxes_are_drawn_on_their_edges():
    drawn = draw_bounding_boxes(IMAGES, BOXES, "xyxy", color=(9, 8, 7), line_thickness=1)
    assert drawn.dtype == np.uint8 and drawn.shape == IMAGES.shape
    edges = frame((12, 10), 2, 3, 7, 9)
    assert (drawn[0][edges] == (9, 8, 7)).all()
    np.testing.assert_array_equal(drawn[0][~edges], IMAGES[0][~edges])
    np.testing.assert_array_equal(drawn[1], IMAGES[1])  # -1 is no box


def test_formats_and_layouts_lead_to_the_same():
    plain = draw_bounding_boxes(IMAGES, BOXES, "xyxy")
    center = {**BOXES, "boxes": np.array([[[4.5, 6, 5, 6]]] * 3)}
    np.testing.assert_array_equal(draw_bounding_boxes(IMAGES, center, "center_xywh"), plain)
    first = draw_bounding_boxes(
        ops.array(IMAGES.transpose(0, 3, 1, 2)), BOXES, "xyxy", data_format="channels_first"
    )
    np.testing.assert_array_equal(first.transpose(0, 2, 3, 1), plain)
    unit = draw_bounding_boxes(IMAGES / 255, BOXES, "xyxy")
    assert np.abs(unit.astype(int) - plain).max() <= 1
    gray = draw_bounding_boxes(IMAGES[..., :1], BOXES, "xyxy")
    np.testing.assert_array_equal(gray, plain[..., :1])


def test_names_are_written():
    big = np.zeros((1, 80, 120, 3), "uint8")
    boxes = {"boxes": np.array([[[10, 50, 60, 70]]]), "labels": np.array([[1]])}
    bare = draw_bounding_boxes(big, boxes, "xyxy")
    named = draw_bounding_boxes(big, boxes, "xyxy", class_mapping={1: "cat"})
    sure = draw_bounding_boxes(
        big, {**boxes, "confidences": np.array([[0.9]])}, "xyxy", class_mapping={1: "cat"}
    )
    text, longer = (named != bare)[0].any(-1), (sure != bare)[0].any(-1)
    assert text[20:50].sum() > 50 and not text[52:].any()  # above the box
    assert np.nonzero(longer.any(0))[0].max() > np.nonzero(text.any(0))[0].max()


@pytest.mark.parametrize("options", [{}, {"alpha": 0.3, "ignore_index": 2}, {"blend": False}])
def test_masks_are_those_of_keras(options):
    masks = RNG.integers(-1, 4, (3, 12, 10, 1))
    with keras_alone():
        expected = keras.visualization.draw_segmentation_masks(IMAGES, masks, **options)
    found = draw_segmentation_masks(IMAGES, masks, **options)
    np.testing.assert_allclose(found, np.asarray(expected), atol=1)
    np.testing.assert_array_equal(draw_segmentation_masks(IMAGES, masks[..., 0], **options), found)


def test_galleries_are_written(tmp_path):
    shapes = {}
    for name, draw in {
        "images": lambda path: plot_image_gallery(
            IMAGES / 255, [0, 1, 2], [1, 1, 7], {0: "a", 1: "b"}, value_range=(0, 1), path=path
        ),
        "wide": lambda path: plot_image_gallery(IMAGES, cols=3, path=path),
        "boxes": lambda path: plot_bounding_box_gallery(
            IMAGES, "xyxy", BOXES, BOXES, class_mapping={0: "a"}, legend=True, path=path
        ),
        "masks": lambda path: plot_segmentation_mask_gallery(
            IMAGES, 3, y_true=IMAGES[..., 0] % 3, y_pred=IMAGES[..., :1] % 3, path=path
        ),
    }.items():
        draw(tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as image:
            shapes[name] = image.size
            assert np.asarray(image).std() > 10
    assert shapes["wide"][0] > 2 * shapes["wide"][1]
    config.set_image_data_format("channels_first")
    plot_image_gallery(IMAGES.transpose(0, 3, 1, 2), cols=3, path=tmp_path / "first.png")
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "wide.png").read_bytes()


def test_mistakes_are_explained(monkeypatch):
    with pytest.raises(ShapeError, match="batched 4D"):
        draw_bounding_boxes(IMAGES[0], BOXES, "xyxy")
    with pytest.raises(DtypeError, match="should be a dict"):
        draw_bounding_boxes(IMAGES, BOXES["boxes"], "xyxy")
    with pytest.raises(ArgumentError, match="'boxes' and 'labels'"):
        draw_bounding_boxes(IMAGES, {"boxes": BOXES["boxes"]}, "xyxy")
    with pytest.raises(DtypeError, match="integer"):
        draw_segmentation_masks(IMAGES, np.zeros((3, 12, 10)))
    with pytest.raises(ArgumentError, match="label_map"):
        plot_image_gallery(IMAGES, y_true=[0, 1, 2], show=False)
    with pytest.raises(ArgumentError, match="either `path`"):
        plot_image_gallery(IMAGES, path="x.png", show=True)
    with pytest.raises(ArgumentError, match="OR"):
        plot_bounding_box_gallery(IMAGES, "xyxy", legend=True, legend_handles=[1], show=False)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        plot_image_gallery(IMAGES)
