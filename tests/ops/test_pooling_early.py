"""Maximum pooling before relu and bias, where a tape is asked for Variables alone."""

from __future__ import annotations

import numpy as np
import pytest

import etude
from etude import ops
from etude.autodiff import VariablesTape
from etude.autodiff.watching import Observer, watched_by
from etude.errors import GradientError


class Sizes(Observer):
    """Notes how many numbers each operation gave."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int]] = []

    def ran(self, primitive, inputs, outputs, options) -> None:
        self.found.append((primitive.name, int(np.prod(outputs[0].shape))))


def gradients(tape_of, images, bias, size=2, strides=None, padding="valid"):
    """The pooled images, and the gradients of a weighted sum of them."""
    z, b = etude.Variable(images), etude.Variable(bias)
    weights = np.random.default_rng(1).standard_normal(images.size).astype("float32")
    with tape_of() as tape:
        y = ops.max_pool(ops.relu(ops.add(z * 1.0, b)), size, strides, padding)
        loss = ops.sum(y * weights[: y.size].reshape(y.shape))
    return [np.asarray(a) for a in (y, *tape.gradient(loss, [z, b]))]


@pytest.mark.parametrize(
    ("size", "strides", "padding"), [(2, None, "valid"), (3, 2, "same"), ((1, 3), 1, "same")]
)
def test_values_and_gradients_are_those_of_the_plain_order(engine, size, strides, padding):
    rng = np.random.default_rng(0)
    # Quarters: many ties, sums without rounding, and windows in which nothing is above zero.
    images = rng.integers(-6, 3, (3, 7, 6, 2)).astype("float32") / 4
    bias = np.array([0.25, -0.5], "float32")
    plain = gradients(etude.GradientTape, images, bias, size, strides, padding)
    early = gradients(VariablesTape, images, bias, size, strides, padding)
    assert np.any(plain[0] == 0)
    for one, other in zip(plain, early, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(early[1], plain[1])


def test_relu_and_bias_are_computed_for_the_maxima_alone():
    sizes = Sizes()
    with watched_by(sizes):
        gradients(VariablesTape, np.ones((2, 8, 8, 3), "float32"), np.ones(3, "float32"))
    assert sizes.found[:5] == [
        *(("multiply", 384), ("add", 384), ("relu", 384)),
        *(("_max_pool", 96), ("add", 96)),
    ]
    assert ("relu", 96) in sizes.found


def test_a_tape_of_the_user_gives_derivatives_of_what_lies_between(engine):
    """As for a map of what a network looks at: d score / d last features."""
    z = etude.Variable(np.arange(16, dtype="float32").reshape(1, 4, 4, 1) - 8)
    with etude.GradientTape() as tape:
        features = ops.relu(z * 1.0)
        score = ops.sum(ops.max_pool(features, 2))
    found = np.asarray(tape.gradient(score, features))
    assert found.sum() == 4
    with VariablesTape() as outer:
        with etude.GradientTape() as inner:
            features = ops.relu(z * 1.0)
            score = ops.sum(ops.max_pool(features, 2) ** 2)
        slopes = inner.gradient(score, features)
        penalty = ops.sum(slopes)
    assert slopes is not None
    assert np.asarray(outer.gradient(penalty, z)).sum() == 4, "2 for each maximum above zero"


def test_a_bias_of_another_shape_stays_where_it_is():
    images = np.random.default_rng(0).standard_normal((2, 4, 4, 4)).astype("float32")
    z, b = etude.Variable(images), etude.Variable(np.ones((4, 4, 1), "float32"))
    with VariablesTape() as tape:
        y = ops.max_pool(ops.add(z * 1.0, b), 2)
    assert np.asarray(tape.gradient(y, b)).sum() == y.size
    np.testing.assert_array_equal(np.asarray(y), np.asarray(ops.max_pool(images + 1, 2)))


def test_a_tape_for_variables_refuses_tensors():
    x = ops.convert_to_tensor(2.0)
    with VariablesTape() as tape:
        tape.watch(x)
        y = x * x
    with pytest.raises(GradientError, match="Variables alone"):
        tape.gradient(y, x)
