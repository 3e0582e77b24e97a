"""Symbolic tensors: shapes and dtypes without values, and the graph of calls on them.

There is one way by which shapes become known: the operation is evaluated abstractly by the
engine. Dimensions that are not known yet (None) are found by evaluating with two sizes: what
differs in the result is not known either.
"""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any

from etude import tree
from etude.autodiff.operators import OPS, Operators
from etude.autodiff.tensor import Tensor, as_tensor
from etude.dtypes import standardize_dtype
from etude.engine import xp
from etude.errors import DtypeError, SerializationError, ShapeError, SymbolicValueError

__all__ = ["KerasTensor", "Node", "any_symbolic", "call", "eval_shape", "unknown_size"]


class KerasTensor(Operators):
    """A tensor that is not computed yet: shape and dtype, and the call it will come from.

    Args:
        shape: integers, or None where the size is not known, e.g. of the batch.
        dtype: name of the dtype.
        name: shown in error messages and summaries.

    Attributes:
        producer: the `Node` that makes it and which of its outputs it is, or None.
    """

    __slots__ = (
        "__weakref__",
        "_keras_mask",
        "dtype",
        "name",
        "producer",
        "ragged",
        "record_history",
        "shape",
        "sparse",
    )

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None):
        if isinstance(shape, int):
            raise ShapeError(f"Cannot convert {shape!r} to a shape: write ({shape},) for one axis.")
        self.shape: tuple[int | None, ...] = tuple(shape)
        self.dtype = standardize_dtype(dtype)
        self.name = name or f"keras_tensor_{id(self):x}"
        self.producer: tuple[Node, int] | None = None
        self.sparse = self.ragged = False  # etude has dense tensors only

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:
        """The tensor with its axes in reverse order."""
        return OPS["transpose"](self)

    def reshape(self, *shape: Any) -> Any:
        """The same values in another shape."""
        new = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return OPS["reshape"](self, new)

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of size 1."""
        return OPS["squeeze"](self, axis=axis)

    def __eq__(self, other: object) -> Any:
        if self is other:  # a graph looks for its tensors
            return True
        return OPS["equal"](self, other) if _is_operand(other) else False

    def __ne__(self, other: object) -> Any:
        return OPS["not_equal"](self, other) if _is_operand(other) else self is not other

    __hash__ = object.__hash__

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise DtypeError(f"The length of {self!r} is not known.")
        return self.shape[0]

    def _no_value(self, wanted: str) -> SymbolicValueError:
        return SymbolicValueError(
            f"A symbolic tensor doesn't have any actual numerical value: {self!r} {wanted}. They "
            "come from `Input` and describe a model; use operations of `etude.ops` or a layer on "
            "them, and call the finished model on data to get values."
        )

    def __iter__(self) -> Any:
        raise self._no_value("cannot be iterated over")

    def __bool__(self) -> bool:
        raise self._no_value("cannot be used as a boolean. `ops.where` chooses by values")

    def __float__(self) -> float:
        raise self._no_value("cannot be used as a number")

    def __int__(self) -> int:
        raise self._no_value("cannot be used as a number")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise self._no_value("cannot be used as an array")

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def _is_operand(value: object) -> bool:
    return isinstance(value, (KerasTensor, int, float, bool)) or hasattr(value, "dtype")


class Node:
    """One symbolic call: an operation, its arguments, and the tensors it makes.

    Attributes:
        operation: a layer, a primitive or a composite.
        args: its positional arguments, with KerasTensors in them.
        kwargs: its keyword arguments, likewise.
        inputs: the KerasTensors among the arguments, flat.
        outputs: the KerasTensors it makes, flat.
        structure: its outputs as the call returned them.
    """

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any):
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.structure = outputs
        self.inputs = [t for t in tree.flatten((args, kwargs)) if isinstance(t, KerasTensor)]
        self.outputs = [t for t in tree.flatten(outputs) if isinstance(t, KerasTensor)]
        for i, tensor in enumerate(self.outputs):
            tensor.producer = (self, i)

    def __repr__(self) -> str:
        return f"<Node of {getattr(self.operation, 'name', self.operation)}>"


def any_symbolic(structure: Any) -> bool:
    """Whether there is a KerasTensor anywhere in a structure.

    >>> any_symbolic({"x": [KerasTensor((2,))]}), any_symbolic([1.0])
    (True, False)
    """
    if isinstance(structure, (list, tuple)):
        return any(map(any_symbolic, structure))
    if isinstance(structure, dict):
        return any(map(any_symbolic, structure.values()))
    return isinstance(structure, KerasTensor)


def call(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls an operation on symbolic tensors: finds the outputs' shapes, and makes the node."""
    try:
        outputs = eval_shape(operation, *args, **kwargs)
    except (TypeError, ValueError, IndexError) as error:
        symbols = [t for t in tree.flatten((args, kwargs)) if isinstance(t, KerasTensor)]
        shapes = ", ".join(str(t.shape) for t in symbols)
        raise ShapeError(
            f"{getattr(operation, 'name', operation)}() does not fit symbolic inputs of shape "
            f"{shapes} (None is a size that is not known yet; some were tried): {error}"
        ) from error
    Node(operation, args, kwargs, outputs)
    return outputs


# Two sizes for a dimension that is not known. They are unlikely to be met otherwise. The first
# axis, the batch, gets small ones, because the engine 'numpy' really computes with them.
_BATCH = (2, 5)  # not 2 and 3, whose halves are both 1
_OTHER = (83, 191)
_DIVISIBLE = (120, 240)
_SMALL = 7  # where it fits, too: a slice `[:80]` of 83 and of 191 is 80, but not of 7
_TRIES = 40  # how many ways to settle unknown sizes are tried before shapes count as misfits

Shapes = list[tuple[tuple[int, ...], str]]
Place = tuple[int, int]
"""Which axis of which symbolic tensor."""


def eval_shape(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a function would return, as KerasTensors; nothing is kept of what it assigns.

    Args:
        fn: takes Tensors where the arguments hold KerasTensors.
        *args: arguments, nested, with KerasTensors in them.
        **kwargs: likewise.

    Returns:
        The structure that ``fn`` returns, with KerasTensors in the place of Tensors.

    >>> from etude import ops
    >>> eval_shape(ops.matmul, KerasTensor((None, 3)), KerasTensor((3, 4))).shape
    (None, 4)
    """
    leaves = tree.flatten((args, kwargs))
    symbols = [t for t in leaves if isinstance(t, KerasTensor)]
    attempt = _Attempt(fn, (args, kwargs), leaves, symbols)
    try:
        first, second, third = attempt.rounds({})
    except SerializationError:  # a file describes more than is made for it: not a misfit
        raise
    except Exception as error:
        if not attempt.unknown:
            raise
        first, second, third = _settle(attempt, error)
    made = iter(
        KerasTensor([a if a == b == c else None for a, b, c in zip(x, y, z, strict=True)], dtype)
        for (x, dtype), (y, _), (z, _) in zip(first, second, third, strict=True)
    )
    return tree.map_structure(lambda leaf: next(made) if leaf is _TENSOR else leaf, attempt.form)


def _settle(attempt: _Attempt, error: Exception) -> tuple[Shapes, Shapes, Shapes]:
    """Shapes where sizes that are all different do not work: some unknown ones must be equal.

    Tried are: one size for all of them; sizes with many divisors, which a reshape or a split asks
    for; then, for one and for two of them, size 1 (which broadcasts) and the sizes and numbers
    among the arguments, so that (None, 3) + (2, None) is (2, 3).
    """
    for low, high in (_OTHER, _DIVISIBLE):
        for batches in ((low, high), _BATCH):  # one size for the batch too, or one of its own
            with suppress(Exception):
                first = attempt.shapes(batches[0], low)
                second = attempt.shapes(batches[1], high)
                if len(first) == len(second):
                    return first, second, second
    given: set[int] = {n for n in attempt.leaves if type(n) is int and n > 0}
    if len(attempt.symbols) < 2 and not given:
        raise error from None
    known = sorted({n for t in attempt.symbols for n in t.shape if n is not None} | given | {1})
    ways = (
        dict(zip(places, sizes, strict=True))
        for count in (1, 2)
        for places in itertools.combinations(attempt.unknown, count)
        for sizes in itertools.product(known, repeat=count)
    )
    for fixed in itertools.islice(ways, _TRIES):
        with suppress(Exception):
            return attempt.rounds(fixed)
    raise error from None


class _Probe(threading.local):
    """The size that stands for one which depends on values, in the evaluation under way."""

    size: int | None = None
    asked = False
    batch: int | None = None  # stands for a batch that is not known
    others: tuple[int, ...] = ()  # stand for other sizes that are not known
    sample: int | None = None  # the size of a batch that was taken as a sample


_probe = _Probe()


def unknown_size() -> int | None:
    """A size to take for one that depends on values, so that it becomes None; None with values.

    Operations such as `unique` ask for it: only in a symbolic call there is one.

    >>> unknown_size() is None
    True
    """
    _probe.asked = True
    return _probe.size


def opened(shape: Any) -> tuple[int | None, ...]:
    """A shape as it is, with None in the place of sizes that are only tried for unknown ones.

    What a layer makes while its shapes are found must not keep a size that was tried.

    >>> opened((2, 3))
    (2, 3)
    """
    found = tuple(shape)
    if _probe.batch is None and not _probe.others:
        return found
    return tuple(
        None if (n == _probe.batch if axis == 0 else n in _probe.others) else n
        for axis, n in enumerate(found)
    )


@contextmanager
def sample_batch(size: int) -> Generator[None]:
    """Inside, a model is shown a batch of this size as a sample; the next may have another."""
    before, _probe.sample = _probe.sample, size
    try:
        yield
    finally:
        _probe.sample = before


def is_sample_batch(size: int | None) -> bool:
    """Whether a first axis of this size is that of a sample, see `sample_batch`."""
    return size is not None and size == _probe.sample


_TENSOR = object()


class _Attempt:
    """An abstract evaluation with given sizes for the unknown dimensions.

    Attributes:
        unknown: the places of the dimensions that are not known.
    """

    def __init__(
        self, fn: Callable[..., Any], arguments: Any, leaves: list[Any], symbols: list[KerasTensor]
    ):
        self.fn = fn
        self.arguments = arguments
        self.leaves = leaves
        self.symbols = symbols
        self.form: Any = None
        self.unknown: list[Place] = [
            (i, axis) for i, t in enumerate(symbols) for axis, n in enumerate(t.shape) if n is None
        ]

    def rounds(self, fixed: dict[Place, int]) -> tuple[Shapes, Shapes, Shapes]:
        """Shapes for different sizes of what is not known, apart from places that are fixed."""
        before, _probe.asked = _probe.asked, False
        first = self.shapes(_BATCH[0], _OTHER[0], fixed)
        varies, _probe.asked = bool(self.unknown) or _probe.asked, before or _probe.asked
        if not varies:
            return first, first, first
        second = self.shapes(_BATCH[1], _OTHER[1], fixed)
        if len(first) != len(second):
            raise ShapeError("How many outputs there are depends on a size that is not known yet.")
        return first, second, self._small_shapes(second, fixed)

    def shapes(self, batch: int, other: int, fixed: dict[Place, int] | None = None) -> Shapes:
        """Shapes and dtypes of the Tensors that the function returns."""
        sizes = fixed or {}
        specs = [
            (
                tuple(
                    sizes.get((i, axis), other if axis else batch) if n is None else n
                    for axis, n in enumerate(t.shape)
                ),
                t.dtype,
            )
            for i, t in enumerate(self.symbols)
        ]
        before = _probe.size, _probe.batch, _probe.others
        _probe.size = batch
        if any(axis == 0 for _, axis in self.unknown):
            _probe.batch = batch
        if any(axis for _, axis in self.unknown) and other in _OTHER:
            _probe.others = (*_probe.others, other)
        try:
            return xp().eval_shape(self._run, specs)
        finally:
            _probe.size, _probe.batch, _probe.others = before

    def _small_shapes(self, found: Shapes, fixed: dict[Place, int]) -> Shapes:
        """Shapes for small sizes; those found already where small sizes do not work."""
        if not any(axis for _, axis in self.unknown):
            return found
        try:
            small = self.shapes(_BATCH[1], _SMALL, fixed)
        except Exception:
            return found
        same = [len(shape) for shape, _ in small] == [len(shape) for shape, _ in found]
        return small if same else found

    def _run(self, arrays: list[Any]) -> list[Any]:
        rest = iter(arrays)
        filled = [Tensor(next(rest)) if isinstance(t, KerasTensor) else t for t in self.leaves]
        args, kwargs = tree.pack_sequence_as(self.arguments, filled)
        result = self.fn(*args, **kwargs)
        outputs: list[Any] = []

        def mark(leaf: Any) -> Any:
            if isinstance(leaf, Tensor) or hasattr(leaf, "__etude_tensor__"):
                outputs.append(as_tensor(leaf).array)
                return _TENSOR
            return leaf

        self.form = tree.map_structure(mark, result)
        return outputs
