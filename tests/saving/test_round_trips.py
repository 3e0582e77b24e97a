"""Models go to Keras and come back: the same outputs, and training that goes on in step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import keras
import numpy as np
import pytest

import etude
from tests.parity.reference import keras_alone
from tests.saving.architectures import ALL, inputs_of

OUTPUTS, TRAINING = 1e-6, 1e-5

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def optimizer(k: Any, number: int) -> Any:
    """Optimizers with no, one and several slots; ε is large where noise would be divided by it."""
    return (
        k.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        k.optimizers.Adam(0.01, epsilon=1e-2),
        k.optimizers.RMSprop(0.01, epsilon=1e-2, momentum=0.5),
    )[number % 3]


def arrays(value: Any) -> list[np.ndarray]:
    return [np.asarray(x) for x in (value if isinstance(value, (list, tuple)) else [value])]


def assert_equal(ours: Any, theirs: Any, tolerance: float) -> None:
    for a, b in zip(arrays(ours), arrays(theirs), strict=True):
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def weights(model: Any) -> list[np.ndarray]:
    return [np.asarray(w) for w in model.weights]


# On JAX, Keras loses what a layer assigns to trainable weights while it is called.
NOT_TRAINED = ("spectral",)


@pytest.fixture(autouse=True)
def quickly_compiled() -> Iterator[None]:
    """Programs that run once need not be good ones."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def test_there_are_enough() -> None:
    assert len(ALL) >= 30


# Keras compiles for seconds: some of each family by default, all with `pytest -m slow`.
QUICK = (
    *(
        "regularized",
        "several_outputs",
        "nested",
        "frozen",
        "operations",
        "residual",
        "u_net",
        "lstm",
    ),
    *("encoder_decoder", "stateful", "masked", "transformer", "tables"),
)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in ALL]
)
def test_to_keras_and_back(name: str, tmp_path: Any) -> None:
    etude.config.set_engine("numpy")
    ours = ALL[name](etude)
    x = inputs_of(ours)
    rng = np.random.default_rng(2)
    y = [rng.uniform(0.1, 0.9, a.shape).astype("float32") for a in arrays(ours(x))]
    y = y if len(y) > 1 else y[0]
    ours.compile(optimizer(etude, list(ALL).index(name)), "mse")
    ours.train_on_batch(x, y)
    ours.save(tmp_path / "ours.keras")

    with keras_alone():
        theirs = keras.models.load_model(tmp_path / "ours.keras")
        assert_equal(weights(ours), weights(theirs), 0)
    _compare_outputs(ours, theirs, x)
    if name not in NOT_TRAINED:
        _train_both(ours, theirs, x, y)

    with keras_alone():
        theirs.save(tmp_path / "theirs.keras")
    again = etude.models.load_model(tmp_path / "theirs.keras")
    with keras_alone():
        assert_equal(weights(again), weights(theirs), 0)
    _compare_outputs(again, theirs, x)
    if name not in NOT_TRAINED:
        _train_both(again, theirs, x, y)


def _forget(model: Any) -> None:
    """Sets the state that recurrent layers keep from batch to batch to zero: no file has it."""
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_state()


def _compare_outputs(ours: Any, theirs: Any, x: Any) -> None:
    _forget(ours), _forget(theirs)
    found = arrays(ours(x))
    with keras_alone():
        assert_equal(found, theirs(x), OUTPUTS)


def _train_both(ours: Any, theirs: Any, x: Any, y: Any) -> None:
    """One more step of each: losses, weights, and what the optimizers keep."""
    _forget(ours), _forget(theirs)
    loss = ours.train_on_batch(x, y)
    with keras_alone():
        assert_equal(loss, theirs.train_on_batch(x, y), TRAINING)
        assert_equal(weights(ours), weights(theirs), TRAINING)
        assert_equal(
            [np.asarray(v) for v in ours.optimizer.variables],
            [np.asarray(v) for v in theirs.optimizer.variables],
            TRAINING,
        )
