"""The engine ``numpy``: every operation runs at once, in plain NumPy.

What is not defined here, in `etude.engine.numpy_kernels` or in `etude.engine.numpy_sums` is NumPy's
own function of that name.
"""

# Nested structures have leaves of any type:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from etude import tree
from etude.allowance import check_array, is_limited
from etude.dtypes import itemsize
from etude.engine import numpy_kernels, numpy_sums
from etude.engine.cell import Frame, no_frame, shapes_only
from etude.engine.numbers import as_numbers
from etude.errors import DtypeError, EngineError

Array = Any

name = "numpy"


def __getattr__(attribute: str) -> Any:
    """NumPy's function of that name; kept here, so that it is looked up once."""
    if attribute.startswith("__"):
        raise AttributeError(attribute)
    named = [m for m in (numpy_kernels, numpy_sums) if attribute in m.__all__]
    found = getattr(named[0] if named else np, attribute)
    globals()[attribute] = found
    return found


def own(value: Array) -> Array:
    """An array of this engine: as it is where it is one, else converted."""
    if _met is not None and isinstance(value, np.ndarray):
        _met.append((value.shape, value.itemsize))
    return value if type(value) is np.ndarray else np.asarray(value)


_met: list[tuple[tuple[int, ...], int]] | None = None
"""Shapes and item sizes of all arrays on the way, while `_check_sizes` looks for them."""


def array(value: Any, dtype: str | None = None) -> Array:
    """Converts numbers, lists, and arrays of any kind to an array of this engine."""
    if dtype == "bfloat16":
        dtype = _bfloat16()
    found = as_numbers(value)
    shared = hasattr(value, "__array__")  # then it is copied: the caller may write to theirs
    return found.astype(dtype or found.dtype, copy=shared)


def _bfloat16() -> Any:
    try:
        import ml_dtypes  # noqa: PLC0415  (optional: it comes with jax)
    except ImportError:
        raise DtypeError(
            "The engine 'numpy' has bfloat16 only where the package ml_dtypes is installed. "
            "Run `pip install ml_dtypes`, or use float32."
        ) from None
    return ml_dtypes.bfloat16


def astype(value: Array, dtype: str) -> Array:
    """The same values in another dtype."""
    return value.astype(_bfloat16() if dtype == "bfloat16" else dtype)


def to_numpy(value: Array) -> np.ndarray[Any, Any]:
    """The array as NumPy sees it."""
    return np.asarray(value)


def is_traced(value: Array) -> bool:
    """Whether the value is unknown yet: never, on this engine."""
    return False


def quiet() -> AbstractContextManager[Any]:
    """A context without NumPy's warnings: log 0 is -inf on both engines, in silence."""
    return np.errstate(all="ignore")


def settle() -> None:
    """Nothing to do between epochs."""


def block(value: Array) -> Array:
    """Waits until an array is computed; here it always is."""
    return value


@contextmanager
def concretely() -> Generator[None]:
    """Runs what is inside at once and for good, also in the middle of a trace."""
    with no_frame():
        yield


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None = None,
    reverse: bool = False,
    stateful: bool = False,
) -> tuple[Any, Any]:
    """Carries a value along the leading axis of ``xs``: ``carry, y = f(carry, x)``.

    Args:
        f: the step; takes and returns nested arrays.
        init: the first carry.
        xs: nested arrays, (T, ...) each, or None.
        length: T, where there are no ``xs``.
        reverse: whether to go from the last step to the first; the ys stay in the order of the xs.
        stateful: whether ``f`` may write cells; makes no difference here.

    Returns:
        The last carry, and the ys, (T, ...) each.
    """
    leaves = [leaf for leaf in tree.flatten(xs) if leaf is not None]
    steps = len(leaves[0]) if leaves else int(length or 0)
    ys: list[Any] = [None] * steps
    carry = init
    if steps == 0:
        _, y = f(
            init,
            tree.map_structure(
                lambda x: None if x is None else np.zeros_like(x, shape=x.shape[1:]), xs
            ),
        )
        return init, tree.map_structure(
            lambda leaf: None if leaf is None else np.zeros((0, *leaf.shape), leaf.dtype), y
        )
    for t in reversed(range(steps)) if reverse else range(steps):
        carry, ys[t] = f(carry, tree.map_structure(lambda x, t=t: None if x is None else x[t], xs))
    return carry, tree.map_structure(lambda *y: None if y[0] is None else np.stack(y), *ys)


def while_loop(
    cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any, stateful: bool = False
) -> Any:
    """Repeats ``carry = body(carry)`` while ``cond(carry)`` is true."""
    carry = init
    if shapes_only():  # one round tells the shapes; zeros may never end a loop
        return body(carry)
    while bool(cond(carry)):
        carry = body(carry)
    return carry


def cond(
    predicate: Array,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    *operands: Any,
    stateful: bool = False,
) -> Any:
    """Calls one of two functions."""
    return true_fn(*operands) if bool(predicate) else false_fn(*operands)


def eval_shape(
    fn: Callable[[list[Array]], list[Array]], specs: list[tuple[tuple[int, ...], str]]
) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes of what ``fn`` returns for arrays of the given shapes and dtypes.

    The function runs on zeros; costly kernels see `shapes_only` and leave their arithmetic out.
    """
    if is_limited():
        _check_sizes(fn, specs)
    inputs = [
        np.zeros(shape, _bfloat16() if dtype == "bfloat16" else dtype) for shape, dtype in specs
    ]
    with Frame(shapes_only=True), quiet():
        return [(tuple(a.shape), str(a.dtype)) for a in fn(inputs)]


def _check_sizes(
    fn: Callable[[list[Array]], list[Array]], specs: list[tuple[tuple[int, ...], str]]
) -> None:
    """Refuses what a file describes where arguments or results would be very large.

    A batch of no samples takes no memory, and shows the other sizes.
    """
    for shape, dtype in specs:
        check_array(math.prod(shape) * itemsize(dtype))
    # `max` may be NumPy's here, once it was asked for.
    batch = sorted([1, *(shape[0] for shape, _ in specs if shape)])[-1]
    empty = [np.zeros((0, *shape[1:]) if shape else (), dtype) for shape, dtype in specs]
    global _met
    before, _met = _met, []
    try:
        with Frame(shapes_only=True), quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _met += [(a.shape, a.itemsize) for a in fn(empty)]
    except MemoryError:
        raise
    except Exception:  # an operation that needs a sample: it is tried with some
        pass
    finally:
        met, _met = _met, before
    for shape, size in met:
        check_array(math.prod(n or batch for n in shape) * size)


class Program:
    """A function of arrays with its state in cells; here it just runs.

    Attributes:
        notes: what the function's operations said about themselves; empty on this engine.
    """

    def __init__(self, fn: Callable[[list[Array], Any], tuple[list[Array], Any]]):
        self.fn = fn
        self.notes: set[str] = set()

    def __call__(self, arrays: list[Array], static: Any = None) -> tuple[list[Array], Any]:
        """Runs the function."""
        return self.fn(arrays, static)

    def prepare(self, arrays: list[Array], static: Any = None) -> None:
        """Traces the program without running it; nothing to do here."""


def on_device(kind: str, index: int) -> AbstractContextManager[Any]:
    """A scope that changes nothing: this engine runs on the CPU.

    Raises:
        EngineError: another device is asked for.
    """
    if (kind, index) != ("cpu", 0):
        raise EngineError(
            f"The engine 'numpy' runs on the CPU, 'cpu:0'; got '{kind}:{index}'. Other devices "
            "need the engine 'xla'."
        )
    return nullcontext()


def devices() -> list[str]:
    """Names of the devices that this engine can use."""
    return ["cpu:0 (NumPy " + np.__version__ + ")"]
