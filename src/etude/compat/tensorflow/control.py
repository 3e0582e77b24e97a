"""Compiled functions, loops, branches, and Python functions amid tensors."""

from __future__ import annotations

import contextlib
import functools
import sys
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from etude import ops, tree
from etude.autodiff import Tensor
from etude.autodiff.function import Function
from etude.compat.adoption import adopt
from etude.compat.tensorflow.tensors import convert_to_tensor
from etude.compat.tensorflow.text import StringTensor
from etude.errors import DtypeError, TracingError
from etude.naming import name_scope as name_scope

__all__ = [
    "Assert",
    "Module",
    "case",
    "cond",
    "custom_gradient",
    "device",
    "executing_eagerly",
    "foldl",
    "function",
    "group",
    "init_scope",
    "map_fn",
    "name_scope",
    "no_gradient",
    "no_op",
    "numpy_function",
    "print",
    "py_function",
    "recompute_grad",
    "scan",
    "switch_case",
    "vectorized_map",
    "while_loop",
]

# --- compiled functions -------------------------------------------------------------------------


class _Function(Function):
    """A compiled function that runs as plain Python where it needs values that a trace has not.

    TensorFlow rewrites `if` and `for` on tensors into operations of a graph. etude does not; such
    a function is right, only slower, when it is not compiled.
    """

    def __init__(self, fn: Callable[..., Any]):
        super().__init__(fn)
        self.python_function = fn
        self._plain = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the compiled function, or the plain one where that cannot be."""
        if self._plain or any(isinstance(v, StringTensor) for v in tree.flatten((args, kwargs))):
            return self.fn(*args, **kwargs)
        try:
            return super().__call__(*args, **kwargs)
        except (TracingError, DtypeError) as error:
            try:
                result = self.fn(*args, **kwargs)
            except (TracingError, DtypeError):
                raise error from None  # it is amid a trace itself, or wrong in any case
            self._plain = True
            warnings.warn(f"`{self.fn.__name__}` runs uncompiled: {error}", stacklevel=2)
            return result

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself: it is compiled for the arguments that come."""
        return self


def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    **_: Any,
) -> Any:
    """Compiles a function; see `etude.function`.

    >>> @function
    ... def double(x):
    ...     return x * 2
    >>> float(double(3.0))
    6.0
    """
    return _Function if func is None else _Function(func)


# --- loops and branches -------------------------------------------------------------------------


def _is_known(value: Any) -> bool:
    return not isinstance(value, Tensor) or value.is_known()


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    name: str | None = None,
) -> Any:
    """Calls one of two functions.

    >>> cond(True, lambda: "yes", lambda: "no")
    'yes'
    """
    if _is_known(pred):
        chosen = true_fn if bool(pred) else false_fn
        return None if chosen is None else chosen()
    return ops.cond(pred, true_fn, false_fn)


def case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, **_: Any
) -> Any:
    """Calls the first function whose predicate is true.

    >>> case([(False, lambda: 1), (True, lambda: 2)])
    2
    """
    pairs = list(pred_fn_pairs.items() if isinstance(pred_fn_pairs, dict) else pred_fn_pairs)
    if not pairs:
        return None if default is None else default()
    (pred, fn), rest = pairs[0], pairs[1:]
    if not rest and default is None:
        return fn()
    return cond(pred, fn, lambda: case(rest, default))


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, **_: Any
) -> Any:
    """Calls the function with this number.

    >>> switch_case(1, [lambda: "a", lambda: "b"])
    'b'
    """
    numbered = dict(branch_fns) if isinstance(branch_fns, dict) else dict(enumerate(branch_fns))
    last = default or numbered[max(numbered)]
    return case([(ops.equal(branch_index, i), fn) for i, fn in numbered.items()], last)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    *_: Any,
    maximum_iterations: Any = None,
    **__: Any,
) -> Any:
    """Repeats the body while the condition holds.

    >>> [int(v) for v in while_loop(lambda i: i < 3, lambda i: (i + 1,), (0,))]
    [3]
    """
    return ops.while_loop(
        cond,
        body,
        loop_vars,
        maximum_iterations=None if maximum_iterations is None else int(maximum_iterations),
    )


def map_fn(
    fn: Callable[..., Any],
    elems: Any,
    dtype: Any = None,
    fn_output_signature: Any = None,
    name: str | None = None,
    **_: Any,
) -> Any:
    """What a function gives for each row, stacked.

    >>> map_fn(lambda row: row * 2, convert_to_tensor([1.0, 2.0])).numpy().tolist()
    [2.0, 4.0]
    """
    if any(isinstance(leaf, StringTensor) for leaf in tree.flatten(elems)):
        made = [fn(row) for row in elems]
        return tree.map_structure(lambda *rows: _stacked(rows), *made)
    return ops.map(fn, tree.map_structure(convert_to_tensor, elems))


def _stacked(rows: tuple[Any, ...]) -> Any:
    if isinstance(rows[0], StringTensor):
        return StringTensor(np.stack([row.array for row in rows]))
    return ops.stack(list(rows))


vectorized_map = adopt("ops.vectorized_map", "fn elems")


def foldl(fn: Callable[..., Any], elems: Any, initializer: Any = None, **_: Any) -> Any:
    """Combines rows one after the other into one value.

    >>> float(foldl(lambda a, x: a + x, [1.0, 2.0, 3.0]))
    6.0
    """
    rows = list(convert_to_tensor(elems))
    return (
        functools.reduce(fn, rows)
        if initializer is None
        else functools.reduce(fn, rows, convert_to_tensor(initializer))
    )


def scan(
    fn: Callable[..., Any], elems: Any, initializer: Any = None, reverse: bool = False, **_: Any
) -> Any:
    """All intermediate values of a value that is carried along the rows.

    >>> scan(lambda a, x: a + x, convert_to_tensor([1.0, 2.0, 3.0])).numpy().tolist()
    [1.0, 3.0, 6.0]
    """
    elems = tree.map_structure(convert_to_tensor, elems)

    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        new = fn(carry, x)
        return new, new

    if initializer is not None:
        start = tree.map_structure(convert_to_tensor, initializer)
        return ops.scan(step, start, elems, reverse=reverse)[1]
    first = tree.map_structure(lambda t: t[-1] if reverse else t[0], elems)
    rest = tree.map_structure(lambda t: t[:-1] if reverse else t[1:], elems)
    made = ops.scan(step, first, rest, reverse=reverse)[1]
    return tree.map_structure(
        lambda a, b: ops.concatenate([b, a[None]] if reverse else [a[None], b]), first, made
    )


# --- Python amid tensors ------------------------------------------------------------------------


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: Any = None) -> Any:
    """Calls a Python function on tensors, whose values must be known.

    >>> float(py_function(lambda x: x + 1, [1.0], "float32"))
    2.0
    """
    return _as_given(func(*[convert_to_tensor(v) for v in inp]), Tout)


def numpy_function(
    func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: Any = None
) -> Any:
    """Calls a function on NumPy arrays, whose values must be known.

    >>> float(numpy_function(np.sum, [[1.0, 2.0]], "float32"))
    3.0
    """
    return _as_given(func(*[convert_to_tensor(v).numpy() for v in inp]), Tout)


def _as_given(result: Any, dtypes: Any) -> Any:
    if isinstance(dtypes, (list, tuple)):
        results = result if isinstance(result, (list, tuple)) else [result]
        return [convert_to_tensor(r, d) for r, d in zip(results, dtypes, strict=True)]
    return None if result is None else convert_to_tensor(result, dtypes)


def print(
    *inputs: Any, output_stream: Any = None, end: str = "\n", sep: str = " ", **_: Any
) -> None:
    """Prints tensors by their values; amid a trace, by what is known of them.

    >>> print("loss:", convert_to_tensor([1.0, 2.0]), output_stream=sys.stdout)
    loss: [1 2]
    """
    stream = sys.stdout if output_stream is sys.stdout else sys.stderr
    stream.write(sep.join(map(_shown, inputs)) + end)


def _shown(value: Any) -> str:
    if isinstance(value, (Tensor, StringTensor)) and _is_known(value):
        text = str(np.asarray(value))
        return text.replace(".]", "]").replace(". ", " ") if isinstance(value, Tensor) else text
    return str(value)


custom_gradient = adopt("ops.custom_gradient", "f")


def recompute_grad(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function itself: it keeps what its derivative needs."""
    return f


def Assert(condition: Any, data: Any, summarize: Any = None, name: str | None = None) -> None:
    """Refuses a false condition, with data to look at.

    >>> Assert(True, [])
    """
    if _is_known(condition) and not bool(ops.all(condition)):
        raise AssertionError(f"Assertion failed: {data}")


# --- kept for TensorFlow ------------------------------------------------------------------------


def executing_eagerly() -> bool:
    """Whether operations give values at once.

    >>> executing_eagerly()
    True
    """
    return True


@contextlib.contextmanager
def device(device_name: Any = None) -> Generator[None]:
    """Accepted: the engine chooses where it computes."""
    yield


@contextlib.contextmanager
def init_scope() -> Generator[None]:
    """Accepted: variables are made at once anyway."""
    yield


def no_op(name: str | None = None) -> None:
    """Nothing."""


def group(*inputs: Any, **_: Any) -> None:
    """Nothing: everything has run already."""


def no_gradient(op_type: str) -> None:
    """Nothing."""


class Module:
    """A class with Variables, its own and those of attributes that are Modules or layers.

    >>> from etude.compat.tensorflow.tensors import Variable
    >>> class Line(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.w = Variable(2.0)
    >>> len(Line().trainable_variables)
    1
    """

    def __init__(self, name: str | None = None):
        self.name = name or type(self).__name__.lower()

    @property
    def variables(self) -> tuple[Any, ...]:
        """The Variables of the attributes."""
        found: dict[int, Any] = {id(v): v for v in _variables(vars(self))}
        return tuple(found.values())

    @property
    def trainable_variables(self) -> tuple[Any, ...]:
        """Those that training changes."""
        return tuple(v for v in self.variables if v.trainable)


def _variables(value: Any) -> Iterator[Any]:
    if hasattr(value, "__etude_tensor__"):
        yield value
    elif isinstance(value, dict):
        for key in value:
            yield from _variables(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _variables(item)
    elif hasattr(value, "variables"):
        yield from value.variables
