"""Groups of elements: batches, padded, undone, as windows and by length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from etude.data import stages
from etude.data.dataset.stream import Stream, positive
from etude.data.elements import DatasetSpec, TensorSpec, leaves_of, map_leaves, spec_of
from etude.errors import ArgumentError

__all__ = ["Groups"]


class Groups(Stream):
    """The methods that make groups of elements, or undo them; `Dataset` inherits them."""

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Self:
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
        size = positive(batch_size, "batch_size")
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
    ) -> Self:
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
        size = positive(batch_size, "batch_size")

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

    def unbatch(self, name: str | None = None) -> Self:
        """The elements of batches, one by one.

        >>> [int(x) for x in Dataset.range(4).batch(3).unbatch()]
        [0, 1, 2, 3]
        """
        return self._derived(
            lambda: stages.unbatched(self._start()),
            self._fewer(),
            lambda: map_leaves(lambda s: TensorSpec(s.shape[1:], s.dtype), self.element_spec),
        )

    def rebatch(self, batch_size: int, drop_remainder: bool = False, name: Any = None) -> Self:
        """Batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Self:
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
        size, stride = positive(size, "size"), positive(stride, "stride")
        shift = size if shift is None else positive(shift, "shift")

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

        def column(leaf: Any) -> Self:
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
    ) -> Self:
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

    def _in_groups(self, size: int, drop_remainder: bool) -> int:
        if self._cardinality < 0:
            return self._cardinality
        whole = self._cardinality / size
        return math.floor(whole) if drop_remainder else math.ceil(whole)


def _batch_spec(spec: Any, size: int | None) -> Any:
    return map_leaves(lambda s: TensorSpec((size, *s.shape), s.dtype), spec)
