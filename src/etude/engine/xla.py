"""The engine ``xla``: the same calls through ``jax.numpy``, and whole programs compiled.

JAX is used as array namespace, compiler and device runtime. Its automatic derivatives are not.
What is not defined here or in `etude.engine.xla_kernels` is the function of that name in
``jax.numpy``.
"""

# ruff: noqa: E402  (jax finds the process as it shall be)
# Jax leaves many of its types open:
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

from etude.engine.memory import keep_freed

keep_freed()  # before jax starts a thread, which would get a heap of its own for good

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jax import lax

from etude.engine.cell import STATE, Cell, Frame, no_frame, shapes_only
from etude.engine.interrupts import whole_steps
from etude.engine.memory import give_back_if_large
from etude.engine.numbers import as_numbers
from etude.errors import EngineError, EtudeError, ShapeError, TracingError

Array = Any

name = "xla"

# Both engines keep the 64-bit types they are given; etude itself says float32 and int32 wherever
# it makes an array.
jax.config.update("jax_enable_x64", True)

from etude.engine import xla_disk_cache, xla_kernels

xla_disk_cache.start()


def __getattr__(attribute: str) -> Any:
    """The function of that name in ``jax.numpy``; kept here, so that it is looked up once."""
    if attribute.startswith("__"):
        raise AttributeError(attribute)
    found = getattr(xla_kernels, attribute, None)
    if found is None:
        found = getattr(jnp, attribute)
    globals()[attribute] = found
    return found


def own(value: Array) -> Array:
    """An array of this engine: as it is where it is one, else converted."""
    return value if isinstance(value, jax.Array) else jnp.asarray(value)


def array(value: Any, dtype: str | None = None) -> Array:
    """Converts numbers, lists, and arrays of any kind to an array of this engine."""
    if not isinstance(value, jax.Array):
        value = as_numbers(value)  # a NumPy array has a dtype of its own, never a weak one
        # The copy is made here and now: that of `jnp.array` may be made later, when the caller has
        # written to theirs.
        return jnp.asarray(np.array(value), dtype)
    return jnp.asarray(value, dtype)


def astype(value: Array, dtype: str) -> Array:
    """The same values in another dtype."""
    return lax.convert_element_type(value, dtype) if value.dtype != dtype else value


def place(value: np.ndarray[Any, Any]) -> Array:
    """A NumPy array on the device. On the CPU the memory may be shared: nobody may write to it."""
    return jax.device_put(value)


def to_numpy(value: Array) -> np.ndarray[Any, Any]:
    """The array as NumPy sees it; waits until it is computed."""
    return np.asarray(value)


def is_traced(value: Array) -> bool:
    """Whether the value is unknown yet, because a program is being traced."""
    return isinstance(value, jax.core.Tracer)


def quiet() -> AbstractContextManager[Any]:
    """A context without floating-point warnings; XLA gives none."""
    return nullcontext()


def block(value: Array) -> Array:
    """Waits until an array is computed."""
    return jax.block_until_ready(value)


def settle() -> None:
    """Called between epochs: gives memory back, where much of it is kept."""
    give_back_if_large()


@contextmanager
def concretely() -> Generator[None]:
    """Runs what is inside at once and for good, also in the middle of a trace."""
    with no_frame(), jax.ensure_compile_time_eval():
        yield


# --- loops: cells that the body writes travel along as part of the carry ----------------------


def _anew(fn: Callable[..., Any]) -> Callable[..., Any]:
    """The function as one that jax has not seen: else it may answer from memory, untraced."""
    return lambda *operands: fn(*operands)


def _cells_written(fn: Callable[..., Any], *operands: Any) -> list[Cell]:
    """The cells that a function writes, found by evaluating it abstractly."""
    with Frame() as frame:
        jax.eval_shape(_anew(fn), *operands)
    return list(frame.writes)


def _in_frame(
    fn: Callable[..., Any], cells: list[Cell], values: list[Array], *operands: Any
) -> tuple[Any, list[Array]]:
    """Calls a function with cells bound to values; returns its result and the cells' new values."""
    with Frame(zip(cells, values, strict=True)) as frame:
        result = fn(*operands)
    return result, [astype(frame.values[c], v.dtype) for c, v in zip(cells, values, strict=True)]


@contextmanager
def _same_forms(what: str, *results: Callable[[], Any]) -> Generator[None]:
    """Says in our words that two things that must have the same shapes and dtypes have not.

    Args:
        what: the two things, and what to do.
        results: each computes one of them; evaluated abstractly, on the way to the error only.
    """
    try:
        yield
    except TypeError as error:
        if isinstance(error, EtudeError) or "must have" not in str(error):
            raise  # from inside of a function of the user
        first, second = (_forms(jax.eval_shape(_anew(result))) for result in results)
        raise ShapeError(f"{what} Got {first} and {second}.") from error


def _forms(results: Any) -> str:
    shown = [f"{leaf.dtype}{tuple(leaf.shape)}" for leaf in jax.tree.leaves(results)]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


_BRANCHES = (
    "cond: both branches must return values of the same shapes and dtypes. Reshape or cast what "
    "one of them returns, or compute both and choose with `ops.where`."
)


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
        stateful: whether ``f`` may write cells.

    Returns:
        The last carry, and the ys, (T, ...) each.
    """
    if not stateful:
        return lax.scan(f, init, xs, length=length, reverse=reverse)
    first = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), xs)
    cells = _cells_written(f, init, first)

    def body(carry: Any, x: Any) -> Any:
        (new, y), values = _in_frame(f, cells, carry[1], carry[0], x)
        return (new, values), y

    start = (init, [cell.read() for cell in cells])
    (last, values), ys = lax.scan(body, start, xs, length=length, reverse=reverse)
    for cell, value in zip(cells, values, strict=True):
        cell.write(value)
    return last, ys


def while_loop(
    cond: Callable[[Any], Any], body: Callable[[Any], Any], init: Any, stateful: bool = False
) -> Any:
    """Repeats ``carry = body(carry)`` while ``cond(carry)`` is true."""
    if shapes_only():  # one round tells the shapes
        return body(init)
    if not stateful:
        return lax.while_loop(cond, body, init)
    cells = _cells_written(body, init)

    def carry_on(carry: Any) -> Any:
        return _in_frame(cond, cells, carry[1], carry[0])[0]

    def step(carry: Any) -> Any:
        return _in_frame(body, cells, carry[1], carry[0])

    last, values = lax.while_loop(carry_on, step, (init, [cell.read() for cell in cells]))
    for cell, value in zip(cells, values, strict=True):
        cell.write(value)
    return last


def cond(
    predicate: Array,
    true_fn: Callable[..., Any],
    false_fn: Callable[..., Any],
    *operands: Any,
    stateful: bool = False,
) -> Any:
    """Calls one of two functions; both are traced where the predicate is not known yet."""
    if not is_traced(predicate):
        return true_fn(*operands) if bool(predicate) else false_fn(*operands)
    if not stateful:
        return lax.cond(predicate, true_fn, false_fn, *operands)
    written = dict.fromkeys(_cells_written(true_fn, *operands))
    cells = list(written | dict.fromkeys(_cells_written(false_fn, *operands)))
    values = [cell.read() for cell in cells]
    branches = [
        lambda values, *operands, fn=fn: _in_frame(fn, cells, values, *operands)
        for fn in (true_fn, false_fn)
    ]
    with _same_forms(_BRANCHES, lambda: true_fn(*operands), lambda: false_fn(*operands)):
        result, values = lax.cond(predicate, *branches, values, *operands)
    for cell, value in zip(cells, values, strict=True):
        cell.write(value)
    return result


def eval_shape(
    fn: Callable[[list[Array]], list[Array]], specs: list[tuple[tuple[int, ...], str]]
) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes of what ``fn`` returns for arrays of the given shapes and dtypes."""
    with Frame(shapes_only=True):
        found = jax.eval_shape(
            _anew(fn), [jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in specs]
        )
    return [(tuple(a.shape), str(a.dtype)) for a in found]


# --- programs ---------------------------------------------------------------------------------


_ROUNDS = 8  # traces until all cells are known; two are usual


class _Compiled(NamedTuple):
    """One trace of a program: the compiled function and the cells it reads and writes."""

    run: Callable[..., tuple[list[Array], list[Array]]]
    writes: list[Cell]
    reads: list[Cell]
    extra: Any


class Program:
    """A function of arrays with its state in cells, compiled once per shapes and dtypes.

    Tracing finds the cells that the function touches. Those it writes are passed in and out and
    their memory is donated; those it only reads are passed in.

    Attributes:
        notes: what traced operations said about themselves, e.g. ``"convolution"``.
    """

    def __init__(self, fn: Callable[[list[Array], Any], tuple[list[Array], Any]]):
        self.fn = fn
        self.notes: set[str] = set()
        self._compiled: dict[Any, _Compiled] = {}
        self._lock = threading.RLock()

    def __call__(self, arrays: list[Array], static: Any = None) -> tuple[list[Array], Any]:
        """Runs the compiled function on arrays, and stores the new values of the cells."""
        compiled = self._find(arrays, static)
        with whole_steps(), STATE:  # between donation and the new arrays cells hold nothing
            given = [_donatable(cell) for cell in compiled.writes]
            values, outputs = compiled.run(given, [_own(c) for c in compiled.reads], arrays)
            for cell, value in zip(compiled.writes, values, strict=True):
                cell.array = value
                cell.shared = False
        return outputs, compiled.extra

    def prepare(self, arrays: list[Array], static: Any = None) -> None:
        """Traces the program without running it, so that its notes can be read."""
        self._find(arrays, static)

    def _find(self, arrays: list[Array], static: Any) -> _Compiled:
        key = (static, tuple((a.shape, a.dtype) for a in arrays))
        found = self._compiled.get(key)
        if found is None:
            with self._lock:
                found = self._compiled.get(key) or self._trace(arrays, static)
                self._compiled[key] = found
        return found

    def _trace(self, arrays: list[Array], static: Any) -> _Compiled:
        """Traces until no cell turns up that was not known before the trace began."""
        writes: dict[Cell, None] = {}
        reads: dict[Cell, None] = {}
        for known in self._compiled.values():  # other shapes touched these: likely so here
            writes |= dict.fromkeys(known.writes)
            reads |= dict.fromkeys(known.reads)
        for _ in range(_ROUNDS):
            for cell in writes:
                reads.pop(cell, None)
            frames: list[tuple[Frame, Any]] = []
            pure = self._pure(static, list(writes), list(reads), frames)
            options = self._compiler_options()
            run = jax.jit(pure, donate_argnums=0, compiler_options=options)
            run.trace([_own(c) for c in writes], [_own(c) for c in reads], arrays)
            frame, extra = frames[-1]
            self.notes |= frame.notes
            new = [c for c in (*frame.reads, *frame.writes) if c not in writes and c not in reads]
            written = [c for c in frame.writes if c not in writes]
            if not new and not written and options == self._compiler_options():
                return _Compiled(run, list(writes), list(reads), extra)
            writes |= dict.fromkeys(written)
            reads |= dict.fromkeys(c for c in frame.reads if c not in writes)
        raise TracingError(
            "The compiled function makes new Variables each time it is called (a Variable, a "
            "layer, a metric or an optimizer made inside). Make them once, outside of the function "
            "or where an attribute does not exist yet, and only use them inside."
        )

    def _compiler_options(self) -> dict[str, str | bool | int | float] | None:
        """XLA's YNNPACK fusions slow convolutions of few channels on the CPU: off with these."""
        if "convolution" in self.notes and jax.default_backend() == "cpu":
            return {"xla_cpu_experimental_ynn_fusion_type": ""}
        return None

    def _pure(
        self, static: Any, writes: list[Cell], reads: list[Cell], frames: list[tuple[Frame, Any]]
    ) -> Callable[..., Any]:
        def pure(
            written: list[Array], read: list[Array], arrays: list[Array]
        ) -> tuple[list[Array], list[Array]]:
            bound = [*zip(writes, written, strict=True), *zip(reads, read, strict=True)]
            with Frame(bound) as frame:
                outputs, extra = self.fn(arrays, static)
            frames.append((frame, extra))
            inputs = {id(a) for a in (*written, *read, *arrays)}
            values = [frame.values[c] for c in writes]
            # What a cell holds is donated later: it must not be the same memory as an input.
            return [jnp.copy(v) if id(v) in inputs else v for v in values], outputs

        return pure


def _own(cell: Cell) -> Array:
    """The array of a cell, brought to this engine if it comes from the other."""
    if not isinstance(cell.array, jax.Array):
        cell.array = jnp.asarray(cell.array)
    return cell.array


def _donatable(cell: Cell) -> Array:
    """The array of a cell, or a copy of it where someone else may hold it too."""
    return jnp.copy(_own(cell)) if cell.shared else cell.array


def on_device(kind: str, index: int) -> AbstractContextManager[Any]:
    """A scope in which arrays are made, and programs run, on a device such as ("cpu", 0).

    Raises:
        EngineError: there is no such device.
    """
    try:
        return jax.default_device(jax.devices(kind)[index])
    except (RuntimeError, IndexError) as error:
        raise EngineError(
            f"There is no device '{kind}:{index}' on this machine; there are {devices()}."
        ) from error


def devices() -> list[str]:
    """Names of the devices that this engine can use, the default one first."""
    return [f"{d.platform}:{d.id} ({d.device_kind})" for d in jax.devices()]
