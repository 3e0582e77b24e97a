"""Learning-rate schedules."""

from __future__ import annotations

from typing import Any

from etude.errors import explain_missing, unknown_name
from etude.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from etude.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from etude.optimizers.schedules.schedule import LearningRateSchedule
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_member, serialize_keras_object

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

CLASSES = (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
NAMES: dict[str, type[LearningRateSchedule]] = {cls.__name__: cls for cls in CLASSES}

register_public("keras.optimizers.schedules", *CLASSES, LearningRateSchedule)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The config of a schedule.

    >>> serialize(PolynomialDecay(0.1, 10))["class_name"]
    'PolynomialDecay'
    """
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule that a config describes.

    Raises:
        UnknownNameError: no schedule has this name.

    >>> deserialize(serialize(PolynomialDecay(0.1, 10))).decay_steps
    10
    """
    found = deserialize_member(config, NAMES, custom_objects)
    if isinstance(found, str):
        raise unknown_name("learning-rate schedule", found, NAMES)
    return found


explain_missing(__name__)
