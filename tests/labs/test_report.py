from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from etude.labs.running import drawing, exhibits, runner
from etude.labs.running.desk import Desk
from etude.labs.running.results import Options

VOID = {"img", "meta", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects the elements of a page: tag, attributes, and the chain of parents."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.elements: list[tuple[str, dict[str, str | None], list[dict[str, str | None]]]] = []
        self.feed(text)
        assert not self.open, f"elements that are never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), [a for _, a in self.open]))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), [a for _, a in self.open]))

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> without an opening tag"
        opened, _ = self.open.pop()
        assert opened == tag, f"<{opened}> closed by </{tag}>"


@pytest.fixture
def page(write_lab, small_mnist) -> str:
    lab = write_lab()
    with lab.path.open("a") as file:
        file.write(
            "def summary(print_fn, **_):\n    print_fn('<Layers> & co')\n"
            "lab.show_model(SimpleNamespace(summary=summary))\n"
            "from matplotlib.figure import Figure\n"
            "figure = Figure()\n"
            "axes = figure.add_subplot()\n"
            "axes.plot([0, 1])\n"
            "axes.imshow(np.eye(3))\n"
            "lab.show_figure(figure, title='Mine', caption='A line', alt='A line that rises')\n"
        )
    pytest.importorskip("matplotlib", reason="the extra `labs` is not installed")
    return runner.run(lab, Options(seed=4), lambda _: None).report.read_text(encoding="utf-8")


def test_the_page_needs_nothing_beside_itself(page):
    assert not re.search(r"https?:|@import|<script|<link|<iframe", page)
    for tag, attributes, _ in Page(page).elements:
        for name in ("src", "href", "xlink:href", "data", "srcset", "poster"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), f"<{tag} {name}={value[:60]}>"
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)\)", page))


def test_every_picture_has_words(page):
    elements = Page(page).elements
    images = [a for tag, a, parents in elements if tag == "img"]
    assert images
    assert all(len(a.get("alt") or "") > 10 for a in images)
    drawings = [parents for tag, _, parents in elements if tag == "svg"]
    assert len(drawings) == 2
    for parents in drawings:
        assert any(a.get("role") == "img" and a.get("aria-label") for a in parents)
    assert 'aria-label="A line that rises"' in page
    assert "from 2 to 1" in page, "the learning curves are told in words"


def test_identifiers_are_unique_on_the_page(page):
    names = [a["id"] for _, a, _ in Page(page).elements if "id" in a]
    assert names
    assert len(names) == len(set(names))


def test_the_page_shows_what_the_run_was(page):
    for text in (
        "A lab for tests",
        "0.9500",
        "target reached",
        "made up",
        "small-lab --seed 4",
        "CC-BY-SA-3.0",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "numpy",
    ):
        assert text in page, text
    assert "&lt;Layers&gt; &amp; co" in page, "what a lab hands over is escaped"
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page


def test_colours_of_drawings_follow_the_page():
    pytest.importorskip("matplotlib", reason="the extra `labs` is not installed")
    svg = drawing.line_chart("loss", {"training": [2, 1], "validation": [3, 2]})
    assert svg is not None
    assert "#000000" not in svg
    assert "var(--series-1" in svg
    assert "var(--series-2" in svg
    assert ">validation</text>" in svg, "text stays text"


def test_without_matplotlib_the_curves_are_a_table(monkeypatch):
    from etude.labs.running.report import fragment

    monkeypatch.setattr(drawing, "available", lambda: False)
    curves = exhibits.learning_curves({"loss": [2.0, 1.0], "val_loss": [2.5, 1.25]})
    assert curves is not None
    html = fragment(curves)
    assert "<svg" not in html
    assert "1.25" in html
    assert "pip install" in html


def test_confusion_counts_what_was_taken_for_what():
    truth, said = np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 1, 1, 2, 0])
    found = exhibits.confusion(truth, said, ["cat", "dog", "owl"])
    assert found.counts == ((1, 2, 0), (0, 1, 0), (1, 0, 1))
    assert found.recall == pytest.approx((1 / 3, 1, 1 / 2))
    assert found.precision == pytest.approx((1 / 2, 1 / 3, 1))
    assert "cat taken for dog (2)" in found.alt
    assert "3 of 6 right" in found.alt


def test_the_worst_mistakes_are_the_surest_ones():
    truth = np.array([0, 1, 1, 0])
    p = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.05, 0.95]])
    found = exhibits.mistakes(np.zeros((4, 5, 5)), truth, p, ["cat", "dog"], top=2)
    assert (found.wrong, found.total) == (3, 4)
    assert [(m.truth, m.guess, m.confidence) for m in found.items] == [
        ("cat", "dog", 0.95),
        ("dog", "cat", 0.8),
    ]
    assert "Test image 3: cat, taken for dog" in found.items[0].alt


def test_a_perfect_model_has_an_empty_gallery():
    from etude.labs.running.report import fragment

    found = exhibits.mistakes(np.zeros((2, 5, 5)), np.array([0, 1]), np.eye(2), ["a", "b"], 24)
    assert "0 of 2 test images are wrong" in fragment(found)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.array([[0, 255]], np.uint8), [0, 255]),
        (np.array([[0.0, 1.0]]), [0, 255]),
        (np.array([[-1.0, 3.0]]), [0, 255]),
        (np.array([[[0.0], [0.5]]]), [0, 128]),
    ],
)
def test_pictures_keep_their_brightness(pixels, expected):
    import base64
    import io

    from PIL import Image

    data = exhibits.png_uri(pixels).removeprefix("data:image/png;base64,")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert np.asarray(image).ravel().tolist() == expected


def test_wrong_shapes_are_refused_with_both_shapes(write_lab, small_mnist):
    desk = Desk(write_lab())
    desk.load_data()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        desk.show_confusion([0, 1, 2], [0, 1])
    with pytest.raises(ValueError, match=r"\(2, 5, 5\), \(2,\) and \(3, 10\)"):
        desk.show_mistakes(np.zeros((2, 5, 5)), [0, 1], np.zeros((3, 10)))
    with pytest.raises(ValueError, match="one label per image"):
        desk.show_confusion(np.zeros((3, 2)), [0, 1, 2])


def test_an_empty_history_draws_nothing(write_lab):
    desk = Desk(write_lab())
    desk.show_curves(SimpleNamespace(history={}))
    assert desk.exhibits == []
