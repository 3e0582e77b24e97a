"""Boxes and arrows of a graph without cycles: where they go, as SVG and as pixels.

The layout is in layers (K. Sugiyama, S. Tagawa, M. Toda, 1981): a box stands one row below the
lowest of those that lead to it, and in its row near the middle of them.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from etude.errors import ArgumentError
from etude.saving.files import write_atomically

__all__ = ["Box", "Picture", "layout"]

CHARACTER, LINE = 7.2, 18.0  # width of a character and height of a line, in points
PADDING, GAP_X, GAP_Y = 10.0, 24.0, 36.0
FONT = "12px ui-monospace, Menlo, Consolas, monospace"


@dataclass
class Box:
    """A box with lines of text, the first of which is its title.

    Attributes:
        lines: the text.
        parents: the boxes that lead to it.
        group: names of the frames around it, the outermost first.
        x: of its left side, once it has a place.
        y: of its top.
    """

    lines: list[str]
    parents: list[Box] = field(default_factory=list)
    group: tuple[str, ...] = ()
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        """Its width: that of its longest line."""
        return max(len(line) for line in self.lines) * CHARACTER + 2 * PADDING

    @property
    def height(self) -> float:
        """Its height."""
        return len(self.lines) * LINE + PADDING


def layout(boxes: list[Box], sideways: bool = False) -> Picture:
    """Gives every box its place.

    Args:
        boxes: all boxes, those that lead to a box before it.
        sideways: whether the graph goes from left to right rather than downward.
    """
    rows = _rows(boxes)
    along = 0.0
    for row in rows:
        size = max(box.width if sideways else box.height for box in row)
        across = 0.0
        for box in row:
            box.x, box.y = (along, across) if sideways else (across, along)
            across += (box.height if sideways else box.width) + GAP_X
        along += size + GAP_Y
    _center(rows, sideways)
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    margin = PADDING * (1 + max(len(box.group) for box in boxes) * 1.5)
    for box in boxes:
        box.x += margin - left
        box.y += margin - top
    width = max(box.x + box.width for box in boxes) + margin
    height = max(box.y + box.height for box in boxes) + margin
    return Picture(boxes, width, height, sideways)


def _rows(boxes: list[Box]) -> list[list[Box]]:
    """Boxes by their longest way from a start, each row in the order of the parents' middles."""
    depth: dict[int, int] = {}
    for box in boxes:
        depth[id(box)] = max((depth[id(parent)] + 1 for parent in box.parents), default=0)
    by_depth: defaultdict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        by_depth[depth[id(box)]].append(box)
    place: dict[int, float] = {}
    rows = [by_depth[d] for d in sorted(by_depth)]
    for row in rows:
        row.sort(key=lambda b: sum(place[id(p)] for p in b.parents) / max(len(b.parents), 1))
        place.update({id(box): (i + 0.5) / len(row) for i, box in enumerate(row)})
    return rows


def _center(rows: list[list[Box]], sideways: bool) -> None:
    """Puts the middle of every row on one line."""
    for row in rows:
        first, last = row[0], row[-1]
        if sideways:
            shift = (last.y + last.height - first.y) / 2
            for box in row:
                box.y -= shift
        else:
            shift = (last.x + last.width - first.x) / 2
            for box in row:
                box.x -= shift


@dataclass
class Picture:
    """A graph whose boxes have their places; `svg` and `image` draw it.

    Attributes:
        boxes: the boxes.
        width: of the picture, in points.
        height: of the picture.
        sideways: whether it goes from left to right.
    """

    boxes: list[Box]
    width: float
    height: float
    sideways: bool = False

    def arrows(self) -> list[tuple[float, float, float, float]]:
        """The arrows, ``(x1, y1, x2, y2)``, from the end of one box to the start of another."""
        found = []
        for box in self.boxes:
            for p in box.parents:
                if self.sideways:
                    ends = (p.x + p.width, p.y + p.height / 2, box.x, box.y + box.height / 2)
                else:
                    ends = (p.x + p.width / 2, p.y + p.height, box.x + box.width / 2, box.y)
                found.append(ends)
        return found

    def frames(self) -> list[tuple[str, float, float, float, float]]:
        """The frames around groups of boxes: name, left, top, right, bottom; outer ones first."""
        deepest = max((len(box.group) for box in self.boxes), default=0)
        groups: dict[tuple[str, ...], list[Box]] = defaultdict(list)
        for box in self.boxes:
            for depth in range(1, len(box.group) + 1):
                groups[box.group[:depth]].append(box)
        found = []
        for path in sorted(groups, key=len):
            inside = groups[path]
            room = PADDING * (deepest - len(path) + 1)
            found.append(
                (
                    path[-1],
                    min(b.x for b in inside) - room,
                    min(b.y for b in inside) - room - LINE / 2,
                    max(b.x + b.width for b in inside) + room,
                    max(b.y + b.height for b in inside) + room,
                )
            )
        return found

    @property
    def svg(self) -> str:
        """The picture as SVG, readable on light and on dark paper."""
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width:.0f}" '
            f'height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}" '
            f'style="font: {FONT}; background: white">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#555"/></marker></defs>',
        ]
        for name, x1, y1, x2, y2 in self.frames():
            parts.append(
                f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}" '
                'rx="6" fill="none" stroke="#999" stroke-dasharray="5 4"/>'
                f'<text x="{x1 + 6:.1f}" y="{y1 + 12:.1f}" fill="#666">{escape(name)}</text>'
            )
        parts += [
            f'<path d="M{x1:.1f} {y1:.1f} L{x2:.1f} {y2:.1f}" stroke="#555" fill="none" '
            'marker-end="url(#tip)"/>'
            for x1, y1, x2, y2 in self.arrows()
        ]
        parts += [_box_svg(box) for box in self.boxes]
        return "\n".join([*parts, "</svg>", ""])

    def _repr_svg_(self) -> str:
        return self.svg

    def image(self, dpi: int = 200) -> Any:
        """The picture as an image of Pillow.

        Args:
            dpi: pixels per inch, of 72 points.
        """
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  (slow to import)

        scale = dpi / 72
        image = Image.new("RGB", (round(self.width * scale), round(self.height * scale)), "white")
        draw = ImageDraw.Draw(image)
        font = ImageFont.load_default(size=11 * scale)
        for name, *corners in self.frames():
            draw.rectangle([c * scale for c in corners], outline="#999999")
            draw.text(((corners[0] + 6) * scale, corners[1] * scale), name, "#666666", font)
        for x1, y1, x2, y2 in self.arrows():
            draw.line([x1 * scale, y1 * scale, x2 * scale, y2 * scale], "#555555", round(scale))
            tip = [(x2 - 3, y2 - 5), (x2 + 3, y2 - 5), (x2, y2)]
            if self.sideways:
                tip = [(x2 - 5, y2 - 3), (x2 - 5, y2 + 3), (x2, y2)]
            draw.polygon([(x * scale, y * scale) for x, y in tip], "#555555")
        for box in self.boxes:
            corners = [box.x, box.y, box.x + box.width, box.y + box.height]
            draw.rectangle([c * scale for c in corners], "#f4f6fa", "#334455", round(scale))
            for i, line in enumerate(box.lines):
                top = (box.y + PADDING / 2 + i * LINE) * scale
                draw.text(((box.x + PADDING) * scale, top), line, "#111111", font)
        return image

    def write(self, path: Any, dpi: int = 200) -> None:
        """Writes the picture to a file ``.svg``, ``.png``, ``.jpg``, ``.pdf`` or ``.webp``.

        Raises:
            ArgumentError: the name has another ending.
        """
        target = Path(os.fspath(path))
        ending = target.suffix.lower()
        if ending == ".svg":
            write_atomically(target, self._write_svg)
            return
        formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".pdf": "PDF", ".webp": "WEBP"}
        if ending not in formats:
            raise ArgumentError(
                f"A picture is written as .svg, .png, .jpg, .pdf or .webp; got {path}."
            )
        image = self.image(dpi)
        write_atomically(target, lambda part: image.save(part, formats[ending], dpi=(dpi, dpi)))

    def _write_svg(self, path: Path) -> None:
        path.write_text(self.svg, encoding="utf-8")


def _box_svg(box: Box) -> str:
    rows = []
    for i, line in enumerate(box.lines):
        weight = ' font-weight="bold"' if i == 0 else ""
        baseline = box.y + PADDING / 2 + (i + 0.75) * LINE
        rows.append(
            f'<text x="{box.x + PADDING:.1f}" y="{baseline:.1f}"{weight}>{escape(line)}</text>'
        )
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="4" fill="#f4f6fa" stroke="#345"/>{"".join(rows)}'
    )
