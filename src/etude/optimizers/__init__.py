"""Optimizers: how gradients change variables."""

from __future__ import annotations

from typing import Any

from etude.errors import ArgumentError, explain_missing, unknown_name
from etude.optimizers import legacy, schedules
from etude.optimizers.adadelta import Adadelta
from etude.optimizers.adafactor import Adafactor
from etude.optimizers.adagrad import Adagrad
from etude.optimizers.adam import Adam
from etude.optimizers.adamax import Adamax
from etude.optimizers.adamw import AdamW
from etude.optimizers.ftrl import Ftrl
from etude.optimizers.lamb import Lamb
from etude.optimizers.lion import Lion
from etude.optimizers.loss_scale_optimizer import LossScaleOptimizer
from etude.optimizers.multi_optimizer import MultiOptimizer, OptimizerMap
from etude.optimizers.muon import Muon
from etude.optimizers.nadam import Nadam
from etude.optimizers.optimizer import Optimizer
from etude.optimizers.rmsprop import RMSprop
from etude.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from etude.optimizers.sgd import SGD
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_member, serialize_keras_object

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

CLASSES = (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    Muon,
    Nadam,
    RMSprop,
    ScheduleFreeAdamW,
)
WRAPPERS = (LossScaleOptimizer, MultiOptimizer)
NAMES: dict[str, type[Optimizer]] = {cls.__name__.lower(): cls for cls in (*CLASSES, *WRAPPERS)}

register_public("keras.optimizers", *CLASSES, *WRAPPERS, OptimizerMap)
register_public("keras", Optimizer)
register_public("keras.optimizers", Optimizer)


def serialize(optimizer: Optimizer) -> Any:
    """The config of an optimizer.

    >>> serialize(SGD(0.5))["config"]["learning_rate"]
    0.5
    """
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer that a config describes; upper and lower case are the same in its name.

    >>> deserialize({"class_name": "sgd", "config": {"learning_rate": 0.5}}).momentum
    0.0
    """
    if isinstance(config, dict) and str(config.get("class_name")).lower() in NAMES:
        config = {**config, "class_name": NAMES[config["class_name"].lower()].__name__}
    names = {**NAMES, **{cls.__name__: cls for cls in NAMES.values()}}
    return deserialize_member(config, names, custom_objects)


def get(identifier: Any) -> Any:
    """An optimizer from a name, in upper or lower case, a config, an optimizer, or None.

    Raises:
        UnknownNameError: no optimizer has this name.
        ArgumentError: it is nothing of all this.

    >>> get("Adam").epsilon
    1e-07
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        lower = identifier.lower()
        found = deserialize(lower if lower in NAMES else identifier)
    else:
        found = deserialize(identifier)
    if isinstance(found, str):
        raise unknown_name("optimizer", found, NAMES)
    if not isinstance(found, Optimizer):
        advice = (
            f"That is the class itself: add parentheses, `{identifier.__name__}()`, to make one."
            if isinstance(identifier, type)
            else "Expected a name, such as 'adam', an optimizer, such as `Adam(1e-3)`, or a config."
        )
        raise ArgumentError(f"Could not interpret optimizer identifier: {identifier}. {advice}")
    return found


explain_missing(__name__)
