"""Stamps: cut-out photos of animals, plants and things, made for a drawing program for children.

Their terms are those of the GPL, so they are fetched from Debian and never passed on with etude.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from etude.datasets import archives
from etude.datasets.arrays import Split, stratified_split
from etude.datasets.cache import Blob
from etude.datasets.record import DataSet
from etude.datasets.sources import Debian, Licence

CLASSES = ("mammals", "birds", "fruit", "flowers", "vegetables", "tools")
"""The classes of `load_data`. `cut_outs` has a few more, of less than 25 photos each."""

_ROOT = "usr/share/tuxpaint/stamps"
_FOLDERS = {
    "mammals": "animals/mammals",
    "birds": "animals/birds",
    "fruit": "food/fruit",
    "flowers": "plants/flowers",
    "vegetables": "food/vegetables",
    "tools": "household/tools",
    "fish": "animals/fish",
    "insects": "animals/insects",
    "vehicles": "vehicles",
    "signs": "town/roadsigns",
}
_DRAWN = {"cartoon", "toys", "plastic"}  # folders of what is no photo of the thing itself
_DEB = Blob(
    "tuxpaint-stamps-default_2022.06.04-1_all.deb",
    160_880_444,
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)


def _photos(files: dict[str, bytes]) -> dict[str, bytes]:
    """The photos of the package, byte for byte, in one tar with a folder for each class."""
    inside = archives.read_deb_folder(files[_DEB.name], _ROOT, _DEB.name)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for label, folder in _FOLDERS.items():
            for name, content in inside.items():
                if _is_photo(PurePosixPath(name), folder):
                    info = tarfile.TarInfo(f"{label}/{PurePosixPath(name).name}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
    return {"stamps.tar": buffer.getvalue()}


def _is_photo(path: PurePosixPath, folder: str) -> bool:
    """A mirrored twin is the same thing: it must not be in another part of a split."""
    if path.suffix != ".png" or path.stem.endswith("_mirror"):
        return False
    return path.is_relative_to(f"{_ROOT}/{folder}") and _DRAWN.isdisjoint(path.parts)


DATA = DataSet(
    name="stamps",
    what="cut-out photos of different sizes, RGBA, 6 classes",
    files=(
        Blob(
            "stamps.tar",
            11_274_240,
            "7581e244b15a807d4645dac3314b7b8219e585fa11e187243bf704c230384d8e",
        ),
    ),
    sources=(
        Debian(
            package="tuxpaint-stamps-default",
            deb=_DEB,
            decode=_photos,
            licence=Licence("GPL-2.0-only"),
        ),
    ),
)


def load_data(size: int = 48, test_split: float = 0.2, seed: int = 113) -> Split:
    """Loads the photos of `CLASSES` on white, the same share of each class kept for testing.

    Args:
        size: height and width. Photos keep their proportions; white fills the rest.
        test_split: the fraction of each class to reserve for testing.
        seed: of the split.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: photos uint8 in 0 to 255, (samples, size, size,
        3); labels uint8, (samples,), indices into `CLASSES`.

    Raises:
        FetchError: the data cannot be had; the message says what to do.

    Reference:
        B. Kendrick and contributors, "Tux Paint stamps", 2002 to 2022.
    """
    found = cut_outs()
    images = [
        (_on_white(picture, size), label)
        for label, name in enumerate(CLASSES)
        for picture in found[name]
    ]
    labels = np.array([label for _, label in images], np.uint8)
    pixels = np.stack([image for image, _ in images])  # (N, size, size, 3)
    train, test = stratified_split(labels, test_split, seed)
    return (pixels[train], labels[train]), (pixels[test], labels[test])


def cut_outs() -> dict[str, list[Image.Image]]:
    """All photos by class, each in its own size, with its transparency.

    Raises:
        FetchError: the data cannot be had; the message says what to do.
    """
    found: dict[str, list[Image.Image]] = {name: [] for name in _FOLDERS}
    with tarfile.open(fileobj=io.BytesIO(DATA.read()["stamps.tar"])) as tar:
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None, "the tar holds files only"
            with Image.open(file, formats=("PNG",)) as image:
                found[member.name.partition("/")[0]].append(image.convert("RGBA"))
    return found


def _on_white(picture: Image.Image, size: int) -> NDArray[np.uint8]:
    longer = max(picture.size)
    square = Image.new("RGBA", (longer, longer), "white")
    corner = ((longer - picture.width) // 2, (longer - picture.height) // 2)
    square.alpha_composite(picture, corner)
    return np.asarray(square.convert("RGB").resize((size, size), Image.Resampling.BICUBIC))
