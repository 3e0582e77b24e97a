"""A folder of the user's own pictures, as it is: with broken files, odd formats and doubles.

Nothing in a folder stops a run that can go on without it. What cannot be used is left out, named
in words and counted; what leaves too little to learn from is refused with advice.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from etude.datasets.arrays import stratified_split
from etude.errors import DataError

__all__ = ["Pictures", "image_folder", "pixels"]

TEST_SHARE = 0.2
FEW = 10  # below this many images, what is said about a class is mostly luck
SHOWN = 5  # names in one line; the rest is a count
MOST_PIXELS = 50_000_000  # of one picture, once decoded: 200 MB
MOST_FILE_BYTES = 256 << 20
MOST_BYTES = 1 << 30  # of all pictures together, as the lab takes them

# Only these decoders run: Pillow's others start programs, or read formats that no camera writes.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_NOT_READ = {
    ".heic": "HEIC", ".heif": "HEIC", ".avif": "AVIF", ".svg": "SVG", ".psd": "Photoshop",
    ".pdf": "PDF", ".dng": "raw", ".cr2": "raw", ".nef": "raw", ".mp4": "video", ".mov": "video",
}  # fmt: skip
_SYSTEM = {"thumbs.db", "desktop.ini", "ehthumbs.db", "icon\r", "__macosx", "@eadir"}
_PARTS = {
    "train": "train", "training": "train", "test": "test", "testing": "test",
    "val": "val", "valid": "val", "validation": "val",
}  # fmt: skip
# What Pillow raises on damaged files, found by damaging some.
_FAULTS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    OverflowError, ZeroDivisionError, EOFError, MemoryError, RuntimeError, struct.error, zlib.error,
    Image.DecompressionBombError,
)  # fmt: skip

Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@dataclass(frozen=True)
class Pictures:
    """What a folder gave.

    Attributes:
        train: ``(x, y)``: bytes (N, height, width), or (N, height, width, 3) in colour, and labels.
        test: the same.
        class_names: by label.
        counts: how many pictures were found, used and left out, for the report.
        remarks: what the user should know, a line each.
    """

    train: Arrays
    test: Arrays
    class_names: list[str]
    counts: dict[str, Any]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Item:
    """One file that may be a picture."""

    path: Path
    name: str  # as the user knows it, below the folder
    label: str
    part: str  # "train" or "test" where the folder says so, else ""


@dataclass
class _Findings:
    """What was left out, by reason, and what else there is to say."""

    left_out: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    system: int = 0
    remarks: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """A line for each reason, with some of the names."""
        yield from self.remarks
        for reason, names in self.left_out.items():
            yield f"left out, {reason}: {_listed(names)}"

    def counts(self) -> dict[str, str]:
        """How many files were left out, by reason, and some of their names."""
        found = {
            f"left out, {reason}": f"{len(names)}: {_listed(names)}"
            for reason, names in self.left_out.items()
        }
        return found | ({"system files passed over": str(self.system)} if self.system else {})


def image_folder(folder: Path, size: tuple[int, int], channels: int = 1, *, seed: int) -> Pictures:
    """Pictures from a folder with one sub-folder per class, a fifth of each kept for testing.

    Sub-folders of a class belong to it. A folder that holds ``train`` and ``test``, and the
    classes below these, keeps its own split.

    Args:
        folder: its sub-folders' names are the names of the classes.
        size: height and width that every picture is brought to.
        channels: 1 for grey, 3 for red, green and blue.
        seed: decides which pictures are kept for testing, and the order.

    Raises:
        DataError: there are no two classes with two usable pictures each.
    """
    findings = _Findings()
    root, parts = _layout(folder, findings)
    items = [item for part, place in parts for item in _items(place, root, part, findings)]
    classes = sorted({item.label for item in items})
    if len(classes) < 2:
        raise DataError(_too_few(folder, classes, findings))
    found = len(items)
    items = _without_doubles(items, findings)
    items = _affordable(items, size, channels, seed, findings)
    images, items = _decoded(items, size, channels, findings)
    items_by_class = _large_enough(classes, items, findings)
    if len(items_by_class) < 2:
        raise DataError(_too_few(folder, list(items_by_class), findings))
    names = sorted(items_by_class)
    _remark_on_sizes(items_by_class, findings)
    train, test = _split(items_by_class, items, seed, findings)
    labels = np.array([names.index(i.label) if i.label in items_by_class else -1 for i in items])
    counts = {
        "pictures found": found,
        "pictures used": len(train) + len(test),
        "per class": _per_class(items_by_class),
        **findings.counts(),
    }
    return Pictures(
        (images[train], labels[train]),
        (images[test], labels[test]),
        names,
        counts,
        tuple(findings.lines()),
    )


# ---- what lies in the folder ---------------------------------------------------------------------


def _layout(folder: Path, findings: _Findings) -> tuple[Path, list[tuple[str, Path]]]:
    """Where the classes are: in the folder, in its only sub-folder, or in parts of it.

    Returns:
        The folder that names are given below, and its parts: ``"train"``, ``"test"``, or ``""``
        where the split is still to be made.
    """
    root = folder
    entries = _sub_folders(root, findings)
    while len(entries) == 1 and _sub_folders(entries[0], findings):
        root = entries[0]  # as archives unpack: one folder around everything
        entries = _sub_folders(root, findings)
    if root != folder:
        findings.remarks.append(f"the classes are those in {_shown(root.relative_to(folder))}")
    loose = [p.name for p in _entries(root, findings) if not p.is_dir() and not _is_system(p.name)]
    if loose:
        findings.left_out["beside the class folders, so of no class"] += map(_shown, loose)
    parts = {_PARTS.get(entry.name.lower(), ""): entry for entry in entries}
    divided = len(parts) == len(entries) > 1 and "" not in parts and "train" in parts
    if not divided or not all(_sub_folders(entry, findings) for entry in entries):
        return root, [("", root)]
    found = [("train", parts["train"])]
    if "test" not in parts:
        found.append(("test", parts["val"]))
    else:
        found.append(("test", parts["test"]))
        # Labs hold back a part of the training pictures themselves where they need one.
        found += [("train", parts["val"])] if "val" in parts else []
    said = ", ".join(f"{_shown(place.name)} for {part}ing" for part, place in found)
    findings.remarks.append(f"the folder's own split was kept: {said}")
    return root, found


def _items(place: Path, root: Path, part: str, findings: _Findings) -> Iterator[_Item]:
    """All files below the class folders of a place."""
    for entry in _sub_folders(place, findings):
        found = False
        for path in _files(entry, findings):
            found = True
            yield _Item(path, _shown(path.relative_to(root)), entry.name, part)
        if not found:
            findings.left_out["an empty folder"].append(_shown(entry.relative_to(root)))


def _entries(folder: Path, findings: _Findings) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        reason = f"a folder that cannot be read ({error.strerror})"
        if folder.name not in findings.left_out[reason]:
            findings.left_out[reason].append(_shown(folder.name))
        return []


def _sub_folders(folder: Path, findings: _Findings) -> list[Path]:
    return [p for p in _entries(folder, findings) if p.is_dir() and not _is_system(p.name)]


def _files(folder: Path, findings: _Findings) -> Iterator[Path]:
    """The files below a folder in a fixed order. Links to folders are not followed: they loop."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_system(name))
        for name in sorted(names):
            if _is_system(name):
                findings.system += 1
            else:
                yield Path(path) / name


def _is_system(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM


def _without_doubles(items: list[_Item], findings: _Findings) -> list[_Item]:
    """Each picture once. The same bytes in two classes are wrong in one, and nobody knows which."""
    same: dict[bytes, list[_Item]] = defaultdict(list)
    for item in items:
        try:
            same[_digest(item.path)].append(item)
        except OSError as error:
            findings.left_out[f"cannot be read ({error.strerror or error})"].append(item.name)
    kept = []
    for group in same.values():
        labels = sorted({item.label for item in group})
        if len(labels) > 1:
            said = " = ".join(item.name for item in group[:3])
            findings.left_out["the same picture in several classes"].append(said)
            continue
        # A picture that is in both parts is a test picture: to train on it would be to cheat.
        group.sort(key=lambda item: item.part != "test")
        kept.append(group[0])
        for item in group[1:]:
            findings.left_out["the same file once more"].append(f"{item.name} = {group[0].name}")
    order = {item: i for i, item in enumerate(items)}
    return sorted(kept, key=order.__getitem__)


def _digest(path: Path) -> bytes:
    """What tells whether two files are the same; never the content of a device or a pipe."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is no regular file")
    if status.st_size > MOST_FILE_BYTES:
        raise OSError(f"it has more than {MOST_FILE_BYTES >> 20} MB")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _affordable(
    items: list[_Item], size: tuple[int, int], channels: int, seed: int, findings: _Findings
) -> list[_Item]:
    """As many items as memory should hold, the same share of each class."""
    most = MOST_BYTES // (size[0] * size[1] * channels)
    if len(items) <= most:
        return items
    shuffle = np.random.default_rng(seed)
    share = most / len(items)
    kept: list[int] = []
    for label in sorted({item.label for item in items}):
        mine = np.array([i for i, item in enumerate(items) if item.label == label])
        kept += shuffle.permutation(mine)[: max(2, int(share * len(mine)))].tolist()
    findings.remarks.append(
        f"{len(items):,} pictures are more than memory should hold: "
        f"{len(kept):,} of them are used, the same share of each class"
    )
    return [items[i] for i in sorted(kept)]


# ---- pictures ------------------------------------------------------------------------------------


def _decoded(
    items: list[_Item], size: tuple[int, int], channels: int, findings: _Findings
) -> tuple[npt.NDArray[np.uint8], list[_Item]]:
    """The pictures that can be read, and whose they are. One at a time is in memory as a whole."""
    shape = size if channels == 1 else (*size, channels)
    images = np.zeros((len(items), *shape), np.uint8)
    good: list[_Item] = []
    for item in items:
        try:
            images[len(good)] = pixels(item.path, size, channels)
        except DataError as error:
            findings.left_out[str(error)].append(item.name)
        else:
            good.append(item)
    return images[: len(good)], good


def pixels(path: Path, size: tuple[int, int], channels: int = 1) -> npt.NDArray[np.uint8]:
    """One picture as bytes, upright, on white where it is transparent, and stretched to a size.

    Of an animation it is the first frame.

    Args:
        path: the file. What it holds counts, not what its name ends in.
        size: height and width.
        channels: 1 for grey, 3 for red, green and blue.

    Returns:
        Shape (height, width), or (height, width, 3).

    Raises:
        DataError: it cannot be used; the message is the reason, without the name.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a large picture is judged below, in our own words
            with Image.open(path, formats=_FORMATS) as image:
                return _fitted(image, size, channels)
    except UnidentifiedImageError:
        raise DataError(_unknown(path)) from None
    except Image.DecompressionBombError:
        raise DataError("larger than a picture should be") from None
    except DataError:
        raise
    except _FAULTS:
        raise DataError("broken or cut off") from None


def _fitted(image: Image.Image, size: tuple[int, int], channels: int) -> npt.NDArray[np.uint8]:
    mode = "L" if channels == 1 else "RGB"
    if image.format == "JPEG":
        image.draft(mode, (2 * size[1], 2 * size[0]))  # decodes no more detail than is needed
    if image.width * image.height > MOST_PIXELS:
        raise DataError(f"larger than {MOST_PIXELS // 1_000_000} million pixels")
    image.load()
    upright: Image.Image = ImageOps.exif_transpose(_eight_bits(image))
    small = _on_white(upright).convert(mode).resize((size[1], size[0]), reducing_gap=3.0)
    return np.asarray(small, np.uint8)


def _eight_bits(image: Image.Image) -> Image.Image:
    """A picture of 16 or 32 bits per value with 8 of them; others as they are."""
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return image
    values = np.nan_to_num(np.asarray(image, np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high < 65536:
        low, high = 0.0, 65535.0
    grey = Image.fromarray(np.round((values - low) * (255 / max(high - low, 1e-12))).astype("u1"))
    grey.info = image.info
    return grey


def _on_white(image: Image.Image) -> Image.Image:
    """Transparent parts hide colours that nobody was meant to see: they become white."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _unknown(path: Path) -> str:
    kind = _NOT_READ.get(path.suffix.lower())
    if kind is not None:
        return f"{kind} files, which are not read here (save them as JPEG or PNG)"
    return "no pictures"


# ---- classes and the split -----------------------------------------------------------------------


def _large_enough(
    classes: list[str], items: list[_Item], findings: _Findings
) -> dict[str, list[int]]:
    """The items of each class that has one to learn from and one to be tested on."""
    by_class: dict[str, list[int]] = {name: [] for name in classes}
    for i, item in enumerate(items):
        by_class[item.label].append(i)
    kept = {}
    for name, mine in by_class.items():
        if len(mine) < 2 or {items[i].part for i in mine} == {"test"}:
            have = f"{_shown(name)} ({len(mine)})"
            findings.left_out["a class without a picture to learn from and one to test on"].append(
                have
            )
        else:
            kept[name] = mine
    return kept


def _split(
    by_class: dict[str, list[int]], items: list[_Item], seed: int, findings: _Findings
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Which items are for training and which for testing, each mixed over the classes."""
    used = np.array([i for name in sorted(by_class) for i in by_class[name]], np.int64)
    is_test = np.array([items[i].part == "test" for i in used])
    if not is_test.any():
        labels = np.array([items[i].label for i in used])
        train, test = stratified_split(labels, TEST_SHARE, seed, at_least=1)
        return used[train], used[test]
    without = set(by_class) - {items[i].label for i in used[is_test]}
    findings.remarks += [f"{_shown(name)} has no test pictures" for name in sorted(without)]
    shuffle = np.random.default_rng(seed)
    return shuffle.permutation(used[~is_test]), shuffle.permutation(used[is_test])


def _remark_on_sizes(by_class: dict[str, list[int]], findings: _Findings) -> None:
    few = [f"{_shown(name)} ({len(mine)})" for name, mine in by_class.items() if len(mine) < FEW]
    if few:
        findings.remarks.append(
            f"fewer than {FEW} pictures in {_listed(few)}: what the report says about "
            f"{'it' if len(few) == 1 else 'them'} is mostly luck"
        )
    most, fewest = (pick(map(len, by_class.values())) for pick in (max, min))
    if most >= 10 * fewest and len(few) < len(by_class):
        findings.remarks.append(
            f"the largest class has {most} pictures and the smallest {fewest}: accuracy alone "
            "says little, look at each class"
        )
    alike = Counter(name.casefold().strip() for name in by_class)
    for name, count in alike.items():
        if count > 1:
            findings.remarks.append(f"{count} class folders are called {_shown(name)!r}, nearly")


def _per_class(by_class: dict[str, list[int]]) -> str:
    return _listed([f"{_shown(name)} {len(mine)}" for name, mine in by_class.items()], most=20)


def _too_few(folder: Path, classes: list[str], findings: _Findings) -> str:
    have = f"only {_shown(classes[0])}" if classes else "none"
    said = "".join(f"\n  {line}" for line in findings.lines())
    return (
        f"{_shown(folder)} must hold at least two sub-folders, one per class, with at least two "
        f"images each; found {have}. Put the images into folders named after what they show, as "
        f"{_shown(folder.name)}/cat and {_shown(folder.name)}/dog.{said}"
    )


# ---- words ---------------------------------------------------------------------------------------


def _listed(names: Iterable[str], most: int = SHOWN) -> str:
    """Some names and how many more there are.

    >>> _listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    names = list(names)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _shown(name: Path | str) -> str:
    """A file's name as it can be printed: names may hold anything, also orders to a terminal."""
    text = str(name).encode("utf-8", "replace").decode("utf-8")
    return "".join(c if c.isprintable() else "?" for c in text)
