"""Tensors: constants and conversion, and TensorFlow's methods on etude's own Tensor.

Importing this module gives `etude.Tensor` those methods, for the whole process: code around a
layer meets the tensors that the layer makes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from etude import ops
from etude.autodiff import KerasTensor, Tensor
from etude.compat.adoption import adopt, integers
from etude.compat.tensorflow.shapes import TensorShape
from etude.compat.tensorflow.text import StringTensor, as_text, is_text
from etude.errors import DtypeError, ShapeError
from etude.variable import Variable as KerasVariable

__all__ = [
    "Tensor",
    "Variable",
    "constant",
    "convert_to_tensor",
    "ensure_shape",
    "identity",
    "is_tensor",
    "stop_gradient",
]

stop_gradient = adopt("ops.stop_gradient", "input")


def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None
) -> Any:
    """A tensor from numbers, strings, arrays, a DataFrame, or nested lists of them.

    >>> convert_to_tensor([1, 2]).dtype, convert_to_tensor(["a"]).dtype
    (dtype('int32'), tf.string)
    """
    if hasattr(value, "to_numpy"):  # a DataFrame or a Series of pandas
        value = value.to_numpy()
    if is_text(value):
        if dtype not in (None, "string", str):
            raise DtypeError(f"Expected numbers for a tensor of dtype {dtype}; got text.")
        return as_text(value)
    if dtype == "string":
        return as_text(np.asarray(value, dtype=object))
    if getattr(getattr(value, "dtype", None), "kind", "") == "O" and np.size(value):
        value = np.asarray(value).tolist()  # of Python numbers, or of arrays
    return ops.convert_to_tensor(value, dtype)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Any:
    """A tensor of these values; one value fills the shape.

    >>> constant(2.0, shape=(2, 2)).numpy().tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    tensor = convert_to_tensor(value, dtype)
    if shape is None or isinstance(tensor, StringTensor):
        return tensor
    if tensor.size == 1:
        return ops.broadcast_to(ops.reshape(tensor, ()), integers(shape))
    return ops.reshape(tensor, integers(shape))


def is_tensor(x: Any) -> bool:
    """Whether it is a Tensor, a Variable or text that was made a tensor.

    >>> is_tensor(constant(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(x, (Tensor, KerasTensor, KerasVariable, StringTensor))


def identity(input: Any, name: str | None = None) -> Any:
    """The same tensor.

    >>> float(identity(2.0))
    2.0
    """
    return input if isinstance(input, StringTensor) else ops.convert_to_tensor(input)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Any:
    """The tensor itself, once its shape fits.

    Raises:
        ShapeError: it does not.

    >>> ensure_shape(np.zeros((2, 3)), [None, 3]).shape
    (2, 3)
    """
    tensor = convert_to_tensor(x)
    if not TensorShape(shape).is_compatible_with(tensor.shape):
        raise ShapeError(f"Expected a tensor of shape {tuple(shape)}; got {tuple(tensor.shape)}.")
    return tensor


class _AnyVariable(type):
    """Weights of layers count as Variables of TensorFlow."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, KerasVariable)


class Variable(KerasVariable, metaclass=_AnyVariable):
    """`etude.Variable` with TensorFlow's arguments.

    >>> v = Variable(initial_value=[1.0, 2.0], name="v")
    >>> _ = v.assign_add([1.0, 1.0])
    >>> v.numpy().tolist(), isinstance(v, Variable)
    ([2.0, 3.0], True)
    """

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = True,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: Any = None,
        constraint: Any = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
        **_: Any,
    ):
        value = initial_value() if callable(initial_value) else initial_value
        tensor = convert_to_tensor(value, dtype)
        if isinstance(tensor, StringTensor):
            raise DtypeError("A Variable holds numbers; got text. Keep text in a Python variable.")
        super().__init__(tensor, trainable=trainable is not False, name=_plain_name(name))
        self.constraint = constraint

    def read_value(self) -> Tensor:
        """The current value."""
        return self.value

    def get_shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(self.shape)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Variable:
        """Replaces the elements at these indices."""
        self.assign(ops.scatter_update(self.value, indices, updates))
        return self


def _plain_name(name: str | None) -> str | None:
    return None if name is None else name.partition(":")[0].replace("/", "_")


class _Reference:
    """A tensor as a key of a dictionary: equal to a reference to the same one."""

    def __init__(self, tensor: Any):
        self._tensor = tensor

    def deref(self) -> Any:
        """The tensor."""
        return self._tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Reference) and self._tensor is other._tensor

    def __hash__(self) -> int:
        return id(self._tensor)


def _shape(self: Tensor) -> TensorShape:
    """The shape."""
    return TensorShape(self.array.shape)


def _ref(self: Any) -> _Reference:
    """The tensor as a key of a dictionary."""
    return _Reference(self)


def _set_shape(self: Tensor, shape: Any) -> None:
    """Checks the shape, which is always known here."""
    ensure_shape(self, shape)


def _add_methods() -> None:
    for name, method in {
        "shape": property(_shape),
        "get_shape": _shape,
        "set_shape": _set_shape,
        "ref": _ref,
        "eval": Tensor.numpy,
        "device": "",
    }.items():
        setattr(Tensor, name, method)
    KerasVariable.ref = _ref  # type: ignore[attr-defined]


_add_methods()
