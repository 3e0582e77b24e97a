"""What a report shows: curves, tables and pictures, each with words for who cannot see it.

An exhibit is plain data. `report` turns it into HTML; the pictures in it are drawn here, or by
`drawing` where they need matplotlib.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from etude.errors import ShapeError
from etude.labs.running import drawing as draw
from etude.labs.running.header import readable

__all__ = [
    "Chart",
    "Confusion",
    "Curves",
    "Drawing",
    "Exhibit",
    "Listing",
    "Mistake",
    "Mistakes",
    "ModelSummary",
    "confusion",
    "drawing",
    "learning_curves",
    "listing",
    "mistakes",
]

_MOST_CLASSES = 25  # in a table: more cannot be read


@dataclass(frozen=True)
class Chart:
    """An SVG picture and its description."""

    svg: str
    alt: str


@dataclass(frozen=True)
class Curves:
    """Learning curves: one chart per quantity, and the same numbers as a table."""

    charts: tuple[Chart, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    kind: str = "curves"


@dataclass(frozen=True)
class Drawing:
    """A figure that the lab drew itself."""

    chart: Chart
    title: str
    caption: str
    kind: str = "drawing"


@dataclass(frozen=True)
class Confusion:
    """How often each class was taken for which: ``counts[truth][predicted]``."""

    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    alt: str
    kind: str = "confusion"


@dataclass(frozen=True)
class Mistake:
    """One image that was taken for something else."""

    uri: str
    truth: str
    guess: str
    confidence: float
    alt: str


@dataclass(frozen=True)
class Mistakes:
    """The worst mistakes, out of ``wrong`` mistakes on ``total`` images."""

    items: tuple[Mistake, ...]
    wrong: int
    total: int
    kind: str = "mistakes"


@dataclass(frozen=True)
class ModelSummary:
    """The layers of a model, as ``summary()`` prints them."""

    text: str
    kind: str = "model"


@dataclass(frozen=True)
class Listing:
    """A table of texts; the columns that hold numbers are named by their place."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int]
    caption: str
    kind: str = "listing"

    def as_text(self) -> str:
        """The same in a fixed width, for a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i in self.numbers else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )


Exhibit = Curves | Drawing | Confusion | Listing | Mistakes | ModelSummary


def learning_curves(history: Mapping[str, Sequence[float]]) -> Curves | None:
    """The exhibit of a history, or None where nothing was trained."""
    if not history:
        return None
    quantities = [name for name in history if not name.startswith("val_")]
    quantities.sort(key=lambda name: name != "loss")  # first what was minimised
    charts = []
    for name in quantities:
        lines = {"training": list(history[name])}
        if f"val_{name}" in history:
            lines["validation"] = list(history[f"val_{name}"])
        label = name.replace("_", " ")
        svg = draw.line_chart(label, lines)
        if svg is not None:
            charts.append(Chart(svg, _describe_lines(label, lines)))
    columns = [
        column for name in quantities for column in (name, f"val_{name}") if column in history
    ]
    rows = tuple(zip(*(history[column] for column in columns), strict=True))
    return Curves(tuple(charts), tuple(column.replace("_", " ") for column in columns), rows)


def confusion(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], names: Sequence[str]
) -> Confusion:
    """Counts which class was taken for which."""
    size = max(len(names), int(truth.max(initial=0)) + 1, int(predicted.max(initial=0)) + 1)
    labels = [*names, *map(str, range(len(names), size))]
    counts = np.bincount(truth * size + predicted, minlength=size * size).reshape(size, size)
    right = counts.diagonal()
    recall = right / np.maximum(counts.sum(axis=1), 1)
    precision = right / np.maximum(counts.sum(axis=0), 1)
    shown = _most_confused(counts)
    return Confusion(
        names=tuple(labels[k] for k in shown),
        counts=tuple(tuple(int(n) for n in counts[k, shown]) for k in shown),
        recall=tuple(float(recall[k]) for k in shown),
        precision=tuple(float(precision[k]) for k in shown),
        alt=_describe_confusion(counts, labels),
    )


def mistakes(
    images: npt.NDArray[Any],
    truth: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float64],
    names: Sequence[str],
    top: int,
) -> Mistakes:
    """The images that got the highest probability for a class that is not theirs."""
    guess, sure = probabilities.argmax(axis=-1), probabilities.max(axis=-1)
    wrong = np.flatnonzero(guess != truth)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:top]
    items = tuple(
        _mistake(i, images[i], names[int(truth[i])], names[int(guess[i])], float(sure[i]))
        for i in worst.tolist()
    )
    return Mistakes(items, len(wrong), len(truth))


def listing(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str
) -> Listing:
    """The exhibit of a table; numbers get four digits that count."""
    for row in rows:
        if len(row) != len(columns):
            raise ShapeError(
                f"A table with the columns {', '.join(columns)} needs {len(columns)} cells in "
                f"each row; got {row!r}."
            )
    numbers = {i for i in range(len(columns)) if any(isinstance(row[i], Real) for row in rows)}
    texts = tuple(
        tuple(readable(float(cell)) if isinstance(cell, Real) else str(cell) for cell in row)
        for row in rows
    )
    return Listing(title, tuple(columns), texts, frozenset(numbers), caption)


def drawing(figure: Any, title: str, caption: str, alt: str) -> Drawing:
    """The exhibit of a matplotlib figure."""
    return Drawing(Chart(draw.to_svg(figure), alt), title, caption)


def png_uri(image: npt.NDArray[Any]) -> str:
    """A picture as a data URI. Floats from 0 to 1 and bytes are taken as they are."""
    pixels = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    if pixels.dtype != np.uint8:
        low, high = float(pixels.min()), float(pixels.max())
        if low < 0 or high > 1:  # standardised, or bytes as floats: stretch to what can be shown
            pixels = (pixels - low) / max(high - low, 1e-12)
        pixels = np.round(pixels * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _mistake(index: int, image: npt.NDArray[Any], truth: str, guess: str, p: float) -> Mistake:
    alt = f"Test image {index}: {truth}, taken for {guess} with probability {p:.3f}"
    return Mistake(png_uri(image), truth, guess, p, alt)


def _most_confused(counts: npt.NDArray[np.int64]) -> list[int]:
    """The classes that a table shows: all, or of hundreds those with the most mistakes."""
    if len(counts) <= _MOST_CLASSES:
        return list(range(len(counts)))
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return sorted(np.argsort(-wrong, kind="stable")[:_MOST_CLASSES].tolist())


def _describe_lines(label: str, lines: Mapping[str, Sequence[float]]) -> str:
    epochs = len(next(iter(lines.values())))
    parts = [
        f"{name}: from {values[0]:.4g} to {values[-1]:.4g}, "
        f"lowest {min(values):.4g}, highest {max(values):.4g}"
        for name, values in lines.items()
    ]
    return f"Line chart of {label} over {epochs} epochs. " + "; ".join(parts) + "."


def _describe_confusion(counts: npt.NDArray[np.int64], names: Sequence[str]) -> str:
    total, right = int(counts.sum()), int(counts.trace())
    wrong = counts - np.diag(counts.diagonal())
    worst = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [
        f"{names[i]} taken for {names[j]} ({wrong[i, j]})"
        for i, j in (divmod(int(k), len(names)) for k in worst)
        if wrong[i, j]
    ]
    said = f"{right} of {total} right."
    if len(counts) > _MOST_CLASSES:
        said += f" Shown are the {_MOST_CLASSES} of {len(counts)} classes with the most mistakes."
    return said + (f" Most frequent mistakes: {', '.join(pairs)}." if pairs else "")
