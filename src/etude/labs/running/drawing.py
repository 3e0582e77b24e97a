"""Pictures drawn with matplotlib, as SVG that follows the colours of the page around it.

matplotlib belongs to the extra ``labs``. Without it a report has its tables, and no charts.
"""

from __future__ import annotations

import importlib.util
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from etude.labs.running.colours import BLUE, GREEN, ORANGE, PINK

__all__ = ["available", "line_chart", "no_windows", "to_svg"]

_SERIES = ((BLUE, "-", "o"), (ORANGE, "--", "s"), (GREEN, "-.", "^"), (PINK, ":", "D"))
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read out, searched and restyled
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.alpha": 0.35,
}
_serial = itertools.count(1)


def available() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def no_windows() -> None:
    """Keeps the figures of a lab from opening windows that wait for a click."""
    if available():
        import matplotlib as mpl  # noqa: PLC0415 - optional, and slow to import

        mpl.use("agg")


def line_chart(title: str, lines: Mapping[str, Sequence[float]]) -> str | None:
    """Curves over epochs as SVG, or None without matplotlib.

    Args:
        title: the quantity on the vertical axis.
        lines: the values by the name of the line; the first value belongs to epoch 1.
    """
    if not available():
        return None
    import matplotlib as mpl  # noqa: PLC0415 - optional, and slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    with mpl.rc_context(_STYLE):
        # A Figure of its own, not pyplot's: nothing is kept alive, no window can open.
        figure = Figure(figsize=(5.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        for (name, values), (colour, dash, marker) in zip(
            lines.items(), itertools.cycle(_SERIES), strict=False
        ):
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, dash, color=colour, marker=marker, markersize=4, label=name)
        axes.set_xlabel("epoch")
        axes.set_title(title, loc="left", fontsize=12)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if len(lines) > 1:
            axes.legend(frameon=False)
        return to_svg(figure)


def to_svg(figure: Any) -> str:
    """A figure as an SVG element that can stand inside a page.

    Black becomes the colour of the page's text, the background is left out, and identifiers get
    a number of their own, since several drawings share one page.
    """
    import matplotlib as mpl  # noqa: PLC0415 - whoever has a figure has matplotlib

    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "etude"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:xlink)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = svg.replace("#000000", "currentColor").replace("black", "currentColor")
    for number, (colour, _, _) in enumerate(_SERIES, start=1):
        svg = svg.replace(colour, f"var(--series-{number}, {colour})")
    mark = f"d{next(_serial)}-"
    svg = re.sub(r'\bid="', f'id="{mark}', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{mark}", svg)
    return svg.strip()
