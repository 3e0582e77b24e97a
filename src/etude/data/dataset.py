"""`Dataset`: a stream of elements, and what can be done to it, with the names of ``tf.data``."""

from __future__ import annotations

import glob
import math
import threading
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from etude import config
from etude.autodiff import as_tensor
from etude.data import stages
from etude.data.elements import (
    DatasetSpec,
    TensorSpec,
    as_element,
    as_tensors,
    leaves_of,
    map_leaves,
    spec_of,
    spec_of_call,
    to_plain,
)
from etude.data.stages import AUTOTUNE, Call
from etude.errors import ArgumentError, DataError, DtypeError, EtudeError
from etude.random import make_default_seed

__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Dataset"]

INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class EndlessDataError(DataError, TypeError):
    """The number of elements was asked for where there is no end to them, or it is not known."""


class Dataset:
    """A stream of elements: made from arrays or a generator, transformed, and trained on.

    An element is an array, or a tuple or dictionary of arrays, e.g. ``(x, y)``. Every method
    returns a new data set and leaves this one as it is; nothing is computed before it is iterated
    over. Each iteration begins anew. `fit`, `evaluate` and `predict` take a data set of batches.

    Functions given to it are called with tensors, and run in NumPy on the host, whatever engine
    trains the model. An exception in one of them names the function and the element.

    Args:
        start: returns an iterator over the elements, as nested NumPy arrays.
        cardinality: how many there are; -1 for no end, -2 for unknown.
        spec: returns the `TensorSpec` of each array of an element; the first element by default.

    Example:
        >>> data = Dataset.from_tensor_slices(([1.0, 2.0, 3.0], [0, 1, 0]))
        >>> data = data.map(lambda x, y: (x * 10, y)).batch(2)
        >>> for x, y in data.as_numpy_iterator():
        ...     print(x, y)
        [10. 20.] [0 1]
        [30.] [0]
    """

    def __init__(
        self,
        start: Callable[[], Iterator[Any]],
        cardinality: int = UNKNOWN_CARDINALITY,
        spec: Callable[[], Any] | None = None,
    ) -> None:
        self._start = start
        self._cardinality = cardinality
        self._spec = spec
        self._found_spec: Any = None

    # A subclass may show elements to the user in its own way, e.g. as tensors of its own.
    _show: Callable[[Any], Any] = staticmethod(as_tensors)
    _read: Callable[[Any], Any] = staticmethod(as_element)

    def _derived(
        self,
        start: Callable[[], Iterator[Any]],
        cardinality: int | None = None,
        spec: Callable[[], Any] | None = None,
    ) -> Dataset:
        """A data set of the same class; size and spec are those of this one by default."""
        size = self._cardinality if cardinality is None else cardinality
        return type(self)(start, size, spec or (lambda: self.element_spec))

    def _call(self, fn: Callable[..., Any], method: str) -> Call:
        if not callable(fn):
            raise DtypeError(f"Dataset.{method} expects a function; got {fn!r}.")
        return Call(fn, method, type(self)._show, type(self)._read)

    # ---- looking at it -------------------------------------------------------------------------

    def arrays(self) -> Iterator[Any]:
        """The elements as nested NumPy arrays; what training iterates over."""
        return self._start()

    def __iter__(self) -> Iterator[Any]:
        return _Elements(self._start(), type(self)._show)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements as nested NumPy arrays and scalars; text as bytes.

        >>> list(Dataset.range(3).as_numpy_iterator())
        [np.int64(0), np.int64(1), np.int64(2)]
        """
        return _Elements(self._start(), to_plain)

    @property
    def element_spec(self) -> Any:
        """Shapes and dtypes of an element; ``None`` is a size that differs between elements.

        >>> Dataset.from_tensor_slices(np.zeros((5, 3))).batch(2).element_spec
        TensorSpec(shape=(None, 3), dtype='float64')
        """
        if self._found_spec is None and self._spec is not None:
            self._found_spec = self._spec()
        if self._found_spec is None:
            element = next(self._start(), None)
            if element is None:
                raise DataError("The data set is empty, so its elements have no spec.")
            self._found_spec = spec_of(element)
        return self._found_spec

    def cardinality(self) -> Any:
        """The number of elements, a tensor: -1 where there is no end, -2 where it is not known.

        >>> int(Dataset.range(5).batch(2).cardinality())
        3
        """
        return as_tensor(np.asarray(self._cardinality, "int64"))

    @property
    def is_endless(self) -> bool:
        """Whether it goes on forever, as after `repeat`."""
        return self._cardinality == INFINITE_CARDINALITY

    def __len__(self) -> int:
        if self._cardinality == INFINITE_CARDINALITY:
            raise EndlessDataError("The dataset is infinite: it was made by `repeat()`.")
        if self._cardinality == UNKNOWN_CARDINALITY:
            raise EndlessDataError(
                "The dataset length is unknown. Count its elements by iterating over it."
            )
        return self._cardinality

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} element_spec={self._shown_spec()}>"

    def _shown_spec(self) -> Any:
        try:
            return self.element_spec
        except Exception:  # a repr never fails
            return "?"

    def get_single_element(self, name: str | None = None) -> Any:
        """The only element.

        Raises:
            DataError: there is none, or more than one.
        """
        found = list(islice(iter(self), 2))
        if len(found) != 1:
            raise DataError(f"The data set has {'no' if not found else 'more than one'} element.")
        return found[0]

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any], name: Any = None) -> Any:
        """``state = reduce_func(state, element)`` over all elements; the last state.

        >>> total = Dataset.range(5).reduce(np.int64(0), lambda state, value: state + value)
        >>> int(total)
        10
        """
        call = self._call(reduce_func, "reduce")
        state = call.read(initial_state)
        for number, element in enumerate(self._start()):
            with config.engine_scope("numpy"), call.named(number):
                state = call.read(reduce_func(call.show(state), call.show(element)))
        return call.show(state)

    # ---- sources -------------------------------------------------------------------------------

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Dataset:
        """Elements along the first axis of arrays.

        Args:
            tensors: an array or list (N, ...), or a tuple or dictionary of such.
            name: accepted.

        Raises:
            DataError: the arrays differ in their number of elements, or one is a single number.

        >>> for x in Dataset.from_tensor_slices([[1, 2], [3, 4]]):
        ...     print(x.numpy())
        [1 2]
        [3 4]
        """
        arrays = cls._read(tensors)
        flat = leaves_of(arrays)
        if not flat or any(not leaf.shape for leaf in flat):
            raise DataError(
                "`from_tensor_slices` cuts arrays along their first axis, but got a single number. "
                "Use `Dataset.from_tensors` for one element."
            )
        sizes = {len(leaf) for leaf in flat}
        if len(sizes) > 1:
            raise DataError(
                "`from_tensor_slices` needs arrays with one number of elements on the first axis; "
                f"got shapes {[leaf.shape for leaf in flat]}."
            )
        count = sizes.pop()
        spec = map_leaves(lambda s: TensorSpec(s.shape[1:], s.dtype), spec_of(arrays))
        return cls(lambda: stages.slices(arrays, count), count, lambda: spec)

    @classmethod
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Dataset:
        """One element."""
        element = cls._read(tensors)
        return cls(lambda: iter([element]), 1, lambda: spec_of(element))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Any],
        output_types: Any = None,
        output_shapes: Any = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Any = None,
        name: str | None = None,
    ) -> Dataset:
        """What a generator yields.

        Args:
            generator: a function that returns an iterator; it is called at each iteration.
            output_types: dtypes of the arrays of an element, in its structure.
            output_shapes: their shapes, likewise.
            args: arguments for ``generator``.
            output_signature: objects with ``shape`` and ``dtype`` in the structure of an element,
                in the place of types and shapes; e.g. `TensorSpec`.
            name: accepted.

        Raises:
            DtypeError: ``generator`` is not callable.

        >>> data = Dataset.from_generator(lambda: (i * i for i in range(3)), output_types="int32")
        >>> [int(x) for x in data]
        [0, 1, 4]
        """
        if not callable(generator):
            raise DtypeError(
                "`generator` must be a function that returns an iterator, so that the data can be "
                f"gone through again; got {generator!r}. Pass the function itself, without calling "
                "it, or `lambda: ...`."
            )
        spec = output_signature
        if spec is None and output_types is not None:
            spec = _specs(output_types, output_shapes)
        start = lambda: stages.generated(lambda: generator(*(args or ())), spec)  # noqa: E731
        public = None if spec is None else map_leaves(_own_spec, spec)
        return cls(start, UNKNOWN_CARDINALITY, (lambda: public) if public is not None else None)

    @classmethod
    def range(cls, *args: int, output_type: Any = "int64", name: str | None = None) -> Dataset:
        """Integers, as those of Python's ``range``.

        >>> [int(i) for i in Dataset.range(1, 6, 2)]
        [1, 3, 5]
        """
        numbers = range(*(int(a) for a in args))
        dtype = str(getattr(output_type, "name", output_type))
        return cls(
            lambda: (np.asarray(i, dtype) for i in numbers),
            len(numbers),
            lambda: TensorSpec((), dtype),
        )

    @classmethod
    def random(
        cls, seed: int | None = None, rerandomize_each_iteration: bool = True, name: Any = None
    ) -> Dataset:
        """Random integers from 0 to 2³² - 1, without end."""
        rounds = _Rounds(seed, rerandomize_each_iteration)

        def start() -> Iterator[Any]:
            random = np.random.RandomState([v % 2**32 for v in rounds.next()])
            while True:
                yield np.asarray(random.randint(0, 2**32, dtype="int64"))

        return cls(start, INFINITE_CARDINALITY, lambda: TensorSpec((), "int64"))

    @classmethod
    def counter(
        cls, start: int = 0, step: int = 1, dtype: Any = "int64", name: Any = None
    ) -> Dataset:
        """``start``, ``start + step``, ... without end."""
        name_of = str(getattr(dtype, "name", dtype))

        def count() -> Iterator[Any]:
            value = start
            while True:
                yield np.asarray(value, name_of)
                value += step

        return cls(count, INFINITE_CARDINALITY, lambda: TensorSpec((), name_of))

    @classmethod
    def list_files(
        cls,
        file_pattern: Any,
        shuffle: bool | None = None,
        seed: int | None = None,
        name: Any = None,
    ) -> Dataset:
        """The names of the files that match patterns, in random order unless ``shuffle=False``.

        Raises:
            ArgumentError: nothing matches.
        """
        patterns = [file_pattern] if isinstance(file_pattern, str) else list(file_pattern)
        found = sorted(path for pattern in patterns for path in glob.glob(str(pattern)))
        if not found:
            raise ArgumentError(f"No files match {patterns}.")
        data = cls.from_tensor_slices(np.array(found, dtype=object))
        return data if shuffle is False else data.shuffle(len(found), seed=seed)

    @classmethod
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Dataset:
        """Elements of several data sets side by side; it ends with the shortest.

        Args:
            *args: data sets, or one nested structure of them.
            datasets: the structure, by name.
            name: accepted.

        >>> pairs = Dataset.zip(Dataset.range(2), Dataset.range(5, 9))
        >>> [(int(a), int(b)) for a, b in pairs]
        [(0, 5), (1, 6)]
        """
        structure = datasets if datasets is not None else args[0] if len(args) == 1 else args
        structure = tuple(structure) if isinstance(structure, list) else structure
        parts = leaves_of(structure)
        if not parts or not all(isinstance(part, Dataset) for part in parts):
            raise DtypeError(f"Dataset.zip expects data sets; got {structure!r}.")

        def start() -> Iterator[Any]:
            for row in zip(*(part._start() for part in parts), strict=False):
                values = iter(row)
                yield map_leaves(lambda _, values=values: next(values), structure)

        sizes = [part._cardinality for part in parts]
        finite = [size for size in sizes if size >= 0]
        size = INFINITE_CARDINALITY if all(s == INFINITE_CARDINALITY for s in sizes) else (
            UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in sizes else min(finite)
        )  # fmt: skip
        return cls(start, size, lambda: map_leaves(lambda part: part.element_spec, structure))

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: list[Dataset],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Dataset:
        """Elements of several data sets, each from one that is drawn at random."""
        odds = None if weights is None else [float(w) for w in weights]
        rounds = _Rounds(seed, bool(rerandomize_each_iteration))

        def start() -> Iterator[Any]:
            seed, turn = rounds.next()
            sources = [part._start() for part in datasets]
            return stages.mixed(sources, odds, seed + turn, stop_on_empty_dataset)

        sizes = [part._cardinality for part in datasets]
        size = UNKNOWN_CARDINALITY if stop_on_empty_dataset or min(sizes) < 0 else sum(sizes)
        if INFINITE_CARDINALITY in sizes and not stop_on_empty_dataset:
            size = INFINITE_CARDINALITY
        return cls(start, size, lambda: datasets[0].element_spec)

    # ---- functions of elements -----------------------------------------------------------------

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        synchronous: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """A function of every element.

        Args:
            map_func: called with the element, a tuple unpacked: ``f(x, y)`` for ``(x, y)``.
            num_parallel_calls: how many elements at a time, in threads; `AUTOTUNE` is one for
                each core. The order stays that of the elements.
            deterministic: accepted; the order is always kept.
            synchronous: accepted.
            name: accepted.

        >>> [int(x) for x in Dataset.range(4).map(lambda i: i * i, num_parallel_calls=2)]
        [0, 1, 4, 9]
        """
        call = self._call(map_func, "map")
        workers = _parallel(num_parallel_calls)

        def start() -> Iterator[Any]:
            if workers is None:
                return stages.mapped(self._start(), call)
            return stages.mapped_in_threads(self._start(), call, workers)

        made = self._derived(start)
        made._spec = lambda: spec_of_call(map_func, self.element_spec)
        return made

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements for which a function is true.

        >>> [int(x) for x in Dataset.range(6).filter(lambda i: i % 2 == 0)]
        [0, 2, 4]
        """
        call = self._call(predicate, "filter")
        return self._derived(lambda: stages.filtered(self._start(), call), self._fewer())

    def take_while(self, predicate: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements until a function is no longer true."""
        call = self._call(predicate, "take_while")
        return self._derived(lambda: stages.taken_while(self._start(), call), self._fewer())

    def scan(
        self, initial_state: Any, scan_func: Callable[..., Any], name: str | None = None
    ) -> Dataset:
        """The outputs of ``state, output = scan_func(state, element)``."""
        call, state = self._call(scan_func, "scan"), type(self)._read(initial_state)
        made = self._derived(lambda: stages.scanned(self._start(), state, call))
        made._spec = None
        return made

    def flat_map(self, map_func: Callable[..., Any], name: str | None = None) -> Dataset:
        """The elements of the data sets that a function makes of the elements, one after another.

        >>> numbers = Dataset.range(3).flat_map(lambda i: Dataset.range(int(i)))
        >>> [int(x) for x in numbers]
        [0, 0, 1]
        """
        return self._opened(map_func, "flat_map", 1, 1, None)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: int | None = None,
        block_length: int | None = None,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """As `flat_map`, but several of the data sets are open, and give elements by turns.

        Args:
            map_func: makes a data set of an element.
            cycle_length: how many are open at a time; 4 by default, or ``num_parallel_calls``.
            block_length: how many elements one gives in its turn; 1 by default.
            num_parallel_calls: whether each makes its elements in a thread of its own.
            deterministic: accepted; the order is always kept.
            name: accepted.

        >>> numbers = Dataset.range(2).interleave(lambda i: Dataset.from_tensors(i).repeat(2))
        >>> [int(x) for x in numbers]
        [0, 1, 0, 1]
        """
        workers = _parallel(num_parallel_calls)
        cycle = cycle_length or (workers if workers and workers > 0 else 4)
        cycle = 4 if cycle == AUTOTUNE else _positive(cycle, "cycle_length")
        block = _positive(block_length or 1, "block_length")
        return self._opened(map_func, "interleave", cycle, block, workers)

    def _opened(
        self, map_func: Any, method: str, cycle: int, block: int, workers: int | None
    ) -> Dataset:
        call = self._call(map_func, method)

        def open_one(element: Any) -> Iterator[Any]:
            found = call(element)
            if not isinstance(found, Dataset):
                raise DtypeError(
                    f"The function given to Dataset.{method} must return a Dataset; got "
                    f"{type(found).__name__}."
                )
            source = found._start()
            return source if workers is None else stages.prefetched(source, 2 * block)

        def first_spec() -> Any:
            element = next(self._start(), None)
            return None if element is None else call(element).element_spec

        return self._derived(
            lambda: stages.interleaved(self._start(), open_one, cycle, block),
            UNKNOWN_CARDINALITY,
            first_spec,
        )

    def apply(self, transformation_func: Callable[[Any], Any]) -> Any:
        """A function of the data set itself.

        >>> len(Dataset.range(4).apply(lambda data: data.batch(2)))
        2
        """
        return transformation_func(self)

    # ---- groups --------------------------------------------------------------------------------

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements stacked along a new first axis.

        Args:
            batch_size: how many; the last batch may be shorter.
            drop_remainder: whether a shorter last batch is left out.
            num_parallel_calls: accepted; stacking takes no time.
            deterministic: accepted.
            name: accepted.

        Raises:
            ShapeError: as it is iterated over, where elements differ in shape.

        >>> [x.numpy().tolist() for x in Dataset.range(5).batch(2)]
        [[0, 1], [2, 3], [4]]
        """
        size = _positive(batch_size, "batch_size")
        return self._derived(
            lambda: stages.batched(self._start(), size, bool(drop_remainder)),
            self._in_groups(size, drop_remainder),
            lambda: _batch_spec(self.element_spec, size if drop_remainder else None),
        )

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Any = None,
        padding_values: Any = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Elements of different lengths, padded at their ends and stacked.

        Args:
            batch_size: how many.
            padded_shapes: the shape to pad to, in the structure of an element; ``None`` or -1 for
                an axis is the longest in the batch, and is the default for all.
            padding_values: what is put there; 0, and ``""`` for text.
            drop_remainder: whether a shorter last batch is left out.
            name: accepted.

        >>> data = Dataset.from_generator(lambda: ([1] * n for n in (1, 3)))
        >>> [x.numpy().tolist() for x in data.padded_batch(2)]
        [[[1, 0, 0], [1, 1, 1]]]
        """
        size = _positive(batch_size, "batch_size")

        def spec() -> Any:
            sizes = size if drop_remainder else None
            return map_leaves(
                lambda s: TensorSpec((sizes, *(None for _ in s.shape)), s.dtype), self.element_spec
            )

        return self._derived(
            lambda: stages.padded(
                self._start(), size, bool(drop_remainder), padded_shapes, padding_values
            ),
            self._in_groups(size, drop_remainder),
            spec,
        )

    def unbatch(self, name: str | None = None) -> Dataset:
        """The elements of batches, one by one.

        >>> [int(x) for x in Dataset.range(4).batch(3).unbatch()]
        [0, 1, 2, 3]
        """
        return self._derived(
            lambda: stages.unbatched(self._start()),
            self._fewer(),
            lambda: map_leaves(lambda s: TensorSpec(s.shape[1:], s.dtype), self.element_spec),
        )

    def rebatch(self, batch_size: int, drop_remainder: bool = False, name: Any = None) -> Dataset:
        """Batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Data sets of neighbouring elements; join their elements by `flat_map` and `batch`.

        Args:
            size: how many elements a window has; the last ones may have fewer.
            shift: how far a window begins after the one before; ``size`` by default.
            stride: how far apart its elements are.
            drop_remainder: whether shorter windows are left out.
            name: accepted.

        >>> windows = Dataset.range(5).window(3, shift=1, drop_remainder=True)
        >>> [x.numpy().tolist() for x in windows.flat_map(lambda w: w.batch(3))]
        [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
        """
        size, stride = _positive(size, "size"), _positive(stride, "stride")
        shift = size if shift is None else _positive(shift, "shift")

        def start() -> Iterator[Any]:
            for group in stages.windows(self._start(), size, shift, stride, drop_remainder):
                yield self._window_of(group)

        count = self._cardinality
        if count >= 0:
            reach = (size - 1) * stride + 1
            count = max(0, (count - reach) // shift + 1) if drop_remainder else -(-count // shift)
        return self._derived(
            start, count, lambda: map_leaves(lambda s: DatasetSpec(s), self.element_spec)
        )

    def _window_of(self, group: list[Any]) -> Any:
        """A group of elements as one data set for each of their arrays."""
        flat = [leaves_of(element) for element in group]
        places = iter(range(len(flat[0])))

        def column(leaf: Any) -> Dataset:
            place = next(places)
            values = [row[place] for row in flat]
            return type(self)(lambda: iter(values), len(values), lambda: spec_of(leaf))

        return map_leaves(column, group[0])

    def bucket_by_sequence_length(
        self,
        element_length_func: Callable[..., Any],
        bucket_boundaries: list[int],
        bucket_batch_sizes: list[int],
        padded_shapes: Any = None,
        padding_values: Any = None,
        pad_to_bucket_boundary: bool = False,
        no_padding: bool = False,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Dataset:
        """Batches of elements of about the same length, each padded to its longest.

        Args:
            element_length_func: the length of an element.
            bucket_boundaries: lengths that part the buckets; each belongs to the longer side.
            bucket_batch_sizes: a batch size for each bucket, one more than boundaries.
            padded_shapes: as for `padded_batch`.
            padding_values: likewise.
            pad_to_bucket_boundary: must be false.
            no_padding: whether elements of a bucket are of one shape already.
            drop_remainder: whether shorter last batches are left out.
            name: accepted.
        """
        if pad_to_bucket_boundary or len(bucket_batch_sizes) != len(bucket_boundaries) + 1:
            raise ArgumentError(
                "`bucket_by_sequence_length` needs one more batch size than boundaries, and "
                "`pad_to_bucket_boundary=False`."
            )
        call = self._call(element_length_func, "bucket_by_sequence_length")

        def batches(group: list[Any]) -> Iterator[Any]:
            if no_padding:
                return stages.batched(group, len(group), False)
            return stages.padded(group, len(group), False, padded_shapes, padding_values)

        def start() -> Iterator[Any]:
            buckets: list[list[Any]] = [[] for _ in bucket_batch_sizes]
            for element in self._start():
                place = int(np.searchsorted(bucket_boundaries, int(call(element)), side="right"))
                buckets[place].append(element)
                if len(buckets[place]) == bucket_batch_sizes[place]:
                    yield from batches(buckets[place])
                    buckets[place] = []
            for bucket in buckets:
                if bucket and not drop_remainder:
                    yield from batches(bucket)

        made = self._derived(start, self._fewer())
        made._spec = None
        return made

    # ---- order and number ----------------------------------------------------------------------

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> Dataset:
        """Elements in random order: each is drawn from a buffer of the next ones.

        Args:
            buffer_size: how many are in the buffer. As many as there are elements gives any order
                the same chance; with fewer, elements move about as far as the buffer is long.
            seed: of the order; drawn by default, so that `set_random_seed` decides it.
            reshuffle_each_iteration: whether every iteration has another order; true by default.
            name: accepted.

        >>> sorted(int(x) for x in Dataset.range(5).shuffle(3, seed=1))
        [0, 1, 2, 3, 4]
        """
        if buffer_size is None:
            buffer_size = max(1, len(self))
        size = _positive(buffer_size, "buffer_size")
        rounds = _Rounds(seed, reshuffle_each_iteration is not False)
        return self._derived(lambda: stages.shuffled(self._start(), size, *rounds.next()))

    def repeat(self, count: int | None = None, name: str | None = None) -> Dataset:
        """The elements again and again; without end where ``count`` is ``None`` or -1.

        >>> [int(x) for x in Dataset.range(2).repeat(2)]
        [0, 1, 0, 1]
        """
        turns = math.inf if count is None or count == -1 else count

        def start() -> Iterator[Any]:
            turn = 0
            while turn < turns:
                found = False
                for element in self._start():
                    found = True
                    yield element
                if not found:
                    return
                turn += 1

        size = self._cardinality
        if size and turns == math.inf:
            size = INFINITE_CARDINALITY
        elif size > 0 or not turns:
            size *= int(turns)
        return self._derived(start, size)

    def take(self, count: int, name: str | None = None) -> Dataset:
        """The first elements; all where ``count`` is -1.

        >>> [int(x) for x in Dataset.range(9).take(2)]
        [0, 1]
        """
        count = int(count)
        if count < 0:
            return self._derived(self._start)
        size = self._cardinality
        size = count if size == INFINITE_CARDINALITY else min(size, count) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), count), size)

    def skip(self, count: int, name: str | None = None) -> Dataset:
        """All but the first elements; none where ``count`` is -1.

        >>> [int(x) for x in Dataset.range(4).skip(2)]
        [2, 3]
        """
        count = int(count)
        if count < 0:
            return self._derived(lambda: iter(()), 0)
        size = self._cardinality
        size = max(0, size - count) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), count, None), size)

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Dataset:
        """Every ``num_shards``-th element, beginning with element ``index``.

        >>> [int(x) for x in Dataset.range(7).shard(3, 1)]
        [1, 4]
        """
        step = _positive(num_shards, "num_shards")
        if not 0 <= index < step:
            raise ArgumentError(f"`index` must be from 0 to {step - 1}; got {index}.")
        size = self._cardinality
        size = -(-max(0, size - index) // step) if size >= 0 else size
        return self._derived(lambda: islice(self._start(), index, None, step), size)

    def concatenate(self, dataset: Dataset, name: str | None = None) -> Dataset:
        """These elements, then those of another data set.

        >>> [int(x) for x in Dataset.range(2).concatenate(Dataset.range(7, 9))]
        [0, 1, 7, 8]
        """
        sizes = (self._cardinality, dataset._cardinality)
        size = sum(sizes) if min(sizes) >= 0 else max(s for s in sizes if s < 0)
        return self._derived(lambda: chain(self._start(), _later(dataset)), size)

    def enumerate(self, start: int = 0, name: str | None = None) -> Dataset:
        """Pairs of a number and an element.

        >>> [(int(i), int(x)) for i, x in Dataset.range(5, 7).enumerate()]
        [(0, 5), (1, 6)]
        """
        return self._derived(
            lambda: (
                (np.asarray(i, "int64"), element) for i, element in enumerate(self._start(), start)
            ),
            None,
            lambda: (TensorSpec((), "int64"), self.element_spec),
        )

    def unique(self, name: str | None = None) -> Dataset:
        """Each element once, where it comes first; for single arrays."""

        def start() -> Iterator[Any]:
            seen: set[Any] = set()
            for element in self._start():
                key = str(element.tolist())
                if key not in seen:
                    seen.add(key)
                    yield element

        return self._derived(start, self._fewer())

    # ---- speed ---------------------------------------------------------------------------------

    def prefetch(self, buffer_size: int | None = None, name: str | None = None) -> Dataset:
        """The same elements, some of them made ahead in a thread while others are trained on.

        Args:
            buffer_size: how many; `AUTOTUNE` is two. 0 makes none ahead.
            name: accepted.
        """
        size = AUTOTUNE if buffer_size is None else int(buffer_size)
        if size == 0:
            return self._derived(self._start)
        if size != AUTOTUNE:
            _positive(size, "buffer_size")
        return self._derived(lambda: stages.prefetched(self._start(), size))

    def cache(self, filename: str = "", name: str | None = None) -> Dataset:
        """The same elements, kept in memory at the first iteration that comes to their end.

        Args:
            filename: accepted; elements are kept in memory all the same.
            name: accepted.
        """
        kept: list[list[Any]] = []

        def start() -> Iterator[Any]:
            if kept:
                yield from kept[0]
                return
            found = []
            for element in self._start():
                found.append(element)
                yield element
            if not kept:
                kept.append(found)

        return self._derived(start)

    def ignore_errors(self, log_warning: bool = False, name: str | None = None) -> Dataset:
        """The elements without those for which the `map` right before it raises.

        >>> data = Dataset.range(3).map(lambda i: i if int(i) != 1 else int("damaged"))
        >>> [int(i) for i in data.ignore_errors()]
        [0, 2]
        """

        def start() -> Iterator[Any]:
            source = self._start()
            while True:
                try:
                    element = next(source)
                except StopIteration:
                    return
                except (EtudeError, ValueError, OSError):
                    continue
                yield element

        return self._derived(start, self._fewer())

    def with_options(self, options: Any, name: str | None = None) -> Dataset:
        """The data set itself: there are no options that change what it gives."""
        return self._derived(self._start)

    # ---- sizes ---------------------------------------------------------------------------------

    def _fewer(self) -> int:
        """The cardinality where some elements may be left out or become several."""
        endless = self._cardinality == INFINITE_CARDINALITY
        return INFINITE_CARDINALITY if endless else UNKNOWN_CARDINALITY

    def _in_groups(self, size: int, drop_remainder: bool) -> int:
        if self._cardinality < 0:
            return self._cardinality
        whole = self._cardinality / size
        return math.floor(whole) if drop_remainder else math.ceil(whole)


class _Elements:
    """An iterator over what the user sees of the elements."""

    def __init__(self, source: Iterator[Any], show: Callable[[Any], Any]) -> None:
        self.source, self.show = source, show

    def __iter__(self) -> _Elements:
        return self

    def __next__(self) -> Any:
        return self.show(next(self.source))

    def get_next(self) -> Any:
        """The next element."""
        return next(self)


class _Rounds:
    """The seeds of iteration after iteration."""

    def __init__(self, seed: int | None, changes: bool) -> None:
        self.seed, self.changes, self.count = seed, changes, 0
        self.lock = threading.Lock()

    def next(self) -> tuple[int, int]:
        """The seed, and the number of the iteration."""
        with self.lock:
            if self.seed is None:
                self.seed = make_default_seed()
            turn = self.count
            self.count += self.changes
            return int(self.seed), turn


def _later(dataset: Dataset) -> Iterator[Any]:
    yield from dataset._start()


def _positive(value: Any, name: str) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise DtypeError(f"`{name}` must be a whole number; got {value!r}.") from None
    if number < 1:
        raise ArgumentError(f"`{name}` must be at least 1; got {value}.")
    return number


def _parallel(value: Any) -> int | None:
    """A number of threads as given, checked; `AUTOTUNE` and ``None`` stay."""
    if value is None or int(value) == AUTOTUNE:
        return value
    return _positive(value, "num_parallel_calls")


def _batch_spec(spec: Any, size: int | None) -> Any:
    return map_leaves(lambda s: TensorSpec((size, *s.shape), s.dtype), spec)


def _specs(types: Any, shapes: Any) -> Any:
    """Types and shapes, in the same structure, as specs."""
    types = tuple(types) if isinstance(types, list) else types
    if shapes is None:
        return map_leaves(lambda dtype: TensorSpec(None, dtype), types)
    if isinstance(types, dict):
        return {key: _specs(types[key], shapes[key]) for key in types}
    if isinstance(types, tuple):
        return tuple(_specs(t, s) for t, s in zip(types, shapes, strict=True))
    return TensorSpec(tuple(shapes), types)


def _own_spec(spec: Any) -> TensorSpec:
    dtype = getattr(spec.dtype, "name", spec.dtype)
    return TensorSpec(None if spec.shape is None else tuple(spec.shape), str(dtype))
