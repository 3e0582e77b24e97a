"""`tf.errors`: the errors of TensorFlow that code catches, as those that etude raises for them."""

from __future__ import annotations

from etude.compat.missing import Namespace
from etude.errors import ArgumentError

errors = Namespace(
    "tf.errors",
    InvalidArgumentError=ArgumentError,
    NotFoundError=FileNotFoundError,
    OutOfRangeError=StopIteration,
    ResourceExhaustedError=MemoryError,
    UnimplementedError=NotImplementedError,
    OpError=ArgumentError,
)
