"""Primitives: functions of arrays with a gradient rule beside them.

`@primitive` makes an operation of a forward that sees raw arrays of the active engine.
``@name.gradient`` adds its rule, which sees Tensors and calls operations, so that rules can be
differentiated again. `@composite` marks operations that are written in terms of others.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from etude import config
from etude.autodiff import symbolic
from etude.autodiff.operators import OPS
from etude.autodiff.recording import is_recording, note_cut
from etude.autodiff.tensor import Leaf, Tensor, as_tensor, kept_message
from etude.autodiff.watching import observer
from etude.dtypes import FLOATS, result_type
from etude.engine import xp
from etude.errors import DtypeError, EtudeError, GradientError, ShapeError, TracingError
from etude.tracebacks import cause_of

__all__ = ["OPS", "PRIMITIVES", "Composite", "Primitive", "RecordedCall", "composite", "primitive"]

Array = Any
PRIMITIVES: dict[str, Primitive] = {}
"""Every primitive, private ones included, by name."""

_sequence = itertools.count()


class RecordedCall:
    """One recorded call of a primitive.

    Attributes:
        primitive: what was called.
        inputs: its array inputs; None for one that was left out.
        options: its static options.
        arrays: its outputs, raw: a Tensor here would make a cycle that keeps memory alive.
        single: whether the forward returned one array, not a tuple.
        seq: position in the order of recording, which is a topological order.
    """

    __slots__ = ("__weakref__", "arrays", "inputs", "options", "primitive", "seq", "single")

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Tensor | None, ...],
        options: dict[str, Any],
        arrays: tuple[Array, ...],
        single: bool,
    ):
        self.primitive = primitive
        self.inputs = inputs
        self.options = options
        self.arrays = arrays
        self.single = single
        self.seq = next(_sequence)


def next_sequence() -> int:
    """A number greater than that of every call recorded so far."""
    return next(_sequence)


class _Parameters(NamedTuple):
    """What a primitive needs to know of a function's parameters."""

    names: tuple[str, ...]  # without *args and **kwargs
    required: int  # so many positional ones have no default
    defaults: dict[str, Any]
    variadic: bool  # has *args
    takes_all: bool  # has **kwargs

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _Parameters:
        """Reads them from the code: `inspect.signature` is slow, and there are 400 functions."""
        if hasattr(function, "__signature__"):
            return cls._by_signature(function)
        code = function.__code__
        end = code.co_argcount + code.co_kwonlyargcount
        positional, names = code.co_varnames[: code.co_argcount], code.co_varnames[:end]
        values = function.__defaults__ or ()
        required = code.co_argcount - len(values)
        defaults = dict(zip(positional[required:], values, strict=True))
        flags = code.co_flags
        return cls(
            names,
            required,
            defaults | (function.__kwdefaults__ or {}),
            bool(flags & inspect.CO_VARARGS),
            bool(flags & inspect.CO_VARKEYWORDS),
        )

    @classmethod
    def _by_signature(cls, function: Callable[..., Any]) -> _Parameters:
        found = inspect.signature(function).parameters.values()
        variable = {p.kind for p in found}
        named = [p for p in found if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        return cls(
            tuple(p.name for p in named),
            sum(p.default is p.empty and p.kind is not p.KEYWORD_ONLY for p in named),
            {p.name: p.default for p in named if p.default is not p.empty},
            inspect.Parameter.VAR_POSITIONAL in variable,
            inspect.Parameter.VAR_KEYWORD in variable,
        )


class Primitive:
    """An operation with a forward on arrays and a gradient rule on Tensors.

    Attributes:
        name: the name of the forward.
        inputs: names of the array inputs, empty where their number is open (``*xs``).
        arity: how many array inputs there are, or None where their number is open.
        cast: None, "same" or "float": how the inputs are brought to one dtype.
        none_for_zero: whether the rule gets None for a cotangent that is zero.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        cast: str | None,
        arity: int | None,
        none_for_zero: bool = False,
    ):
        functools.update_wrapper(self, forward)
        self.forward = forward
        self.name = forward.__name__
        self.cast = cast
        self.none_for_zero = none_for_zero
        own = _Parameters.of(forward)
        self.variadic = own.variadic
        self.arity = None if own.variadic else (own.required if arity is None else arity)
        self.inputs = own.names[: self.arity or 0]
        self.option_names = own.names[len(self.inputs) :]
        self.defaults = {n: own.defaults[n] for n in self.option_names if n in own.defaults}
        self.rule: Callable[..., tuple[Any, ...]] | None = None
        self.rule_options: tuple[str, ...] | None = None
        self.reason: str | None = None

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    # --- registration of the rule ---

    def gradient(self, rule: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
        """Registers the rule: ``(g, out, *inputs, **options)`` to one gradient per input."""
        own = _Parameters.of(rule)
        given = 2 if own.variadic else 2 + len(self.inputs)
        self.rule = rule
        self.rule_options = None if own.takes_all else own.names[given:]
        return rule

    def no_gradient(self, reason: str) -> None:
        """Says that there is no derivative; outputs are constants to the tape."""
        self.reason = reason

    @property
    def differentiable(self) -> bool:
        """Whether the tape records calls."""
        return self.reason is None

    def pull_back(
        self, call: RecordedCall, g: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]
    ) -> tuple[Any, ...]:
        """Applies the rule to the cotangents of a recorded call, None where nothing depends."""
        if self.rule is None:
            raise GradientError(
                f"The operation `{self.name}` has no gradient rule. "
                f"Register one with `@{self.name}.gradient`, or say why there is none with "
                f"`{self.name}.no_gradient(reason)`."
            )
        if not self.none_for_zero:
            g = tuple(
                OPS["zeros_like"](Tensor(a)) if c is None else c
                for a, c in zip(call.arrays, g, strict=True)
            )
        options = {**self.defaults, **call.options}
        if self.rule_options is not None:
            options = {name: options[name] for name in self.rule_options}
        if call.single:
            return self.rule(g[0], outputs[0], *call.inputs, **options)
        return self.rule(g, outputs, *call.inputs, **options)

    # --- calls ---

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Computes the outputs; symbolic inputs make a node of the graph instead."""
        if (self.arity is not None and len(args) != self.arity) or (
            options and not self.variadic and any(name in options for name in self.inputs)
        ):
            args, options = self._bind(args, options)
        tensors: list[Tensor | None] = []
        for arg in args:
            if type(arg) is Tensor or arg is None:
                tensors.append(arg)
            elif isinstance(arg, symbolic.KerasTensor):
                return symbolic.call(self, args, options)
            else:
                tensors.append(arg if isinstance(arg, _SCALARS) else as_tensor(arg))  # type: ignore[arg-type]
        if self.cast is not None:
            tensors = _to_one_dtype(tensors, self.cast, self.name)
        else:
            tensors = [as_tensor(t) if isinstance(t, _SCALARS) else t for t in tensors]
        return self._run(tuple(tensors), options)

    def _bind(
        self, args: tuple[Any, ...], options: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sorts inputs given by keyword, and options given by position."""
        names = (*self.inputs, *self.option_names)
        if len(args) > len(names):
            raise DtypeError(
                f"{self.name}() takes at most {len(names)} arguments ({', '.join(names)}); "
                f"got {len(args)}."
            )
        found = dict(zip(names, args, strict=False))
        twice = found.keys() & options.keys()
        if twice:
            raise DtypeError(f"{self.name}() got the argument {min(twice)!r} twice.")
        found |= options
        missing = [name for name in self.inputs if name not in found]
        if missing:
            raise DtypeError(f"{self.name}({', '.join(names)}) misses its argument {missing[0]!r}.")
        inputs = tuple(found.pop(name) for name in self.inputs)
        return inputs, found

    def _run(self, tensors: tuple[Tensor | None, ...], options: dict[str, Any]) -> Any:
        engine = xp()
        own = engine.own
        arrays = [None if t is None else own(t.array) for t in tensors]
        try:
            with engine.quiet():
                out = self.forward(*arrays, **options)
        except (TypeError, ValueError) as error:
            if type(error).__name__ == "UnexpectedTracerError":  # of jax: from a trace that is over
                kept = next(t for t in tensors if t is not None)
                message = kept_message(kept, f"the value, for {self.name.lstrip('_')}(),")
                raise TracingError(message) from cause_of(error)
            refusal = self._refusal(error, arrays)
            if refusal is None:
                raise
            raise refusal from cause_of(error)
        who = observer()
        if who is not None:
            out = _owned(own, out)
            results = out if isinstance(out, tuple) else (out,)  # pyright: ignore[reportUnknownVariableType]
            who.ran(self, arrays, results, options)  # pyright: ignore[reportUnknownArgumentType]
        if is_recording() and any(t is not None and t.origin is not None for t in tensors):
            if self.reason is None:
                return self._record(tensors, options, out)
            if self.name not in _SHAPE_ONLY:
                self._note_cut(tensors, self.reason)
        if isinstance(out, tuple):
            return tuple(Tensor(own(o)) for o in out)  # pyright: ignore[reportUnknownVariableType]
        return Tensor(own(out))

    def _refusal(self, error: Exception, arrays: list[Array]) -> ShapeError | None:
        """What to tell of an error of NumPy or jax: which operation, on which shapes."""
        own = isinstance(error, EtudeError) or type(error).__module__.startswith("jax")
        if own or "loop" in self.option_names or "branch" in self.option_names:
            return None  # it says enough, or comes from a function of the user inside
        shapes = ", ".join(str(tuple(a.shape)) for a in arrays if a is not None)
        dtypes = ", ".join(str(a.dtype) for a in arrays if a is not None)
        return ShapeError(
            f"{self.name.lstrip('_')}() does not fit inputs of shape {shapes} and dtype {dtypes}: "
            f"{error}"
        )

    def _record(self, tensors: tuple[Tensor | None, ...], options: dict[str, Any], out: Any) -> Any:
        own = xp().own
        if isinstance(out, tuple):
            arrays: tuple[Array, ...] = tuple(own(o) for o in out)  # pyright: ignore[reportUnknownVariableType]
            call = RecordedCall(self, tensors, options, arrays, single=False)
            return tuple(Tensor(a, call if _is_float(a) else None, i) for i, a in enumerate(arrays))
        array = own(out)
        if not _is_float(array):
            self._note_cut(tensors, f"its result is of dtype {array.dtype}")
            return Tensor(array)
        return Tensor(array, RecordedCall(self, tensors, options, (array,), single=True))

    def _note_cut(self, tensors: tuple[Tensor | None, ...], why: str) -> None:
        inputs = tuple([t for t in tensors if t is not None and t.origin is not None])
        note_cut(self.name.lstrip("_"), why, inputs)


def _owned(own: Callable[[Any], Array], out: Any) -> Any:
    """Results as arrays of the engine, so that what an observer saw is what goes on."""
    if isinstance(out, tuple):
        return tuple(own(o) for o in out)  # pyright: ignore[reportUnknownVariableType]
    return own(out)


_SCALARS = (bool, int, float)
_SHAPE_ONLY = ("zeros_like", "ones_like")  # values of their inputs are not even read


def _is_float(array: Array) -> bool:
    return array.dtype.kind in "fcV" or str(array.dtype) in FLOATS


def _to_one_dtype(inputs: list[Any], cast: str, name: str) -> list[Any]:
    """Brings inputs to one dtype by the promotion rules; Python scalars are weak."""
    kinds = tuple(
        [_weak(t) if isinstance(t, _SCALARS) else t.array.dtype for t in inputs if t is not None]
    )
    target = _targets.get((kinds, cast, config.floatx()))
    if target is None:
        target = _targets[kinds, cast, config.floatx()] = _target(kinds, cast, name)
    dtype, changes = target
    if not changes:
        return inputs
    return [None if t is None else as_tensor(t, dtype) for t in inputs]


def _weak(scalar: float) -> type:
    """The Python type of a scalar; a numpy.float64 is a Python float too, and as weak."""
    return type(scalar) if type(scalar) in _SCALARS else float


_targets: dict[Any, tuple[str, bool]] = {}
"""For dtypes that have met before: the one that they become, and whether any has to change."""


def _target(kinds: tuple[Any, ...], cast: str, name: str) -> tuple[str, bool]:
    dtype = result_type(*(k if isinstance(k, type) else str(k) for k in kinds))
    if dtype == "string":
        raise DtypeError(f"{name}() expects numbers; got text.")
    if cast == "float" and dtype not in FLOATS and not dtype.startswith("complex"):
        dtype = config.floatx()
    return dtype, any(isinstance(k, type) or str(k) != dtype for k in kinds)


def primitive(
    forward: Callable[..., Any] | None = None,
    *,
    cast: str | None = None,
    arity: int | None = None,
    none_for_zero: bool = False,
) -> Any:
    """Makes an operation of a forward on arrays, and registers it.

    Args:
        forward: array inputs are its positional parameters without default (or ``*xs``); the
            others are static options.
        cast: None leaves the inputs as they are; "same" brings them to one dtype; "float" the
            same, and then to a float.
        arity: the number of array inputs, where it is not that of the parameters without default.
        none_for_zero: whether the rule of a forward with several outputs gets None for the
            cotangent of one that nothing depends on, instead of zeros.
    """

    def register(function: Callable[..., Any]) -> Primitive:
        made = Primitive(function, cast, arity, none_for_zero)
        PRIMITIVES[made.name] = made
        if not made.name.startswith("_"):
            OPS[made.name] = made
        return made

    return register if forward is None else register(forward)


class Composite:
    """An operation written in terms of others; symbolic inputs make one node of it."""

    def __init__(self, function: Callable[..., Any]):
        functools.update_wrapper(self, function)
        self.function = function
        self.name = function.__name__
        self.check: Callable[..., None] | None = None

    def symbolic_check(self, check: Callable[..., None]) -> Callable[..., None]:
        """Registers what symbolic arguments must fulfil, where their sizes alone do not tell."""
        self.check = check
        return check

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function; symbolic inputs make one node of it."""
        if symbolic.any_symbolic(args) or (kwargs and symbolic.any_symbolic(kwargs)):
            if self.check is not None:
                self.check(*args, **kwargs)
            return symbolic.call(self, args, kwargs)
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<operation {self.name}>"


def composite(function: Callable[..., Any]) -> Any:
    """Marks a public operation that is written in terms of other operations."""
    made = Composite(function)
    if not made.name.startswith("_"):
        OPS[made.name] = made
    return made


__all__ += ["Leaf", "next_sequence"]
