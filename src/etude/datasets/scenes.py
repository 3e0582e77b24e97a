"""Scenes: small colour pictures of things before a background, in the form of CIFAR-10.

Each is composed from a cut-out of `stamps` and a background of noise. No thing is in both parts:
a network that knows the training photos by heart still has to recognise others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from etude.config import image_data_format
from etude.datasets import stamps
from etude.datasets.arrays import Split, stratified_split
from etude.errors import ArgumentError

CLASSES = (
    "mammal", "bird", "fruit", "flower", "vegetable", "tool", "fish", "insect", "vehicle", "sign",
)  # fmt: skip

DATA = replace(
    stamps.DATA,
    name="scenes",
    what="15,000 composed pictures, 32x32 RGB, 10 classes",
    kept_with="stamps",
)

SIZE = 32
_KEPT = 48  # height and width of the cut-outs while scenes are composed
_TEST_THINGS = 0.25  # of the things of each class


def load_data(train: int = 12_000, test: int = 3_000, seed: int = 113) -> Split:
    """Composes the scenes, as many of each class.

    Args:
        train: how many pictures to train on.
        test: how many to test on.
        seed: of the split of the things, and of all that is random in a scene.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: pictures uint8 in 0 to 255, (samples, 32, 32, 3),
        or (samples, 3, 32, 32) where images are ``channels_first``; labels uint8, (samples, 1),
        indices into `CLASSES`.

    Raises:
        ArgumentError: there is less than one picture per class.
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        D. Dwibedi, I. Misra, M. Hebert, "Cut, paste and learn: surprisingly easy synthesis for
        instance detection", ICCV, 2017.
    """
    if min(train, test) < len(CLASSES):
        raise ArgumentError(
            f"`train` and `test` must be at least {len(CLASSES)}, one picture per class; got "
            f"{train} and {test}."
        )
    groups = stamps.cut_outs().values()  # in the order of `CLASSES`
    things = [(_shrunk(p), y) for y, group in enumerate(groups) for p in group]
    labels = np.array([label for _, label in things], np.uint8)
    chance = np.random.default_rng(seed)
    backgrounds = _backgrounds(400, chance)
    parts = []
    split = stratified_split(labels, _TEST_THINGS, seed)
    for indices, count in zip(split, (train, test), strict=True):
        of_class = [[things[i][0] for i in indices if labels[i] == y] for y in range(len(CLASSES))]
        y = chance.permutation(np.arange(count) % len(CLASSES)).astype(np.uint8)
        chosen = [of_class[label][chance.integers(len(of_class[label]))] for label in y]
        x = np.stack([_scene(thing, backgrounds, chance) for thing in chosen])  # (N, 32, 32, 3)
        parts.append((x if image_data_format() == "channels_last" else x.transpose(0, 3, 1, 2), y))
    (x_train, y_train), (x_test, y_test) = parts
    return (x_train, y_train[:, None]), (x_test, y_test[:, None])


def _shrunk(picture: Image.Image) -> Image.Image:
    """A cut-out in the middle of a transparent square."""
    picture = picture.copy()
    picture.thumbnail((_KEPT, _KEPT), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (_KEPT, _KEPT))
    square.paste(picture, ((_KEPT - picture.width) // 2, (_KEPT - picture.height) // 2))
    return square


def _backgrounds(count: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Soft noise between two colours, (count, 48, 48, 3): clouds, sand, leaves out of focus."""
    edge = SIZE + 16
    found = np.zeros((count, edge, edge, 3), np.float32)
    for i in range(count):
        noise = np.zeros((edge, edge), np.float32)
        weights = chance.dirichlet(np.ones(4))
        for cells, weight in zip((3, 6, 12, 24), weights, strict=True):
            coarse = Image.fromarray(chance.random((cells, cells), np.float32))
            noise += weight * np.asarray(coarse.resize((edge, edge), Image.Resampling.BICUBIC))
        noise = (noise - noise.min()) / np.ptp(noise)
        first, second = chance.uniform(0, 255, (2, 3))
        found[i] = first + noise[..., None] * (second - first)
    return found.clip(0, 255)


def _scene(
    thing: Image.Image, backgrounds: NDArray[np.float32], chance: np.random.Generator
) -> NDArray[np.uint8]:
    """A thing turned, scaled, shifted and lit by chance, before a background."""
    scale = chance.uniform(0.65, 1.1) * SIZE / _KEPT  # of the square that holds it
    angle = np.deg2rad(chance.uniform(-20, 20))
    mirror = 1 if chance.random() < 0.5 else -1
    shift = chance.uniform(-3, 3, 2) + SIZE / 2
    c, s = np.cos(angle) / scale, np.sin(angle) / scale
    # From a place in the scene back to the place in the cut-out.
    rows = [[mirror * c, mirror * s], [-s, c]]
    x0, y0 = (_KEPT / 2 - row[0] * shift[0] - row[1] * shift[1] for row in rows)
    data = (*rows[0], x0, *rows[1], y0)
    moved = thing.transform((SIZE, SIZE), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    values = np.asarray(moved, np.float32)  # (32, 32, 4)
    top, left = chance.integers(16, size=2)
    behind = backgrounds[chance.integers(len(backgrounds)), top : top + SIZE, left : left + SIZE]
    cover = values[..., 3:] / 255
    scene = behind + cover * (values[..., :3] * chance.uniform(0.75, 1.2) - behind)
    return (
        np.round(scene + 4 * chance.standard_normal(scene.shape, np.float32))
        .clip(0, 255)
        .astype(np.uint8)
    )
