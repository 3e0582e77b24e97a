from __future__ import annotations

import pytest

from etude.labs.running.catalog import catalog
from etude.labs.running.cells import split_cells, use_framework

TEXT = """\
# %% [raw]
# /// lab
# ///

# %% [markdown]
# # Title
#
# Some *prose*.

# %%
import etude as keras

x = 1  # %% not a cell

# %% a title
y = 2
"""


def test_cells_have_kind_source_and_place():
    raw, prose, first, second = split_cells(TEXT)
    assert [raw.kind, prose.kind, first.kind, second.kind] == ["raw", "markdown", "code", "code"]
    assert prose.source == "# Title\n\nSome *prose*."
    assert prose.heading == "Title"
    assert (first.heading, second.heading) == (None, None)
    assert second.source == "y = 2"
    assert TEXT.splitlines()[second.line - 1] == "y = 2"


@pytest.mark.parametrize("lab", catalog(), ids=lambda lab: lab.name)
def test_cells_are_those_that_jupytext_reads(lab):
    jupytext = pytest.importorskip("jupytext", reason="the extra `labs` is not installed")
    text = lab.path.read_text(encoding="utf-8")
    theirs = jupytext.reads(text, fmt="py:percent").cells
    ours = split_cells(text)
    assert [(c.kind, c.source) for c in ours] == [(c.cell_type, c.source) for c in theirs]


def test_the_framework_is_rebound_in_one_line_only():
    swapped = use_framework(TEXT, "keras")
    changed = [
        (old, new)
        for old, new in zip(TEXT.splitlines(), swapped.splitlines(), strict=True)
        if old != new
    ]
    assert changed == [("import etude as keras", "import keras as keras")]
    assert use_framework(TEXT, "etude") == TEXT


@pytest.mark.parametrize("lab", catalog(), ids=lambda lab: lab.name)
def test_every_lab_names_its_framework_so_that_it_can_be_rebound(lab):
    text = lab.path.read_text(encoding="utf-8")
    assert use_framework(text, "keras") != text
