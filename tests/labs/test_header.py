from __future__ import annotations

from pathlib import Path

import pytest

from etude.errors import ArgumentError, UnknownNameError
from etude.labs.running.catalog import catalog, find_lab
from etude.labs.running.header import UNITS, parse_header

GOOD = """\
title = "T"
summary = "S"
unit = 2
topics = ["a", "b"]
[data]
name = "mnist"
image = [28, 28]
[parameters]
epochs = {full = 10, quick = 2, help = "passes"}
depth = {full = 3}
[metrics.loss]
better = "lower"
target = {full = 0.1, quick = 1}
source = "a book"
"""


def parse(toml: str):
    comments = "".join(f"# {line}".rstrip() + "\n" for line in toml.splitlines())
    return parse_header(f"# %% [raw]\n# /// lab\n{comments}# ///\n", Path("labs/my_lab.py"))


def test_a_header_is_read_as_it_stands():
    header = parse(GOOD)
    assert (header.name, header.title, header.unit) == ("my-lab", "T", 2)
    assert header.topics == ("a", "b")
    assert header.frameworks == ("etude", "keras")
    assert header.data.name == "mnist"
    assert header.data.stand_in is None
    assert header.data.image == (28, 28)
    assert header.parameters["epochs"].value(quick=False) == 10
    assert header.parameters["epochs"].value(quick=True) == 2
    assert header.parameters["depth"].value(quick=True) == 3, "quick is full where it is absent"
    assert header.metrics["loss"].label == "loss"


def test_better_says_which_side_of_the_target_is_reached():
    loss = parse(GOOD).metrics["loss"]
    assert loss.reached(0.05, 0.1) is True
    assert loss.reached(0.1, 0.1) is True
    assert loss.reached(0.2, 0.1) is False
    assert loss.reached(0.2, None) is None
    accuracy = parse(GOOD.replace('"lower"', '"higher"')).metrics["loss"]
    assert accuracy.reached(0.05, 0.1) is False
    assert accuracy.reached(0.2, 0.1) is True


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "T"\n', "", "'title'"),
        ("unit = 2", "unit = 9", "'unit' must be one of"),
        ("unit = 2", "unit = true", "'unit'"),
        ("unit = 2", 'unit = 2\nframeworks = ["torch"]', "'frameworks'"),
        ('topics = ["a", "b"]', "topics = []", "'topics'"),
        ('topics = ["a", "b"]', 'topics = "a"', "'topics'"),
        ("image = [28, 28]", "image = [28]", "'data.image'"),
        ('name = "mnist"', 'nmae = "mnist"', "'nmae'"),
        ("quick = 2", 'quick = "two"', "parameters.epochs.quick"),
        ("{full = 3}", "{quick = 3}", "parameters.depth.full"),
        ('better = "lower"', 'better = "smaller"', "metrics.loss.better"),
        ("full = 0.1", 'full = "0.1"', "metrics.loss.target.full"),
        ("quick = 1}", "fast = 1}", "'fast'"),
        ('source = "a book"\n', "", "metrics.loss.source"),
        ("unit = 2", "unit = ", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_the_file(old: str, new: str, said: str):
    assert old in GOOD
    with pytest.raises(ArgumentError) as error:
        parse(GOOD.replace(old, new))
    assert said in str(error.value)
    assert "my_lab.py" in str(error.value)


def test_a_file_without_a_header_is_no_lab(tmp_path: Path):
    path = tmp_path / "script.py"
    path.write_text("print('hello')\n")
    with pytest.raises(ArgumentError, match="no lab header"):
        find_lab(str(path))


def test_every_lab_of_the_course_has_a_valid_header():
    headers = {header.name: header for header in catalog()}
    assert {"mnist-cnn", "mnist-mlp"} <= headers.keys()
    for header in headers.values():
        assert header.unit in UNITS
        # Others are reported without a target, or in runs on the user's own data alone.
        held = [m for m in header.metrics.values() if {"full", "quick"} & m.target.keys()]
        assert held, header.name
        # What only a long run can show has no quick target; but something is held in both.
        assert any({"full", "quick"} <= metric.target.keys() for metric in held), header.name
        for metric in held:
            assert "full" in metric.target, header.name
            assert len(metric.source) > 20, f"{header.name}: where does the target come from?"
        if header.data.stand_in:
            assert any("stand_in" in metric.target for metric in held), header.name


def test_published_targets_are_the_published_ones():
    assert find_lab("mnist-cnn").metrics["test_accuracy"].target["full"] == 0.9925
    assert find_lab("mnist-mlp").metrics["test_accuracy"].target["full"] == 0.984


def test_labs_come_in_the_order_of_the_course():
    units = [header.unit for header in catalog()]
    assert units == sorted(units)


def test_a_lab_is_found_by_name_file_name_or_path():
    by_name = find_lab("mnist-cnn")
    assert find_lab("mnist_cnn") == by_name
    assert find_lab(str(by_name.path)) == by_name


def test_an_unknown_lab_gets_near_matches():
    with pytest.raises(UnknownNameError, match=r"Did you mean 'mnist-cnn'"):
        find_lab("mnist-cn")


@pytest.mark.parametrize("path", ["nowhere/lab.py", "lab.ipynb"])
def test_a_path_that_is_no_lab_is_refused(path: str):
    with pytest.raises(ArgumentError, match=r"no such file|is a notebook"):
        find_lab(path)


def test_a_new_lab_costs_one_file(tmp_path: Path):
    for lab in catalog():
        (tmp_path / lab.path.name).write_bytes(lab.path.read_bytes())
    comments = "".join(f"# {line}".rstrip() + "\n" for line in GOOD.splitlines())
    (tmp_path / "third_lab.py").write_text(f"# /// lab\n{comments}# ///\n")
    (tmp_path / "helper.py").write_text("# no lab\n")
    assert {h.name for h in catalog(tmp_path)} == {h.name for h in catalog()} | {"third-lab"}
