"""Variable: named state that operations read and programs update."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from etude.allowance import spend
from etude.autodiff import OPS, Tensor, as_tensor
from etude.autodiff.operators import Operators
from etude.autodiff.primitive import Leaf
from etude.dtypes import is_float_dtype, itemsize, standardize_dtype
from etude.engine import Cell, xp
from etude.errors import ArgumentError, DtypeError, ShapeError, TracingError, unknown_name
from etude.naming import auto_name, current_path
from etude.saving.registration import public_object

__all__ = ["Variable"]


class _Local(threading.local):
    autocast: str | None = None


_local = _Local()


@contextmanager
def autocast_scope(dtype: str | None) -> Generator[None]:
    """Inside, float Variables are read in the given dtype; None turns that off."""
    before, _local.autocast = _local.autocast, dtype
    try:
        yield
    finally:
        _local.autocast = before


class Variable(Operators):
    """Named state with a value that can be assigned.

    Weights, optimizer slots, metric totals, moving averages and random seeds are Variables.
    Trainable ones are watched by every `GradientTape`. A compiled program finds the Variables
    that it reads and assigns by itself.

    Args:
        initializer: the first value (numbers, an array, a Tensor), or a function of shape and
            dtype that makes it, or the name of an initializer, such as ``"ones"``.
        shape: needed where ``initializer`` is a function.
        dtype: name of the dtype; by default that of the value, `config.floatx` for a function.
        trainable: whether training changes it.
        autocast: whether a layer of lower precision reads it in that precision.
        aggregation: kept for Keras; how replicas are combined.
        synchronization: kept for Keras; when replicas combine them.
        name: without ``/``.
        **_: options of Keras that concern sharding.

    Raises:
        ArgumentError: a function without a shape, a name with ``/``, or an unknown option.

    Example:
    >>> v = Variable([1.0, 2.0], name="v")
    >>> v.assign_add([10.0, 10.0]).numpy().tolist()
    [11.0, 12.0]
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
        **_: Any,
    ):
        self.name = auto_name(type(self).__name__) if name is None else name
        if not isinstance(self.name, str) or "/" in self.name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError(
                f"Argument `name` must be a string and cannot contain character `/`; got {name!r}."
            )
        parent = current_path()
        self.path = f"{parent}/{self.name}" if parent else self.name
        self.autocast = bool(autocast)
        self.aggregation = _one_of(AGGREGATIONS, aggregation, "aggregation")
        self.synchronization = _one_of(SYNCHRONIZATIONS, synchronization, "synchronization")
        self._regularizer: Any = None
        self._constraint: Any = None
        self.overwrite_with_gradient = False
        with xp().concretely():  # also while a program is traced: the first value is for good
            array = self._first_value(initializer, shape, dtype)
        self.shape: tuple[int, ...] = tuple(array.shape)
        self._dtype: str = standardize_dtype(array.dtype)
        self.cell = Cell(array)
        self._leaf: Leaf | None = None
        self._trainable = False
        self.trainable = trainable

    def _first_value(self, initializer: Any, shape: Any, dtype: Any) -> Any:
        if isinstance(initializer, str):
            initializer = _named_initializer(initializer)
        if callable(initializer):
            if shape is None:
                raise ArgumentError(
                    "When creating a Variable from an initializer, the `shape` argument should be "
                    f"specified: it says how many numbers to make. Variable {self.name!r} got "
                    f"initializer={initializer} and no shape."
                )
            shape = (shape,) if isinstance(shape, int) else tuple(shape)
            if None in shape:
                raise ShapeError(
                    "Shapes used to initialize variables must be fully-defined (no `None` "
                    f"dimensions); Variable {self.name!r} got shape={shape}."
                )
            dtype = standardize_dtype(dtype)
            spend(math.prod(shape) * itemsize(dtype), f"the weight {self.name!r} of shape {shape}")
            value = as_tensor(initializer(shape, dtype=dtype), dtype)
        else:
            value = _own_copy(initializer, dtype)
            if shape is not None and tuple(shape) != value.shape:
                raise ShapeError(
                    f"Variable {self.name!r}: expected a value of shape {tuple(shape)}; got "
                    f"{value.shape}."
                )
        if xp().is_traced(value.array):
            raise TracingError(
                f"Variable {self.name!r}: its first value depends on a value of the program that "
                "is being traced. Make it from numbers or with a function of shape and dtype."
            )
        return xp().own(value.array)

    @property
    def constraint(self) -> Any:
        """A function of the value, applied to it after each step of an optimizer, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Any) -> None:
        self._constraint = _callable_or_none(value, "constraint")

    @property
    def regularizer(self) -> Any:
        """A penalty on the value, added to the loss of a layer, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = _callable_or_none(value, "regularizer")

    # --- reading ---

    @property
    def value(self) -> Tensor:
        """The current value, a Tensor."""
        return self.__etude_tensor__()

    def __etude_tensor__(self) -> Tensor:
        """The value as operations take it: watched, and in the precision of the layer."""
        tensor = self.__etude_source__()
        dtype = self.dtype
        return tensor if dtype == self._dtype else OPS["cast"](tensor, dtype)

    def __etude_source__(self) -> Tensor:
        """The value in full precision, at the Variable's own place in the graph."""
        return Tensor(xp().own(self.cell.read()), self._leaf)

    def __etude_watch__(self) -> None:
        """Makes the Variable a source of derivatives although it is not trainable."""
        self._leaf = self._leaf or Leaf(self)

    def numpy(self) -> Any:
        """The current value as a NumPy array."""
        return self.value.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.value.__array__(dtype, copy)

    @property
    def dtype(self) -> str:
        """The dtype in which it is read: that of the layer in a layer of lower precision."""
        cast = _local.autocast
        casts = cast is not None and self.autocast and is_float_dtype(self._dtype)
        return cast if casts else self._dtype  # type: ignore[return-value]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def trainable(self) -> bool:
        """Whether training changes it, and tapes watch it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        self._leaf = (
            (self._leaf or Leaf(self)) if self._trainable and is_float_dtype(self._dtype) else None
        )

    # --- assigning ---

    def assign(self, value: Any) -> Tensor:
        """Replaces the value.

        Raises:
            ShapeError: the new value has another shape.
        """
        tensor = _own_copy(value, self._dtype)
        if tensor.shape != self.shape:
            raise ShapeError(
                f"The value assigned to the Variable {self.path!r} must have its shape, "
                f"{self.shape}; got {tensor.shape}."
            )
        self.cell.write(xp().own(tensor.array))
        return tensor

    def assign_add(self, value: Any) -> Tensor:
        """Adds to the value."""
        return self.assign(OPS["add"](self._plain(), as_tensor(value, self._dtype)))

    def assign_sub(self, value: Any) -> Tensor:
        """Subtracts from the value."""
        return self.assign(OPS["subtract"](self._plain(), as_tensor(value, self._dtype)))

    def _plain(self) -> Tensor:
        """The value in full precision, as a constant to every tape."""
        return Tensor(xp().own(self.cell.read()))

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        if self.shape:
            raise DtypeError(
                "A Keras Variable cannot be used as a boolean. Ask for one value: "
                "`ops.any(variable)`, `ops.all(variable)`."
            )
        return bool(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DtypeError("A Variable is replaced as a whole: use `variable.assign(...)`.")

    def __deepcopy__(self, memo: Any) -> Variable:
        copy = Variable(
            self._plain(), trainable=self.trainable, autocast=self.autocast, name=self.name
        )
        copy.path = self.path
        copy.regularizer, copy.constraint = self.regularizer, self.constraint
        memo[id(self)] = copy
        return copy

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={self.value.numpy()}>"
        )


AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")
SYNCHRONIZATIONS = ("none", "on_read", "on_write", "auto")


def _one_of(known: tuple[str, ...], value: Any, argument: str) -> str:
    if value is None:
        return "none"
    if value not in known:
        raise ArgumentError(
            f"Invalid value for argument `{argument}`. Expected one of None, "
            f"{', '.join(map(repr, known))}; got {value!r}."
        )
    return value


def _callable_or_none(value: Any, attribute: str) -> Any:
    if value is not None and not callable(value):
        raise ArgumentError(
            f"Invalid value for attribute `{attribute}`. Expected a function of the value, or "
            f"None; got {value!r}."
        )
    return value


def _named_initializer(name: str) -> Any:
    """The initializer of a name; initializers, which need this module, are registered by theirs."""
    found = public_object(f"keras.initializers.{name}")
    if found is None:
        raise unknown_name("initializer", name, ("zeros", "ones", "glorot_uniform", "he_normal"))
    return found()


def _own_copy(value: Any, dtype: Any) -> Tensor:
    """A Tensor whose memory nobody else can write to."""
    tensor = as_tensor(value, dtype)
    given = isinstance(value, Tensor) or hasattr(value, "__etude_tensor__")
    return tensor if given else Tensor(xp().copy(tensor.array))
