"""Operations of etude under the names and arguments of TensorFlow.

`adopt` gives an operation of `etude.ops` the parameter names of its counterpart, and nothing else:
no formula stands in this package. What only computes with shapes (`tf.concat` of two
`tf.shape`) is computed at once, also while a program is traced, so that it can be a shape again.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

import etude
from etude import tree
from etude.autodiff import KerasTensor, Tensor
from etude.engine import in_frame, xp
from etude.errors import DtypeError, MissingNameError

__all__ = ["adopt", "at_once_where_known", "integer", "integers"]


def adopt(operation: str, names: str) -> Callable[..., Any]:
    """An operation of etude under TensorFlow's parameter names.

    Args:
        operation: where it is, below ``etude``, e.g. ``"ops.mean"``.
        names: TensorFlow's names of its first parameters, in the operation's order.

    >>> reduce_mean = adopt("ops.mean", "input_tensor axis keepdims")
    >>> reduce_mean(input_tensor=[[1.0], [3.0]], axis=0, name="center").numpy().tolist()
    [2.0]
    """
    theirs = names.split()

    def adopted(*args: Any, **kwargs: Any) -> Any:
        kwargs.pop("name", None)
        found, ours = _find(operation, len(theirs))
        if len(args) > len(theirs):
            raise DtypeError(f"{adopted.__doc__} It got {len(args)} arguments.")
        try:
            options = {ours[theirs.index(k)]: v for k, v in kwargs.items()}
        except ValueError:
            unknown = next(k for k in kwargs if k not in theirs)
            raise DtypeError(f"{adopted.__doc__} It has no argument {unknown!r}.") from None
        return at_once_where_known(found, *args, **options)

    adopted.__doc__ = f"`etude.{operation}`, with the arguments ({', '.join(theirs)})."
    return adopted


@functools.cache
def _find(operation: str, count: int) -> tuple[Callable[..., Any], list[str]]:
    """The operation, and its own names for its first parameters."""
    try:
        found: Any = operator.attrgetter(operation)(etude)
    except AttributeError:
        raise MissingNameError(
            f"`etude.{operation}`, which this function of TensorFlow stands for, does not exist."
        ) from None
    signature = inspect.signature(getattr(found, "forward", getattr(found, "function", found)))
    return found, list(signature.parameters)[:count]


def at_once_where_known(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function; for good, also amid a trace, where no argument depends on the program."""
    if in_frame() and not any(map(_of_program, tree.flatten((args, kwargs)))):
        with xp().concretely():
            return function(*args, **kwargs)
    return function(*args, **kwargs)


def _of_program(leaf: Any) -> bool:
    if isinstance(leaf, Tensor):
        return leaf.origin is not None or not leaf.is_known()
    return isinstance(leaf, KerasTensor) or hasattr(leaf, "__etude_tensor__")


def integer(value: Any) -> int:
    """A Python int from a number or a Tensor that is known.

    >>> integer(etude.ops.convert_to_tensor(3))
    3
    """
    return operator.index(np.asarray(value).item())


def integers(value: Any) -> tuple[int, ...]:
    """A tuple of Python ints: a shape, or axes, from numbers and Tensors in any mixture.

    >>> integers([etude.ops.convert_to_tensor(3), 4]), integers(5)
    ((3, 4), (5,))
    """
    if isinstance(value, (list, tuple)):
        return tuple(-1 if v is None else integer(v) for v in value)
    return tuple(operator.index(v) for v in np.atleast_1d(np.asarray(value)).tolist())
