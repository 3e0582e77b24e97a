"""`tf.debugging`: checks of values that are known, and `tf.errors`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import Tensor
from etude.compat.missing import lacks
from etude.compat.tensorflow.shapes import TensorShape
from etude.errors import ArgumentError, DtypeError, ShapeError


def _check(holds: Callable[[], Any], message: str | None, default: str) -> None:
    """Raises where the values are known and the check does not hold."""
    if not bool(holds()):
        raise ArgumentError(message or default)


def _known(*values: Any) -> bool:
    return all(not isinstance(v, Tensor) or v.is_known() for v in values)


def _comparison(name: str, compare: Callable[[Any, Any], Any]) -> Callable[..., None]:
    def check(
        x: Any, y: Any, message: str | None = None, summarize: Any = None, name: Any = None
    ) -> None:
        if _known(x, y):
            _check(
                lambda: np.all(compare(np.asarray(x), np.asarray(y))),
                message,
                f"{check.__name__}: {x} and {y}.",
            )

    check.__name__ = name
    check.__doc__ = f"Refuses values of which `{compare.__name__}` does not hold everywhere."
    return check


assert_equal = _comparison("assert_equal", np.equal)
assert_none_equal = _comparison("assert_none_equal", np.not_equal)
assert_less = _comparison("assert_less", np.less)
assert_less_equal = _comparison("assert_less_equal", np.less_equal)
assert_greater = _comparison("assert_greater", np.greater)
assert_greater_equal = _comparison("assert_greater_equal", np.greater_equal)


def assert_near(
    x: Any, y: Any, rtol: float = 1e-6, atol: float = 1e-6, message: str | None = None, **_: Any
) -> None:
    """Refuses values that differ by more than atol + rtol |y|.

    >>> assert_near(1.0, 1.0 + 1e-7)
    """
    if _known(x, y):
        _check(lambda: np.allclose(x, y, rtol, atol), message, f"assert_near: {x} and {y}.")


def assert_positive(x: Any, message: str | None = None, **_: Any) -> None:
    """Refuses values that are not above 0.

    >>> assert_positive([1.0])
    """
    assert_greater(x, 0, message)


def assert_non_negative(x: Any, message: str | None = None, **_: Any) -> None:
    """Refuses values below 0.

    >>> assert_non_negative([0.0])
    """
    assert_greater_equal(x, 0, message)


def assert_all_finite(x: Any, message: str = "", name: str | None = None) -> Any:
    """The tensor, once all of it is finite.

    >>> float(assert_all_finite(1.0, "loss"))
    1.0
    """
    if _known(x):
        _check(lambda: np.all(np.isfinite(np.asarray(x))), message, f"Not all finite: {x}.")
    return ops.convert_to_tensor(x)


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """The tensor, once all of it is finite.

    >>> float(check_numerics(1.0, "loss"))
    1.0
    """
    return assert_all_finite(tensor, message)


def assert_rank(x: Any, rank: Any, message: str | None = None, name: str | None = None) -> None:
    """Refuses another number of axes.

    >>> assert_rank([[1.0]], 2)
    """
    if np.ndim(x) != int(rank):
        raise ShapeError(message or f"Expected {int(rank)} axes; got shape {np.shape(x)}.")


def assert_shapes(shapes: Any, message: str | None = None, **_: Any) -> None:
    """Refuses tensors whose sizes differ where the same letter or number stands for them.

    >>> assert_shapes([(np.zeros((2, 3)), ("N", 3)), (np.zeros(2), ("N",))])
    """
    sizes: dict[Any, int] = {}
    for tensor, expected in shapes.items() if isinstance(shapes, dict) else shapes:
        found = TensorShape(np.shape(tensor))
        fits = len(found) == len(expected) and all(
            sizes.setdefault(e, n) == n if isinstance(e, str) else e in (None, n)
            for e, n in zip(expected, found, strict=True)
        )
        if not fits:
            raise ShapeError(message or f"Expected shape {tuple(expected)}; got {tuple(found)}.")


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, **_: Any) -> None:
    """Refuses another dtype.

    >>> assert_type(np.zeros(1, "float32"), "float32")
    """
    if str(tensor.dtype) != str(tf_type):
        raise DtypeError(message or f"Expected dtype {tf_type}; got {tensor.dtype}.")


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether it is a tensor of numbers.

    >>> is_numeric_tensor(ops.ones(1)), is_numeric_tensor("a")
    (True, False)
    """
    return isinstance(tensor, Tensor)


def set_log_device_placement(enabled: bool) -> None:
    """Accepted."""


def enable_check_numerics(*_: Any, **__: Any) -> None:
    """Accepted: use `keras.callbacks.TerminateOnNaN`."""


def disable_check_numerics() -> None:
    """Accepted."""


__getattr__ = lacks("tf.debugging", __name__)
