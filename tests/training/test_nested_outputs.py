"""Losses of nested outputs: one per output, several for one, and one for a whole part; as Keras."""

from __future__ import annotations

from collections import namedtuple

import keras
import numpy as np
import pytest

import etude
from etude.errors import ArgumentError, MissingKeyError

Pair = namedtuple("Pair", ["first", "second"])


def distance(lib):
    """A loss of any structure: the sum of the absolute errors of all that is in it."""

    def total(y_true, y_pred):
        pairs = zip(lib.tree.flatten(y_true), lib.tree.flatten(y_pred), strict=True)
        return sum(lib.losses.mean_absolute_error(a, b) for a, b in pairs)

    return total


def three_outputs(lib, structure):
    x = lib.Input((3,), name="x")
    ys = [
        lib.layers.Dense(1, name=f"y{i}", kernel_initializer=lib.initializers.Constant(0.1 * i))(x)
        for i in (1, 2, 3)
    ]
    return lib.Model(x, structure(*ys))


def trained(lib, structure, loss, loss_weights=None):
    """The history of two epochs."""
    model = three_outputs(lib, structure)
    whole = distance(lib)
    weights = loss_weights and loss_weights(0.3, 0.7)
    model.compile(lib.optimizers.SGD(0.05), loss=loss(whole), loss_weights=weights)
    x, *ys = np.random.default_rng(0).normal(size=(4, 8, 3)).astype("float32")
    y = structure(*[y[:, :1] for y in ys])
    return model.fit(x, y, epochs=2, batch_size=4, shuffle=False, verbose=0).history


NESTED = {
    "a function of all outputs, and one loss for each": (
        lambda a, b, c: {"a": a, "b": b, "c": c},
        lambda whole: [whole, {"a": "mse", "b": whole, "c": "mae"}],
        lambda u, v: [u, {"a": v, "b": u, "c": v}],
    ),
    "a tuple of outputs, a list of losses for all of them": (
        lambda a, b, c: (a, b, c),
        lambda whole: [whole, ("mse", None, whole)],
        None,
    ),
    "parts of parts": (
        lambda a, b, c: {"p": (a, b), "q": {"r": b, "s": c}},
        lambda whole: {"p": [whole, (None, "mse")], "q": [whole, {"r": whole}]},
        None,
    ),
    "some parts have no loss": (
        lambda a, b, c: {"p": (a, b), "q": c},
        lambda whole: {"p": whole},
        lambda u, v: {"p": v},
    ),
    "named tuples": (
        lambda a, b, c: {"p": Pair(a, b), "q": c},
        lambda whole: {"p": Pair("mse", "mae"), "q": ["mse", whole]},
        None,
    ),
}


@pytest.mark.filterwarnings("ignore:Gradients do not exist")  # where an output has no loss
@pytest.mark.parametrize("case", NESTED)
def test_losses_of_parts_equal_those_of_keras(engine, case):
    structure, loss, loss_weights = NESTED[case]
    found = trained(etude, structure, loss, loss_weights)
    wanted = trained(keras, structure, loss, loss_weights)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    ("structure", "loss", "error", "told"),
    [
        (lambda a, b, c: [a, b, c], ["mse", ["mae"]], ArgumentError, "2 entries for 3 outputs"),
        (lambda a, b, c: {"p": (a, b), "q": c}, {"p": "mse"}, ArgumentError, "loss of one output"),
        (lambda a, b, c: {"p": (a, b), "q": c}, {"p": {"r": "mse"}}, MissingKeyError, "'p', 'r'"),
        (lambda a, b, c: {"pa": a, "b": b, "c": c}, {"ap": "mse"}, MissingKeyError, "'pa'"),
        (lambda a, b, c: [a, b, c], {"y4": "mse"}, ArgumentError, "Expected keys"),
    ],
)
def test_losses_that_do_not_fit(structure, loss, error, told):
    with pytest.raises(error, match=told):
        trained(etude, structure, lambda whole: loss)


def test_there_are_as_many_weights_as_losses():
    with pytest.raises(ArgumentError, match="must match the number of losses"):
        trained(
            etude,
            lambda a, b, c: {"p": (a, b), "q": c},
            lambda whole: {"p": ["mse", "mae"]},
            lambda u, v: {"p": [u, v, u]},
        )


def test_compute_loss_may_give_the_losses_other_outputs(engine):
    class Twice(etude.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return super().compute_loss(x, y, [y_pred, 2 * y_pred], sample_weight)

    x = etude.Input((3,))
    model = Twice(x, etude.layers.Dense(1, kernel_initializer="ones")(x))
    model.compile(etude.optimizers.SGD(0.0), loss=["mse", "mae"])
    data, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    history = model.fit(data, (y, y), verbose=0).history
    assert history["mse_loss"] == [4.0] and history["mae_loss"] == [5.0]
    assert history["loss"] == [9.0]
