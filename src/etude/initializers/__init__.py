"""Initializers: the first values of variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import ops
from etude.errors import ShapeError, explain_missing
from etude.identifiers import identified
from etude.initializers.constant import Constant, Identity, Ones, Zeros
from etude.initializers.initializer import Initializer
from etude.initializers.random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from etude.initializers.stft import STFT
from etude.naming import to_snake_case
from etude.random import SeedGenerator
from etude.saving.registration import register_public
from etude.saving.serialization import deserialize_member, serialize_keras_object

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

CLASSES = (
    STFT,
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    Zeros,
)
ALIASES = {
    "IdentityInitializer": Identity,
    "OrthogonalInitializer": Orthogonal,
    "STFTInitializer": STFT,
    "normal": RandomNormal,
    "one": Ones,
    "uniform": RandomUniform,
    "zero": Zeros,
}
NAMES: dict[str, type[Initializer]] = {
    **{cls.__name__: cls for cls in CLASSES},
    **{to_snake_case(cls.__name__): cls for cls in CLASSES},
    **ALIASES,
}

# Names that Keras exports beside those of the classes.
IdentityInitializer = Identity
OrthogonalInitializer = Orthogonal
STFTInitializer = STFT
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

register_public("keras.initializers", *CLASSES, **NAMES)
register_public("keras", Initializer)
register_public("keras.initializers", Initializer)
register_public("keras.random", SeedGenerator)


def serialize(initializer: Any) -> Any:
    """The config of an initializer.

    >>> serialize(Zeros())["class_name"]
    'Zeros'
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that a config describes.

    >>> deserialize({"class_name": "Constant", "config": {"value": 2.0}}).value
    2.0
    """
    return deserialize_member(config, NAMES, custom_objects)


def get(identifier: Any) -> Any:
    """An initializer from a name, a config, an array, a class, or an initializer.

    Args:
        identifier: e.g. ``"glorot_uniform"``; a config; an array, which then is the value; a class,
            of which an instance is made; any callable of ``(shape, dtype)``; or None.

    Raises:
        UnknownNameError: no initializer has this name.
        ArgumentError: it is nothing of all this.

    >>> get("he_normal").scale
    2.0
    """
    if identifier is None:
        return None
    if ops.is_tensor(identifier) or isinstance(identifier, (np.ndarray, np.generic)):
        return _fixed(identifier)
    return identified("initializer", identifier, NAMES, "Constant(0.1)")


def _fixed(value: Any) -> Any:
    """The initializer whose values are those of an array."""

    def initialize(shape: Any, dtype: Any = None) -> Any:
        if tuple(shape) != tuple(value.shape):
            raise ShapeError(
                f"Expected `shape` to be {tuple(value.shape)}, that of the array which serves as "
                f"the initializer; got {tuple(shape)}."
            )
        return ops.cast(value, dtype)

    return initialize


explain_missing(__name__)
