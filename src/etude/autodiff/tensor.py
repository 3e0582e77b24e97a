"""Tensor: an array of the active engine and, while recorded, where it came from."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

from etude import config
from etude.autodiff.operators import OPS, Operators
from etude.autodiff.recording import is_recording, note_cut
from etude.autodiff.watching import is_hidden
from etude.dtypes import standardize_dtype
from etude.engine import in_frame, xp
from etude.errors import DtypeError, GradientError, TracingError

if TYPE_CHECKING:
    from etude.autodiff.primitive import RecordedCall

Array = Any


_UFUNCS = {
    "remainder": "mod",
    "degrees": "rad2deg",
    "radians": "deg2rad",
    "fabs": "absolute",
    "conjugate": "conj",
    "invert": "bitwise_not",
}
"""NumPy's names of universal functions that are operations under another name."""


class Leaf:
    """The place of a watched Tensor or a trainable Variable in the graph: it has no inputs."""

    __slots__ = ("owner",)

    seq = -1

    def __init__(self, owner: Any = None):
        self.owner = owner


class Tensor(Operators):
    """An array that operations accept and return.

    Attributes:
        array: the array of the engine that made it.
        origin: the recorded call that made it, or a leaf; None where no tape was watching.
        index: which output of that operation it is.
    """

    __slots__ = ("__weakref__", "_keras_mask", "array", "index", "origin")

    def __init__(self, array: Array, origin: RecordedCall | Leaf | None = None, index: int = 0):
        self.array = array
        self.origin = origin
        self.index = index

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, a tuple of integers."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> Any:
        """The dtype, as NumPy's; it equals its name: ``x.dtype == "float32"``."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self.array.size)

    @property
    def T(self) -> Tensor:
        """The tensor with its axes in reverse order."""
        return OPS["transpose"](self)

    def numpy(self) -> Any:
        """The values as a NumPy array of their own, or a NumPy number where there are no axes.

        Writing to the array changes nothing else.
        """
        return self._known("its values as a NumPy array").copy()[()]

    def item(self) -> Any:
        """The only element as a Python number."""
        return self._known("one of its values").item()

    def tolist(self) -> Any:
        """The values as nested lists."""
        return self._known("its values").tolist()

    def astype(self, dtype: Any) -> Tensor:
        """The same values in another dtype."""
        return OPS["cast"](self, dtype)

    def reshape(self, *shape: Any) -> Tensor:
        """The same values in another shape."""
        new = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return OPS["reshape"](self, new)

    def sum(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Tensor:
        """The sum over axes; ``out`` is there for `numpy.sum`."""
        return OPS["sum"](
            self if dtype is None else self.astype(dtype), axis=axis, keepdims=keepdims
        )

    def mean(
        self, axis: Any = None, dtype: Any = None, out: None = None, keepdims: bool = False
    ) -> Tensor:
        """The mean over axes; ``out`` is there for `numpy.mean`."""
        return OPS["mean"](
            self if dtype is None else self.astype(dtype), axis=axis, keepdims=keepdims
        )

    def is_known(self) -> bool:
        """Whether there are values to look at: not while a program is being traced."""
        return not (xp().is_traced(self.array) or is_hidden(self.array))

    def _known(self, wanted: str) -> Any:
        """The values, or a `TracingError` that names the line which asked for them."""
        if not self.is_known():
            raise TracingError(traced_message(self, wanted))
        if self.origin is not None and is_recording():
            note_cut("numpy()", "a NumPy array, or a number, is a constant to the tape", (self,))
        return xp().to_numpy(self.array)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        values = self._known("its values as a NumPy array")
        if copy or (dtype is not None and values.dtype != dtype):
            return values.astype(values.dtype if dtype is None else dtype)
        values = values.view()
        values.flags.writeable = False  # whoever writes must have a copy: the values stay ours
        return values

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = _UFUNCS.get(ufunc.__name__, ufunc.__name__)
        if method == "__call__" and not kwargs and name in OPS:
            return OPS[name](*inputs)
        if is_recording() and any(isinstance(x, Tensor) and x.origin is not None for x in inputs):
            raise GradientError(
                f"numpy.{ufunc.__name__} would drop the gradient of a Tensor that a tape records. "
                "Use the operation of `etude.ops`; or `tensor.numpy()` where a constant is meant."
            )
        arrays = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __bool__(self) -> bool:
        return bool(self._known("whether it is true"))

    def __int__(self) -> int:
        return int(self._known("its value as an int"))

    def __float__(self) -> float:
        return float(self._known("its value as a float"))

    def __index__(self) -> int:
        return self._known("its value as an index").__index__()

    def __len__(self) -> int:
        if not self.shape:
            raise DtypeError("len() of a Tensor without axes.")
        return self.shape[0]

    def __setitem__(self, key: Any, value: Any) -> None:
        raise DtypeError(
            "A Tensor does not support item assignment: it never changes. Make a new one with "
            "`ops.where`, `ops.slice_update` or `ops.scatter_update`; or change a copy of its "
            "values, `tensor.numpy().copy()`."
        )

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(len(self)):
            yield self[i]

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec and not self.shape else format(str(self), spec)

    def __repr__(self) -> str:
        if xp().is_traced(self.array):
            values = "? (not known while a program is traced)" if in_frame() else "? (never known)"
        else:
            values = xp().to_numpy(self.array)
        return f"<Tensor shape={self.shape} dtype={self.dtype} values={values}>"

    def __copy__(self) -> Tensor:
        return Tensor(self.array, self.origin, self.index)

    def __deepcopy__(self, _: Any) -> Tensor:
        return Tensor(self.array)

    def __reduce__(self) -> Any:
        return (_restore, (self.numpy(),))


def _restore(values: Any) -> Tensor:
    return Tensor(xp().array(values))


def as_tensor(value: Any, dtype: Any = None) -> Tensor:
    """A Tensor from a Tensor, a Variable, an array, a number or nested lists of them.

    Python floats become `config.floatx`, Python ints int32 (int64 where they do not fit).

    Raises:
        DtypeError: the value is nothing that an array could be made of.
    """
    if type(value) is not Tensor:
        value = _convert(value, None if dtype is None else standardize_dtype(dtype))
    if dtype is not None and value.dtype != dtype and str(value.dtype) != standardize_dtype(dtype):
        return OPS["cast"](value, dtype)
    return value


def _convert(value: Any, dtype: str | None) -> Tensor:
    convert = getattr(value, "__etude_tensor__", None)
    if convert is not None:
        return convert()
    if type(value) in (bool, int, float, complex):  # a numpy.float64 is a float, with its dtype
        return Tensor(xp().array(value, dtype or _scalar_dtype(value)))
    if isinstance(value, (list, tuple)):
        return _from_nested(value, dtype)
    return Tensor(xp().array(value, dtype))


def _scalar_dtype(value: complex) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int32" if -(2**31) <= value < 2**31 else "int64"
    return config.floatx() if isinstance(value, float) else "complex64"


def _from_nested(value: list[Any] | tuple[Any, ...], dtype: str | None) -> Tensor:
    """A Tensor from nested lists; Tensors inside stay part of the recorded graph."""
    leaves: list[Any] = []
    _collect(value, leaves)
    if any(isinstance(leaf, Tensor) or hasattr(leaf, "__etude_tensor__") for leaf in leaves):
        return OPS["stack"]([as_tensor(v, dtype) for v in value])
    if dtype is None and leaves and all(isinstance(v, (int, float, complex)) for v in leaves):
        dtype = _widest(leaves)
    array = xp().array(value, dtype)
    return Tensor(array if leaves or dtype else xp().astype(array, config.floatx()))


def _widest(leaves: list[Any]) -> str:
    if any(isinstance(v, complex) for v in leaves):
        return "complex64"
    if any(isinstance(v, float) for v in leaves):
        return config.floatx()
    return "bool" if all(isinstance(v, bool) for v in leaves) else max(map(_scalar_dtype, leaves))


def _collect(value: Any, leaves: list[Any]) -> None:
    if isinstance(value, (list, tuple)):
        for v in value:
            _collect(v, leaves)
    else:
        leaves.append(value)


def is_tensor(value: Any) -> bool:
    """Whether a value is a Tensor.

    >>> is_tensor(as_tensor(1.0)), is_tensor(1.0)
    (True, False)
    """
    return isinstance(value, Tensor)


def traced_message(tensor: Tensor, wanted: str) -> str:
    """What to tell someone whose code needs a value that a trace does not have."""
    if not in_frame():
        return kept_message(tensor, wanted)
    return (
        f"{_user_line()} needs {wanted} of a Tensor of shape {tensor.shape} and dtype "
        f"{tensor.dtype}, but the program is being traced for compilation and the value is not "
        "known yet. Use `ops.where` or `ops.cond` in the place of a Python `if`, "
        "`ops.while_loop` or `ops.fori_loop` in the place of a Python loop; or run uncompiled: "
        "`compile(..., run_eagerly=True)`, or the engine 'numpy'."
    )


def kept_message(tensor: Tensor, wanted: str) -> str:
    """What to tell someone who kept a Tensor of a trace that is over."""
    return (
        f"{_user_line()} needs {wanted} of a Tensor of shape {tensor.shape} and dtype "
        f"{tensor.dtype} that has none: it was kept, in an attribute or a list perhaps, while a "
        "program was traced for compilation, and stands for a number that only the running program "
        "knows. Return it from the step or the function, e.g. `return {'loss': loss}`; or keep it "
        "in a Variable: `self.last = etude.Variable(0.0, trainable=False)`, made once, and "
        "`self.last.assign(loss)`; or run uncompiled: `compile(..., run_eagerly=True)`, or the "
        "engine 'numpy'."
    )


def _user_line() -> str:
    """File, line and text of the innermost frame outside of etude."""
    import linecache  # noqa: PLC0415  (only on the way to an error)

    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "etude":
        frame = frame.f_back
    if frame is None:
        return "The code"
    name, line = frame.f_code.co_filename, frame.f_lineno
    text = linecache.getline(name, line, frame.f_globals).strip()
    return f"{name}, line {line} (`{text}`)" if text else f"{name}, line {line}"
