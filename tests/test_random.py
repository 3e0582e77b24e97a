"""Seeds, and the distributions of what is drawn."""

from __future__ import annotations

import math
import random as python_random
from typing import Any

import keras
import numpy as np
import pytest

import etude
from etude import config, random
from etude.engine import xp
from etude.errors import ArgumentError, ShapeError
from etude.ops.random import keep_mask, random_words, threefry2x32

# Known answers published with Random123 (kat_vectors, threefry2x32 with 20 rounds).
KNOWN = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN)
def test_threefry_gives_the_published_words(
    engine: str, key: tuple[int, int], counter: tuple[int, int], expected: tuple[int, int]
) -> None:
    m = xp()
    parts = [m.array(np.array(v, "uint32")) for v in (key, counter[:1], counter[1:])]
    a, b = threefry2x32(m, *parts)
    assert (int(a[0]), int(b[0])) == expected


def test_long_draws_do_not_depend_on_blocks(engine: str) -> None:
    key = xp().array(np.array([5, 6], "uint32"))
    long = np.asarray(random_words(xp(), key, 20_000))
    short = np.asarray(random_words(xp(), key, 100))
    assert (long[:100] == short).all()
    assert len(set(long.tolist())) == 20_000


# --- seeds ----------------------------------------------------------------------------------------


def test_an_integer_gives_the_same_numbers_each_time(engine: str) -> None:
    a, b = random.normal((5,), seed=3).numpy(), random.normal((5,), seed=3).numpy()
    assert (a == b).all()
    assert (a != random.normal((5,), seed=4).numpy()).all()


def test_a_generator_counts_up(engine: str) -> None:
    generator = random.SeedGenerator(seed=42)
    assert generator.next().numpy().tolist() == [42, 0]
    assert generator.next().numpy().tolist() == [42, 1]
    assert generator.state.numpy().tolist() == [42, 2]
    assert str(generator.state.dtype) == "uint32"
    assert not generator.state.trainable
    scattered = [tuple(generator.next(ordered=False).numpy().tolist()) for _ in range(4)]
    assert len(set(scattered)) == 4


def test_a_generator_equals_keras(engine: str) -> None:
    ours, theirs = random.SeedGenerator(seed=7), keras.random.SeedGenerator(seed=7)
    for ordered in (True, True, False, False):
        found = ours.next(ordered=ordered).numpy()
        assert found.tolist() == np.asarray(theirs.next(ordered=ordered)).tolist()


def test_a_generator_comes_back_from_its_config() -> None:
    generator = random.SeedGenerator(seed=42, name="mine")
    again = random.SeedGenerator.from_config(generator.get_config())
    assert again.get_config() == {"seed": 42, "name": "mine"}
    assert again.next().numpy().tolist() == [42, 0]


@pytest.mark.parametrize("seed", [2**31 - 1, 2**31, 2**32 - 1, 0, -1, np.int64(5)])
def test_seeds_of_any_size(seed: int) -> None:
    assert random.draw_seed(seed).numpy().tolist() == [int(seed) % 2**32, 0]
    assert random.uniform((2, 2), seed=seed).shape == (2, 2)


def test_wrong_seeds_are_refused() -> None:
    with pytest.raises(ArgumentError, match="Argument `seed` must be an integer"):
        random.SeedGenerator(seed="no")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Argument `seed` must be either an integer"):
        random.draw_seed("no")
    with pytest.raises(ArgumentError, match="Unrecognized keyword arguments"):
        random.SeedGenerator(other=1)
    with pytest.raises(ArgumentError, match="Expected `seed` argument to be an integer"):
        random.set_random_seed("no")  # type: ignore[arg-type]


def test_set_random_seed_repeats_what_has_no_seed(engine: str) -> None:
    def draws() -> list[float]:
        random.set_random_seed(5)
        unseeded = [float(random.normal(())) for _ in range(2)]
        return [
            *unseeded,
            float(np.random.random()),
            float(random.SeedGenerator().state.numpy()[0]),
        ]

    first = draws()
    assert draws() == first
    assert first[0] != first[1]
    assert random.get_random_seed() == 5


def test_a_compiled_program_draws_anew_each_time(engine: str) -> None:
    generator = random.SeedGenerator(seed=1)

    @etude.function
    def draw():
        return random.uniform((3,), seed=generator)

    found = [draw().numpy() for _ in range(3)]
    expected = random.SeedGenerator(seed=1)
    for values in found:
        assert (values == random.uniform((3,), seed=expected).numpy()).all()
    assert len({v.tobytes() for v in found}) == 3


# --- both engines draw the same -------------------------------------------------------------------

DRAWS = {
    "uniform": lambda: random.uniform((1001,), -2.0, 5.0, seed=1),
    "normal": lambda: random.normal((1001,), 1.0, 2.0, seed=1),
    "truncated_normal": lambda: random.truncated_normal((1001,), seed=1),
    "randint": lambda: random.randint((1001,), -5, 5, seed=1),
    "categorical": lambda: random.categorical(np.log([[0.1, 0.9], [0.5, 0.5]]), 500, seed=1),
    "gamma": lambda: random.gamma((1001,), 0.7, seed=1),
    "beta": lambda: random.beta((1001,), 2.0, 0.5, seed=1),
    "binomial": lambda: random.binomial((1001,), 12.0, 0.3, seed=1),
    "dropout": lambda: random.dropout(np.ones((30, 31), "float32"), 0.3, seed=1),
    "shuffle": lambda: random.shuffle(np.arange(1001), seed=1),
}


@pytest.mark.parametrize("name", DRAWS)
def test_engines_agree(name: str) -> None:
    pytest.importorskip("jax", reason="the engine xla needs jax")
    config.set_engine("numpy")
    expected = DRAWS[name]().numpy()
    config.set_engine("xla")
    eager = DRAWS[name]().numpy()
    compiled = etude.function(DRAWS[name])().numpy()
    assert (eager == expected).all()
    assert eager.dtype == expected.dtype == compiled.dtype
    np.testing.assert_allclose(compiled, expected, rtol=2e-5, atol=1e-6)


# --- the distributions ----------------------------------------------------------------------------

COUNT = 40_000


def assert_moments(x: np.ndarray, mean: float, variance: float) -> None:
    """Mean and variance within five standard errors (for kurtosis up to about 10)."""
    x = x.astype("float64")
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / x.size)
    assert abs(x.var() - variance) < 5 * variance * math.sqrt(9 / x.size)


def test_moments_of_the_distributions() -> None:
    shape = (COUNT,)
    cut = 2 * math.exp(-2) / math.sqrt(2 * math.pi) / math.erf(math.sqrt(2))
    assert_moments(random.uniform(shape, 2.0, 5.0, seed=1).numpy(), 3.5, 0.75)
    assert_moments(random.normal(shape, 3.0, 2.0, seed=1).numpy(), 3.0, 4.0)
    assert_moments(random.truncated_normal(shape, seed=1).numpy(), 0.0, 1 - 2 * cut)
    assert_moments(random.randint(shape, 0, 6, seed=1).numpy(), 2.5, 35 / 12)
    for alpha in (0.3, 1.0, 7.5):
        assert_moments(random.gamma(shape, alpha, seed=1).numpy(), alpha, alpha)
    a, b = 2.0, 0.5
    variance = a * b / ((a + b) ** 2 * (a + b + 1))
    assert_moments(random.beta(shape, a, b, seed=1).numpy(), a / (a + b), variance)
    for n, p in ((7, 0.3), (1000, 0.01), (100, 0.4), (5000, 0.9)):
        drawn = random.binomial(shape, float(n), p, seed=1).numpy()
        assert_moments(drawn, n * p, n * p * (1 - p))
        assert drawn.min() >= 0
        assert drawn.max() <= n


def test_normal_is_normal() -> None:
    """Kolmogorov and Smirnov's distance, at the level 0.001."""
    z = np.sort(random.normal((COUNT,), seed=2).numpy().astype("float64"))
    cdf = np.array([0.5 * (1 + math.erf(v / math.sqrt(2))) for v in z])
    steps = np.arange(COUNT + 1) / COUNT
    distance = max(np.abs(cdf - steps[1:]).max(), np.abs(cdf - steps[:-1]).max())
    assert distance < 1.95 / math.sqrt(COUNT)


def test_categorical_follows_its_logits() -> None:
    p = np.array([[0.1, 0.2, 0.7], [0.5, 0.0, 0.5]])
    with np.errstate(divide="ignore"):
        drawn = random.categorical(np.log(p), COUNT, seed=1).numpy()
    for row, expected in zip(drawn, p, strict=True):
        found = np.bincount(row, minlength=3) / COUNT
        np.testing.assert_allclose(found, expected, atol=5 * 0.5 / math.sqrt(COUNT))
        assert (found[expected == 0] == 0).all()
    assert str(random.categorical(np.log(p[:1]), 1, dtype="int64", seed=1).dtype) == "int64"
    with pytest.raises(ShapeError, match="2-D"):
        random.categorical([0.5, 0.5], 1)


def test_integers_stay_in_range_and_keep_their_dtype() -> None:
    for dtype in ("int8", "uint8", "int16", "uint32", "int32", "int64"):
        drawn = random.randint((200,), 0, 3, dtype=dtype, seed=1)
        assert str(drawn.dtype) == dtype
        assert set(drawn.numpy().tolist()) == {0, 1, 2}
    wide = random.randint((100,), -(2**62), 2**62, dtype="int64", seed=1).numpy()
    assert wide.min() < -(2**60) < 2**60 < wide.max()


def test_half_precision_stays_in_range() -> None:
    for dtype in ("float16", "bfloat16"):
        drawn = random.uniform((2000,), dtype=dtype, seed=1)
        assert str(drawn.dtype) == dtype
        assert (drawn.numpy().astype("float64") < 1).all()
        assert str(random.normal((2,), dtype=dtype, seed=1).dtype) == dtype


def test_uniform_never_reaches_its_upper_bound() -> None:
    low, high = np.float32(1e6), np.nextafter(np.float32(1e6), np.float32(2e6))
    assert set(random.uniform((100,), low, high, seed=1).numpy().tolist()) == {float(low)}


def test_dtypes_are_checked() -> None:
    with pytest.raises(ArgumentError, match="requires a floating point `dtype`"):
        random.uniform((2,), dtype="int32")
    with pytest.raises(ArgumentError, match="integer"):
        random.randint((2,), 0, 2, dtype="float32")


# --- dropout and shuffle --------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.8])
def test_dropout_keeps_the_mean(engine: str, rate: float) -> None:
    y = random.dropout(np.ones((200, 200), "float32"), rate, seed=1).numpy()
    assert set(np.unique(y).tolist()) <= {0.0, float(np.float32(1) * np.float32(1 / (1 - rate)))}
    assert_moments(y, 1.0, rate / (1 - rate))


def test_the_probability_of_dropout_is_exact_over_keys() -> None:
    """A rate between two multiples of 2⁻¹⁶ is met on average by rounding at random."""
    keep = 1 - 2.5 * 2.0**-16
    config.set_engine("numpy")
    keys = [np.array([i, 0], "uint32") for i in range(60)]
    dropped = sum(60_000 - keep_mask(xp(), k, (60_000,), keep).sum() for k in keys)
    expected = 60 * 60_000 * 2.5 * 2.0**-16
    assert abs(dropped - expected) < 5 * math.sqrt(expected)


def test_dropout_at_the_ends_and_with_a_noise_shape(engine: str) -> None:
    x = np.ones((2, 3, 4), "float32")
    assert (random.dropout(x, 0.0, seed=1).numpy() == 1).all()
    assert (random.dropout(x, 1.0, seed=1).numpy() == 0).all()
    y = random.dropout(x, 0.5, noise_shape=(None, 1, 4), seed=1).numpy()
    assert (y == y[:, :1]).all()
    with pytest.raises(ArgumentError, match="between 0 and 1"):
        random.dropout(x, 1.5)


def test_shuffle_moves_elements_along_the_axis_only(engine: str) -> None:
    x = np.arange(100).reshape(10, 10)
    for axis in (0, 1, -1):
        y = random.shuffle(x, axis=axis, seed=0).numpy()
        assert (np.sort(y, axis=axis) == x).all()
        assert (y != x).any()


def test_dropout_and_shuffle_take_symbolic_tensors() -> None:
    x = etude.KerasTensor((None, 3))
    assert random.dropout(x, 0.5, seed=1).shape == (None, 3)
    assert random.shuffle(x, seed=1).shape == (None, 3)


def test_seeds_of_layers_follow_from_python_s_generator_as_in_keras() -> None:
    def draws(library: Any) -> list[float]:
        python_random.seed(3)
        library.layers.Dense(2)
        library.layers.Dropout(0.5)
        library.initializers.RandomNormal()
        return [
            python_random.random(),
            float(np.asarray(library.random.SeedGenerator().state.value)[0]),
        ]

    assert draws(etude) == draws(keras)


def test_orders_of_data_follow_from_numpy_s_generator_as_in_keras() -> None:
    def losses(seed: int) -> list[float]:
        etude.random.set_random_seed(0)
        model = etude.Sequential([etude.Input((1,)), etude.layers.Dense(1)])
        model.compile(etude.optimizers.SGD(0.1), "mse")
        np.random.seed(seed)
        python_random.seed(4)
        x = np.arange(8.0).reshape(8, 1) / 8
        history = model.fit(x, x**2, batch_size=2, epochs=2, verbose=0).history["loss"]
        assert python_random.random() == python_random.Random(4).random()
        return history

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_training_without_a_shuffle_draws_nothing() -> None:
    def draws(**options: Any) -> tuple[float, float]:
        model = etude.Sequential(
            [etude.Input((1,)), etude.layers.Dense(1, kernel_initializer="ones")]
        )
        model.compile("sgd", "mse")
        python_random.seed(1)
        np.random.seed(1)
        model.fit(**options, epochs=2, verbose=0)
        return python_random.random(), np.random.random()

    x = np.ones((4, 1))
    expected = python_random.Random(1).random(), np.random.RandomState(1).random()
    assert draws(x=x, y=x, shuffle=False) == expected
    assert draws(x=etude.data.Dataset.from_tensor_slices((x, x)).batch(2)) == expected
    assert draws(x=x, y=x) != expected
