"""The table of layers, beside that of Keras."""

import keras
import pytest

import etude
from etude.errors import ArgumentError
from tests.parity.reference import keras_alone


def chain(k):
    return k.Sequential(
        [
            k.Input((8,)),
            k.layers.Dense(4, name="first"),
            k.layers.Dense(1000, trainable=False, name="second"),
        ],
        name="chain",
    )


def branches(k):
    x = k.Input((8,), name="x")
    a, b = k.layers.Dense(3, name="a")(x), k.layers.Dense(3, name="b")(x)
    inner = k.Sequential([k.Input((3,)), k.layers.Dense(2, name="in")], name="inner")
    return k.Model(x, inner(k.layers.Add(name="sum")([a, b])), name="branches")


def text_of(model, **options):
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), **options)
    return "".join(lines)


@pytest.mark.parametrize("build", [chain, branches])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"line_length": 120},
        {"show_trainable": True, "line_length": 110},
        {"expand_nested": True, "line_length": 110},
    ],
)
def test_is_that_of_keras(build, options, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")  # Keras breaks lines at the width of the terminal
    options = {"line_length": 100, **options}
    ours = text_of(build(etude), **options)
    with keras_alone():
        theirs = text_of(build(keras), **options)
    assert _lines(ours) == _lines(theirs)


def _lines(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def test_counts_the_optimizer_once_it_is_there():
    model = chain(etude)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_weights)
    assert "Optimizer params: 74" in text_of(model)


def test_unbuilt_layers_are_shown_as_such():
    model = etude.Sequential([etude.layers.Dense(2)])
    assert "(unbuilt)" in text_of(model)


def test_prints_by_default(capsys):
    chain(etude).summary(line_length=70)
    shown = capsys.readouterr().out
    assert 'Model: "chain"' in shown and "Total params" in shown and "5,036" in shown


def test_a_part_can_be_shown():
    shown = text_of(chain(etude), layer_range=("second", "second"))
    assert "second" in shown and "first" not in shown
    with pytest.raises(ArgumentError, match="do not match"):
        text_of(chain(etude), layer_range=("x", "y"))
    with pytest.raises(ArgumentError, match="Insufficient console width"):
        text_of(chain(etude), line_length=8)
