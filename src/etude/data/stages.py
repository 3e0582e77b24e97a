"""The stages of a `Dataset`: each takes elements and yields elements, as short as it can be.

An element is a nested NumPy array, see `etude.data.elements`. Stages that work ahead do so in
threads of their own, which end with the iterator: also when it is dropped half-way, or when an
exception or Ctrl-C leaves the loop around it.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from etude import config
from etude.data.elements import as_element, as_tensors, map_leaves
from etude.errors import DataError, DtypeError, ShapeError
from etude.random import make_shuffle_seed

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["AUTOTUNE", "CachedRounds", "Call", "Rounds"]

AUTOTUNE = -1
_END: Any = object()


class Call:
    """A user's function in a data set: called on the host with tensors, and named in its errors.

    Args:
        fn: the function.
        method: the method of `Dataset` that it was given to.
        show: makes of arrays what the function is called with.
        read: makes arrays of what it returns.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        method: str,
        show: Callable[[Any], Any] = as_tensors,
        read: Callable[[Any], Any] = as_element,
    ) -> None:
        self.fn, self.method, self.show, self.read = fn, method, show, read

    def __call__(self, *elements: Any, number: int | None = None) -> Any:
        """The function of an element, tuples unpacked; further elements are further arguments."""
        with config.engine_scope("numpy"), self.named(number):
            arguments: list[Any] = []
            for element in elements:
                shown = self.show(element)
                arguments.extend(shown if isinstance(shown, tuple) else (shown,))
            try:
                found = self.fn(*arguments)
            except TypeError as error:
                if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                    error.add_note(
                        f"It is called with {len(arguments)} argument(s): the parts of an element "
                        "that is a tuple, `(x, y)`, are arguments of their own, `lambda x, y: ...`."
                    )
                raise
            if found is None and self.method == "map":
                raise DtypeError("The function returned None. Is a `return` missing?")
            return self.read(found)

    @contextmanager
    def named(self, number: int | None) -> Iterator[None]:
        """Notes at an exception where it comes from."""
        try:
            yield
        except Exception as error:
            code = getattr(self.fn, "__code__", None)
            where = f", {code.co_filename}:{code.co_firstlineno}" if code else ""
            which = "" if number is None else f" for element {number}"
            name = getattr(self.fn, "__name__", type(self.fn).__name__)
            error.add_note(f"In the function given to Dataset.{self.method} ({name}{where}){which}")
            raise


# ---- sources ----------------------------------------------------------------------------------


def slices(arrays: Any, count: int) -> Iterator[Any]:
    """Elements along the first axis of arrays."""
    for i in range(count):
        yield map_leaves(lambda array, i=i: _item(array, i), arrays)


def _item(array: np.ndarray[Any, Any], i: int) -> np.ndarray[Any, Any]:
    return array[i : i + 1].reshape(array.shape[1:])  # an array also where it is a scalar


def generated(make: Callable[[], Any], spec: Any) -> Iterator[Any]:
    """What a user's generator yields, in the dtypes that were declared."""
    for number, value in enumerate(make()):
        yield as_element(value) if spec is None else _declared(value, spec, number)


def _declared(value: Any, spec: Any, number: int) -> Any:
    def convert(declared: Any, found: Any) -> Any:
        dtype = str(getattr(declared.dtype, "name", declared.dtype))
        array = as_element(found)
        array = array if dtype in ("string", "str") else array.astype(dtype, copy=False)
        shape = None if declared.shape is None else tuple(declared.shape)
        if shape is not None and not _fits(array.shape, shape):
            raise ShapeError(
                f"The generator's element {number} has shape {array.shape}; its declared shape is "
                f"{shape}."
            )
        return array

    if isinstance(value, list) and isinstance(spec, tuple) and not hasattr(spec, "dtype"):
        value = tuple(value)
    return map_leaves(convert, spec, value)


def _fits(shape: tuple[int, ...], declared: tuple[int | None, ...]) -> bool:
    return len(shape) == len(declared) and all(
        d is None or s == d for s, d in zip(shape, declared, strict=True)
    )


# ---- functions of elements --------------------------------------------------------------------


def mapped(source: Iterable[Any], call: Call) -> Iterator[Any]:
    """A function of each element. Python's `map` goes on after an exception, a generator ends."""
    return map(lambda pair: call(pair[1], number=pair[0]), enumerate(source))  # noqa: C417


def mapped_in_threads(source: Iterable[Any], call: Call, workers: int) -> Iterator[Any]:
    """A function of each element, several at a time; results come in the order of the elements."""
    workers = os.cpu_count() or 1 if workers == AUTOTUNE else workers
    numbered = enumerate(source)
    with _pool(workers) as pool:
        ahead = deque(
            pool.submit(call, element, number=number)
            for number, element in islice(numbered, 2 * workers)
        )
        try:
            while ahead:
                yield ahead.popleft().result()
                for number, element in islice(numbered, 1):
                    ahead.append(pool.submit(call, element, number=number))
        finally:
            _cancel(ahead)


def prefetched(source: Iterator[Any], size: int) -> Iterator[Any]:
    """The same elements, a few of them made ahead in one thread."""
    size = 2 if size == AUTOTUNE else size
    with _pool(1) as pool:
        ahead = deque(pool.submit(next, source, _END) for _ in range(size))
        try:
            while (element := ahead.popleft().result()) is not _END:
                ahead.append(pool.submit(next, source, _END))
                yield element
        finally:
            _cancel(ahead)


def _pool(workers: int) -> ThreadPoolExecutor:
    """Threads that the `with` around them waits for."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  (only then: keeps the import cheap)

    return ThreadPoolExecutor(workers, thread_name_prefix="etude-data")


def _cancel(futures: Iterable[Future[Any]]) -> None:
    for future in futures:
        future.cancel()


def filtered(source: Iterable[Any], predicate: Call) -> Iterator[Any]:
    """The elements for which a function is true."""
    for number, element in enumerate(source):
        if bool(predicate(element, number=number)):
            yield element


def taken_while(source: Iterable[Any], predicate: Call) -> Iterator[Any]:
    """The elements until a function is no longer true."""
    for number, element in enumerate(source):
        if not bool(predicate(element, number=number)):
            return
        yield element


def scanned(source: Iterable[Any], state: Any, call: Call) -> Iterator[Any]:
    """``state, output = f(state, element)`` for each element; the outputs."""
    for number, element in enumerate(source):
        with config.engine_scope("numpy"), call.named(number):
            state, output = call.fn(call.show(state), call.show(element))
        state = call.read(state)
        yield call.read(output)


def interleaved(
    source: Iterable[Any], open_one: Callable[[Any], Iterator[Any]], cycle: int, block: int
) -> Iterator[Any]:
    """Elements of several data sets by turns.

    Args:
        source: elements, each of which becomes a data set.
        open_one: gives the elements of the data set of an element.
        cycle: how many are open at a time.
        block: how many elements one gives in its turn.
    """
    waiting = iter(source)
    open_ones: list[Any] = [open_one(element) for element in islice(waiting, cycle)]
    place = 0
    while open_ones:
        place %= len(open_ones)
        found = list(islice(open_ones[place], block))
        yield from found
        if len(found) == block:
            place += 1
            continue
        following = next(waiting, _END)
        if following is _END:
            del open_ones[place]
        else:
            open_ones[place] = open_one(following)
            place += 1


# ---- groups of elements -----------------------------------------------------------------------


def batched(source: Iterable[Any], size: int, drop_remainder: bool) -> Iterator[Any]:
    """Elements stacked along a new first axis."""
    for number, group in enumerate(_groups(source, size, drop_remainder)):
        yield map_leaves(lambda *leaves, n=number: _stacked(leaves, n), *group)


def _groups(source: Iterable[Any], size: int, drop_remainder: bool) -> Iterator[list[Any]]:
    elements = iter(source)
    while group := list(islice(elements, size)):
        if len(group) < size and drop_remainder:
            return
        yield group


def _stacked(leaves: tuple[Any, ...], number: int) -> Any:
    if leaves[0] is None:
        return None
    if not isinstance(leaves[0], np.ndarray):
        raise DataError("Data sets cannot be batched. Join them by `Dataset.flat_map` first.")
    try:
        return np.stack(leaves)
    except ValueError:
        shapes = sorted({leaf.shape for leaf in leaves})
        raise ShapeError(
            f"Batch {number} cannot be made: its elements have the shapes {shapes}, but must have "
            "one. Use `padded_batch`, or bring them to one shape by `map` before `batch`."
        ) from None


def padded(
    source: Iterable[Any], size: int, drop_remainder: bool, shapes: Any, values: Any
) -> Iterator[Any]:
    """Elements stacked after each was padded at its ends to a common shape."""
    for group in _groups(source, size, drop_remainder):
        rows = zip(
            *(_flat(element, element) for element in group),
            _flat(group[0], shapes, is_shape=True),
            _flat(group[0], values),
            strict=True,
        )
        columns = iter([_padded(leaves, shape, value) for *leaves, shape, value in rows])
        yield map_leaves(lambda _, columns=columns: next(columns), group[0])


def _padded(leaves: list[np.ndarray[Any, Any]], shape: Any, value: Any) -> np.ndarray[Any, Any]:
    longest = np.max([leaf.shape for leaf in leaves], axis=0).astype(int).tolist()
    wanted = longest if shape is None else list(shape)
    wanted = [n if w in (None, -1) else int(w) for n, w in zip(longest, wanted, strict=True)]
    if any(n > w for n, w in zip(longest, wanted, strict=True)):
        raise ShapeError(
            f"`padded_shapes` has {tuple(wanted)} for elements that are larger: {tuple(longest)}."
        )
    if value is None:
        value = "" if leaves[0].dtype.kind == "O" else 0
    out = np.full((len(leaves), *wanted), np.asarray(value)[()], dtype=leaves[0].dtype)
    for i, leaf in enumerate(leaves):
        out[(i, *(slice(n) for n in leaf.shape))] = leaf if leaf.ndim else leaf[()]
    return out


def _flat(element: Any, given: Any, is_shape: bool = False) -> list[Any]:
    """What is given for the leaves of an element, in order; one value may stand for all."""
    if isinstance(element, dict):
        return [
            v
            for key, part in element.items()
            for v in _flat(part, given[key] if isinstance(given, dict) else given, is_shape)
        ]
    if isinstance(element, tuple):
        spread = isinstance(given, (tuple, list)) and not _is_one(given, is_shape)
        parts = given if spread else [given] * len(element)
        pairs = zip(element, parts, strict=True)
        return [v for part, one in pairs for v in _flat(part, one, is_shape)]
    return [given]


def _is_one(given: Any, is_shape: bool) -> bool:
    """Whether a tuple is one shape rather than a shape for each leaf."""
    return is_shape and all(item is None or isinstance(item, int) for item in given) and bool(given)


def unbatched(source: Iterable[Any]) -> Iterator[Any]:
    """The elements of batches, one by one."""
    for batch in source:
        sizes: list[int] = []
        map_leaves(lambda leaf, sizes=sizes: sizes.append(len(leaf)), batch)
        yield from slices(batch, sizes[0])


def windows(
    source: Iterable[Any], size: int, shift: int, stride: int, drop_remainder: bool
) -> Iterator[list[Any]]:
    """Lists of ``size`` elements, ``stride`` apart, each list ``shift`` after the one before."""
    held: deque[Any] = deque()
    reach = (size - 1) * stride + 1
    elements, ended = iter(source), False
    while True:
        while len(held) < reach and not ended:
            element = next(elements, _END)
            ended = element is _END
            if not ended:
                held.append(element)
        if not held or (len(held) < reach and drop_remainder):
            return
        yield list(held)[:reach:stride]
        for _ in range(min(shift, len(held))):
            held.popleft()
        for _ in range(max(0, shift - reach)):
            if next(elements, _END) is _END:
                return


# ---- order ------------------------------------------------------------------------------------


class Rounds:
    """The seeds of iteration after iteration."""

    def __init__(self, seed: int | None, changes: bool) -> None:
        self.seed, self.changes, self.count = seed, changes, 0
        self.lock = threading.Lock()

    def next(self) -> tuple[int, int]:
        """The seed, and the number of the iteration."""
        with self.lock:
            state = self._state()
            self.count += self.changes
            return state

    def _state(self) -> tuple[int, int]:
        if self.seed is None:
            self.seed = make_shuffle_seed()
        return int(self.seed), self.count

    def state(self) -> list[int]:
        """The seed, and the number of the next iteration."""
        with self.lock:
            return list(self._state())

    def restore(self, state: list[int]) -> None:
        """Goes on from a state."""
        with self.lock:
            self.seed, self.count = state


class CachedRounds:
    """The rounds of elements that are kept: those of the iteration in which they were made."""

    def __init__(self, rounds: Any) -> None:
        self.rounds = rounds
        self.begun = self.kept = None

    def begin(self) -> None:
        """An iteration begins, which may come to be the one that is kept."""
        self.begun = self.rounds.state()

    def keep(self) -> None:
        """The elements of that iteration are kept."""
        self.kept = self.begun

    def state(self) -> Any:
        """As `Rounds.state`."""
        return self.rounds.state() if self.kept is None else self.kept

    def restore(self, state: Any) -> None:
        """As `Rounds.restore`."""
        self.rounds.restore(state)


def shuffled(source: Iterable[Any], size: int, seed: int, round_: int) -> Iterator[Any]:
    """Elements in random order: each is drawn from a buffer of the next ``size`` ones.

    MT19937 is the one generator of NumPy whose numbers are promised to stay as they are.
    """
    random = np.random.RandomState([seed % 2**32, round_ % 2**32])
    elements = iter(source)
    buffer = list(islice(elements, size))
    for element in elements:
        place = random.randint(len(buffer))
        drawn, buffer[place] = buffer[place], element
        yield drawn
    while buffer:
        place = random.randint(len(buffer))
        buffer[place], buffer[-1] = buffer[-1], buffer[place]
        yield buffer.pop()


def mixed(
    sources: list[Iterator[Any]], weights: list[float] | None, seed: int, stop_on_empty: bool
) -> Iterator[Any]:
    """Elements of several sources, each drawn from one at random."""
    random = np.random.RandomState(seed % 2**32)
    left = list(range(len(sources)))
    share = np.asarray(weights if weights is not None else [1.0] * len(sources))
    while left:
        odds = share[left] / share[left].sum()
        chosen = left[int(np.searchsorted(np.cumsum(odds), random.random_sample(), side="right"))]
        element = next(sources[chosen], _END)
        if element is not _END:
            yield element
        elif stop_on_empty:
            return
        else:
            left.remove(chosen)
