"""`Stream`: what every part of a `Dataset` builds on: elements, how many, and a look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Self

import numpy as np

from etude import config
from etude.autodiff import as_tensor
from etude.data.elements import as_element, as_tensors, spec_of, to_plain
from etude.data.stages import Call
from etude.errors import ArgumentError, DataError, DtypeError

__all__ = ["INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "Stream", "positive"]

INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


class EndlessDataError(DataError, TypeError):
    """The number of elements was asked for where there is no end to them, or it is not known."""


class Stream:
    """Elements that can be gone through again and again; `Dataset` adds what is done to them.

    Args:
        start: returns an iterator over the elements, as nested NumPy arrays.
        cardinality: how many there are; -1 for no end, -2 for unknown.
        spec: returns the `TensorSpec` of each array of an element; the first element by default.
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
    ) -> Self:
        """A data set of the same class; size and spec are those of this one by default."""
        size = self._cardinality if cardinality is None else cardinality
        made = type(self)(start, size, spec or (lambda: self.element_spec))
        made._rounds = self._rounds
        return made

    # The seeds of what is random in it, from the source on: training that goes on restores them.
    _rounds: tuple[Any, ...] = ()

    def _call(self, fn: Callable[..., Any], method: str) -> Call:
        if not callable(fn):
            raise DtypeError(f"Dataset.{method} expects a function; got {fn!r}.")
        return Call(fn, method, type(self)._show, type(self)._read)

    def state(self) -> list[Any]:
        """The seeds of the next iteration, of all that is random in it."""
        return [rounds.state() for rounds in self._rounds]

    def restore(self, state: list[Any]) -> None:
        """Has the next iteration give what it would have given when `state` was called.

        >>> data = Dataset.range(9).shuffle(9)
        >>> state = data.state()
        >>> first = [int(x) for x in data]
        >>> data.restore(state)
        >>> [int(x) for x in data] == first
        True
        """
        for rounds, before in zip(self._rounds, state, strict=False):
            rounds.restore(before)

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

    # ---- sizes ---------------------------------------------------------------------------------

    def _fewer(self) -> int:
        """The cardinality where some elements may be left out or become several."""
        endless = self._cardinality == INFINITE_CARDINALITY
        return INFINITE_CARDINALITY if endless else UNKNOWN_CARDINALITY


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


def positive(value: Any, name: str) -> int:
    """A number above 0 that was given for an argument, checked."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise DtypeError(f"`{name}` must be a whole number; got {value!r}.") from None
    if number < 1:
        raise ArgumentError(f"`{name}` must be at least 1; got {value}.")
    return number
