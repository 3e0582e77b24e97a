"""Initializers: statistics, seeds, both engines alike, configs, names, bad input."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from etude import config, initializers, ops, random
from etude.errors import ArgumentError, ShapeError, UnknownNameError
from etude.initializers.random import compute_fans

SHAPE = (40, 50)
RANDOM: list[
    tuple[str, dict[str, Any], float, float]
] = [  # name, options, standard deviation, bound
    ("RandomNormal", {"mean": 0.5, "stddev": 2.0}, 2.0, math.inf),
    ("TruncatedNormal", {"mean": 0.5, "stddev": 2.0}, 2.0 * 0.8796, 4.0),
    ("RandomUniform", {"minval": -1.0, "maxval": 2.0}, 3.0 / math.sqrt(12), 1.5),
    ("GlorotNormal", {}, math.sqrt(2 / 90), math.inf),
    ("GlorotUniform", {}, math.sqrt(2 / 90), math.sqrt(6 / 90)),
    ("HeNormal", {}, math.sqrt(2 / 40), math.inf),
    ("HeUniform", {}, math.sqrt(2 / 40), math.sqrt(6 / 40)),
    ("LecunNormal", {}, math.sqrt(1 / 40), math.inf),
    ("LecunUniform", {}, math.sqrt(1 / 40), math.sqrt(3 / 40)),
    (
        "VarianceScaling",
        {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        math.sqrt(3 / 50),
        math.inf,
    ),
    ("Orthogonal", {"gain": 2.0}, 2.0 / math.sqrt(50), math.inf),
]
CONSTANT: list[tuple[str, dict[str, Any]]] = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 2.5}),
    ("Identity", {"gain": 3.0}),
]
OPTIONS = [*((name, options) for name, options, _, _ in RANDOM), *CONSTANT]


def test_every_initializer_is_here():
    names = {name for name, _ in OPTIONS} | {"STFT"}  # whose shapes are others; see below
    assert names == {cls.__name__ for cls in initializers.CLASSES}


@pytest.mark.parametrize(("name", "options", "stddev", "bound"), RANDOM, ids=lambda x: str(x)[:20])
def test_statistics(engine: str, name: str, options: dict[str, Any], stddev: float, bound: float):
    values = getattr(initializers, name)(**options, seed=3)(SHAPE)
    assert values.shape == SHAPE
    assert values.dtype == "float32"
    mean = 0.5 if options else 0.0
    mean = 0.0 if name in ("VarianceScaling", "Orthogonal") else mean
    deviations = values.numpy() - mean
    n = deviations.size
    assert abs(deviations.mean()) < 4 * stddev / math.sqrt(n)
    assert deviations.std() == pytest.approx(stddev, rel=4 / math.sqrt(2 * n))
    assert abs(deviations).max() <= bound + 1e-6


@pytest.mark.parametrize(("name", "options"), CONSTANT, ids=lambda x: str(x)[:20])
def test_constants_equal_keras(engine: str, name: str, options: dict[str, Any]):
    expected = getattr(keras.initializers, name)(**options)((3, 4))
    np.testing.assert_array_equal(
        getattr(initializers, name)(**options)((3, 4)).numpy(), np.asarray(expected)
    )


@pytest.mark.parametrize(("name", "options", "_s", "_b"), RANDOM, ids=lambda x: str(x)[:20])
def test_seeds(name: str, options: dict[str, Any], _s: float, _b: float):
    cls = getattr(initializers, name)
    values = []
    for engine in ("numpy", "xla"):
        config.set_engine(engine)
        initializer = cls(**options, seed=7)
        first = initializer(SHAPE).numpy()
        np.testing.assert_array_equal(first, initializer(SHAPE).numpy())  # an int repeats itself
        assert (first != cls(**options, seed=8)(SHAPE).numpy()).any()
        unseeded = cls(**options)
        np.testing.assert_array_equal(unseeded(SHAPE).numpy(), unseeded(SHAPE).numpy())
        assert (unseeded(SHAPE).numpy() != cls(**options)(SHAPE).numpy()).any()
        generated = cls(**options, seed=random.SeedGenerator(7))
        assert (generated(SHAPE).numpy() != generated(SHAPE).numpy()).any()
        values.append(first)
    np.testing.assert_allclose(*values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda x: str(x)[:20])
def test_config_round_trip(name: str, options: dict[str, Any]):
    seed = {} if name in dict(CONSTANT) else {"seed": 5}
    initializer = getattr(initializers, name)(**options, **seed)
    content = initializers.serialize(initializer)
    theirs = keras.initializers.serialize(getattr(keras.initializers, name)(**options, **seed))
    assert (content["module"], content["class_name"]) == (theirs["module"], theirs["class_name"])
    assert theirs["config"].items() <= content["config"].items()
    again = initializers.deserialize(content)
    assert initializers.serialize(again) == content
    np.testing.assert_array_equal(again((4, 4)).numpy(), initializer((4, 4)).numpy())
    assert initializer.clone().get_config() == initializer.get_config()


def test_seed_generators_survive_configs():
    content = initializers.serialize(initializers.HeNormal(seed=random.SeedGenerator(4)))
    assert initializers.deserialize(content).seed.get_config()["seed"] == 4


# Keras does not make a Constant by its name alone.
NAMES = [name for name in initializers.NAMES if name.lower() != "constant"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_those_of_keras(name: str):
    assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__


def test_get_takes_what_keras_takes(engine: str):
    initializer = initializers.Ones()
    assert initializers.get(None) is None
    assert initializers.get(initializer) is initializer
    assert isinstance(initializers.get(initializers.Zeros), initializers.Zeros)

    def own(shape: Any, dtype: Any = None) -> Any:
        return ops.ones(shape, dtype)

    assert initializers.get(own) is own
    values = initializers.get(np.array([1.0, 2.0]))((2,), "float32")
    assert values.numpy().tolist() == [1.0, 2.0]
    with pytest.raises(ShapeError, match=r"Expected `shape` to be \(2,\)"):
        initializers.get(np.array([1.0, 2.0]))((3,))
    with pytest.raises(UnknownNameError, match=r"Unknown initializer: 'he_norml'. Did you mean"):
        initializers.get("he_norml")
    with pytest.raises(ArgumentError, match="Could not interpret initializer identifier: 3"):
        initializers.get(3)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4)])
def test_orthogonal_is_orthogonal(engine: str, shape: tuple[int, ...]):
    q = initializers.Orthogonal(seed=1)(shape).numpy().reshape(-1, shape[-1])
    gram = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((5,), (5, 5)), ((5, 3), (5, 3)), ((2, 3, 4, 5), (24, 30))],
)
def test_fans(shape: tuple[int, ...], fans: tuple[int, int]):
    assert compute_fans(shape) == fans


def test_fans_of_named_axes():
    assert compute_fans((8, 2, 16), input_axes=(0,), output_axes=(1, 2)) == (8, 32)
    values = initializers.GlorotUniform(seed=1, input_axes=(0,), output_axes=(1, 2))((8, 2, 16))
    assert abs(values.numpy()).max() <= math.sqrt(6 / 40)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes(engine: str, dtype: str):
    for name, options in OPTIONS:
        if name != "Orthogonal" or dtype != "float16":  # no QR in 16 bits
            assert getattr(initializers, name)(**options)((4, 4), dtype=dtype).dtype == dtype


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: initializers.VarianceScaling(scale=0), "`scale` must be positive"),
        (lambda: initializers.VarianceScaling(mode="fan"), "Invalid `mode` argument: 'fan'"),
        (lambda: initializers.VarianceScaling(distribution="x"), "Invalid `distribution` argument"),
        (lambda: initializers.HeNormal(seed="1"), "`seed` argument should be an instance"),
        (lambda: initializers.Orthogonal()((3,)), r"a shape of two sizes or more; got \(3,\)"),
        (
            lambda: initializers.Identity()((3, 3, 3)),
            r"two sizes, \(rows, columns\); got \(3, 3, 3\)",
        ),
    ],
)
def test_bad_arguments(make: Any, message: str):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_orthogonal_in_every_float(engine, dtype):
    values = initializers.Orthogonal(seed=0)((4, 3), dtype=dtype)
    assert values.dtype == dtype
    q = values.numpy().astype("float64")
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=3e-2 if dtype != "float64" else 1e-12)
