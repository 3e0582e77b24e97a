"""`function`: imperative code on Tensors and Variables as one compiled program."""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from etude import config, tree
from etude.autodiff.recording import is_recording
from etude.autodiff.side_effects import SideEffects
from etude.autodiff.symbolic import any_symbolic
from etude.autodiff.tensor import Tensor, as_tensor
from etude.engine import in_frame, xp
from etude.errors import DtypeError
from etude.tracebacks import is_machinery, shortened

__all__ = ["Function", "as_input", "function"]

_DYNAMIC = object()


class Function:
    """A function that is compiled on the engine ``xla``, and just runs on ``numpy``.

    Attributes:
        notes: what its operations said about themselves while it was traced.
        traces: how many times it was traced for compilation.
    """

    def __init__(self, fn: Callable[..., Any]):
        functools.update_wrapper(self, fn)
        self.fn = fn
        self.traces = 0
        self._side_effects = SideEffects(at_once=True)
        self._programs: dict[str, Any] = {}

    @property
    def notes(self) -> set[str]:
        """What the operations said about themselves, for the active engine."""
        return self._program().notes

    def _program(self) -> Any:
        name = config.backend()
        if name not in self._programs:
            self._programs[name] = xp().Program(self._run)
        return self._programs[name]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    @shortened
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the program for these arguments; traces it first where their shapes are new."""
        if in_frame() or is_recording() or any_symbolic((args, kwargs)):
            return self.fn(*args, **kwargs)  # part of something larger
        if xp().name == "numpy":  # nothing to compile; what goes in and out is of the same kinds
            args, kwargs = tree.map_structure(as_input, (args, kwargs))
            return tree.map_structure(_as_output, self.fn(*args, **kwargs))
        arrays, static = _split((args, kwargs))
        outputs, form = self._program()(arrays, static)
        rest = iter(outputs)
        return tree.map_structure(
            lambda leaf: Tensor(next(rest)) if leaf is _DYNAMIC else leaf, form
        )

    def prepare(self, *args: Any, **kwargs: Any) -> Function:
        """Traces the function for arguments like these without running it; returns itself."""
        if xp().name != "numpy":
            self._program().prepare(*_split((args, kwargs)))
        return self

    def _run(self, arrays: list[Any], static: _Static) -> tuple[list[Any], Any]:
        self.traces += 1
        rest = iter(arrays)
        leaves = [Tensor(next(rest)) if leaf is _DYNAMIC else leaf for leaf in static.leaves]
        args, kwargs = tree.pack_sequence_as(static.form, leaves)
        outputs: list[Any] = []

        def mark(leaf: Any) -> Any:
            if isinstance(leaf, Tensor) or hasattr(leaf, "__etude_tensor__"):
                outputs.append(as_tensor(leaf).array)
                return _DYNAMIC
            return leaf

        name = getattr(self.fn, "__name__", "a function")
        owners = [arg for arg in args[:1] if _is_object_of_user(arg)]
        with self._side_effects.watching(f"`{name}`", owners, [self.fn]):
            results = self.fn(*args, **kwargs)
        form = tree.map_structure(mark, results)
        return outputs, form


def _is_object_of_user(value: Any) -> bool:
    """Whether a method may have been compiled, whose first argument is this object."""
    return hasattr(value, "__dict__") and not is_machinery(type(value).__module__)


def as_input(leaf: Any) -> Any:
    """An array or a number as a Tensor, which a function sees on both engines; all else as it is.

    >>> as_input(2.0).shape, as_input("text")
    ((), 'text')
    """
    if isinstance(leaf, (Tensor, bool)) or hasattr(leaf, "__etude_tensor__"):
        return leaf
    if isinstance(leaf, (int, float)):
        return as_tensor(leaf)
    if hasattr(leaf, "__array__") and np.asarray(leaf).dtype.kind not in "OUSMm":
        return as_tensor(leaf)
    return leaf


def _as_output(leaf: Any) -> Any:
    return as_tensor(leaf) if hasattr(leaf, "__etude_tensor__") else leaf


class _Static:
    """What of a call is not an array: the structure, and the leaves that are Python values."""

    __slots__ = ("form", "key", "leaves")

    def __init__(self, form: Any, leaves: tuple[Any, ...]):
        self.form = form
        self.leaves = leaves
        kinds = tuple(
            (
                type(leaf),
                id(leaf) if hasattr(leaf, "__etude_tensor__") else leaf,
            )  # == is elementwise
            for leaf in leaves
        )
        self.key = (_shape_of(form), kinds)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Static) and self.key == other.key


def _shape_of(structure: Any) -> Any:
    """A hashable description of a structure's form."""
    if isinstance(structure, dict):
        return (dict, tuple((k, _shape_of(structure[k])) for k in structure))
    if isinstance(structure, (list, tuple)):
        return (type(structure), tuple(map(_shape_of, structure)))
    return None


def _split(arguments: Any) -> tuple[list[Any], _Static]:
    """Arrays and numbers become inputs of the program; everything else is part of its identity."""
    arrays: list[Any] = []
    leaves: list[Any] = []
    own = xp().own
    for leaf in tree.flatten(arguments):
        if isinstance(leaf, Tensor):
            arrays.append(own(leaf.array))
        elif (isinstance(leaf, (int, float)) and not isinstance(leaf, bool)) or (
            hasattr(leaf, "__array__") and not hasattr(leaf, "__etude_tensor__")
        ):
            arrays.append(as_tensor(leaf).array)
        else:
            leaves.append(_hashable(leaf))
            continue
        leaves.append(_DYNAMIC)
    form = tree.map_structure(lambda _: None, arguments)
    return arrays, _Static(form, tuple(leaves))


def _hashable(leaf: Any) -> Any:
    try:
        hash(leaf)
    except TypeError:
        raise DtypeError(
            "Arguments of a compiled function must be Tensors, arrays, numbers, or hashable "
            f"Python values; got {type(leaf).__name__}: {leaf!r}."
        ) from None
    return leaf


def function(fn: Callable[..., Any] | None = None, **_: Any) -> Any:
    """Compiles imperative code on Tensors and Variables into one program.

    The function is traced once for each combination of shapes and dtypes. It may read and assign
    Variables, take gradients with `GradientTape`, draw random numbers, and call other functions.
    Arrays and numbers are inputs of the program; other arguments (strings, booleans, None,
    objects) are constants of it: another value means another trace. Python side effects, such as
    ``print`` or a counter, happen while tracing only, and a warning says so. On the engine
    ``numpy`` the function just runs.

    Args:
        fn: the function; without it, a decorator is returned.
        **_: options of ``tf.function``, accepted and not needed.

    Example:
    >>> import etude
    >>> total = etude.Variable(0.0)
    >>> @etude.function
    ... def add(x):
    ...     total.assign(total + x)
    ...     return total * 2
    >>> float(add(1.0)), float(add(2.0)), float(total.value)
    (2.0, 6.0, 3.0)
    """
    return Function if fn is None else Function(fn)  # type: ignore[return-value]
