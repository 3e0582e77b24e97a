"""Where a data set comes from: arrays, generators, numbers, files, other data sets."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from etude.data import stages
from etude.data.dataset.stream import INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Stream
from etude.data.elements import TensorSpec, leaves_of, map_leaves, spec_of
from etude.data.stages import Rounds
from etude.errors import ArgumentError, DataError, DtypeError

__all__ = ["Sources"]


class Sources(Stream):
    """The class methods that make a data set; `Dataset` inherits them."""

    if TYPE_CHECKING:  # `Order` supplies it

        def shuffle(  # noqa: D102
            self,
            buffer_size: int | None = None,
            seed: int | None = None,
            reshuffle_each_iteration: bool | None = None,
            name: str | None = None,
        ) -> Self: ...

    @classmethod
    def from_tensor_slices(cls, tensors: Any, name: str | None = None) -> Self:
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
    def from_tensors(cls, tensors: Any, name: str | None = None) -> Self:
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
    ) -> Self:
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
    def range(cls, *args: int, output_type: Any = "int64", name: str | None = None) -> Self:
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
    ) -> Self:
        """Random integers from 0 to 2³² - 1, without end."""
        rounds = Rounds(seed, rerandomize_each_iteration)

        def start() -> Iterator[Any]:
            random = np.random.RandomState([v % 2**32 for v in rounds.next()])
            while True:
                yield np.asarray(random.randint(0, 2**32, dtype="int64"))

        made = cls(start, INFINITE_CARDINALITY, lambda: TensorSpec((), "int64"))
        made._rounds = (rounds,)
        return made

    @classmethod
    def counter(cls, start: int = 0, step: int = 1, dtype: Any = "int64", name: Any = None) -> Self:
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
    ) -> Self:
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
    def zip(cls, *args: Any, datasets: Any = None, name: str | None = None) -> Self:
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
        if not parts or not all(isinstance(part, Stream) for part in parts):
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
        made = cls(start, size, lambda: map_leaves(lambda part: part.element_spec, structure))
        made._rounds = tuple(rounds for part in parts for rounds in part._rounds)
        return made

    @classmethod
    def sample_from_datasets(
        cls,
        datasets: list[Stream],
        weights: Any = None,
        seed: int | None = None,
        stop_on_empty_dataset: bool = False,
        rerandomize_each_iteration: bool | None = None,
    ) -> Self:
        """Elements of several data sets, each from one that is drawn at random."""
        odds = None if weights is None else [float(w) for w in weights]
        rounds = Rounds(seed, bool(rerandomize_each_iteration))

        def start() -> Iterator[Any]:
            seed, turn = rounds.next()
            sources = [part._start() for part in datasets]
            return stages.mixed(sources, odds, seed + turn, stop_on_empty_dataset)

        sizes = [part._cardinality for part in datasets]
        size = UNKNOWN_CARDINALITY if stop_on_empty_dataset or min(sizes) < 0 else sum(sizes)
        if INFINITE_CARDINALITY in sizes and not stop_on_empty_dataset:
            size = INFINITE_CARDINALITY
        made = cls(start, size, lambda: datasets[0].element_spec)
        made._rounds = (rounds, *(inner for part in datasets for inner in part._rounds))
        return made


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
