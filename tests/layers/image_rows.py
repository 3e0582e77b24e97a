"""Rows of the layers on images. Where nothing is left to chance, values are compared with Keras."""

from __future__ import annotations

from typing import Any

from tests.layers.row import Row

SHAPE = (2, 6, 7, 3)
FIRST = (2, 3, 6, 7)
DRAWN = {"call": {"training": True}, "same": False}
LIGHT = {"value_range": (0.0, 1.0)}


def of(layer: str, kwargs: dict[str, Any], shape: Any = SHAPE, **options: Any) -> Row:
    return Row(layer, shape, kwargs, **options)


def drawn(layer: str, kwargs: dict[str, Any] | None = None, **options: Any) -> Row:
    """A row of a layer that draws random numbers in training."""
    return Row(layer, SHAPE, kwargs or {}, **{**DRAWN, **options})


ALL: list[Row] = [
    of("Resizing", {"height": 4, "width": 9}, unknown=(1, 2)),
    of("Resizing", {"height": 4, "width": 9, "crop_to_aspect_ratio": True}),
    of("Resizing", {"height": 4, "width": 9, "pad_to_aspect_ratio": True, "fill_value": 0.5}),
    of("Resizing", {"height": 4, "width": 4, "interpolation": "bicubic", "antialias": True}),
    of("Resizing", {"height": 8, "width": 4, "data_format": "channels_first"}, FIRST),
    of("CenterCrop", {"height": 3, "width": 4}),
    of("CenterCrop", {"height": 8, "width": 5}),
    of("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}),
    of("UpSampling2D", {"interpolation": "bicubic", "data_format": "channels_first"}, FIRST),
    drawn("RandomCrop", {"height": 3, "width": 4, "seed": 1}),
    drawn("RandomFlip"),
    of("RandomRotation", {"factor": (0.1, 0.1), "fill_mode": "constant"}),
    of("RandomTranslation", {"height_factor": (0.2, 0.2), "width_factor": (-0.3, -0.3)}),
    of("RandomZoom", {"height_factor": (0.2, 0.2), "width_factor": (-0.3, -0.3)}),
    drawn("RandomShear", {"x_factor": (0.1, 0.2), "y_factor": (0.0, 0.3)}),
    drawn("RandomPerspective", {"factor": 0.5, "scale": 0.3}),
    drawn("RandomElasticTransform", {"scale": 0.8, "value_range": (-3, 3)}),
    of("RandomBrightness", {"factor": (0.2, 0.2), **LIGHT}),
    drawn("RandomContrast", {"factor": (0.1, 0.3), **LIGHT}),
    drawn("RandomHue", {"factor": 0.2, **LIGHT}),
    of("RandomSaturation", {"factor": (0.3, 0.3), **LIGHT}, gradients=False),
    drawn("RandomColorJitter", {"brightness_factor": 0.1, "hue_factor": (0.0, 0.2)}),
    of("RandomColorDegeneration", {"factor": (0.4, 0.4), **LIGHT}),
    drawn("RandomGrayscale", {"factor": 0.4}, config=False),  # Keras forgets the seed
    drawn("RandomInvert", {"factor": 0.5}),
    of("RandomPosterization", {"factor": (3, 3), "value_range": (-4, 4)}),
    drawn("Solarization", {"addition_factor": 0.2, "threshold_factor": (0.1, 0.4)}),
    of("AutoContrast", {}, gradients=False),
    of("Equalization", {"value_range": (-4, 4)}, (1, 4, 5, 1)),
    of("ContrastLimitedAdaptiveHistogramEqualization", {"tile_grid_size": (2, 3)}),
    drawn("RandomGaussianBlur", {"kernel_size": (3, 5), "sigma": 0.7}),
    of("RandomSharpness", {"factor": (0.8, 0.8), "value_range": (-9, 9)}),
    drawn("MixUp", {"alpha": 0.4}),
    drawn("CutMix"),
    drawn("RandomErasing", {"fill_value": 0.5}),
    of("MaxNumBoundingBoxes", {"max_number": 3}, config=False),  # Keras forgets fill_value
    Row("Pipeline", SHAPE, lambda L: {"layers": [L.CenterCrop(3, 3), L.Rescaling(0.5)]}),
]
