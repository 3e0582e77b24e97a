"""Learning-rate schedules: closed forms, Keras, configs, bad arguments."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import pytest

from etude import ops
from etude.errors import ArgumentError, UnknownNameError
from etude.optimizers import schedules

STEPS = (0, 1, 5, 9, 10, 11, 25, 30, 60, 100, 1000)


def restarts(t: int, q: float, m: float) -> float:
    """The closed form of CosineDecayRestarts(0.1, 10, q, m, 0.2), by walking through periods."""
    start, length, i = 0.0, 10.0, 0
    while t >= start + length:
        start, length, i = start + length, length * q, i + 1
    wave = m**i * (1 + math.cos(math.pi * (t - start) / length)) / 2
    return 0.1 * (0.8 * wave + 0.2)


def polynomial(t: int, cycle: bool) -> float:
    end = 10 * max(math.ceil(t / 10), 1) if cycle else 10
    return (0.1 - 0.02) * (1 - min(t, end) / end) ** 2 + 0.02


def cosine(t: float, top: float) -> float:
    return top * (0.8 * (1 + math.cos(math.pi * min(t, 10) / 10)) / 2 + 0.2)


ROWS: list[tuple[str, dict[str, Any], Any]] = [
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
        lambda t: 0.1 * 0.9 ** (t / 10),
    ),
    (
        "ExponentialDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": True},
        lambda t: 0.1 * 0.9 ** (t // 10),
    ),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9},
        lambda t: 0.1 / (1 + 0.9 * t / 10),
    ),
    (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9, "staircase": True},
        lambda t: 0.1 / (1 + 0.9 * (t // 10)),
    ),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 10,
            "end_learning_rate": 0.02,
            "power": 2.0,
        },
        lambda t: polynomial(t, False),
    ),
    (
        "PolynomialDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 10,
            "end_learning_rate": 0.02,
            "power": 2.0,
            "cycle": True,
        },
        lambda t: polynomial(t, True),
    ),
    (
        "PiecewiseConstantDecay",
        {"boundaries": [5, 10], "values": [1.0, 0.5, 0.1]},
        lambda t: 1.0 if t <= 5 else 0.5 if t <= 10 else 0.1,
    ),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.2},
        lambda t: cosine(t, 0.1),
    ),
    (
        "CosineDecay",
        {
            "initial_learning_rate": 0.1,
            "decay_steps": 10,
            "alpha": 0.2,
            "warmup_target": 0.5,
            "warmup_steps": 10,
        },
        lambda t: 0.1 + 0.4 * t / 10 if t < 10 else cosine(t - 10, 0.5),
    ),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 10, "alpha": 0.2, "warmup_target": 0.5},
        lambda t: cosine(t, 0.5),
    ),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 10, "alpha": 0.2},
        lambda t: restarts(t, 2.0, 1.0),
    ),
    (
        "CosineDecayRestarts",
        {
            "initial_learning_rate": 0.1,
            "first_decay_steps": 10,
            "t_mul": 1.0,
            "m_mul": 0.9,
            "alpha": 0.2,
        },
        lambda t: restarts(t, 1.0, 0.9),
    ),
]
IDS = [f"{i}-{row[0]}" for i, row in enumerate(ROWS)]


def test_every_schedule_has_a_row():
    assert {name for name, _, _ in ROWS} == {cls.__name__ for cls in schedules.CLASSES}


@pytest.mark.parametrize(("name", "options", "closed_form"), ROWS, ids=IDS)
def test_closed_form_and_keras(engine: str, name: str, options: dict[str, Any], closed_form: Any):
    actual = getattr(schedules, name)(**options)
    expected = getattr(keras.optimizers.schedules, name)(**options)
    for t in STEPS:
        value = float(actual(ops.convert_to_tensor(t)))
        assert value == pytest.approx(closed_form(t), rel=1e-5, abs=1e-8), t
        assert value == pytest.approx(float(expected(t)), rel=1e-5, abs=1e-8), t


@pytest.mark.parametrize(("name", "options", "_"), ROWS, ids=IDS)
def test_config_round_trip(name: str, options: dict[str, Any], _: Any):
    config = schedules.serialize(getattr(schedules, name)(**options))
    expected = getattr(keras.optimizers.schedules, name)(**options)
    assert config == keras.optimizers.schedules.serialize(expected)
    assert schedules.serialize(schedules.deserialize(config)) == config


def test_bad_arguments():
    with pytest.raises(ArgumentError, match="Argument `decay_steps` must be > 0"):
        schedules.CosineDecay(0.1, 0)
    with pytest.raises(ArgumentError, match="Argument `first_decay_steps` must be > 0"):
        schedules.CosineDecayRestarts(0.1, -1)
    with pytest.raises(ArgumentError, match="length of boundaries should be 1 less"):
        schedules.PiecewiseConstantDecay([1], [1.0])
    with pytest.raises(UnknownNameError, match="Unknown learning-rate schedule: 'CosinDecay'"):
        schedules.deserialize("CosinDecay")


def test_a_subclass_must_say_what_it_does():
    with pytest.raises(NotImplementedError, match="must override `__call__"):
        schedules.LearningRateSchedule()(0)
    with pytest.raises(NotImplementedError, match="must override `get_config"):
        schedules.LearningRateSchedule().get_config()


def test_float16_rate_stays_float16(engine: str):
    schedule = schedules.ExponentialDecay(np.float16(0.5), 10, 0.5)
    assert schedule(10).dtype == "float16"
    assert float(schedule(10)) == 0.25
